//! Exchanges that end early.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use flare::{AnswerError, CancelReason, Event, Flow, Read};

use super::{GET, POST, begin, holding, text};

#[test]
fn a_lost_client_cancels_and_the_callback_goes() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    let alive = Arc::new(());
    let (sender, events) = channel();
    let witness = Arc::clone(&alive);
    exchange.on_event(move |event| {
        let _ = &witness;
        sender.send(matches!(event, Event::Cancelled)).unwrap();
        Flow::Continue
    });
    connection.abort();
    assert_eq!(events.try_iter().collect::<Vec<_>>(), [true]);
    assert_eq!(Arc::strong_count(&alive), 1, "the callback is kept");
    assert_eq!(exchange.request().cancelled(), Some(CancelReason::PeerGone));
    assert_eq!(exchange.write("x"), Err(AnswerError::Cancelled(CancelReason::PeerGone)));
    assert_eq!(exchange.read(), Err(AnswerError::Cancelled(CancelReason::PeerGone)));
}

#[test]
fn a_request_that_is_cut_short_is_cancelled() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step());
    connection.send(b"5\r\nhe");
    connection.close_write();
    assert_eq!(exchange.request().cancelled(), Some(CancelReason::PeerGone));
    assert!(!connection.is_open());
}

#[test]
fn silence_of_either_side_ends() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step());
    connection.advance(Duration::from_secs(30));
    assert_eq!(exchange.request().cancelled(), Some(CancelReason::Deadline));
    assert!(text(&mut connection).starts_with("HTTP/1.1 408 "));

    let (mut connection, exchange) = begin(&client, &held, GET);
    exchange.write("x").unwrap();
    assert!(connection.step());
    connection.advance(Duration::from_secs(599));
    assert!(connection.is_open());
    connection.advance(Duration::from_secs(1));
    assert_eq!(exchange.request().cancelled(), Some(CancelReason::Deadline));
    assert!(!connection.is_open());
}

#[test]
fn a_client_that_was_held_back_gets_its_time_anew() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    connection.advance(Duration::from_secs(40));
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step());
    connection.advance(Duration::from_secs(1));
    assert_eq!(exchange.request().cancelled(), None, "the client had one second");
    connection.send(b"3\r\nabc\r\n");
    assert_eq!(exchange.read(), Ok(Read::Data("abc".into())));
    connection.advance(Duration::from_secs(30));
    assert_eq!(exchange.request().cancelled(), Some(CancelReason::Deadline));
}

#[test]
fn the_end_of_the_answer_ends_those_who_read() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    exchange.answer("enough").unwrap();
    assert!(connection.wait());
    assert_eq!(exchange.read(), Err(AnswerError::Answered));
    let thread = std::thread::spawn(move || exchange.read_blocking());
    assert_eq!(thread.join().unwrap(), Err(AnswerError::Answered));
}
