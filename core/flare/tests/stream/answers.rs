//! Answers that are written piece by piece, and what comes before them.

use std::sync::mpsc::channel;

use flare::prelude::*;
use flare::{AnswerError, Event, Flow};

use super::{GET, POST, begin, body, holding, text};

#[test]
fn an_answer_is_written_piece_by_piece() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, GET);
    exchange.draft(|response| response.set_status(201)).unwrap();
    exchange.write("one").unwrap();
    exchange.write("two").unwrap();
    assert!(connection.step());
    let first = text(&mut connection);
    assert!(first.starts_with("HTTP/1.1 201 Created\n"), "{first}");
    assert!(first.ends_with("\n\n3\none\n3\ntwo\n"), "{first}");
    assert!(matches!(exchange.add_trailer("Content-Length", "6"), Err(AnswerError::Misuse(_))));
    assert_eq!(exchange.add_trailer("x-sum", "6"), Ok(Ok(())));
    exchange.finish().unwrap();
    assert_eq!(exchange.finish(), Err(AnswerError::Answered));
    assert!(connection.wait());
    assert_eq!(text(&mut connection), "0\nx-sum: 6\n\n");
    connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(body(&mut connection), "home");
}

#[test]
fn an_announced_length_is_kept() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, GET);
    exchange.draft(|response| response.headers_mut().append("content-length", "5")).unwrap().unwrap();
    exchange.write("hello").unwrap();
    exchange.finish().unwrap();
    assert!(connection.wait());
    assert_eq!(body(&mut connection), "hello");
    assert!(connection.is_open());
}

#[test]
fn an_answer_that_is_too_short_or_dropped_is_cut() {
    for drop_it in [false, true] {
        let (client, held) = holding();
        let (mut connection, exchange) = begin(&client, &held, GET);
        exchange.draft(|response| response.headers_mut().append("content-length", "6")).unwrap().unwrap();
        exchange.write("hello").unwrap();
        if drop_it {
            drop(exchange);
        } else {
            exchange.finish().unwrap();
        }
        connection.wait();
        assert!(!connection.is_open());
    }
}

#[test]
fn writes_are_refused_when_the_client_is_slow() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, GET);
    let mut sent = 0_usize;
    loop {
        match exchange.write(vec![b'x'; 10_000]) {
            Ok(()) => sent += 10_000,
            Err(error) => break assert_eq!(error, AnswerError::WouldBlock),
        }
        assert!(sent < 10_000_000, "no limit");
    }
    let (sender, writable) = channel();
    exchange.on_event(move |event| {
        sender.send(matches!(event, Event::Writable)).unwrap();
        Flow::Continue
    });
    assert!(connection.step());
    assert_eq!(writable.try_recv(), Ok(true));
    exchange.write("more").unwrap();
    exchange.finish().unwrap();
    assert!(connection.wait());
    assert!(connection.received().len() > sent);
}

#[test]
fn an_answer_may_end_before_its_request() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    exchange.respond("enough");
    assert!(connection.wait());
    assert_eq!(body(&mut connection), "enough");
    connection.send(b"3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(body(&mut connection), "home");
}

#[test]
fn an_answer_without_content_ends_those_who_write() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, &GET.replace("GET", "HEAD"));
    exchange.write("one").unwrap();
    assert!(connection.wait());
    let thread =
        std::thread::spawn(move || (0..100).find_map(|_| exchange.write_blocking(vec![b'z'; 50_000]).err()));
    assert_eq!(thread.join().unwrap(), Some(AnswerError::Answered));
    assert!(connection.is_open());
}

#[test]
fn interim_answers_come_first() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, GET);
    let mut hints = Headers::new();
    hints.append("link", "</a.css>; rel=preload").unwrap();
    exchange.inform(103, hints).unwrap();
    assert!(matches!(exchange.inform(200, Headers::new()), Err(AnswerError::Misuse(_))));
    assert!(connection.step());
    assert_eq!(text(&mut connection), "HTTP/1.1 103 Early Hints\nlink: </a.css>; rel=preload\n\n");
    exchange.respond("page");
    assert!(connection.wait());
    assert_eq!(body(&mut connection), "page");
}

#[test]
fn interim_answers_have_a_bound() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, GET);
    let mut sent = 0;
    while exchange.inform(103, Headers::new()).is_ok() {
        sent += 1;
        assert!(sent < 1000, "no bound");
    }
    assert_eq!(exchange.inform(103, Headers::new()), Err(AnswerError::WouldBlock));
    assert!(connection.step());
    assert_eq!(text(&mut connection).matches("HTTP/1.1 103 ").count(), sent);
    exchange.inform(103, Headers::new()).unwrap();
    exchange.respond("page");
    assert!(connection.wait());
}
