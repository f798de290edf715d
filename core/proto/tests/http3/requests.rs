//! Requests that come in.

use flare_proto::http3::Limits;

use crate::feeding::{server, told_of};
use crate::wire::{CLIENT_DECODER, CLIENT_ENCODER, DATA, GET, HEADERS, POST, fields, frame, headers, with};

fn told(bytes: &[u8]) -> Vec<String> {
    told_of(|| server(Limits { extended_connect: true, ..Limits::default() }), 0, bytes)
}

#[test]
fn a_request_and_its_end() {
    assert_eq!(told(&headers(&GET)), ["head 0 GET a / ended"]);
    let post = [with(&POST, &[("content-length", "5")]), frame(DATA, "hel"), frame(DATA, "lo")].concat();
    assert_eq!(told(&post), ["head 0 POST a / length 5 content-length=5", "data 0 hello", "end 0"]);
    let trailers = [headers(&POST), frame(DATA, "x"), headers(&[("x-sum", "1")])].concat();
    assert_eq!(told(&trailers), ["head 0 POST a /", "data 0 x", "end 0 x-sum=1"]);
    let none = [headers(&POST), headers(&[("x-sum", "1")])].concat();
    assert_eq!(told(&none), ["head 0 POST a /", "end 0 x-sum=1"]);
    let waits = [with(&POST, &[("expect", "100-continue"), ("priority", "u=1")]), frame(DATA, "x")].concat();
    assert_eq!(
        told(&waits),
        ["head 0 POST a / urgency 1 expects expect=100-continue priority=u=1", "data 0 x", "end 0"]
    );
    assert_eq!(
        told(&with(&GET, &[("cookie", "a=b"), ("cookie", "c=d")])),
        ["head 0 GET a / ended cookie=a=b; c=d"]
    );
}

#[test]
fn unknown_frames_are_ignored_everywhere() {
    for kind in [0x21, 0x0a, 0x4000, 0x1f * 77 + 0x21, (1 << 62) - 1] {
        let unknown = [frame(kind, "what"), frame(kind, "")].concat();
        let request = [
            &unknown[..],
            &headers(&POST),
            &unknown,
            &frame(DATA, "x"),
            &unknown,
            &headers(&[("a", "b")]),
            &unknown,
        ]
        .concat();
        assert_eq!(told(&request), ["head 0 POST a /", "data 0 x", "end 0 a=b"]);
    }
}

#[test]
fn connect_and_extended_connect() {
    let connect = [headers(&[(":method", "CONNECT"), (":authority", "a:1")]), frame(DATA, "bytes")].concat();
    assert_eq!(told(&connect), ["head 0 CONNECT a:1 ", "data 0 bytes", "end 0"]);
    let socket: [(&str, &str); 5] = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":authority", "a"),
        (":path", "/chat"),
    ];
    assert_eq!(
        told(&[headers(&socket), frame(DATA, "x")].concat())[0],
        "head 0 CONNECT a /chat protocol websocket"
    );
    // Not offered.
    let plain = told_of(|| server(Limits::default()), 0, &headers(&socket));
    assert_eq!(plain, ["rejected 0 H3_MESSAGE_ERROR :protocol that was not offered"]);
    // Only content may follow.
    let trailers = told(&[headers(&socket), headers(&[("a", "b")])].concat());
    assert_eq!(trailers.last().unwrap(), "error H3_FRAME_UNEXPECTED: HEADERS in a tunnel");
}

#[test]
fn malformed_requests_are_rejected_alone() {
    for (list, reason) in [
        (&[(":method", "GET"), (":scheme", "https"), (":authority", "a")][..], "no :scheme or no :path"),
        (&[(":scheme", "https"), (":authority", "a"), (":path", "/")], "no :method"),
        (&[("x", "y"), (":method", "GET")], "pseudo-field behind a field"),
        (&[(":method", "GET"), (":method", "GET")], "pseudo-field twice"),
        (&[(":status", "200")], "pseudo-field of an answer in a request"),
        (&[(":what", "200")], "invalid field name"),
        (&[("X-Upper", "a")], "invalid field name"),
        (&[("connection", "close")], "field of HTTP/1 connections"),
        (&[("transfer-encoding", "chunked")], "field of HTTP/1 connections"),
        (&[("te", "gzip")], "te says more than trailers"),
        (&[("a", "b\0")], "invalid field value"),
        (&[("a", " b")], "invalid field value"),
        (&[("content-length", "+1")], "malformed content-length"),
    ] {
        let expected = format!("rejected 0 H3_MESSAGE_ERROR {reason}");
        assert_eq!(told(&headers(list)), [expected], "{list:?}");
    }
    let mut end = server(Limits::default());
    end.feed(0, &headers(&[("A", "b")]), true).unwrap();
    end.feed(4, &headers(&GET), true).unwrap();
    // What else comes on the stream is dropped, and it is no new one.
    end.feed(0, &headers(&GET), true).unwrap();
    let expected = ["rejected 0 H3_MESSAGE_ERROR invalid field name", "head 4 GET a / ended"];
    assert_eq!((&end.told()[..], end.connection.streams()), (&expected.map(String::from)[..], 1));
}

#[test]
fn the_content_is_as_long_as_was_said() {
    let head = with(&POST, &[("content-length", "3")]);
    for (rest, last) in [
        (vec![], "reset 0 H3_MESSAGE_ERROR"),
        (frame(DATA, "ab"), "reset 0 H3_MESSAGE_ERROR"),
        (frame(DATA, "abcd"), "reset 0 H3_MESSAGE_ERROR"),
        ([frame(DATA, "ab"), headers(&[("a", "b")])].concat(), "reset 0 H3_MESSAGE_ERROR"),
        ([frame(DATA, "abc"), frame(DATA, "d")].concat(), "reset 0 H3_MESSAGE_ERROR"),
        (frame(DATA, "abc"), "end 0"),
    ] {
        let mut end = server(Limits::default());
        end.feed(0, &head, false).unwrap();
        end.feed(0, &rest, true).unwrap();
        assert_eq!(end.told().last().unwrap(), last, "{rest:?}");
    }
    // Nothing at all, in one piece with its end, is known at once.
    assert_eq!(server_told(&head, true), ["rejected 0 H3_MESSAGE_ERROR content-length without content"]);
}

fn server_told(bytes: &[u8], fin: bool) -> Vec<String> {
    let mut end = server(Limits::default());
    end.feed(0, bytes, fin).unwrap();
    end.told()
}

#[test]
fn limits_are_answered() {
    let limits = || Limits {
        head_bytes: 300,
        target_bytes: 20,
        header_count: 6,
        section_bytes: 400,
        ..Limits::default()
    };
    let told = |bytes: &[u8]| told_of(|| server(limits()), 0, bytes);
    let long = "x".repeat(200);
    let many: Vec<(&str, &str)> = GET.iter().copied().chain([("a", ""), ("b", ""), ("c", "")]).collect();
    let path = "/".repeat(21);
    for (list, expected) in [
        (&[&GET[..], &[("x", &long[..])]].concat(), "refused 0 431 head too large ended"),
        (&many, "refused 0 431 head too large ended"),
        (
            &vec![(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", &path[..])],
            "refused 0 414 request target too long ended",
        ),
        (
            &vec![(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/%")],
            "refused 0 400 malformed :path ended",
        ),
    ] {
        let told = told(&headers(list));
        assert_eq!(told.first().unwrap().trim_end_matches(" ended"), expected.trim_end_matches(" ended"));
    }
    let section = frame(HEADERS, vec![0; 401]);
    assert_eq!(told(&section), ["refused 0 431 field section too long"]);
    let trailers = [headers(&POST), headers(&[("x", &"x".repeat(300))])].concat();
    let few = || server(Limits { trailer_bytes: 100, ..Limits::default() });
    assert_eq!(told_of(few, 0, &trailers), ["head 0 POST a /", "reset 0 H3_MESSAGE_ERROR"]);
}

#[test]
fn streams_beyond_the_limit_are_rejected() {
    let mut end = server(Limits { streams: 2, ..Limits::default() });
    for id in [0, 8, 4] {
        end.feed(id, &headers(&GET), true).unwrap();
    }
    let too_many = "rejected 4 H3_REQUEST_REJECTED a request too many, or too late";
    assert_eq!(end.told(), ["head 0 GET a / ended", "head 8 GET a / ended", too_many]);
    end.connection.reset(0);
    end.feed(12, &headers(&GET), true).unwrap();
    assert_eq!(end.told(), ["head 12 GET a / ended"]);
}

#[test]
fn blocked_requests_wait_for_their_entries() {
    let mut end = server(Limits::default());
    // Names the first entry of the table, which did not come yet, and has content behind.
    let section = [&fields(&POST)[..], b"\x10"].concat();
    let section = [b"\x02\x80", &section[2..]].concat();
    let request = [frame(HEADERS, &section), frame(DATA, "content")].concat();
    let left = end.feed(0, &request, true).unwrap();
    assert_eq!((left, end.connection.blocked()), (&frame(DATA, "content")[..], 1));
    // In pieces, on another stream, with the content in a piece of its own.
    for byte in frame(HEADERS, &section) {
        assert!(end.feed(4, &[byte], false).unwrap().is_empty());
    }
    // Others go on.
    end.feed(8, &headers(&GET), true).unwrap();
    assert_eq!(end.told(), ["head 8 GET a / ended"]);
    assert_eq!(end.feed(0, left, true).unwrap(), left, "it waits still");
    // A third one gives up.
    end.feed(12, &frame(HEADERS, &section), false).unwrap();
    assert!(end.connection.receive_reset(12, 0x10c).unwrap().is_none());
    end.feed(CLIENT_ENCODER, b"\x02\x3f\xe1\x1f\x43x-a\x01", false).unwrap();
    assert_eq!(end.told(), Vec::<String>::new());
    end.feed(CLIENT_ENCODER, b"v", false).unwrap();
    assert_eq!(end.told(), ["unblocked 0", "unblocked 4"]);
    assert_eq!(end.feed(0, left, true).unwrap(), b"");
    assert_eq!(end.told(), ["head 0 POST a / x-a=v", "data 0 content", "end 0"]);
    end.feed(4, b"", false).unwrap();
    end.feed(4, b"", true).unwrap();
    assert_eq!(end.told(), ["head 4 POST a / x-a=v", "end 4"]);
    use flare_proto::http3::Unidirectional::Decoder;
    assert_eq!(
        end.sent(Decoder),
        b"\x03\x4c\x80\x84",
        "cancelled, and acknowledged twice, which says that it came"
    );
    end.feed(CLIENT_DECODER, b"\x03", false).unwrap();
}

#[test]
fn resets_and_stops_of_the_peer() {
    let mut end = server(Limits::default());
    let note = |end: &mut crate::feeding::End<_>, event: Option<_>| match event {
        Some(event) => end.note(&event, &flare_proto::RequestHead::new(), &flare_proto::Headers::new()),
        None => end.events.push("nothing".to_owned()),
    };
    // Known to the owner, known to nobody, and new; then again.
    end.feed(0, &headers(&POST), false).unwrap();
    end.feed(4, &headers(&POST)[..5], false).unwrap();
    end.told();
    for id in [0, 4, 8, 0, 4, 8] {
        let event = end.connection.receive_reset(id, 0x10c).unwrap();
        note(&mut end, event);
    }
    let expected =
        ["reset 0 H3_REQUEST_CANCELLED by peer", "nothing", "nothing", "nothing", "nothing", "nothing"];
    assert_eq!((&end.told()[..], end.connection.streams()), (&expected.map(String::from)[..], 0));
    end.feed(8, &headers(&GET), true).unwrap();
    assert_eq!(end.told(), Vec::<String>::new(), "it is over");
    // A client that does not want the answer any more, while its request goes on.
    end.feed(12, &headers(&POST), false).unwrap();
    end.feed(16, &headers(&POST)[..5], false).unwrap();
    end.told();
    for id in [12, 12, 16, 20] {
        let event = end.connection.receive_stop(id, 0x10c).unwrap();
        note(&mut end, event);
    }
    let rejected = "rejected 16 H3_REQUEST_CANCELLED a request whose answer is not wanted";
    assert_eq!(end.told(), ["stopped 12 H3_REQUEST_CANCELLED", "nothing", rejected, "nothing"]);
    end.feed(12, &frame(DATA, "x"), true).unwrap();
    assert_eq!((end.told(), end.connection.streams()), (vec!["data 12 x".into(), "end 12".into()], 0));
}

#[test]
fn content_that_nobody_wants_is_dropped() {
    let mut end = server(Limits::default());
    end.feed(0, &[headers(&POST), frame(DATA, "abc")[..3].to_vec()].concat(), false).unwrap();
    end.connection.stop_receiving(0);
    end.told();
    end.feed(0, &[&b"bc"[..], &frame(DATA, "x"), &headers(&[("a", "b")])].concat(), true).unwrap();
    assert_eq!((end.told(), end.connection.streams()), (vec![], 1));
    let mut out = Vec::new();
    let parts = crate::answers::parts(204, &flare_proto::Headers::new(), flare_proto::ContentLength::None);
    assert_eq!(end.connection.send_head(0, &parts.of(), &mut out), Ok(false));
    assert_eq!(end.connection.streams(), 0);
}

#[test]
fn trailers_make_a_message_whole_only_with_the_end_of_their_stream() {
    let mut end = server(Limits::default());
    end.feed(0, &[headers(&POST), frame(DATA, "x"), headers(&[("x-sum", "1")])].concat(), false).unwrap();
    assert_eq!(end.told(), ["head 0 POST a /", "data 0 x"]);
    assert!(!end.connection.has_received_all(0));
    // A frame of an unknown kind may still come.
    end.feed(0, &frame(0x21, "what"), false).unwrap();
    assert_eq!(end.told(), Vec::<String>::new());
    end.feed(0, &[], true).unwrap();
    assert_eq!(end.told(), ["end 0 x-sum=1"]);
    assert!(end.connection.has_received_all(0));
}
