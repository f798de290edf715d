//! WebSockets on HTTP/3 (RFC 9220): the same handler as on the other wires, many on one connection.

use std::time::Duration;

use super::{Client, serving};
use crate::message::Request;
use crate::router::Router;
use crate::server::ServerConfig;
use crate::server::environment::Service;
use crate::websocket::{Message, WebSocket, WsOptions};

const OFFER: [(&str, &str); 2] = [("sec-websocket-version", "13"), ("sec-websocket-protocol", "v1")];
/// "hello" and its echo, and a Close with 1000 and its echo.
const HELLO: &[u8] = b"\x81\x85\x01\x02\x03\x04\x69\x67\x6f\x68\x6e";
const HELLO_BACK: &[u8] = b"\x81\x05hello";
const CLOSE: &[u8] = b"\x88\x82\x00\x00\x00\x00\x03\xe8";
const CLOSE_BACK: &[u8] = b"\x88\x02\x03\xe8";

fn echoing() -> Service {
    let mut router = Router::new();
    let echo = |socket: &WebSocket, message: Message<'_>| socket.send(message).unwrap();
    router.ws_with("/ws", WsOptions::default().protocol("v1"), move |_: &Request| echo).unwrap();
    serving(router, ServerConfig::default())
}

#[test]
fn two_sockets_on_one_connection() {
    let mut client = Client::new(&echoing());
    let (one, two) = (client.offer("/ws", "websocket", &OFFER), client.offer("/ws", "websocket", &OFFER));
    client.until("both", |client| client.answer(one).status != 0 && client.answer(two).status != 0);
    let answer = client.answer(one);
    assert_eq!((answer.status, answer.header("sec-websocket-protocol")), (200, Some("v1")));
    assert_eq!((answer.header("sec-websocket-accept"), answer.header("upgrade")), (None, None));
    client.write(one, HELLO, false);
    client.write(two, &[HELLO, HELLO].concat(), false);
    client.write(one, CLOSE, false);
    assert_eq!(client.whole(one).body, [HELLO_BACK, CLOSE_BACK].concat());
    client.until("two echoes", |client| client.answer(two).body == [HELLO_BACK, HELLO_BACK].concat());
    assert!(!client.answer(two).ended);
    client.write(two, HELLO, false);
    client.until("the other one goes on", |client| client.answer(two).body.len() == 3 * HELLO_BACK.len());
}

#[test]
fn what_is_no_offer_is_refused() {
    let mut client = Client::new(&echoing());
    let id = client.offer("/ws", "websocket", &[]);
    let answer = client.whole(id);
    assert_eq!((answer.status, answer.header("sec-websocket-version")), (400, Some("13")));
    let id = client.offer("/ws", "connect-udp", &OFFER);
    assert_eq!(client.whole(id).status, 501);
    let answer = client.get("/ws");
    assert_eq!((answer.status, answer.header("upgrade")), (426, None));
    let id = client.offer("/elsewhere", "websocket", &OFFER);
    assert_eq!(client.whole(id).status, 404);
}

#[test]
fn a_silent_socket_is_asked_and_a_drain_says_goodbye() {
    let mut client = Client::new(&echoing());
    let id = client.offer("/ws", "websocket", &OFFER);
    client.until("the switch", |client| client.answer(id).status == 200);
    client.advance(Duration::from_secs(30));
    client.until("a ping", |client| client.answer(id).body == b"\x89\x00");
    client.server.drain();
    client.until("a goodbye", |client| client.answer(id).body == b"\x89\x00\x88\x02\x03\xe9");
    client.write(id, CLOSE, true);
    client.until("the end", |client| client.closed().is_some());
    assert!(client.answer(id).ended);
}
