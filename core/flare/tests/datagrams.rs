//! Datagrams of a request (RFC 9297) in the capsules of a byte stream, on HTTP/1.1. HTTP/2 has its tests in `http2/datagrams.rs`, QUIC beside
//! `server/http3`.
#![allow(clippy::unwrap_used, reason = "a test wants to fail here")]

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use flare::prelude::*;
use flare::testing::{TestClient, TestConnection};
use flare::{AnswerError, DatagramError, Event, Flow};

const OFFER: &str =
    "GET /hold HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\nCapsule-Protocol: ?1\r\n\r\n";

/// Sends every datagram back, and says goodbye when the client closes its side.
fn echo(exchange: Exchange) {
    exchange.switch_to_datagrams("echo").unwrap();
    exchange.drive(|exchange, event| {
        match event {
            Event::Datagram(datagram) => exchange.send_datagram(datagram).unwrap(),
            Event::End => {
                exchange.send_datagram(b"bye").unwrap();
                exchange.finish().unwrap();
            }
            Event::Data(data) => panic!("{data:?} is no content"),
            _ => {}
        }
        Flow::Continue
    });
}

fn echoing() -> TestConnection {
    let mut router = Router::new();
    router.get("/hold", flare::later(echo)).unwrap();
    TestClient::new(router).connect()
}

/// A connection whose exchange the test has.
fn held() -> (TestConnection, Exchange) {
    let (sender, receiver): (_, Receiver<Exchange>) = channel();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    let hold = flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap());
    router.get("/hold", hold).unwrap();
    let mut connection = TestClient::new(router).connect();
    connection.send(OFFER.as_bytes());
    (connection, receiver.try_recv().unwrap())
}

/// What comes until nothing happens any more, behind a head if there is one.
fn received(connection: &mut TestConnection) -> Vec<u8> {
    let mut all = connection.received();
    while connection.try_step() {
        all.append(&mut connection.received());
    }
    match all.windows(4).position(|four| four == b"\r\n\r\n") {
        Some(at) if all.starts_with(b"HTTP/") => all.split_off(at + 4),
        _ => all,
    }
}

#[test]
fn the_byte_stream_is_one_of_capsules() {
    let mut connection = echoing();
    connection.send(OFFER.as_bytes());
    let head = String::from_utf8(connection.received()).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert!(
        head.contains("\r\ncapsule-protocol: ?1\r\n") && head.contains("\r\nupgrade: echo\r\n"),
        "{head}"
    );
    // A capsule of an unknown kind between two datagrams.
    connection.send(b"\x00\x05hello\x21\x03xyz\x00\x00");
    assert_eq!(received(&mut connection), b"\x00\x05hello\x00\x00");
    connection.close_write();
    assert_eq!(received(&mut connection), b"\x00\x03bye");
    assert!(!connection.is_open());
}

#[test]
fn capsules_are_found_wherever_they_are_split() {
    let all = [OFFER.as_bytes(), b"\x00\x40\x05hello\x00\x02ab"].concat();
    for at in 1..all.len() {
        let mut connection = echoing();
        connection.send(&all[..at]);
        connection.send(&all[at..]);
        assert_eq!(received(&mut connection), b"\x00\x05hello\x00\x02ab", "split at {at}");
    }
}

#[test]
fn a_stream_that_ends_within_a_capsule_is_cut() {
    for sent in [&b"\x00"[..], b"\x00\x05", b"\x00\x05half", b"\x21\x01"] {
        let mut connection = echoing();
        connection.send(OFFER.as_bytes());
        connection.send(sent);
        received(&mut connection);
        connection.close_write();
        assert_eq!(received(&mut connection), b"", "no goodbye");
        assert!(!connection.is_open());
    }
}

#[test]
fn what_nobody_reads_is_bounded_and_dropped() {
    let (mut connection, exchange) = held();
    assert!(matches!(exchange.read_datagram(), Err(AnswerError::Misuse(_))));
    exchange.switch_to_datagrams("echo").unwrap();
    assert_eq!(exchange.max_datagram_size(), 65_536);
    assert_eq!(exchange.read_datagram(), Ok(None));
    received(&mut connection);
    for number in 0..200_u8 {
        connection.send(&[0, 1, number]);
    }
    let read: Vec<_> = std::iter::from_fn(|| exchange.read_datagram().unwrap()).collect();
    assert_eq!(read, (0..128).map(|number| vec![number]).collect::<Vec<_>>());
    // One that is too long is dropped, and what is behind it comes.
    connection.send(&[&b"\x00\x80\x01\x00\x01"[..], &[7; 65_537], b"\x00\x01x"].concat());
    assert_eq!(exchange.read_datagram().unwrap().unwrap(), &b"x"[..]);
}

#[test]
fn what_the_client_does_not_take_is_bounded_and_refused() {
    let (mut connection, exchange) = held();
    exchange.switch_to_datagrams("echo").unwrap();
    let (most, large) = (exchange.max_datagram_size(), vec![1; 70_000]);
    assert_eq!(exchange.send_datagram(&large), Err(DatagramError::TooLarge { most }));
    let taken = (0..200).filter(|_| exchange.send_datagram(b"x").is_ok()).count();
    assert_eq!((taken, exchange.send_datagram(b"x")), (128, Err(DatagramError::Full)));
    assert_eq!(received(&mut connection), b"\x00\x01x".repeat(128));
    assert_eq!(exchange.send_datagram(b"y"), Ok(()));
    exchange.finish().unwrap();
    assert_eq!(exchange.send_datagram(b"z"), Err(DatagramError::Closed(AnswerError::Answered)));
    assert_eq!(received(&mut connection), b"\x00\x01y");
}

#[test]
fn a_handler_that_pauses_stops_the_client() {
    let (mut connection, exchange) = held();
    exchange.switch_to_datagrams("echo").unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    exchange.on_event(move |event| {
        if let Event::Datagram(datagram) = event {
            ear.lock().unwrap().push(datagram.to_vec());
        }
        Flow::Pause
    });
    received(&mut connection);
    connection.send(b"\x00\x01a\x00\x01b\x00\x01c");
    assert_eq!(*heard.lock().unwrap(), [b"a"]);
    assert!(!connection.wants_input());
    for count in [2, 3] {
        exchange.resume();
        assert!(connection.step());
        assert_eq!(heard.lock().unwrap().len(), count);
    }
    assert_eq!(*heard.lock().unwrap(), [b"a", b"b", b"c"]);
}

#[test]
fn the_wrong_ways_to_begin_are_errors() {
    let (mut connection, exchange) = held();
    assert!(matches!(exchange.switch_to_datagrams("other"), Err(AnswerError::Misuse(_))));
    exchange.switch_protocol("echo").unwrap();
    assert_eq!(exchange.switch_to_datagrams("echo"), Err(AnswerError::Answered));
    assert!(matches!(exchange.send_datagram(b"x"), Err(DatagramError::Closed(AnswerError::Misuse(_)))));
    assert_eq!(exchange.max_datagram_size(), 0);
    exchange.write("bytes").unwrap();
    assert_eq!(received(&mut connection), b"bytes");

    let (mut connection, exchange) = held();
    exchange.switch_to_datagrams("echo").unwrap();
    assert!(matches!(exchange.write("bytes"), Err(AnswerError::Misuse(_))));
    connection.abort();
    assert!(matches!(exchange.send_datagram(b"x"), Err(DatagramError::Closed(AnswerError::Cancelled(_)))));
    assert!(matches!(exchange.read_datagram(), Err(AnswerError::Cancelled(_))));
}
