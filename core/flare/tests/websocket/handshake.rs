//! Who gets a socket, and what the others get.

use flare::testing::TestResponse;
use flare::websocket::Origins;

use super::*;

/// The status and head of the answer to an offer that was changed.
fn answer(options: WsOptions, change: impl FnOnce(&str) -> String) -> String {
    let mut connection = TestClient::new(echoing(options)).connect();
    connection.send(change(OFFER).as_bytes());
    String::from_utf8(connection.received()).unwrap()
}

fn with(field: &str) -> impl FnOnce(&str) -> String {
    move |offer| offer.replacen("\r\n\r\n", &format!("\r\n{field}\r\n\r\n"), 1)
}

fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap()
}

#[test]
fn the_example_of_the_rfc_is_accepted() {
    let head = answer(WsOptions::default(), str::to_owned);
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    for field in [
        "\r\nupgrade: websocket\r\n",
        "\r\nconnection: upgrade\r\n",
        "\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
    ] {
        assert!(head.contains(field), "{head}");
    }
    assert!(!head.contains("sec-websocket-protocol") && !head.contains("sec-websocket-extensions"), "{head}");
}

#[test]
fn other_versions_are_refused_with_the_one_that_is_spoken() {
    for offer in ["Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 13, 8", "X: y"] {
        let head = answer(WsOptions::default(), |head| head.replace("Sec-WebSocket-Version: 13", offer));
        assert_eq!(status(&head), "426", "{head}");
        assert!(head.contains("\r\nsec-websocket-version: 13\r\n"), "{head}");
    }
}

#[test]
fn what_is_malformed_is_refused() {
    let bad_key = |head: &str| head.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=");
    assert_eq!(status(&answer(WsOptions::default(), bad_key)), "400");
    let no_key = |head: &str| head.replace("Sec-WebSocket-Key", "X");
    assert_eq!(status(&answer(WsOptions::default(), no_key)), "400");
    let two_keys = with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(status(&answer(WsOptions::default(), two_keys)), "400");
    assert_eq!(status(&answer(WsOptions::default(), with("Sec-WebSocket-Protocol: a b"))), "400");
}

#[test]
fn who_does_not_ask_gets_something_else() {
    let client = TestClient::new(echoing(WsOptions::default()));
    let answer: TestResponse = client.get("/ws");
    assert_eq!(answer.status, 426);
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    assert_eq!(answer.header("sec-websocket-version"), Some("13"));
    let home = WsOptions::default().otherwise(|_: &Request| "home");
    let client = TestClient::new(echoing(home));
    assert_eq!(client.get("/ws").text(), "home");
    assert_eq!(client.post("/ws", "x").status, 405);
}

#[test]
fn a_subprotocol_is_agreed() {
    let options = || WsOptions::default().protocol("v2").protocol("v1");
    let head = answer(options(), with("Sec-WebSocket-Protocol: v1, other, v2"));
    assert!(head.contains("\r\nsec-websocket-protocol: v1\r\n"), "what the client likes best: {head}");
    let head = answer(options(), with("Sec-WebSocket-Protocol: other"));
    assert_eq!(status(&head), "101");
    assert!(!head.contains("sec-websocket-protocol"), "{head}");
    let (router, _told, sockets) = telling(options());
    let mut connection = TestClient::new(router).connect();
    connection.send(with("Sec-WebSocket-Protocol: v2")(OFFER).as_bytes());
    let socket = sockets.try_recv().unwrap();
    assert_eq!(socket.protocol(), Some("v2"));
    assert!(socket.request().is_none(), "kept beyond open");
}

#[test]
fn origins_are_looked_at() {
    let ask = |origins: Origins, field: &str| {
        let head = answer(WsOptions::default().origins(origins), with(field));
        status(&head).to_owned()
    };
    assert_eq!(ask(Origins::Same, "X: y"), "101");
    assert_eq!(ask(Origins::Same, "Origin: http://A"), "101");
    for other in ["http://b", "http://a:8080", "null", "http://a\r\nOrigin: http://a"] {
        assert_eq!(ask(Origins::Same, &format!("Origin: {other}")), "403", "{other}");
    }
    let only = Origins::Only(vec!["https://b.test".to_owned()]);
    assert_eq!(ask(only.clone(), "Origin: https://B.test"), "101");
    assert_eq!(ask(only, "Origin: http://b.test"), "403");
    assert_eq!(ask(Origins::Any, "Origin: null"), "101");
}

#[test]
fn accept_may_refuse() {
    let mut router = Router::new();
    router
        .ws("/ws", |request: &Request| match request.query() {
            Some("token=good") => Ok(echo),
            _ => Err((401, "who are you?\n")),
        })
        .unwrap();
    let client = TestClient::new(router);
    let mut connection = client.connect();
    connection.send(OFFER.as_bytes());
    let refused = String::from_utf8(connection.received()).unwrap();
    assert!(refused.starts_with("HTTP/1.1 401 ") && refused.ends_with("who are you?\n"), "{refused}");
    connection.send(OFFER.replace("/ws", "/ws?token=good").as_bytes());
    assert!(connection.received().starts_with(b"HTTP/1.1 101 "), "the connection went on");
}

#[test]
fn compression_is_agreed_where_both_want_it() {
    let offer = || with("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits");
    let head = answer(WsOptions::default(), offer());
    assert!(!head.contains("sec-websocket-extensions"), "{head}");
    let head = answer(WsOptions::default().deflate(true), offer());
    assert!(head.contains("\r\nsec-websocket-extensions: permessage-deflate\r\n"), "{head}");
    let head = answer(WsOptions::default().deflate(false), offer());
    let field = "\r\nsec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n";
    assert!(head.contains(field), "{head}");
    let bad = answer(WsOptions::default().deflate(true), with("Sec-WebSocket-Extensions: a b"));
    assert_eq!(status(&bad), "400");
}

#[test]
fn compressed_messages_are_understood() {
    let mut connection = TestClient::new(echoing(WsOptions::default().deflate(true))).connect();
    connection.send(with("Sec-WebSocket-Extensions: permessage-deflate")(OFFER).as_bytes());
    while connection.try_step() {}
    assert!(connection.received().starts_with(b"HTTP/1.1 101 "));
    // "Hello", as in RFC 7692, 7.2.3.1, masked with zeros; and the same again by the window (7.2.3.2).
    connection.send(b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x85\0\0\0\0\xf2\x00\x11\x00\x00");
    while connection.try_step() {}
    assert_eq!(connection.received(), b"\x81\x05Hello\x81\x05Hello", "too small to be worth it");
}
