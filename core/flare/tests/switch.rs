//! Byte streams of another protocol (RFC 9110, 7.8).
#![allow(clippy::unwrap_used, reason = "a test wants to fail here")]

mod common;

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::*;
use flare::prelude::*;
use flare::testing::{TestClient, TestConnection};
use flare::{AnswerError, CancelReason, Event, Flow, Read};

const OFFER: &str = "GET /hold HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: other, shout\r\n\r\n";

/// Sends everything back in upper case, and says goodbye when the client closes its side.
fn shout(exchange: Exchange) {
    exchange.switch_protocol("shout").unwrap();
    exchange.drive(|exchange, event| {
        match event {
            Event::Data(data) => exchange.write(data.to_ascii_uppercase()).unwrap(),
            Event::End => {
                exchange.write("BYE").unwrap();
                exchange.finish().unwrap();
            }
            _ => {}
        }
        Flow::Continue
    });
}

fn shouting() -> Router {
    let mut router = Router::new();
    router.get("/hold", flare::later(shout)).unwrap();
    router
}

/// A router whose `/hold` gives its exchange to the test.
fn holding() -> (TestClient, Receiver<Exchange>) {
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    let hold = flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap());
    router.add("*", "/hold", hold).unwrap();
    (TestClient::new(router), receiver)
}

fn begin(client: &TestClient, held: &Receiver<Exchange>, head: &str) -> (TestConnection, Exchange) {
    let mut connection = client.connect();
    connection.send(head.as_bytes());
    (connection, held.try_recv().unwrap())
}

fn text(connection: &mut TestConnection) -> String {
    String::from_utf8(connection.received()).unwrap()
}

#[test]
fn both_sides_become_a_byte_stream() {
    let mut connection = TestClient::new(shouting()).connect();
    connection.send(OFFER.as_bytes());
    let head = text(&mut connection);
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert!(
        head.contains("\r\nupgrade: shout\r\n") && head.contains("\r\nconnection: upgrade\r\n"),
        "{head}"
    );
    assert!(!head.contains("length") && !head.contains("chunked"), "{head}");
    connection.send(b"get / http/1.1\r\n\r\n");
    assert!(connection.step());
    assert_eq!(text(&mut connection), "GET / HTTP/1.1\r\n\r\n");
    connection.close_write();
    assert!(connection.wait());
    assert_eq!(text(&mut connection), "BYE");
    assert!(!connection.is_open());
}

#[test]
fn much_that_is_sent_leaves_at_once() {
    let mut connection = TestClient::new(shouting()).connect();
    connection.send(OFFER.as_bytes());
    text(&mut connection);
    connection.send(&[b'a'; 20_000]);
    assert_eq!(text(&mut connection), "A".repeat(20_000), "before the end of the turn");
    connection.send(b"b");
    assert_eq!(text(&mut connection), "");
    assert!(connection.step());
    assert_eq!(text(&mut connection), "B");
}

#[test]
fn bytes_behind_the_offer_wait_for_the_switch_wherever_they_are_split() {
    let all = format!("{OFFER}hello");
    for at in 1..all.len() {
        let mut connection = TestClient::new(shouting()).connect();
        connection.send(&all.as_bytes()[..at]);
        connection.send(&all.as_bytes()[at..]);
        let mut answer = text(&mut connection);
        while !answer.ends_with("HELLO") && connection.step() {
            answer += &text(&mut connection);
        }
        assert!(answer.ends_with("\r\n\r\nHELLO"), "split at {at}: {answer}");
    }
}

#[test]
fn a_switch_may_come_later_and_be_read_by_another_thread() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, OFFER);
    connection.send(b"early");
    assert_eq!(exchange.request().offered_protocol(), Some("other, shout"));
    exchange.switch_protocol("SHOUT").unwrap();
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step());
    assert_eq!(exchange.read(), Ok(Read::Data("early".into())));
    exchange.write("reply").unwrap();
    assert!(connection.step());
    assert!(text(&mut connection).ends_with("\r\n\r\nreply"));
    connection.abort();
    assert_eq!(exchange.read(), Err(AnswerError::Cancelled(CancelReason::PeerGone)));
}

#[test]
fn what_nobody_offered_is_not_accepted() {
    let plain = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n";
    let without_option = "GET /hold HTTP/1.1\r\nHost: a\r\nUpgrade: shout\r\n\r\n";
    let old = "GET /hold HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\n";
    let content = "POST /hold HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: shout\r\nContent-Length: 1\r\n\r\nx";
    for head in [plain, without_option, old, content] {
        let (client, held) = holding();
        let (mut connection, exchange) = begin(&client, &held, head);
        assert_eq!(exchange.request().offered_protocol(), None, "{head}");
        for protocol in ["shout", ""] {
            assert!(matches!(exchange.switch_protocol(protocol), Err(AnswerError::Misuse(_))), "{head}");
            assert!(matches!(exchange.switch_to_datagrams(protocol), Err(AnswerError::Misuse(_))), "{head}");
        }
        exchange.respond("as ever");
        assert!(connection.wait());
        assert!(text(&mut connection).ends_with("\r\n\r\nas ever"), "{head}");
    }
    let (client, held) = holding();
    let (_connection, exchange) = begin(&client, &held, OFFER);
    assert!(matches!(exchange.switch_protocol("third"), Err(AnswerError::Misuse(_))));
    // A list may have empty elements (RFC 9110, 5.6.1), which offer nothing.
    let gaps = "GET /hold HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: , other,,\r\n\r\n";
    let (client, held) = holding();
    let (_connection, exchange) = begin(&client, &held, gaps);
    assert!(matches!(exchange.switch_protocol(""), Err(AnswerError::Misuse(_))));
    exchange.switch_protocol("other").unwrap();
}

#[test]
fn an_offer_may_be_declined() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, OFFER);
    exchange.respond("no");
    assert!(connection.wait());
    assert!(text(&mut connection).starts_with("HTTP/1.1 200 OK\r\n"));
    connection.send(OFFER.as_bytes());
    assert!(held.try_recv().is_ok(), "the connection goes on");
}

#[test]
fn a_silent_stream_ends_and_a_busy_one_does_not() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, OFFER);
    exchange.switch_protocol("shout").unwrap();
    assert!(connection.step());
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step());
    for _ in 0..3 {
        connection.advance(Duration::from_secs(599));
        connection.send(b"x");
        assert_eq!(exchange.read(), Ok(Read::Data("x".into())));
    }
    connection.advance(Duration::from_secs(600));
    assert!(!connection.is_open());
    assert_eq!(exchange.read(), Err(AnswerError::Cancelled(CancelReason::Deadline)));
}

#[test]
fn over_a_socket_the_end_is_clean_and_a_cut_is_a_reset() {
    let cut = Arc::new(Mutex::new(None));
    let mut router = shouting();
    let kept = Arc::clone(&cut);
    let keep = move |exchange: Exchange| {
        exchange.switch_protocol("shout").unwrap();
        *kept.lock().unwrap() = Some(exchange);
    };
    router.get("/cut", flare::later(keep)).unwrap();
    let server = start(router, one_worker());
    let address = &server.addresses()[0];

    let mut client = Client::connect(address);
    client.send(OFFER);
    assert!(client.head().starts_with("http/1.1 101 "));
    client.send("hello");
    assert_eq!(client.exactly(5), b"HELLO");
    client.close_write();
    assert_eq!(client.rest(), b"BYE");

    let mut client = Client::connect(address);
    client.send(OFFER.replace("/hold", "/cut"));
    assert!(client.head().starts_with("http/1.1 101 "));
    drop(cut.lock().unwrap().take());
    client.expect_lost();
}
