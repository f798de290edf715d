//! The client's side.

use flare_proto::http2::{ClientConnection, ErrorCode, FrameKind, Limits, RequestParts, StreamKey};
use flare_proto::{ContentLength, Headers, Method, SendError};

use crate::answers::list;
use crate::feeding::{Outcome, Told, at_every_split, client, fed, feed};
use crate::wire::{data, frame, headers, rst, settings, shown, window_update};

static NOTHING: Headers = Headers::new();

pub fn parts(method: &str) -> RequestParts<'_> {
    RequestParts {
        method,
        scheme: "https",
        authority: "a:1",
        target: "/p?q",
        protocol: None,
        headers: &NOTHING,
        body: ContentLength::None,
    }
}

/// A client that has sent so many requests of this method, whose content is to come if it is POST.
fn asking(method: &str, count: usize) -> (ClientConnection, Vec<StreamKey>) {
    let mut client = client(Limits::default());
    let mut out = Vec::new();
    client.start(&mut out);
    let body = if method == "POST" { ContentLength::Unknown } else { ContentLength::None };
    let parts = RequestParts { body, ..parts(method) };
    let keys = (0..count).map(|_| client.send_request(&parts, &mut out).unwrap()).collect();
    (client, keys)
}

/// What a client makes of frames behind the server's SETTINGS.
fn answered(method: &str, frames: &[Vec<u8>]) -> Outcome {
    at_every_split(|| asking(method, 2).0, &[&[settings(&[])], frames].concat().concat())
}

const OK: &[(&str, &str)] = &[(":status", "200"), ("x", "y")];

#[test]
fn requests() {
    let mut client = client(Limits::default());
    let mut out = Vec::new();
    client.start(&mut out);
    assert!(out.starts_with(flare_proto::http2::PREFACE));
    let sent = |client: &mut ClientConnection, parts: &RequestParts<'_>| {
        let mut out = Vec::new();
        let key = client.send_request(parts, &mut out)?;
        // Each in a fresh table, so that it can be read by itself.
        Ok::<_, SendError>((key, shown(&out).remove(0)))
    };
    let (key, text) = sent(&mut client, &parts("GET")).unwrap();
    assert_eq!(
        (key.id(), text.as_str()),
        (1, "HEADERS 1 end :method=GET :scheme=https :authority=a:1 :path=/p?q")
    );
    let fields = list(&[
        ("x-a", "b"),
        ("host", "c"),
        ("connection", "close"),
        ("te", "gzip"),
        ("content-length", "3"),
    ]);
    let mut second = crate::feeding::client(Limits::default());
    let post =
        RequestParts { authority: "", headers: &fields, body: ContentLength::Known(3), ..parts("POST") };
    let (_, text) = sent(&mut second, &post).unwrap();
    assert_eq!(text, "HEADERS 1 :method=POST :scheme=https :authority=c :path=/p?q x-a=b content-length=3");
    let mut third = crate::feeding::client(Limits::default());
    let (_, text) = sent(&mut third, &parts("PUT")).unwrap();
    assert!(text.ends_with("content-length=0"));
    let mut fourth = crate::feeding::client(Limits::default());
    let (_, text) = sent(&mut fourth, &parts("CONNECT")).unwrap();
    assert_eq!(text, "HEADERS 1 :method=CONNECT :authority=a:1");
    for (bad, error) in [
        (RequestParts { method: "G T", ..parts("") }, SendError::Method),
        (RequestParts { scheme: "1", ..parts("GET") }, SendError::Authority),
        (RequestParts { authority: "", ..parts("GET") }, SendError::Authority),
        (RequestParts { authority: ":80", ..parts("GET") }, SendError::Authority),
        (RequestParts { authority: "u@a", ..parts("GET") }, SendError::Authority),
        (RequestParts { target: "*", ..parts("GET") }, SendError::Target),
        (RequestParts { target: "http://a/", ..parts("GET") }, SendError::Target),
        (RequestParts { authority: "a", ..parts("CONNECT") }, SendError::Target),
        (
            RequestParts { body: ContentLength::Known(4), headers: &fields, ..parts("POST") },
            SendError::ContentLength,
        ),
        (RequestParts { protocol: Some("websocket"), ..parts("GET") }, SendError::Method),
        (RequestParts { protocol: Some("websocket"), ..parts("CONNECT") }, SendError::Upgrade),
    ] {
        assert_eq!(sent(&mut client, &bad).map(|(_, text)| text), Err(error));
    }
    assert_eq!(client.streams(), 1);
}

#[test]
fn answers() {
    let outcome = answered(
        "GET",
        &[
            headers(1, false, &[(":status", "103"), ("link", "x")]),
            headers(3, true, OK),
            headers(1, false, OK),
            data(1, false, "hello"),
            headers(1, true, &[("x-t", "1")]),
        ],
    );
    assert_eq!(
        outcome.events,
        ["interim 1 103 link=x", "head 3 200 x=y ended", "head 1 200 x=y", "data 1 hello", "end 1 x-t=1"]
    );
    assert_eq!((outcome.out, outcome.error), (vec!["SETTINGS ack".to_owned()], None));
}

#[test]
fn malformed_answers_reset_their_stream() {
    for bad in [
        headers(1, true, &[("x", "y")]),
        headers(1, true, &[(":status", "20")]),
        headers(1, true, &[(":status", "200"), (":status", "200")]),
        headers(1, true, &[("x", "y"), (":status", "200")]),
        headers(1, true, &[(":status", "200"), (":path", "/")]),
        headers(1, true, &[(":status", "200"), ("Upper", "x")]),
        headers(1, true, &[(":status", "200"), ("connection", "close")]),
        headers(1, true, &[(":status", "200"), ("content-length", "1")]),
        headers(1, true, &[(":status", "103")]),
        headers(1, false, &[(":status", "101")]),
        [headers(1, false, &[(":status", "200"), ("content-length", "1")]), data(1, true, "xx")].concat(),
        data(1, false, "x"),
    ] {
        let outcome = answered("GET", &[bad.clone(), headers(3, true, OK)]);
        let events = &outcome.events[outcome.events.len() - 2..];
        assert_eq!(events, ["reset 1 PROTOCOL_ERROR", "head 3 200 x=y ended"], "{bad:?}");
        assert_eq!(outcome.out[1..], ["RST 1 PROTOCOL_ERROR"]);
    }
    let large = headers(1, true, &[(":status", "200"), ("x", &"v".repeat(33_000))]);
    let mut split = Vec::new();
    for (at, chunk) in large[9..].chunks(16_000).enumerate() {
        let last = if (at + 1) * 16_000 >= large.len() - 9 { 4 } else { 0 };
        split.extend(if at == 0 {
            frame(FrameKind::Headers, 1, 1, chunk)
        } else {
            frame(FrameKind::Continuation, last, 1, chunk)
        });
    }
    assert_eq!(answered("GET", &[split]).events, ["reset 1 ENHANCE_YOUR_CALM"]);
}

#[test]
fn answers_without_content() {
    let long = &[(":status", "200"), ("content-length", "5")];
    assert_eq!(answered("HEAD", &[headers(1, true, long)]).events, ["head 1 200 content-length=5 ended"]);
    let with = answered("HEAD", &[headers(1, false, long), data(1, true, "hello")]);
    assert_eq!(with.events, ["head 1 200 content-length=5", "reset 1 PROTOCOL_ERROR"]);
    let not_modified = &[(":status", "304"), ("content-length", "5")];
    assert_eq!(
        answered("GET", &[headers(1, true, not_modified)]).events,
        ["head 1 304 content-length=5 ended"]
    );
}

#[test]
fn what_a_server_may_not_send() {
    for (bad, code) in [
        (headers(2, true, OK), "PROTOCOL_ERROR"),
        (headers(5, true, OK), "PROTOCOL_ERROR"),
        (frame(FrameKind::PushPromise, 4, 1, [0, 0, 0, 2]), "PROTOCOL_ERROR"),
        (frame(FrameKind::PriorityUpdate, 0, 0, [0, 0, 0, 1]), "PROTOCOL_ERROR"),
        (settings(&[(2, 1)]), "PROTOCOL_ERROR"),
        ([headers(1, true, OK), headers(1, true, OK)].concat(), "STREAM_CLOSED"),
    ] {
        assert!(
            answered("GET", std::slice::from_ref(&bad)).error.is_some_and(|error| error.starts_with(code)),
            "{bad:?}"
        );
    }
    let outcome = at_every_split(|| asking("GET", 1).0, &headers(1, true, OK));
    assert!(outcome.error.unwrap().contains("first frame"));
}

#[test]
fn a_flood_of_interim_answers_ends() {
    let (mut client, _) = asking("GET", 1);
    fed(&mut client, &[settings(&[])]);
    let (mut told, mut out) = (Told::default(), Vec::new());
    let flood = headers(1, false, &[(":status", "103")]).repeat(1000);
    let error = feed(&mut client, &flood, &mut out, &mut told).unwrap_err();
    assert_eq!((error.code, told.events.len()), (ErrorCode::EnhanceYourCalm, 100));
}

#[test]
fn an_answer_may_end_before_its_request() {
    let (mut client, keys) = asking("POST", 1);
    let (events, _) = fed(&mut client, &[settings(&[]), headers(1, true, OK)]);
    assert_eq!(events, ["head 1 200 x=y ended"]);
    assert!(client.is_open(keys[0]));
    let mut out = Vec::new();
    assert_eq!(client.send_data(keys[0], b"rest", true, &mut out), Ok(4));
    assert!(!client.is_open(keys[0]));
}

#[test]
fn a_stop_of_the_server() {
    let (mut client, keys) = asking("POST", 1);
    let (events, _) = fed(&mut client, &[settings(&[]), headers(1, false, OK), rst(1, ErrorCode::NoError)]);
    assert_eq!(events[1..], ["reset 1 NO_ERROR by peer"]);
    assert_eq!(client.send_data(keys[0], b"rest", true, &mut Vec::new()), Err(SendError::Closed));
}

/// What becomes of answers of five bytes that are reset behind so much content.
#[test]
fn a_reset_without_error_behind_all_content_is_the_end() {
    let length = |text: &'static str| [(":status", "200"), ("content-length", text)];
    let behind = |content: &str, end: Vec<u8>| {
        answered("GET", &[headers(1, false, &length("5")), data(1, false, content), end]).events[1..].to_vec()
    };
    let without = || rst(1, ErrorCode::NoError);
    assert_eq!(behind("hello", without()), ["data 1 hello", "end 1"]);
    assert_eq!(behind("hell", without()), ["data 1 hell", "reset 1 NO_ERROR by peer"]);
    assert_eq!(behind("hello", rst(1, ErrorCode::Cancel)), ["data 1 hello", "reset 1 CANCEL by peer"]);
    // Told once: what comes behind the end is nothing new.
    let late = [data(1, true, ""), without()].concat();
    assert_eq!(behind("hello", late), ["data 1 hello", "end 1"]);
    let empty = answered("GET", &[headers(1, false, &length("0")), without()]);
    assert_eq!(empty.events[1..], ["end 1"]);
    // A request has not to be whole for that.
    let (mut client, keys) = asking("POST", 1);
    fed(&mut client, &[settings(&[]), headers(1, false, &length("0")), without()]);
    assert!(!client.is_open(keys[0]));
}

#[test]
fn streams_behind_a_goaway_can_be_tried_again() {
    let goaway = frame(FrameKind::Goaway, 0, 0, [0, 0, 0, 1, 0, 0, 0, 0]);
    let outcome =
        at_every_split(|| asking("GET", 3).0, &[settings(&[]), goaway, headers(1, true, OK)].concat());
    let mut resets = outcome.events[1..3].to_vec();
    resets.sort();
    assert_eq!(outcome.events[0], "goaway 1 NO_ERROR");
    assert_eq!(resets, ["reset 3 REFUSED_STREAM by peer", "reset 5 REFUSED_STREAM by peer"]);
    assert_eq!(outcome.events[3], "head 1 200 x=y ended");
    let (mut client, _) = asking("GET", 1);
    fed(&mut client, &[settings(&[]), frame(FrameKind::Goaway, 0, 0, [0; 8])]);
    assert!(!client.can_open());
    assert_eq!(client.send_request(&parts("GET"), &mut Vec::new()), Err(SendError::Order));
}

#[test]
fn the_server_says_how_many_streams_there_may_be() {
    let (mut client, keys) = asking("GET", 2);
    fed(&mut client, &[settings(&[(3, 2)])]);
    assert!(!client.can_open());
    client.reset(keys[0], ErrorCode::Cancel, &mut Vec::new());
    assert!(client.can_open());
    // What comes for the one that is over is dropped.
    let (events, _) = fed(&mut client, &[headers(1, false, OK), data(1, true, "x"), window_update(1, 1)]);
    assert!(events.is_empty());
}

#[test]
fn a_server_that_has_said_nothing_is_not_asked_for_more_than_all_take() {
    let (mut client, _) = asking("GET", 100);
    assert!(!client.can_open());
    assert_eq!(client.send_request(&parts("GET"), &mut Vec::new()), Err(SendError::Order));
    fed(&mut client, &[settings(&[(3, 101)])]);
    assert!(client.can_open());
    client.send_request(&parts("GET"), &mut Vec::new()).unwrap();
    assert!(!client.can_open());
}

#[test]
fn extended_connect_needs_an_offer() {
    let (mut client, _) = asking("GET", 0);
    fed(&mut client, &[settings(&[(8, 1)])]);
    let mut out = Vec::new();
    let connect = RequestParts { protocol: Some("websocket"), ..parts("CONNECT") };
    let key = client.send_request(&connect, &mut out).unwrap();
    assert_eq!(
        shown(&out),
        ["HEADERS 1 :method=CONNECT :scheme=https :authority=a:1 :path=/p?q :protocol=websocket"]
    );
    let (events, _) = fed(&mut client, &[headers(1, false, OK), data(1, false, "bytes")]);
    assert_eq!(events, ["head 1 200 x=y", "data 1 bytes"]);
    assert_eq!(client.send_data(key, b"and back", false, &mut out), Ok(8));
}

#[test]
fn an_upgrade_begins_with_stream_1() {
    let limits = std::sync::Arc::new(Limits::default());
    assert!(!ClientConnection::upgrade_settings(&limits).is_empty());
    let (mut client, key) = ClientConnection::upgraded(limits, Method::Get);
    assert_eq!(key.id(), 1);
    let (events, _) = fed(&mut client, &[settings(&[]), headers(1, true, OK)]);
    assert_eq!(events, ["head 1 200 x=y ended"]);
    assert_eq!(client.send_request(&parts("GET"), &mut Vec::new()).unwrap().id(), 3);
}

#[test]
fn a_drain_of_a_client() {
    let (mut client, _) = asking("GET", 1);
    let mut out = Vec::new();
    client.drain(&mut out);
    assert_eq!(shown(&out), ["GOAWAY 0 NO_ERROR"]);
    assert!(!client.can_open() && !client.is_drained());
    fed(&mut client, &[settings(&[]), headers(1, true, OK)]);
    assert!(client.is_drained());
}

/// A stream's whole window may be on its way in small frames when it is reset (RFC 9113, 5.1). The connection is not to blame.
#[test]
fn content_that_was_on_its_way_when_a_stream_was_reset_costs_nothing() {
    let limits = Limits { stream_window: 70_000, ..Limits::default() };
    let mut client = client(limits);
    client.start(&mut Vec::new());
    let key = client.send_request(&parts("GET"), &mut Vec::new()).unwrap();
    let answer = [settings(&[]), headers(1, false, OK), data(1, false, [0; 10_000])].concat();
    fed(&mut client, &[answer]);
    client.reset(key, ErrorCode::Cancel, &mut Vec::new());
    let late = vec![data(1, false, [0; 100]); 600];
    let (events, _) = fed(&mut client, &late);
    assert!(events.is_empty() && client.error().is_none());
    // Beyond the window they could not have been.
    let beyond = vec![data(1, false, [0; 100]); 300].concat();
    let error = feed(&mut client, &beyond, &mut Vec::new(), &mut Told::default()).unwrap_err();
    assert_eq!(error.code, ErrorCode::EnhanceYourCalm);
}
