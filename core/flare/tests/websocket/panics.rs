//! A handler that panics ends its socket, with words, and nothing else.

use super::frames::{close, text};
use super::*;
use crate::common::{Client as Peer, start, workers};

/// Panics where it is told to, and tells of its end.
struct Panicking {
    place: &'static str,
    told: Sender<Told>,
}

impl Panicking {
    fn at(&self, place: &str) {
        assert_ne!(self.place, place, "this panic is part of a test");
    }
}

impl SocketHandler for Panicking {
    fn open(&mut self, socket: &WebSocket) {
        socket.send_text("first").unwrap();
        self.at("open");
    }

    fn message(&mut self, socket: &WebSocket, message: Message<'_>) {
        socket.send(message).unwrap();
        self.at("message");
    }

    fn close(&mut self, _: &WebSocket, code: u16, reason: &str) {
        self.told.send(Told::Close(code, reason.to_owned())).unwrap();
        self.at("close");
    }
}

fn panicking(place: &'static str) -> (Router, Receiver<Told>) {
    let (told, tells) = channel();
    let told = std::sync::Mutex::new(told);
    let mut router = Router::new();
    router.ws("/ws", move |_: &Request| Panicking { place, told: told.lock().unwrap().clone() }).unwrap();
    (router, tells)
}

#[test]
fn what_was_sent_comes_and_then_1011() {
    let (router, told) = panicking("message");
    let mut client = Client::open(router);
    assert_eq!(client.next(), Some(Frame::new(frames::TEXT, "first")));
    client.send(&[text("one"), text("two")].concat());
    assert_eq!(client.next(), Some(Frame::new(frames::TEXT, "one")), "sent before the panic");
    assert_eq!(client.next(), Some(Frame::close(1011, "")));
    client.send(&text("three"));
    assert_eq!(client.next(), None, "nobody hears it any more");
    assert!(client.connection.is_open(), "the client's Close is awaited");
    client.send(&close(1011, ""));
    assert!(!client.connection.is_open());
    assert_eq!(told.recv(), Ok(Told::Close(1011, String::new())));
    assert!(told.try_recv().is_err(), "it was told once");
}

#[test]
fn in_open() {
    let (router, told) = panicking("open");
    let mut client = Client::open(router);
    assert_eq!(client.next(), Some(Frame::new(frames::TEXT, "first")));
    assert_eq!(client.next(), Some(Frame::close(1011, "")));
    client.connection.close_write();
    client.settle();
    assert!(!client.connection.is_open());
    assert_eq!(told.recv(), Ok(Told::Close(1006, String::new())));
}

#[test]
fn in_close() {
    let (router, told) = panicking("close");
    let mut client = Client::open(router);
    assert_eq!(client.next(), Some(Frame::new(frames::TEXT, "first")));
    client.send(&close(1000, "bye"));
    assert_eq!(client.next(), Some(Frame::close(1000, "")), "it was answered all the same");
    assert!(!client.connection.is_open());
    assert_eq!(told.recv(), Ok(Told::Close(1000, "bye".to_owned())));
}

#[test]
fn others_on_the_worker_go_on_and_it_is_counted() {
    let (router, told) = panicking("message");
    let server = start(router, workers(1));
    let address = &server.addresses()[0];
    let (mut good, mut bad) = (Peer::open(address), Peer::open(address));
    assert_eq!((good.frame(), bad.frame()), (Frame::new(1, "first"), Frame::new(1, "first")));
    bad.send(text("x"));
    assert_eq!((bad.frame(), bad.frame()), (Frame::new(1, "x"), Frame::close(1011, "")));
    bad.send(close(1011, ""));
    bad.expect_end();
    assert_eq!(told.recv(), Ok(Told::Close(1011, String::new())));
    assert_eq!(server.handle().stats().panics, 1);
    good.send(close(1000, ""));
    assert_eq!(good.frame(), Frame::close(1000, ""));
}
