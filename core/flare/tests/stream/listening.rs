//! What those hear who listen.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use flare::prelude::*;
use flare::testing::TestClient;
use flare::{Event, Flow, Read, RouteOptions};

use super::{GET, POST, begin, body, holding, text};

#[test]
fn events_carry_content_without_copies_and_may_pause() {
    let mut router = Router::new();
    let handler = flare::later(|exchange: Exchange| {
        let mut total = 0;
        exchange.drive(move |exchange, event| {
            match event {
                Event::Data(data) => total += data.len(),
                Event::End => exchange.answer(total.to_string()).unwrap(),
                Event::Writable | Event::Cancelled | _ => {}
            }
            Flow::Continue
        });
    });
    router.add_with("POST", "/count", RouteOptions::default().streaming(), handler).unwrap();
    let client = TestClient::new(router);
    let answer = client.post("/count", vec![1; 3_000_000]);
    assert_eq!(answer.text(), "3000000");

    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    let (sender, events) = channel();
    exchange.on_event(move |event| {
        if let Event::Data(data) = event {
            sender.send(data.to_vec()).unwrap();
        }
        Flow::Pause
    });
    assert!(connection.step());
    connection.send(b"1\r\na\r\n1\r\nb\r\n");
    assert_eq!(events.try_iter().collect::<Vec<_>>(), [b"a"]);
    exchange.resume();
    assert!(connection.step());
    assert_eq!(events.try_iter().collect::<Vec<_>>(), [b"b"]);
}

#[test]
fn the_end_of_content_waits_for_a_callback_that_pauses() {
    const BY_LENGTH: &str = "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n";
    for (head, content) in [(POST, "1\r\na\r\n0\r\n\r\n"), (BY_LENGTH, "a")] {
        let (client, held) = holding();
        let (mut connection, exchange) = begin(&client, &held, head);
        let (sender, events) = channel();
        exchange.on_event(move |event| {
            sender.send(format!("{event:?}")).unwrap();
            Flow::Pause
        });
        assert!(connection.step());
        connection.send(content.as_bytes());
        assert_eq!(events.try_iter().collect::<Vec<_>>(), ["Data([97])"]);
        exchange.resume();
        assert!(connection.step());
        assert_eq!(events.try_iter().collect::<Vec<_>>(), ["End"]);
        exchange.answer("whole").unwrap();
        assert!(connection.wait());
        assert_eq!(body(&mut connection), "whole");
    }
}

#[test]
fn a_pause_counts_from_any_event() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    while exchange.write(vec![b'x'; 10_000]).is_ok() {}
    let (sender, events) = channel();
    exchange.on_event(move |event| {
        sender.send(format!("{event:?}")).unwrap();
        if matches!(event, Event::Writable) { Flow::Pause } else { Flow::Continue }
    });
    assert!(connection.step());
    connection.send(b"1\r\na\r\n0\r\n\r\n");
    assert_eq!(events.try_iter().collect::<Vec<_>>(), ["Writable"]);
    exchange.resume();
    assert!(connection.step());
    assert_eq!(events.try_iter().collect::<Vec<_>>(), ["Data([97])", "End"]);
    connection.abort();
}

#[test]
fn a_resume_that_is_faster_than_its_pause_is_not_lost() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    let exchange = Arc::new(exchange);
    let other = Arc::clone(&exchange);
    let (sender, events) = channel();
    exchange.on_event(move |event| {
        if let Event::Data(data) = event {
            sender.send(data.to_vec()).unwrap();
            // Whoever takes the content may be done with it before this returns.
            std::thread::scope(|scope| scope.spawn(|| other.resume()).join().unwrap());
        }
        Flow::Pause
    });
    assert!(connection.step());
    connection.send(b"1\r\na\r\n1\r\nb\r\n");
    assert_eq!(events.try_iter().collect::<Vec<_>>(), [b"a", b"b"]);
    connection.abort();
}

/// Begins to listen by either model, and says what is heard.
fn hear(exchange: &Exchange, given: bool) -> Receiver<String> {
    let (sender, heard) = channel();
    let callback = move |event: Event<'_>| {
        sender.send(format!("{event:?}")).unwrap();
        Flow::Continue
    };
    if given {
        exchange.on_event(callback)
    } else {
        exchange.watch(callback)
    }
    heard
}

#[test]
fn what_came_before_somebody_listened_is_told_then() {
    for given in [true, false] {
        for content in ["1\r\na\r\n", "1\r\na\r\n0\r\n\r\n"] {
            let (client, held) = holding();
            let (mut connection, exchange) = begin(&client, &held, POST);
            assert_eq!(exchange.read(), Ok(Read::WouldBlock));
            assert!(connection.step());
            connection.send(content.as_bytes());
            let heard = hear(&exchange, given);
            assert!(connection.step());
            let first = if given { "Data([97])" } else { "Readable" };
            assert_eq!(heard.try_recv().as_deref(), Ok(first), "{content}");
            let ends = content.ends_with("0\r\n\r\n");
            assert_eq!(heard.try_recv().is_ok_and(|event| event == "End"), ends, "{content}");
            connection.abort();
        }
    }
}

#[test]
fn the_end_comes_behind_content_also_for_a_second_callback() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    let watched = hear(&exchange, false);
    assert!(connection.step());
    connection.send(b"1\r\na\r\n0\r\n\r\n");
    assert_eq!(watched.try_iter().collect::<Vec<_>>(), ["Readable", "End"]);
    let heard = hear(&exchange, true);
    assert!(connection.step());
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), ["Data([97])", "End"]);
    assert!(hear(&exchange, true).try_recv().is_err());
    assert!(connection.step());
    assert_eq!(exchange.read(), Ok(Read::End));
    connection.abort();
}

#[test]
fn room_that_came_before_somebody_listened_is_told_then() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    while exchange.write(vec![b'x'; 10_000]).is_ok() {}
    assert!(connection.step());
    let heard = hear(&exchange, true);
    assert!(connection.step());
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), ["Writable"]);
    connection.abort();
}

#[test]
fn a_request_without_content_ends_for_those_who_listen() {
    for head in [GET, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"] {
        let (client, held) = holding();
        let (mut connection, exchange) = begin(&client, &held, head);
        let (sender, events) = channel();
        exchange.drive(move |exchange, event| {
            sender.send(format!("{event:?}")).unwrap();
            exchange.answer("ended").unwrap();
            Flow::Continue
        });
        assert!(connection.wait());
        assert_eq!(body(&mut connection), "ended");
        assert_eq!(events.try_iter().collect::<Vec<_>>(), ["End"]);
    }
}

#[test]
fn who_only_wants_to_notice_does_not_ask_for_content() {
    let (client, held) = holding();
    let head = "POST /hold HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let (mut connection, exchange) = begin(&client, &held, head);
    let (sender, events) = channel();
    exchange.notice(move |event| {
        sender.send(format!("{event:?}")).unwrap();
        Flow::Continue
    });
    assert!(connection.step());
    assert_eq!(text(&mut connection), "");
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step());
    assert_eq!(text(&mut connection), "HTTP/1.1 100 Continue\n\n");
    connection.send(b"abc");
    connection.abort();
    assert_eq!(events.try_iter().collect::<Vec<_>>(), ["Readable", "End", "Cancelled"]);
}
