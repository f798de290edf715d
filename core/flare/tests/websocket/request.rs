//! The request of a socket, and how long it stays.

use std::sync::{Arc, Mutex, Weak};

use flare::log::AccessRecord;
use flare::middleware::{Middleware, Step};

use super::*;

/// What is attached to a request, so that the test sees when that goes.
struct Attached(#[allow(dead_code, reason = "it is only held")] Arc<()>);

/// Keeps its request when it opens, if it is told to.
struct Keeping {
    keeps: bool,
    kept: Option<Request>,
}

impl SocketHandler for Keeping {
    fn open(&mut self, socket: &WebSocket) {
        let request = socket.request().unwrap();
        assert_eq!(request.path(), "/ws");
        self.kept = self.keeps.then_some(request);
    }

    fn message(&mut self, socket: &WebSocket, _: Message<'_>) {
        assert!(socket.request().is_none(), "there behind `open`");
        let path = self.kept.as_ref().map_or("-", |request| request.path());
        socket.send_text(path).unwrap();
    }
}

/// A router whose `/ws` keeps its request or not, and what tells whether it is there.
fn keeping(keeps: bool, options: WsOptions) -> (Router, Arc<Mutex<Weak<()>>>) {
    let there = Arc::new(Mutex::new(Weak::new()));
    let seen = Arc::clone(&there);
    let accept = move |request: &Request| {
        let attached = Arc::new(());
        *seen.lock().unwrap() = Arc::downgrade(&attached);
        request.set_extension(Attached(attached));
        Keeping { keeps, kept: None }
    };
    let mut router = Router::new();
    router.ws_with("/ws", options, accept).unwrap();
    (router, there)
}

fn is_there(there: &Mutex<Weak<()>>) -> bool {
    there.lock().unwrap().strong_count() > 0
}

#[test]
fn it_goes_when_the_socket_is_open() {
    let (router, there) = keeping(false, WsOptions::default());
    let mut client = Client::open(router);
    assert!(!is_there(&there), "kept by nobody");
    client.send(&frames::text("x"));
    assert_eq!(client.next(), Some(Frame::new(1, "-")));
}

#[test]
fn whoever_wants_it_later_keeps_it() {
    let (router, there) = keeping(true, WsOptions::default());
    let mut client = Client::open(router);
    client.send(&frames::text("x"));
    assert_eq!(client.next(), Some(Frame::new(1, "/ws")));
    assert!(is_there(&there));
    client.send(&frames::close(1000, ""));
    assert_eq!(client.next(), Some(Frame::close(1000, "")));
    assert!(!is_there(&there), "the handler is gone");
}

#[test]
fn the_block_of_one_socket_serves_the_next() {
    let client = TestClient::new(echoing(WsOptions::default()));
    let mut sockets: Vec<_> = (0..3).map(|_| Client::of(&client)).collect();
    for (number, socket) in sockets.iter_mut().enumerate() {
        let text = number.to_string();
        socket.send(&frames::text(&text));
        assert_eq!(socket.next(), Some(Frame::new(1, text.as_bytes())));
    }
}

/// Tells the path of each exchange that ends.
struct Ending(Mutex<Sender<(String, u16, bool)>>);

impl Middleware for Ending {
    fn on_request(&self, exchange: Exchange) -> Step {
        Step::Next(exchange)
    }

    fn on_end(&self, record: &AccessRecord<'_>) {
        let told = (record.request.path().to_owned(), record.status, record.body_bytes > 0);
        self.0.lock().unwrap().send(told).unwrap();
    }
}

#[test]
fn middleware_sees_it_at_the_end() {
    let (sender, ended) = channel();
    let (router, there) = keeping(false, WsOptions::default().layer(Ending(Mutex::new(sender))));
    let mut client = Client::open(router);
    client.send(&frames::text("x"));
    assert_eq!(client.next(), Some(Frame::new(1, "-")));
    assert!(is_there(&there) && ended.try_recv().is_err());
    client.send(&frames::close(1000, ""));
    assert_eq!(client.next(), Some(Frame::close(1000, "")));
    assert_eq!(ended.try_recv().unwrap(), ("/ws".to_owned(), 101, true));
}
