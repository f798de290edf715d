//! Which protocol a connection speaks, and what a handler sees of it.

use flare::prelude::*;
use flare::testing::TestClient;
use flare::{Event, Flow, message::Version};
use flare_proto::http2::{ErrorCode, PREFACE};

use crate::client::Client;
use crate::{holding, holding_with};

#[test]
fn the_preface_may_come_in_any_pieces() {
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let all = [&PREFACE[..], &settings].concat();
    for at in 1..all.len() {
        let (server, _) = holding();
        let mut connection = server.connect();
        connection.send(&all[..at]);
        connection.send(&all[at..]);
        let answer = connection.received();
        assert!(connection.is_open(), "split at {at}");
        // SETTINGS, the size of the window, and the acknowledgement.
        assert_eq!((answer[3], answer.last()), (4, Some(&0)), "split at {at}: {answer:?}");
    }
}

#[test]
fn what_only_begins_like_the_preface_is_http1_wherever_it_is_split() {
    let mut router = Router::new();
    router.add("PR", "/", |_: &Request| "pull requests").unwrap();
    let server = TestClient::new(router);
    let request = b"PR / HTTP/1.1\r\nHost: a\r\n\r\n";
    for at in 0..request.len() {
        let mut connection = server.connect();
        connection.send(&request[..at]);
        connection.send(&request[at..]);
        let answer = String::from_utf8(connection.received()).unwrap();
        assert!(answer.ends_with("\r\n\r\npull requests"), "split at {at}: {answer}");
    }
}

#[test]
fn a_part_of_the_preface_gets_the_time_of_a_head() {
    let (server, _) = holding();
    let mut connection = server.connect();
    connection.send(&PREFACE[..10]);
    connection.advance(std::time::Duration::from_secs(31));
    assert!(!connection.is_open());
    let answer = String::from_utf8(connection.received()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn it_can_be_turned_off() {
    let (server, _) = holding_with(ServerConfig { http2_enabled: false, ..ServerConfig::default() });
    let mut connection = server.connect();
    connection.send(PREFACE);
    let answer = String::from_utf8(connection.received()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 505 "), "{answer}");
}

#[test]
fn a_client_of_http1_may_go_on_with_http2_wherever_it_is_split() {
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n";
    let all = [request.as_bytes(), PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
    for at in 1..all.len() {
        let (server, _) = holding();
        let mut connection = server.connect();
        connection.send(&all[..at]);
        connection.send(&all[at..]);
        let answer = connection.received();
        let head = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n";
        assert!(answer.starts_with(head), "split at {at}: {}", String::from_utf8_lossy(&answer));
        // The content of the answer, in a DATA frame that ends stream 1.
        let data = [0, 0, 4, 0, 1, 0, 0, 0, 1, b'h', b'o', b'm', b'e'];
        assert!(answer.windows(data.len()).any(|window| window == data), "split at {at}");
        assert!(connection.is_open(), "split at {at}");
    }
}

#[test]
fn an_upgrade_without_good_settings_is_answered_as_ever() {
    for settings in ["", "HTTP2-Settings: !\r\n", "HTTP2-Settings: AAMAAABk\r\nHTTP2-Settings: AAMAAABk\r\n"]
    {
        let (server, _) = holding();
        let mut connection = server.connect();
        let request =
            format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n{settings}\r\n");
        connection.send(request.as_bytes());
        let answer = String::from_utf8(connection.received()).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("home"),
            "{settings}: {answer}"
        );
    }
}

#[test]
fn a_request_says_its_version_and_its_host() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    assert_eq!(client.get("/host").text(), "a.test");
    client.send("GET", "/wait?a=b", &[("x-test", "1"), ("cookie", "a=1"), ("cookie", "b=2")]);
    let exchange = held.try_recv().unwrap();
    let request = exchange.request();
    assert_eq!((request.version(), request.method(), request.path()), (Version::Http2, Method::Get, "/wait"));
    assert_eq!((request.query(), request.authority()), (Some("a=b"), "a.test"));
    assert_eq!((request.header("x-test"), request.header("cookie")), (Some("1"), Some("a=1; b=2")));
}

#[test]
fn what_no_route_takes_is_answered_as_ever() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    assert_eq!(client.get("/none").status, 404);
    let stream = client.send("DELETE", "/", &[]);
    let answer = client.answer(stream);
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    let stream = client.send("HEAD", "/", &[]);
    let answer = client.answer(stream);
    assert_eq!((answer.status, answer.header("content-length"), answer.body.len()), (200, Some("4"), 0));
    assert!(answer.ended);
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
    router.add("*", "/shout", flare::later(shout)).unwrap();
    let server = TestClient::new(router);
    let mut client = Client::new(&server);
    let stream = client.offer("/shout", "shout");
    while client.answer(stream).status == 0 {
        assert!(client.step());
    }
    let answer = client.answer(stream);
    assert_eq!((answer.status, answer.header("upgrade"), answer.header("content-length")), (200, None, None));
    client.write(stream, b"hello", false);
    while client.answer(stream).body.is_empty() {
        assert!(client.step());
    }
    assert_eq!(client.answer(stream).text(), "HELLO");
    client.write(stream, b"", true);
    while !client.answer(stream).ended {
        assert!(client.step());
    }
    assert_eq!(client.answer(stream).reset, None);
}

#[test]
fn a_peer_that_breaks_the_protocol_loses_its_connection_and_is_told_why() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    client.send("GET", "/wait", &[]);
    // WINDOW_UPDATE by nothing on the connection (RFC 9113, 6.9).
    client.connection.send(&[0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    client.talk();
    assert_eq!((client.goaway, client.connection.is_open()), (Some(ErrorCode::Protocol), false));
    assert!(held.try_recv().unwrap().request().cancelled().is_some());
}

/// HEADERS of stream 3 without the end of its fields, a byte of them, and a CONTINUATION with another one.
const SECTION: &[u8] = &[
    0, 0, 1, 1, 1, 0, 0, 0, 3, 0x82, 0, 0, 1, 9, 0, 0, 0, 0, 3, 0x86, 0, 0, 2, 9, 4, 0, 0, 0, 3, 0x84, 0x41,
];

#[test]
fn a_field_section_has_a_time_limit_also_beside_a_stream_that_lasts() {
    // Behind the section's begin, behind a CONTINUATION, and within a frame.
    for came in [10, 20, 30] {
        let (server, held) = holding();
        let mut client = Client::new(&server);
        client.send("GET", "/wait", &[]);
        let exchange = held.try_recv().unwrap();
        client.connection.send(&SECTION[..came]);
        client.connection.advance(std::time::Duration::from_secs(29));
        client.talk();
        assert_eq!((client.goaway, exchange.request().cancelled()), (None, None), "{came}");
        client.connection.advance(std::time::Duration::from_secs(2));
        client.talk();
        assert_eq!(client.goaway, Some(ErrorCode::EnhanceYourCalm), "{came}");
        assert!(exchange.request().cancelled().is_some() && !client.connection.is_open(), "{came}");
    }
}

#[test]
fn each_frame_has_its_own_time() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    client.send("GET", "/wait", &[]);
    let _exchange = held.try_recv().unwrap();
    // PINGs, each cut in the middle, so that one is always on its way.
    let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    client.connection.send(&ping[..12]);
    for _ in 0..4 {
        client.connection.advance(std::time::Duration::from_secs(12));
        client.connection.send(&[&ping[12..], &ping[..12]].concat());
        client.talk();
    }
    assert_eq!(client.goaway, None);
    assert!(client.connection.is_open());
}
