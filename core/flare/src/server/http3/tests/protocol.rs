//! What a handler sees of the protocol, and what becomes of those who break it.

use flare_proto::http3::ErrorCode;

use super::{Client, holding, serving};
use crate::message::{Method, Version};
use crate::server::ServerConfig;
use crate::{CancelReason, Event, Exchange, Flow, Router, later};

#[test]
fn a_request_says_its_version_and_its_host() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    assert_eq!(client.get("/host").text(), "a.test");
    client.send("GET", "/wait?a=b", &[("x-test", "1"), ("cookie", "a=1"), ("cookie", "b=2")]);
    let exchange = held.try_recv().unwrap();
    let request = exchange.request();
    assert_eq!((request.version(), request.method(), request.path()), (Version::Http3, Method::Get, "/wait"));
    assert_eq!((request.query(), request.authority()), (Some("a=b"), "a.test"));
    assert_eq!((request.header("x-test"), request.header("cookie")), (Some("1"), Some("a=1; b=2")));
}

#[test]
fn what_no_route_takes_is_answered_as_ever() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    assert_eq!(client.get("/none").status, 404);
    let id = client.send("DELETE", "/", &[]);
    let answer = client.whole(id);
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    let id = client.send("HEAD", "/", &[]);
    let answer = client.whole(id);
    assert_eq!((answer.status, answer.header("content-length"), answer.body.len()), (200, Some("4"), 0));
}

#[test]
fn a_stream_becomes_a_byte_stream_of_another_protocol() {
    let mut router = Router::new();
    let shout = |exchange: Exchange| {
        exchange.switch_protocol("shout").unwrap();
        exchange.drive(|exchange, event| {
            match event {
                Event::Data(data) => exchange.write(data.to_ascii_uppercase()).unwrap(),
                Event::End => exchange.finish().unwrap(),
                _ => {}
            }
            Flow::Continue
        });
    };
    router.add("*", "/shout", later(shout)).unwrap();
    let mut client = Client::new(&serving(router, ServerConfig::default()));
    let id = client.offer("/shout", "shout", &[]);
    client.until("the switch", |client| client.answer(id).status == 200);
    for (piece, all) in [(&b"hel"[..], "HEL"), (b"lo", "HELLO")] {
        client.write(id, piece, false);
        client.until("the echo", |client| client.answer(id).text() == all);
    }
    client.write(id, b"", true);
    assert_eq!(client.whole(id).text(), "HELLO");
}

#[test]
fn a_peer_that_breaks_the_protocol_loses_its_connection_and_is_told_why() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    client.send("GET", "/wait", &[]);
    // DATA before HEADERS.
    let id = client.quic.open_bidirectional().unwrap();
    client.give(id, &[0, 1, b'x'], false);
    client.until("the end", |client| client.closed().is_some());
    assert_eq!(client.closed(), Some(ErrorCode::FrameUnexpected.number()));
    assert_eq!(held.try_recv().unwrap().request().cancelled(), Some(CancelReason::PeerGone));
    assert_eq!(client.server.env.counters.bad_requests.get(), 1);
}

#[test]
fn a_malformed_request_loses_its_stream_alone() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    let id = client.quic.open_bidirectional().unwrap();
    // HEADERS with `:method: GET` and nothing else (RFC 9204, 4.5: no entries of the dynamic table).
    client.give(id, &[1, 3, 0, 0, 0xd1], true);
    client.until("the reset", |client| client.answer(id).reset.is_some());
    assert_eq!(client.answer(id).reset, Some(ErrorCode::Message.number()));
    assert_eq!(client.server.env.counters.bad_requests.get(), 1);
    assert!(client.server.is_open());
}

#[test]
fn heads_over_a_limit_are_refused_and_the_connection_goes_on() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    // Over the limit of what it comes to, and over the limit of its frame.
    for bytes in [40_000, 70_000] {
        let long = "x~".repeat(bytes / 2);
        let id = client.send("GET", "/", &[("x-long", &long)]);
        assert_eq!(client.whole(id).status, 431, "{bytes}");
    }
    assert_eq!(client.server.env.counters.bad_requests.get(), 2);
    assert_eq!(client.get("/").text(), "home");
}

#[test]
fn a_request_may_wait_for_the_fields_that_it_needs() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    client.holds_encoder = true;
    // Fields enter the table at their first use, so these need what has not been sent.
    let ids: Vec<u64> =
        (0..4).map(|_| client.send("GET", "/host", &[("x-often", "the same each time")])).collect();
    let blocked = ids.iter().filter(|&&id| client.answer(id).status == 0).count();
    assert!(blocked > 0, "nothing needed the table");
    client.holds_encoder = false;
    for id in ids {
        assert_eq!(client.whole(id).text(), "a.test");
    }
}

#[test]
fn a_request_that_never_gets_its_fields_is_answered_in_time() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    client.holds_encoder = true;
    let id = client.send("GET", "/host", &[("x-often", "the same each time")]);
    client.talk();
    assert_eq!(client.answer(id).status, 0);
    client.advance(std::time::Duration::from_secs(31));
    assert_eq!(client.whole(id).status, 408);
}

#[test]
fn a_head_that_comes_in_pieces_is_a_request_and_one_that_stops_is_a_408() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    // HEADERS: no entries of the dynamic table; :method GET, :scheme https, :path /, :authority a (RFC 9204, 4.5).
    let frame = [1, 8, 0, 0, 0xd1, 0xd7, 0xc1, 0x50, 1, b'a'];
    let id = client.quic.open_bidirectional().unwrap();
    for byte in &frame[..frame.len() - 1] {
        client.give(id, &[*byte], false);
    }
    let other = client.quic.open_bidirectional().unwrap();
    client.give(other, &frame[..5], false);
    client.give(id, &frame[frame.len() - 1..], true);
    client.advance(std::time::Duration::from_secs(31));
    client.talk();
    assert_eq!(client.server.env.counters.requests.get(), 1);
    assert_eq!(client.server.env.counters.timeouts.get(), 1);
    assert_eq!(client.server.env.counters.answers[1].get(), 1);
    assert_eq!(client.server.env.counters.answers[3].get(), 1);
}
