//! How sockets end.

use std::time::Duration;

use flare::websocket::SendError;

use super::frames::{PING, PONG, close, frame, text};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn short() -> WsOptions {
    WsOptions::default().ping(30 * SECOND, 20 * SECOND).close_timeout(10 * SECOND)
}

#[test]
fn the_client_closes() {
    let (router, told, sockets) = telling(short());
    let mut client = Client::open(router);
    client.send(&close(4001, "bye"));
    assert_eq!(client.next(), Some(Frame::close(4001, "")));
    assert!(!client.connection.is_open());
    assert_eq!((told.recv(), told.recv()), (Ok(Told::Open), Ok(Told::Close(4001, "bye".to_owned()))));
    let socket = sockets.recv().unwrap();
    assert!(!socket.is_open());
    assert_eq!(socket.send_text("late"), Err(SendError::Closed));
    assert_eq!(socket.close(1000, ""), Err(SendError::Closed));
    assert!(told.try_recv().is_err(), "it was told once");
}

#[test]
fn a_close_without_a_code() {
    let (router, told, _sockets) = telling(short());
    let mut client = Client::open(router);
    client.send(&frame(frames::CLOSE, b""));
    assert_eq!(client.next(), Some(Frame::new(frames::CLOSE, "")));
    assert_eq!((told.recv(), told.recv()), (Ok(Told::Open), Ok(Told::Close(1005, String::new()))));
}

#[test]
fn the_server_closes_behind_what_it_sent() {
    let (router, told, sockets) = telling(short());
    let mut client = Client::open(router);
    let socket = sockets.recv().unwrap();
    assert!(matches!(socket.close(1005, ""), Err(SendError::Misuse(_))));
    assert!(matches!(socket.close(1000, &"x".repeat(124)), Err(SendError::Misuse(_))));
    socket.send_text("last").unwrap();
    socket.close(1000, "done").unwrap();
    assert_eq!(socket.send_text("later"), Err(SendError::Closed));
    assert_eq!(client.next(), Some(Frame::new(frames::TEXT, "last")));
    assert_eq!(client.next(), Some(Frame::close(1000, "done")));
    assert!(client.connection.is_open(), "the client's Close is awaited");
    client.send(&text("crossed"));
    client.send(&frame(PING, b"crossed"));
    client.send(&close(1000, ""));
    assert_eq!(client.next(), None, "nothing follows a Close");
    assert!(!client.connection.is_open());
    assert_eq!((told.recv(), told.recv()), (Ok(Told::Open), Ok(Told::Close(1000, String::new()))));
}

#[test]
fn a_close_that_is_not_answered_has_a_deadline() {
    let (router, told, sockets) = telling(short());
    let mut client = Client::open(router);
    sockets.recv().unwrap().close(1000, "").unwrap();
    client.settle();
    client.connection.advance(9 * SECOND);
    client.send(&text("still here"));
    assert!(client.connection.is_open());
    client.connection.advance(SECOND);
    client.settle();
    assert!(!client.connection.is_open());
    assert!(matches!((told.recv(), told.recv()), (Ok(Told::Open), Ok(Told::Close(1006, _)))));
}

#[test]
fn a_silent_client_is_asked_and_a_dead_one_noticed() {
    let (router, told, _sockets) = telling(short());
    let mut client = Client::open(router);
    // Far longer than `stream_timeout`.
    for _ in 0..50 {
        client.connection.advance(29 * SECOND);
        assert_eq!(client.next(), None, "it was not silent for so long");
        client.connection.advance(SECOND);
        assert_eq!(client.next(), Some(Frame::new(PING, "")));
        client.connection.advance(19 * SECOND);
        client.send(&frame(PONG, b""));
    }
    client.connection.advance(30 * SECOND);
    assert_eq!(client.next(), Some(Frame::new(PING, "")));
    client.connection.advance(20 * SECOND);
    client.settle();
    assert!(!client.connection.is_open());
    assert_eq!(told.recv(), Ok(Told::Open));
    assert_eq!(told.recv(), Ok(Told::Close(1006, "the Ping was not answered".to_owned())));
}

#[test]
fn silence_counts_from_the_last_that_came() {
    let mut client = Client::open(echoing(short()));
    client.connection.advance(10 * SECOND);
    client.send(&frame(PONG, b""));
    for _ in 0..29 {
        client.connection.advance(SECOND);
        assert_eq!(client.next(), None);
    }
    client.connection.advance(SECOND);
    assert_eq!(client.next(), Some(Frame::new(PING, "")));
}

#[test]
fn a_busy_client_is_not_asked() {
    let mut client = Client::open(echoing(short()));
    for _ in 0..100 {
        client.connection.advance(29 * SECOND);
        client.send(&text("x"));
        assert_eq!(client.next(), Some(Frame::new(frames::TEXT, "x")));
    }
}

#[test]
fn mistakes_are_named() {
    for (bytes, code) in [
        (&[0x81, 0x01, b'x'][..], 1002),
        (&frame(frames::TEXT, &[0xff])[..], 1007),
        (&[0xf1, 0x80, 0, 0, 0, 0], 1002),
    ] {
        let (router, told, _sockets) = telling(short());
        let mut client = Client::open(router);
        client.send(bytes);
        let last = client.next().unwrap();
        assert_eq!((last.opcode, &last.payload[..2]), (frames::CLOSE, &u16::to_be_bytes(code)[..]));
        assert!(!client.connection.is_open());
        assert_eq!(told.recv(), Ok(Told::Open));
        assert!(matches!(told.recv(), Ok(Told::Close(told, _)) if told == code));
    }
}

#[test]
fn a_client_that_leaves_without_goodbye() {
    let (router, told, _sockets) = telling(short());
    let mut client = Client::open(router);
    client.connection.close_write();
    client.settle();
    assert!(!client.connection.is_open());
    assert_eq!((told.recv(), told.recv()), (Ok(Told::Open), Ok(Told::Close(1006, String::new()))));
    let (router, told, _sockets) = telling(short());
    let mut client = Client::open(router);
    client.connection.abort();
    assert_eq!((told.recv(), told.recv()), (Ok(Told::Open), Ok(Told::Close(1006, String::new()))));
}

#[test]
fn a_server_that_drains_says_goodbye() {
    let (router, told, _sockets) = telling(short());
    let mut client = Client::open(router);
    client.connection.drain();
    assert_eq!(client.next(), Some(Frame::close(1001, "")));
    assert!(client.connection.is_open());
    client.send(&close(1001, ""));
    assert!(!client.connection.is_open());
    assert_eq!((told.recv(), told.recv()), (Ok(Told::Open), Ok(Told::Close(1001, String::new()))));
}
