//! What requests may look like (RFC 9113 section 8).

use std::sync::Arc;

use flare_proto::Method;
use flare_proto::http2::{FrameKind, Limits, ServerConnection, flag};

use crate::feeding::{Told, feed, served, served_with};
use crate::wire::{GET, POST, client, data, fields, frame, get, headers, hello, shown};

/// A head on stream 1, and what is told of it.
#[track_caller]
fn told(ends: bool, list: &[(&str, &str)]) -> String {
    let outcome = served(&[headers(1, ends, list), get(3)]);
    assert_eq!(outcome.error, None, "{list:?}");
    assert_eq!(outcome.events.len(), 2, "{:?}", outcome.events);
    assert_eq!(outcome.events[1], "head 3 GET http a / ended");
    let is_reset = outcome.events[0].starts_with("malformed");
    assert_eq!(outcome.out, if is_reset { vec!["RST 1 PROTOCOL_ERROR"] } else { vec![] });
    outcome.events[0].clone()
}

fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [&GET[..], more].concat()
}

#[test]
fn good_heads() {
    let many =
        [(":path", "/p/a?q=1?"), (":scheme", "HTTPS"), (":method", "PURGE"), (":authority", "[::1]:80")];
    assert_eq!(told(true, &many), "head 1 PURGE https [::1]:80 /p/a ?q=1? ended");
    assert_eq!(
        told(true, &with(&[("x-a", "1"), ("accept", ""), ("x-a", "\u{e9}")])),
        "head 1 GET http a / x-a=1 accept= x-a=\\xc3\\xa9 ended"
    );
    let options = [(":method", "OPTIONS"), (":scheme", "http"), (":authority", "a"), (":path", "*")];
    assert_eq!(told(true, &options), "head 1 OPTIONS http a * ended");
    let host = [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "b:1")];
    assert_eq!(told(true, &host), "head 1 GET http b:1 / ended");
    assert_eq!(told(true, &with(&[("host", "A")])), "head 1 GET http a / host=A ended");
    let other = [(":method", "GET"), (":scheme", "coap"), (":path", "/")];
    assert_eq!(told(true, &other), "head 1 GET coap  / ended");
}

#[test]
fn what_the_owner_is_told_of() {
    let asks = with(&[
        ("expect", "100-continue"),
        ("te", "trailers"),
        ("content-length", "5"),
        ("priority", "u=1, i"),
    ]);
    let fields = "expect=100-continue te=trailers content-length=5 priority=u=1, i";
    assert_eq!(told(false, &asks), format!("head 1 GET http a / {fields} expects te length 5 u1i"));
    assert_eq!(
        told(true, &with(&[("expect", "100-continue")])),
        "head 1 GET http a / expect=100-continue ended"
    );
    assert_eq!(
        told(true, &with(&[("content-length", "0")])),
        "head 1 GET http a / content-length=0 ended length 0"
    );
}

#[test]
fn crumbs_of_cookies_become_one() {
    let crumbs = with(&[("cookie", "a=b"), ("x", "y"), ("cookie", "c=d"), ("cookie", "e=f")]);
    assert_eq!(told(true, &crumbs), "head 1 GET http a / x=y cookie=a=b; c=d; e=f ended");
}

#[test]
fn malformed_heads() {
    let connect = [(":method", "CONNECT"), (":authority", "a:1")];
    for (list, reason) in [
        (with(&[("X-A", "1")]), "invalid field name"),
        (with(&[("", "1")]), "invalid field name"),
        (with(&[("a b", "1")]), "invalid field name"),
        (with(&[(":other", "1")]), "invalid field name"),
        (with(&[("a", "x\ny")]), "invalid field value"),
        (with(&[("a", " x")]), "invalid field value"),
        (with(&[("a", "x\t")]), "invalid field value"),
        (with(&[("connection", "close")]), "field of HTTP/1 connections"),
        (with(&[("keep-alive", "1")]), "field of HTTP/1 connections"),
        (with(&[("proxy-connection", "x")]), "field of HTTP/1 connections"),
        (with(&[("transfer-encoding", "chunked")]), "field of HTTP/1 connections"),
        (with(&[("upgrade", "x")]), "field of HTTP/1 connections"),
        (with(&[("te", "gzip")]), "te says more than trailers"),
        (with(&[("content-length", "-1")]), "malformed content-length"),
        (with(&[("content-length", "1")]), "content-length without content"),
        (with(&[("content-length", "0"), ("content-length", "0")]), "content-length twice"),
        (with(&[("host", "b")]), "host differs from :authority"),
        (with(&[("host", "a"), ("host", "a")]), "host twice"),
        (with(&[("x", "y"), (":path", "/")]), "pseudo-field behind a field"),
        (with(&[(":path", "/")]), "pseudo-field twice"),
        (with(&[(":method", "GET")]), "pseudo-field twice"),
        (with(&[(":authority", "a")]), "pseudo-field twice"),
        (with(&[(":scheme", "http")]), "pseudo-field twice"),
        (with(&[(":status", "200")]), "pseudo-field of an answer in a request"),
        (with(&[(":protocol", "x")]), ":protocol that was not offered"),
        (GET[1..].to_vec(), "no :method"),
        (vec![GET[0], GET[2], GET[3]], "no :scheme or no :path"),
        (GET[..3].to_vec(), "no :scheme or no :path"),
        (vec![GET[0], GET[1], GET[3]], "no :authority and no host"),
        (vec![GET[0], GET[1], (":authority", ""), GET[3]], "no :authority and no host"),
        (vec![GET[0], GET[1], (":authority", ":80"), GET[3]], "no :authority and no host"),
        (vec![GET[0], GET[1], GET[3], ("host", ":80")], "no :authority and no host"),
        (vec![GET[0], GET[1], GET[2], (":path", "")], "malformed :path"),
        (vec![GET[0], GET[1], GET[2], (":path", "a")], "malformed :path"),
        (vec![GET[0], GET[1], GET[2], (":path", "*")], ":path of OPTIONS alone"),
        (vec![GET[0], GET[1], (":authority", "u@a"), GET[3]], "malformed authority"),
        (vec![GET[0], (":scheme", "9"), GET[2], GET[3]], "malformed :scheme"),
        (vec![(":method", "G T"), GET[1], GET[2], GET[3]], "malformed :method"),
        ([&connect[..], &[(":path", "/")]].concat(), "CONNECT with :scheme or :path"),
        (vec![(":method", "CONNECT"), (":authority", "a")], "CONNECT without a host and a port"),
        (vec![(":method", "CONNECT")], "CONNECT without a host and a port"),
    ] {
        assert_eq!(told(true, &list), format!("malformed: {reason}"), "{list:?}");
    }
    assert_eq!(told(false, &connect), "head 1 CONNECT - a:1  connect");
}

#[test]
fn extended_connect() {
    let limits = Limits { extended_connect: true, ..Limits::default() };
    let list = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":authority", "a"),
        (":path", "/c?d"),
    ];
    let outcome = served_with(&limits, &client(&[headers(1, false, &list), data(1, false, "bytes")]));
    assert_eq!(outcome.events, ["head 1 CONNECT https a /c ?d protocol websocket connect", "data 1 bytes"]);
    let without_path = served_with(&limits, &client(&[headers(1, false, &list[..4])]));
    assert_eq!(without_path.events, ["malformed: no :scheme or no :path"]);
    let mut get = list;
    get[0].1 = "GET";
    assert_eq!(
        served_with(&limits, &client(&[headers(1, true, &get)])).events,
        ["malformed: :protocol that was not offered"]
    );
}

#[test]
fn what_passes_a_limit_can_be_answered() {
    let long = "v".repeat(500);
    let limits = Limits { head_bytes: 600, header_count: 8, target_bytes: 10, ..Limits::default() };
    let too_large = [&GET[..], &[("x", &long)]].concat();
    let many: Vec<_> = GET.iter().copied().chain([("x", "y"); 5]).collect();
    let long_target = [GET[0], GET[1], GET[2], (":path", "/0123456789")];
    let long_method = "M".repeat(65);
    let strange_method = [(":method", long_method.as_str()), GET[1], GET[2], GET[3]];
    let bad_target = [GET[0], GET[1], GET[2], (":path", "/a b")];
    let expects = [&GET[..], &[("expect", "a pony")]].concat();
    for (list, expected) in [
        (&too_large[..], "431 head too large: GET /"),
        (&many[..], "431 head too large: GET /"),
        (&long_target[..], "414 request target too long: GET /0123456789"),
        (&strange_method[..], &format!("501 method too long: {long_method} /")),
        (&expects[..], "417 unknown expectation: GET /"),
        (&bad_target[..], "400 malformed :path: GET "),
    ] {
        let outcome = served_with(
            &limits,
            &client(&[headers(1, true, list), headers(3, false, list), data(3, true, "x"), get(5)]),
        );
        assert_eq!(outcome.error, None);
        let events = [
            format!("refused 1 {expected} ended"),
            format!("refused 3 {expected}"),
            "data 3 x".into(),
            "end 3".into(),
            "head 5 GET http a / ended".into(),
        ];
        assert_eq!(outcome.events, events);
    }
}

#[test]
fn a_large_head_leaves_the_compression_right() {
    // A field that enters the table behind the limit, and is used by the next request.
    let limits = Limits { head_bytes: 300, ..Limits::default() };
    let mut section = fields(&GET);
    section.extend_from_slice(&fields(&[("x", &"v".repeat(300))]));
    section.extend_from_slice(b"\x40\x03x-y\x01z");
    let mut next = fields(&GET);
    next.push(0xbe);
    let flags = flag::END_HEADERS | flag::END_STREAM;
    let frames = [frame(FrameKind::Headers, flags, 1, section), frame(FrameKind::Headers, flags, 3, next)];
    let outcome = served_with(&limits, &client(&frames));
    assert_eq!(outcome.events[1], "head 3 GET http a / x-y=z ended");
}

#[test]
fn trailers() {
    let post = headers(1, false, &[&POST[..], &[("content-length", "4")]].concat());
    let outcome = served(&[
        post.clone(),
        data(1, false, "body"),
        headers(1, true, &[("x-t", "1"), ("content-type", "dropped"), ("x-u", "")]),
    ]);
    assert_eq!(outcome.events[1..], ["data 1 body", "end 1 x-t=1 x-u="]);
    for (bad, content) in [
        (headers(1, false, &[("x-t", "1")]), "body"),
        (headers(1, true, &[(":path", "/")]), "body"),
        (headers(1, true, &[("X-T", "1")]), "body"),
        (headers(1, true, &[("connection", "x")]), "body"),
        (headers(1, true, &[("x-t", &"v".repeat(9_000))]), "body"),
        (headers(1, true, &[("x-t", "1")]), "bod"),
    ] {
        let outcome = served(&[post.clone(), data(1, false, content), bad, get(3)]);
        assert_eq!(outcome.events[2..], ["reset 1 PROTOCOL_ERROR", "head 3 GET http a / ended"]);
    }
    let outcome = served(&[get(1), headers(1, true, &[("x", "y")])]);
    assert_eq!(outcome.events[1..], ["reset 1 STREAM_CLOSED"]);
}

#[test]
fn content_has_to_have_its_length() {
    let post = |length| headers(1, false, &[&POST[..], &[("content-length", length)]].concat());
    let outcome = served(&[post("5"), data(1, false, "he"), data(1, true, "llo")]);
    assert_eq!(outcome.events[1..], ["data 1 hello", "end 1"]);
    for frames in [
        vec![post("5"), data(1, true, "hell")],
        vec![post("5"), data(1, false, "hello!")],
        vec![post("5"), data(1, false, "hello"), data(1, true, "!")],
        vec![post("5"), data(1, true, "")],
        vec![post("0"), data(1, true, "x")],
    ] {
        let outcome = served(&[frames, vec![get(3)]].concat());
        assert_eq!(outcome.error, None);
        assert_eq!(
            outcome.events[outcome.events.len() - 2..],
            ["reset 1 PROTOCOL_ERROR", "head 3 GET http a / ended"]
        );
        assert_eq!(outcome.out, ["RST 1 PROTOCOL_ERROR"]);
    }
}

#[test]
fn an_upgrade_begins_with_stream_1() {
    let limits = Arc::new(Limits::default());
    assert!(ServerConnection::upgraded(Arc::clone(&limits), b"!", Method::Get).is_none());
    // A window of 99 bytes.
    let (mut server, key) = ServerConnection::upgraded(limits, b"AAQAAABj", Method::Get).unwrap();
    assert_eq!((key.id(), server.peer_settings().stream_window), (1, 99));
    let (mut told, mut out) = (Told::default(), Vec::new());
    server.start(&mut out);
    crate::answers::answer(&mut server, key, &mut out);
    assert!(!server.is_open(key));
    feed(&mut server, &[hello(), get(3)].concat(), &mut out, &mut told).unwrap();
    assert_eq!(told.events, ["head 3 GET http a / ended"]);
    assert_eq!(shown(&out)[2..4], ["HEADERS 1 :status=200 content-length=2", "DATA 1 2 end"]);
}

#[test]
fn the_authority_is_a_field_too() {
    let (mut server, mut out) = (crate::feeding::server(Limits::default()), Vec::new());
    let (mut head, mut trailers) = (flare_proto::RequestHead::new(), flare_proto::Headers::new());
    let (one, other) = (client(&[get(1)]), headers(3, true, &[GET[0], GET[1], GET[3], ("host", "b")]));
    for (input, host) in [(&one[..], &b"a"[..]), (&other, b"b")] {
        server.receive(&mut &input[..], &mut head, &mut trailers, &mut out).unwrap().unwrap();
        assert_eq!(head.headers().get_all("host").collect::<Vec<_>>(), [host]);
    }
}
