//! Requests that go out, and answers that come in.

use flare_proto::http3::{Limits, Priority, RequestParts, Unidirectional};
use flare_proto::qpack::Decoder;
use flare_proto::{ContentLength, Headers, SendError};

use crate::feeding::{End, client, list};
use crate::wire::{DATA, frame, headers, shown, with};

static NONE: std::sync::LazyLock<Headers> = std::sync::LazyLock::new(Headers::new);

pub fn get() -> RequestParts<'static> {
    RequestParts {
        method: "GET",
        scheme: "https",
        authority: "a",
        target: "/",
        protocol: None,
        headers: &NONE,
        body: ContentLength::None,
    }
}

fn written(parts: &RequestParts<'_>) -> Vec<String> {
    let mut end = client(Limits::default()).with_settings(&[(0x08, 1)]);
    let mut out = Vec::new();
    assert_eq!(end.connection.send_request(parts, &mut out), Ok(0));
    shown(&out, &mut Decoder::new(0, 0))
}

/// A client that has sent a request with this method.
fn asking(method: &'static str) -> End<flare_proto::http3::Client> {
    let mut end = client(Limits::default());
    let target = if method == "CONNECT" { "" } else { "/" };
    let authority = if method == "CONNECT" { "a:1" } else { "a" };
    let parts = RequestParts { method, target, authority, ..get() };
    end.connection.send_request(&parts, &mut Vec::new()).unwrap();
    end
}

fn told(method: &'static str, bytes: &[u8]) -> Vec<String> {
    crate::feeding::told_of(|| asking(method), 0, bytes)
}

#[test]
fn requests() {
    let head = "HEADERS :method=GET :scheme=https :authority=a :path=/";
    assert_eq!(written(&get()), [head]);
    let fields = list(&[("X-A", "1"), ("Host", "ignored"), ("Connection", "close"), ("te", "gzip")]);
    assert_eq!(written(&RequestParts { headers: &fields, ..get() }), [format!("{head} x-a=1")]);
    let post = RequestParts { method: "POST", body: ContentLength::Known(3), ..get() };
    assert_eq!(written(&post), ["HEADERS :method=POST :scheme=https :authority=a :path=/ content-length=3"]);
    let connect = RequestParts { method: "CONNECT", authority: "a:1", ..get() };
    assert_eq!(written(&connect), ["HEADERS :method=CONNECT :authority=a:1"]);
    let socket = RequestParts { method: "CONNECT", protocol: Some("websocket"), ..get() };
    assert_eq!(
        written(&socket),
        ["HEADERS :method=CONNECT :scheme=https :authority=a :path=/ :protocol=websocket"]
    );
}

#[test]
fn requests_that_can_not_be_sent() {
    let mut end = client(Limits::default());
    let mut out = Vec::new();
    for (parts, error) in [
        (RequestParts { method: "G T", ..get() }, SendError::Method),
        (RequestParts { authority: "", ..get() }, SendError::Authority),
        (RequestParts { target: "a b", ..get() }, SendError::Target),
        (RequestParts { method: "CONNECT", protocol: Some("websocket"), ..get() }, SendError::Upgrade),
        (RequestParts { protocol: Some("websocket"), ..get() }, SendError::Method),
        (
            RequestParts { headers: &list(&[("transfer-encoding", "x")]), ..get() },
            SendError::TransferEncoding,
        ),
    ] {
        assert_eq!(end.connection.send_request(&parts, &mut out), Err(error));
    }
    assert!(out.is_empty());
    // Ids are not used up.
    assert_eq!(end.connection.send_request(&get(), &mut out), Ok(0));
    assert_eq!(end.connection.send_request(&get(), &mut out), Ok(4));
    end.connection.drain();
    assert_eq!(end.connection.send_request(&get(), &mut out), Err(SendError::Order));
}

#[test]
fn answers() {
    assert_eq!(told("GET", &headers(&[(":status", "204")])), ["head 0 204 ended"]);
    let full = [
        headers(&[(":status", "103"), ("link", "x")]),
        headers(&[(":status", "100")]),
        with(&[(":status", "200")], &[("content-length", "2")]),
        frame(DATA, "hi"),
        headers(&[("x-sum", "1")]),
    ]
    .concat();
    let expected = [
        "interim 0 103 link=x",
        "interim 0 100",
        "head 0 200 content-length=2",
        "data 0 hi",
        "end 0 x-sum=1",
    ];
    assert_eq!(told("GET", &full), expected);
    let bare = with(&[(":status", "200")], &[("content-length", "5")]);
    assert_eq!(told("HEAD", &bare), ["head 0 200 ended content-length=5"]);
    assert_eq!(told("GET", &with(&[(":status", "304")], &[("content-length", "5")])).len(), 1);
    let tunnel = [headers(&[(":status", "200")]), frame(DATA, "bytes")].concat();
    assert_eq!(told("CONNECT", &tunnel), ["head 0 200", "data 0 bytes", "end 0"]);
    let refused = [headers(&[(":status", "404")]), frame(DATA, "x"), headers(&[("a", "b")])].concat();
    assert_eq!(told("CONNECT", &refused), ["head 0 404", "data 0 x", "end 0 a=b"]);
    let trailers = [headers(&[(":status", "200")]), headers(&[("a", "b")])].concat();
    assert_eq!(told("CONNECT", &trailers)[1], "error H3_FRAME_UNEXPECTED: HEADERS in a tunnel");
}

#[test]
fn malformed_answers_reset_their_stream() {
    for bytes in [
        vec![],
        headers(&[(":status", "103")]),
        headers(&[("a", "b")]),
        headers(&[(":status", "101")]),
        headers(&[(":status", "20")]),
        headers(&[(":path", "/")]),
        headers(&[("a", "b"), (":status", "200")]),
        headers(&[(":status", "200"), ("connection", "close")]),
        [with(&[(":status", "200")], &[("content-length", "5")]), frame(DATA, "x")].concat(),
        [with(&[(":status", "200")], &[("content-length", "0")]), frame(DATA, "x")].concat(),
        [headers(&[(":status", "200")]), headers(&[(":status", "200")])].concat(),
    ] {
        let mut end = asking("GET");
        end.feed(0, &bytes, true).unwrap();
        assert_eq!(end.told().last().unwrap(), "reset 0 H3_MESSAGE_ERROR", "{bytes:x?}");
        assert_eq!(end.connection.streams(), 0);
    }
}

#[test]
fn a_server_that_has_answered_may_stop_the_request() {
    let mut end = client(Limits::default());
    let mut out = Vec::new();
    let post = RequestParts { method: "POST", body: ContentLength::Unknown, ..get() };
    let id = end.connection.send_request(&post, &mut out).unwrap();
    end.connection.send_data(id, b"some", false, &mut out).unwrap();
    end.feed(id, &headers(&[(":status", "200")]), false).unwrap();
    let event = end.connection.receive_stop(id, 0x100).unwrap().unwrap();
    end.note(&event, &flare_proto::ResponseHead::new(), &Headers::new());
    end.feed(id, &frame(DATA, "answer"), true).unwrap();
    assert_eq!(end.told(), ["head 0 200", "stopped 0 H3_NO_ERROR", "data 0 answer", "end 0"]);
    assert_eq!(end.connection.send_data(id, b"more", false, &mut out), Err(SendError::Closed));
}

/// What a client hears when a server resets an answer of five bytes behind these.
fn reset_behind(bytes: &[Vec<u8>], code: u64) -> (Vec<String>, usize) {
    let mut end = asking("GET");
    let head = with(&[(":status", "200")], &[("content-length", "5")]);
    end.feed(0, &[vec![head], bytes.to_vec()].concat().concat(), false).unwrap();
    if let Some(event) = end.connection.receive_reset(0, code).unwrap() {
        end.note(&event, &flare_proto::ResponseHead::new(), &Headers::new());
    }
    (end.told()[1..].to_vec(), end.connection.streams())
}

#[test]
fn a_reset_without_error_behind_all_content_is_the_end() {
    let content = frame(DATA, "hello");
    assert_eq!(reset_behind(std::slice::from_ref(&content), 0x100).0, ["data 0 hello", "end 0"]);
    assert_eq!(reset_behind(std::slice::from_ref(&content), 0x100).1, 0);
    // With another code, and where something is missing, it is none.
    assert_eq!(
        reset_behind(std::slice::from_ref(&content), 0x10c).0[1..],
        ["reset 0 H3_REQUEST_CANCELLED by peer"]
    );
    assert_eq!(reset_behind(&[frame(DATA, "hell")], 0x100).0[1..], ["reset 0 H3_NO_ERROR by peer"]);
    assert_eq!(reset_behind(&[content[..4].to_vec()], 0x100).0[1..], ["reset 0 H3_NO_ERROR by peer"]);
    assert_eq!(reset_behind(&[content, vec![1]], 0x100).0[1..], ["reset 0 H3_NO_ERROR by peer"]);
    // The request may go on.
    let mut end = client(Limits::default());
    let mut out = Vec::new();
    let post = RequestParts { method: "POST", body: ContentLength::Unknown, ..get() };
    let id = end.connection.send_request(&post, &mut out).unwrap();
    end.feed(id, &with(&[(":status", "200")], &[("content-length", "0")]), false).unwrap();
    let event = end.connection.receive_reset(id, 0x100).unwrap().unwrap();
    end.note(&event, &flare_proto::ResponseHead::new(), &Headers::new());
    assert_eq!(end.told()[1..], ["end 0"]);
    assert_eq!(end.connection.send_data(id, b"more", true, &mut out), Ok(()));
    assert_eq!(end.connection.streams(), 0);
}

#[test]
fn urgency_is_told_on_the_control_stream() {
    let mut end = asking("GET");
    end.sent(Unidirectional::Control);
    end.connection.send_priority(0, Priority { urgency: 1, incremental: true }).unwrap();
    end.connection.send_priority(0, Priority { urgency: 9, incremental: false }).unwrap();
    assert_eq!(
        end.sent(Unidirectional::Control),
        b"\x80\x0f\x07\x00\x06\x00u=1,i\x80\x0f\x07\x00\x04\x00u=7"
    );
    assert_eq!(end.connection.send_priority(4, Priority::UNKNOWN), Err(SendError::Closed));
}
