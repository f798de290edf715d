//! Over real sockets, with several workers.

use std::time::Duration;

use super::frames::{close, text};
use super::*;
use crate::common::{Client as Peer, start, workers};

impl Peer {
    pub(super) fn open(address: &flare::Address) -> Self {
        let mut peer = Peer::connect(address);
        peer.send(OFFER);
        let head = peer.head();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        peer
    }

    /// The next frame, of at most 125 bytes.
    pub(super) fn frame(&mut self) -> Frame {
        let head = self.exactly(2);
        let payload = self.exactly(usize::from(head[1]));
        let mut bytes = [head, payload].concat();
        frames::take(&mut bytes).unwrap()
    }
}

#[test]
fn echo_to_the_end() {
    let server = start(echoing(WsOptions::default()), workers(1));
    let mut peer = Peer::open(&server.addresses()[0]);
    peer.send([text("one"), text("two")].concat());
    assert_eq!((peer.frame(), peer.frame()), (Frame::new(1, "one"), Frame::new(1, "two")));
    peer.send(close(1000, "bye"));
    assert_eq!(peer.frame(), Frame::close(1000, ""));
    peer.expect_end();
}

#[test]
fn a_slow_reader_gets_all_that_it_sent_and_stops_the_server_meanwhile() {
    let server = start(echoing(WsOptions::default().message_limit(1 << 24)), workers(1));
    let mut peer = Peer::connect(&server.addresses()[0]);
    peer.send(OFFER);
    peer.head();
    let message = frames::frame(frames::BINARY, &vec![42; 100_000]);
    let all = message.repeat(400);
    let sent = peer.send_until_full(&all, Duration::from_millis(300));
    assert!(sent < all.len(), "nothing stopped the client");
    let rest = all[sent..].to_vec();
    let mut writer = Peer::new(peer.stream.try_clone().unwrap());
    let writing = std::thread::spawn(move || writer.send(rest));
    for _ in 0..400 {
        assert_eq!(peer.exactly(10), [&[0x82, 127][..], &100_000_u64.to_be_bytes()].concat());
        assert!(peer.exactly(100_000).iter().all(|byte| *byte == 42));
    }
    writing.join().unwrap();
    peer.send(close(1000, ""));
    assert_eq!(peer.frame(), Frame::close(1000, ""));
}

#[test]
fn a_publication_reaches_all_workers() {
    let mut router = Router::new();
    struct Chat;
    impl SocketHandler for Chat {
        fn open(&mut self, socket: &WebSocket) {
            socket.subscribe("chat");
            socket.send_text("welcome").unwrap();
        }
        fn message(&mut self, socket: &WebSocket, message: Message<'_>) {
            socket.publish("chat", message).unwrap();
        }
    }
    router.ws("/ws", |_: &Request| Chat).unwrap();
    let server = start(router, workers(3));
    let mut peers: Vec<_> = (0..20).map(|_| Peer::open(&server.addresses()[0])).collect();
    for peer in &mut peers {
        assert_eq!(peer.frame(), Frame::new(1, "welcome"));
    }
    peers[7].send(text("hello all"));
    for peer in &mut peers {
        assert_eq!(peer.frame(), Frame::new(1, "hello all"));
    }
    server.handle().publish("chat", Message::Text("from outside")).unwrap();
    for peer in &mut peers {
        assert_eq!(peer.frame(), Frame::new(1, "from outside"));
    }
}

#[test]
fn a_drain_ends_within_the_client_s_answer() {
    let server = start(echoing(WsOptions::default()), workers(1));
    let mut peer = Peer::open(&server.addresses()[0]);
    peer.send(text("x"));
    assert_eq!(peer.frame(), Frame::new(1, "x"));
    server.handle().drain(Duration::from_secs(30));
    assert_eq!(peer.frame(), Frame::close(1001, ""));
    peer.send(close(1001, ""));
    peer.expect_end();
    let report = server.wait();
    assert_eq!((report.finished(), report.aborted()), (1, 0));
}
