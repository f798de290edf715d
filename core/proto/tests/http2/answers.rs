//! What a server sends.

use std::sync::Arc;

use flare_proto::http2::{ErrorCode, Limits, Priority, ServerConnection, StreamKey};
use flare_proto::{ContentLength, Headers, OriginFields, ResponseParts, SendError};

use crate::feeding::{fed, serving};
use crate::wire::{GET, get, headers, post, rst, settings, shown, window_update};

/// A 200 with two bytes of content.
pub fn answer(server: &mut ServerConnection, key: StreamKey, out: &mut Vec<u8>) {
    assert_eq!(head(server, key, 200, &[], ContentLength::Known(2), out), Ok(true));
    assert_eq!(server.send_data(key, b"ok", true, out), Ok(2));
}

pub fn list(fields: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in fields {
        headers.append(name, value).unwrap();
    }
    headers
}

pub fn head(
    server: &mut ServerConnection,
    key: StreamKey,
    status: u16,
    fields: &[(&str, &str)],
    body: ContentLength,
    out: &mut Vec<u8>,
) -> Result<bool, SendError> {
    server.send_head(key, &ResponseParts { status, headers: &list(fields), body, origin: None }, out)
}

fn serve_one(method: &str) -> (ServerConnection, StreamKey) {
    let mut fields = GET;
    fields[0].1 = method;
    let (server, keys) = serving(Limits::default(), &[headers(1, true, &fields)]);
    (server, keys[0])
}

#[test]
fn heads_and_their_content() {
    use ContentLength::{Known, None, Unknown};
    for (method, status, fields, body, expected) in [
        ("GET", 200, &[][..], Known(5), Ok((true, "HEADERS 1 :status=200 content-length=5"))),
        ("GET", 200, &[], None, Ok((false, "HEADERS 1 end :status=200 content-length=0"))),
        ("GET", 200, &[], Unknown, Ok((true, "HEADERS 1 :status=200"))),
        (
            "GET",
            200,
            &[("content-length", "5")],
            Unknown,
            Ok((true, "HEADERS 1 :status=200 content-length=5")),
        ),
        ("GET", 200, &[("content-length", "5")], Known(4), Err(SendError::ContentLength)),
        (
            "GET",
            200,
            &[("content-length", "5"), ("content-length", "5")],
            Known(5),
            Err(SendError::ContentLength),
        ),
        ("GET", 200, &[("content-length", "x")], Unknown, Err(SendError::ContentLength)),
        ("GET", 200, &[("transfer-encoding", "chunked")], Unknown, Err(SendError::TransferEncoding)),
        ("HEAD", 200, &[], Known(5), Ok((false, "HEADERS 1 end :status=200 content-length=5"))),
        ("HEAD", 200, &[], None, Ok((false, "HEADERS 1 end :status=200"))),
        ("GET", 204, &[], Known(5), Ok((false, "HEADERS 1 end :status=204"))),
        ("GET", 205, &[], Known(5), Ok((false, "HEADERS 1 end :status=205 content-length=0"))),
        (
            "GET",
            304,
            &[("content-length", "7")],
            None,
            Ok((false, "HEADERS 1 end :status=304 content-length=7")),
        ),
        (
            "GET",
            999,
            &[
                ("X-A", "b"),
                ("connection", "close"),
                ("keep-alive", "1"),
                ("upgrade", "x"),
                ("proxy-connection", "y"),
            ],
            None,
            Ok((false, "HEADERS 1 end :status=999 x-a=b content-length=0")),
        ),
        ("GET", 100, &[], None, Err(SendError::Status)),
        ("GET", 101, &[], None, Err(SendError::Status)),
        ("GET", 1000, &[], None, Err(SendError::Status)),
    ] {
        let (mut server, key) = serve_one(method);
        let mut out = Vec::new();
        let sent = head(&mut server, key, status, fields, body, &mut out);
        match expected {
            Ok((follows, text)) => {
                assert_eq!(sent, Ok(follows), "{text}");
                assert_eq!(shown(&out), [text]);
                assert_eq!(server.is_open(key), follows);
            }
            Err(error) => {
                assert_eq!((sent, out.len()), (Err(error), 0));
                // Another head can be sent.
                assert_eq!(head(&mut server, key, 500, &[], None, &mut out), Ok(false));
            }
        }
    }
}

#[test]
fn server_and_date_unless_the_answer_has_them() {
    let mut origin = OriginFields::new();
    origin.set(Some(b"flare"), Some(b"today"));
    for (fields, expected) in [
        (&[][..], "server=flare date=today"),
        (&[("server", "own")], "server=own date=today"),
        (&[("date", "own")], "date=own server=flare"),
    ] {
        let (mut server, key) = serve_one("GET");
        let (headers, mut out) = (list(fields), Vec::new());
        let parts = ResponseParts {
            status: 200,
            headers: &headers,
            body: ContentLength::None,
            origin: Some(&origin),
        };
        server.send_head(key, &parts, &mut out).unwrap();
        assert_eq!(shown(&out), [format!("HEADERS 1 end :status=200 {expected} content-length=0")]);
    }
}

#[test]
fn interim_answers_then_the_final_one_then_trailers() {
    let (mut server, key) = serve_one("GET");
    let mut out = Vec::new();
    let hints = list(&[("link", "<x>")]);
    server.send_informational(key, 103, &hints, &mut out).unwrap();
    server.send_informational(key, 100, &Headers::new(), &mut out).unwrap();
    for bad in [99, 101, 200] {
        assert_eq!(server.send_informational(key, bad, &hints, &mut out), Err(SendError::Status));
    }
    let long = list(&[("content-length", "1")]);
    assert_eq!(server.send_informational(key, 103, &long, &mut out), Err(SendError::ContentLength));
    assert_eq!(server.send_end(key, None, &mut out), Err(SendError::Order));
    assert_eq!(server.send_data(key, b"x", false, &mut out), Err(SendError::Order));
    head(&mut server, key, 200, &[], ContentLength::Unknown, &mut out).unwrap();
    assert_eq!(server.send_informational(key, 103, &hints, &mut out), Err(SendError::Order));
    assert_eq!(head(&mut server, key, 200, &[], ContentLength::Unknown, &mut out), Err(SendError::Order));
    server.send_data(key, b"content", false, &mut out).unwrap();
    assert_eq!(server.send_end(key, Some(&long), &mut out), Err(SendError::Trailer));
    server.send_end(key, Some(&list(&[("x-t", "1")])), &mut out).unwrap();
    assert_eq!(server.send_end(key, None, &mut out), Err(SendError::Closed));
    let expected = [
        "HEADERS 1 :status=103 link=<x>",
        "HEADERS 1 :status=100",
        "HEADERS 1 :status=200",
        "DATA 1 7",
        "HEADERS 1 end x-t=1",
    ];
    assert_eq!(shown(&out), expected);
}

#[test]
fn content_that_is_not_as_long_as_announced() {
    for (content, last, error) in [
        (&b"more than"[..], false, SendError::TooLong),
        (b"les", true, SendError::TooShort),
        (b"", true, SendError::TooShort),
    ] {
        let (mut server, key) = serve_one("GET");
        let mut out = Vec::new();
        head(&mut server, key, 200, &[], ContentLength::Known(5), &mut out).unwrap();
        out.clear();
        assert_eq!(server.send_data(key, content, last, &mut out), Err(error));
        let resets = error == SendError::TooShort;
        assert_eq!(shown(&out), if resets { vec!["RST 1 INTERNAL_ERROR"] } else { vec![] });
        assert_eq!(server.is_open(key), !resets);
    }
    let (mut server, key) = serve_one("GET");
    let mut out = Vec::new();
    head(&mut server, key, 200, &[], ContentLength::Known(5), &mut out).unwrap();
    assert_eq!(server.send_end(key, None, &mut out), Err(SendError::TooShort));
}

#[test]
fn an_answer_may_end_before_its_request() {
    let (mut server, keys) = serving(Limits::default(), &[post(1)]);
    let mut out = Vec::new();
    answer(&mut server, keys[0], &mut out);
    assert!(server.is_open(keys[0]) && server.has_sent_all(keys[0]) && !server.has_received_all(keys[0]));
    assert_eq!(server.send_end(keys[0], None, &mut out), Ok(()));
    server.reset(keys[0], ErrorCode::NoError, &mut out);
    server.reset(keys[0], ErrorCode::NoError, &mut out);
    assert_eq!(shown(&out)[2..], ["RST 1 NO_ERROR"]);
    // What the client sent before it knew is not its mistake.
    let (events, out) = fed(&mut server, &[crate::wire::data(1, true, "late"), get(3)]);
    assert_eq!((events.len(), out.len()), (1, 0));
}

#[test]
fn keys_of_streams_that_are_over_do_nothing() {
    let (mut server, keys) = serving(Limits::default(), &[post(1), rst(1, ErrorCode::Cancel), post(3)]);
    let (gone, there) = (keys[0], keys[1]);
    assert_eq!(gone.slot(), there.slot());
    assert_eq!(StreamKey::from_number(there.to_number()), there);
    let mut out = Vec::new();
    let nothing = Headers::new();
    assert_eq!(head(&mut server, gone, 200, &[], ContentLength::None, &mut out), Err(SendError::Closed));
    assert_eq!(server.send_informational(gone, 100, &nothing, &mut out), Err(SendError::Closed));
    assert_eq!(server.send_end(gone, None, &mut out), Err(SendError::Closed));
    assert_eq!(server.begin_data(gone, 0, true, &mut out), Err(SendError::Closed));
    server.reset(gone, ErrorCode::Cancel, &mut out);
    server.consumed(gone, 10, &mut out);
    server.want_send(gone);
    server.stop_send(gone);
    server.set_priority(gone, Priority::UNKNOWN);
    assert!(!server.is_open(gone) && server.has_received_all(gone) && server.has_sent_all(gone));
    assert_eq!((server.send_room(gone), server.priority(gone), server.next_turn()), (0, None, None));
    assert!(out.is_empty() && server.is_open(there));
    let none = StreamKey::from_number(0);
    assert!(!server.is_open(none));
    assert_eq!(server.send_end(none, None, &mut out), Err(SendError::Closed));
}

#[test]
fn a_head_longer_than_a_frame_goes_in_several() {
    let (mut server, key) = serve_one("GET");
    let long = "v\u{7f}v".replace('\u{7f}', "~").repeat(20_000);
    let mut out = Vec::new();
    head(&mut server, key, 200, &[("x-long", &long)], ContentLength::Unknown, &mut out).unwrap();
    let frames = shown(&out);
    assert_eq!(frames[0], "HEADERS 1 part");
    assert!(frames.len() > 2 && frames[1..].iter().all(|frame| frame.starts_with("CONTINUATION 1 ")));
    // A client puts it together again.
    let mut client =
        crate::feeding::client(Limits { head_bytes: 100_000, section_bytes: 100_000, ..Limits::default() });
    let mut sent = Vec::new();
    client.start(&mut sent);
    let parts = crate::clients::parts("GET");
    client.send_request(&parts, &mut sent).unwrap();
    let (events, _) = fed(&mut client, &[settings(&[]), out]);
    assert_eq!(events, [format!("head 1 200 x-long={long}")]);
}

#[test]
fn a_smaller_table_of_the_peer_is_taken_up() {
    let (mut server, keys) = serving(Limits::default(), &[settings(&[(1, 0)]), get(1), get(3)]);
    let mut out = Vec::new();
    for key in keys {
        head(&mut server, key, 200, &[("server", "x")], ContentLength::None, &mut out).unwrap();
    }
    // The size is told first; then nothing is put into the table, so that both are literals.
    assert_eq!(out[9], 0x20);
    let expected = |id| format!("HEADERS {id} end :status=200 server=x content-length=0");
    assert_eq!(shown(&out), [expected(1), expected(3)]);
}

#[test]
fn the_owner_may_allow_less_of_the_table_than_the_peer() {
    // The second one could point at what the first put into the table, if there were one.
    let table = |bytes| {
        let limits = Limits { encoder_table_bytes: bytes, ..Limits::default() };
        let (mut server, keys) = serving(limits, &[settings(&[(1, 1 << 20)]), get(1), get(3)]);
        keys.into_iter()
            .map(|key| {
                let mut out = Vec::new();
                head(&mut server, key, 200, &[("server", "x")], ContentLength::None, &mut out).unwrap();
                out.len()
            })
            .collect::<Vec<_>>()
    };
    let (without, with) = (table(0), table(4096));
    assert_eq!(without[0] - 1, without[1], "only the size of the table is told once: {without:?}");
    assert!(with[1] < without[1], "{with:?} {without:?}");
}

#[test]
fn the_start_says_the_limits() {
    let limits = Limits { connection_window: 100_000, ..Limits::default() };
    let mut out = Vec::new();
    let mut server = ServerConnection::new(Arc::new(limits));
    server.start(&mut out);
    assert!(server.awaits_settings());
    assert_eq!(shown(&out), ["SETTINGS", "WINDOW_UPDATE 0 34465"]);
    fed(
        &mut server,
        &[crate::wire::hello(), crate::wire::frame(flare_proto::http2::FrameKind::Settings, 1, 0, "")],
    );
    assert!(!server.awaits_settings());
    let (_, out) = fed(&mut server, &[window_update(0, 1)]);
    assert!(out.is_empty());
}
