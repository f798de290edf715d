//! What is published reaches the sockets of a topic.

use super::frames::{BINARY, TEXT};
use super::*;

#[test]
fn subscribers_get_what_is_published() {
    let (router, _told, sockets) = telling(WsOptions::default());
    let mut client = Client::open(router);
    let socket = sockets.recv().unwrap();
    socket.publish("news", Message::Text("too early")).unwrap();
    socket.subscribe("news");
    socket.subscribe("news");
    socket.publish("news", Message::Text("one")).unwrap();
    socket.publish("other", Message::Text("elsewhere")).unwrap();
    socket.publish("news", Message::Binary(&[1])).unwrap();
    assert_eq!(client.next(), Some(Frame::new(TEXT, "one")));
    assert_eq!(client.next(), Some(Frame::new(BINARY, [1])));
    socket.unsubscribe("news");
    socket.publish("news", Message::Text("too late")).unwrap();
    assert_eq!(client.next(), None);
}

#[test]
fn who_does_not_read_misses_something() {
    let (router, _told, sockets) = telling(WsOptions::default());
    let mut client = Client::open(router);
    let socket = sockets.recv().unwrap();
    socket.subscribe("news");
    client.settle();
    client.connection.hold_output();
    while socket.send_binary([0; 100_000]).is_ok() {
        client.settle();
    }
    client.settle();
    socket.publish("news", Message::Text("missed")).unwrap();
    client.settle();
    assert_eq!(socket.missed(), 1);
    client.connection.release_output();
    while let Some(frame) = client.next() {
        assert_eq!(frame.opcode, BINARY);
    }
    socket.publish("news", Message::Text("got")).unwrap();
    assert_eq!(client.next(), Some(Frame::new(TEXT, "got")));
    assert_eq!(socket.missed(), 1);
}
