//! WebSockets on HTTP/1.1, from the client's bytes to the handler and back. Those on HTTP/2 are tested in `tests/http2`, the rules of frames in flare-proto.
#![allow(clippy::unwrap_used, reason = "a test wants to fail here")]

#[path = "../common/mod.rs"]
mod common;
mod ends;
mod frames;
mod handshake;
mod messages;
mod panics;
mod request;
mod sockets;
mod topics;

use std::sync::mpsc::{Receiver, Sender, channel};

use flare::prelude::*;
use flare::testing::{TestClient, TestConnection};
use flare::websocket::{Message, SocketHandler, WebSocket, WsOptions};
use frames::Frame;

const OFFER: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Sends each message back.
fn echo(socket: &WebSocket, message: Message<'_>) {
    socket.send(message).unwrap();
}

/// A router whose `/ws` echoes.
fn echoing(options: WsOptions) -> Router {
    let mut router = Router::new();
    router.ws_with("/ws", options, |_: &Request| echo).unwrap();
    router
}

/// What happened to a socket.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Open,
    Message(String),
    Writable,
    Close(u16, String),
}

/// Tells all that happens, and gives its socket away.
struct Telling {
    told: Sender<Told>,
    sockets: Sender<WebSocket>,
}

impl SocketHandler for Telling {
    fn open(&mut self, socket: &WebSocket) {
        self.told.send(Told::Open).unwrap();
        self.sockets.send(socket.clone()).unwrap();
    }

    fn message(&mut self, _: &WebSocket, message: Message<'_>) {
        let text = String::from_utf8_lossy(message.as_bytes()).into_owned();
        self.told.send(Told::Message(text)).unwrap();
    }

    fn writable(&mut self, _: &WebSocket) {
        self.told.send(Told::Writable).unwrap();
    }

    fn close(&mut self, _: &WebSocket, code: u16, reason: &str) {
        // Err: the test is over.
        let _ = self.told.send(Told::Close(code, reason.to_owned()));
    }
}

/// A router whose `/ws` tells the test what happens.
fn telling(options: WsOptions) -> (Router, Receiver<Told>, Receiver<WebSocket>) {
    let ((told, tells), (sockets, opened)) = (channel(), channel());
    let mut router = Router::new();
    let senders = std::sync::Mutex::new((told, sockets));
    let accept = move |_: &Request| {
        let (told, sockets) = senders.lock().unwrap().clone();
        Telling { told, sockets }
    };
    router.ws_with("/ws", options, accept).unwrap();
    (router, tells, opened)
}

/// A client without a socket, behind its handshake.
struct Client {
    connection: TestConnection,
    received: Vec<u8>,
}

impl Client {
    fn open(router: Router) -> Self {
        Self::of(&TestClient::new(router))
    }

    fn of(client: &TestClient) -> Self {
        let mut connection = client.connect();
        connection.send(OFFER.as_bytes());
        let mut client = Self { connection, received: Vec::new() };
        client.settle();
        let end = client.received.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let head = String::from_utf8(client.received.drain(..end).collect()).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    }

    /// Lets everything happen that was told until now.
    fn settle(&mut self) {
        while self.connection.try_step() {}
        self.received.append(&mut self.connection.received());
    }

    fn send(&mut self, bytes: &[u8]) {
        self.connection.send(bytes);
        self.settle();
    }

    /// The next frame. `None`: there is no more.
    fn next(&mut self) -> Option<Frame> {
        self.settle();
        let frame = frames::take(&mut self.received);
        assert!(frame.is_some() || self.received.is_empty(), "part of a frame");
        frame
    }
}
