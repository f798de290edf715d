//! WebSockets on HTTP/2 (RFC 8441): the same handler as on HTTP/1.1, many on one connection.

use std::time::Duration;

use flare::prelude::*;
use flare::testing::TestClient;
use flare::websocket::{Message, WebSocket, WsOptions};

use super::client::Client;

const OFFER: [(&str, &str); 2] = [("sec-websocket-version", "13"), ("sec-websocket-protocol", "v1")];
/// "hello" and its echo, and a Close with 1000 and its echo.
const HELLO: &[u8] = b"\x81\x85\x01\x02\x03\x04\x69\x67\x6f\x68\x6e";
const HELLO_BACK: &[u8] = b"\x81\x05hello";
const CLOSE: &[u8] = b"\x88\x82\x00\x00\x00\x00\x03\xe8";
const CLOSE_BACK: &[u8] = b"\x88\x02\x03\xe8";

fn echoing() -> TestClient {
    let mut router = Router::new();
    let echo = |socket: &WebSocket, message: Message<'_>| socket.send(message).unwrap();
    router.ws_with("/ws", WsOptions::default().protocol("v1"), move |_: &Request| echo).unwrap();
    TestClient::new(router)
}

impl Client {
    fn settle(&mut self) {
        while self.connection.try_step() {}
        self.talk();
    }
}

#[test]
fn two_sockets_on_one_connection() {
    let mut client = Client::new(&echoing());
    let (one, two) =
        (client.offer_with("/ws", "websocket", &OFFER), client.offer_with("/ws", "websocket", &OFFER));
    let answer = client.answer(one);
    assert_eq!((answer.status, answer.header("sec-websocket-protocol")), (200, Some("v1")));
    assert_eq!((answer.header("sec-websocket-accept"), answer.header("upgrade")), (None, None));
    client.write(one, HELLO, false);
    client.write(two, &[HELLO, HELLO].concat(), false);
    client.write(one, CLOSE, false);
    client.settle();
    let answer = client.answer(one);
    assert_eq!(answer.body, [HELLO_BACK, CLOSE_BACK].concat());
    assert!(answer.ended);
    let answer = client.answer(two);
    assert_eq!(answer.body, [HELLO_BACK, HELLO_BACK].concat());
    assert!(!answer.ended);
    client.write(two, HELLO, false);
    client.settle();
    assert_eq!(client.answer(two).body.len(), 3 * HELLO_BACK.len(), "the other one goes on");
}

#[test]
fn what_is_no_offer_is_refused() {
    let mut client = Client::new(&echoing());
    let stream = client.offer_with("/ws", "websocket", &[]);
    let answer = client.answer(stream);
    assert_eq!((answer.status, answer.header("sec-websocket-version")), (400, Some("13")));
    let stream = client.offer_with("/ws", "connect-udp", &OFFER);
    assert_eq!(client.answer(stream).status, 501);
    let answer = client.get("/ws");
    assert_eq!((answer.status, answer.header("upgrade")), (426, None));
    let stream = client.offer_with("/elsewhere", "websocket", &OFFER);
    assert_eq!(client.answer(stream).status, 404);
}

#[test]
fn a_silent_socket_is_asked_and_a_drain_says_goodbye() {
    let mut client = Client::new(&echoing());
    let stream = client.offer_with("/ws", "websocket", &OFFER);
    client.connection.advance(Duration::from_secs(30));
    client.settle();
    assert_eq!(client.answer(stream).body, b"\x89\x00");
    client.connection.drain();
    client.settle();
    assert_eq!(client.answer(stream).body, b"\x89\x00\x88\x02\x03\xe9");
    client.write(stream, CLOSE, true);
    client.settle();
    assert!(client.answer(stream).ended);
}
