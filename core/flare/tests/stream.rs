//! Content that flows, through the session without a socket.
#![allow(clippy::unwrap_used, reason = "a test wants to fail here")]

use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flare::message::{FileBody, Part, Prepared, Pull, Source};
use flare::prelude::*;
use flare::testing::{TestClient, TestConnection};
use flare::{AnswerError, CancelReason, Event, Flow, Read, RouteOptions};

/// A router whose `/hold` gives its exchange to the test, on a streaming route.
fn holding() -> (TestClient, Receiver<Exchange>) {
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    let hold = flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap());
    router.add_with("*", "/hold", RouteOptions::default().streaming(), hold).unwrap();
    router.get("/", |_: &Request| "home").unwrap();
    (TestClient::new(router), receiver)
}

fn begin(client: &TestClient, held: &Receiver<Exchange>, head: &str) -> (TestConnection, Exchange) {
    let mut connection = client.connect();
    connection.send(head.as_bytes());
    (connection, held.try_recv().unwrap())
}

fn text(connection: &mut TestConnection) -> String {
    String::from_utf8(connection.received()).unwrap().replace("\r\n", "\n")
}

fn body(connection: &mut TestConnection) -> String {
    let text = text(connection);
    text.split_once("\n\n").map(|(_, body)| body.to_owned()).unwrap()
}

const GET: &str = "GET /hold HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n";
const POST: &str = "POST /hold HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

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
fn content_is_read_by_the_piece_and_the_client_is_stopped() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step(), "the first read asks for content");
    connection.send(b"5\r\nhello\r\n");
    assert_eq!(exchange.read(), Ok(Read::Data("hello".into())));
    let chunk = [format!("{:x}\r\n", 100_000).as_bytes(), &[b'y'; 100_000], b"\r\n"].concat();
    for _ in 0..10 {
        connection.send(&chunk);
    }
    assert!(!connection.wants_input(), "the client is not stopped");
    let mut taken = 0;
    while taken < 1_000_000 {
        match exchange.read().unwrap() {
            Read::Data(data) => taken += data.len(),
            Read::WouldBlock => assert!(connection.step()),
            Read::End => panic!("ended at {taken}"),
        }
    }
    connection.send(b"0\r\nX-Sum: 9\r\n\r\n");
    assert_eq!(exchange.read(), Ok(Read::End));
    assert_eq!(exchange.request().trailers().get_str("x-sum"), Some("9"));
    exchange.respond(taken.to_string());
    assert!(connection.wait());
    assert_eq!(body(&mut connection), "1000000");
}

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
fn continue_goes_before_the_head_of_an_answer_that_began_with_the_first_read() {
    let (client, held) = holding();
    let head = POST.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    let (mut connection, exchange) = begin(&client, &held, &head);
    exchange.start().unwrap();
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step());
    let both = text(&mut connection);
    assert!(both.starts_with("HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\n"), "{both}");
    connection.send(b"1\r\na\r\n0\r\n\r\n");
    assert_eq!(exchange.read(), Ok(Read::Data("a".into())));
    exchange.finish().unwrap();
    assert!(connection.wait());
    assert!(connection.is_open(), "all content has come");
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
fn both_ways_at_once() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    exchange.write("ready;").unwrap();
    assert!(connection.step());
    assert!(body(&mut connection).contains("ready;"));
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step());
    for word in ["one", "two"] {
        connection.send(format!("3\r\n{word}\r\n").as_bytes());
        let Ok(Read::Data(data)) = exchange.read() else { panic!("nothing to read") };
        exchange.write(data).unwrap();
        assert!(connection.step());
        assert_eq!(text(&mut connection), format!("3\n{word}\n"));
    }
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
fn continue_is_sent_by_the_first_read_only() {
    let (client, held) = holding();
    let head = "POST /hold HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let (mut connection, exchange) = begin(&client, &held, head);
    assert_eq!(text(&mut connection), "");
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step());
    assert_eq!(text(&mut connection), "HTTP/1.1 100 Continue\n\n");
    connection.send(b"abc");
    assert_eq!(exchange.read(), Ok(Read::Data("abc".into())));
    assert_eq!(exchange.read(), Ok(Read::End));
    exchange.respond("got it");
    assert!(connection.wait());
    assert_eq!(body(&mut connection), "got it");

    let (mut refused, exchange) = begin(&client, &held, head);
    exchange.respond(403_u16);
    assert!(refused.wait());
    assert!(text(&mut refused).starts_with("HTTP/1.1 403 Forbidden\n"));
    assert!(!refused.is_open(), "the client may or may not send the content: nothing can follow");
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

struct Counter(u32);

impl Source for Counter {
    fn pull(&mut self, _: &Request) -> Pull {
        self.0 += 1;
        if self.0 > 3 { Pull::End } else { Pull::Data(self.0.to_string().into()) }
    }
}

#[test]
fn a_source_is_pulled_to_its_end() {
    let mut router = Router::new();
    router.get("/", |_: &Request| Response::new(200).with_body(Body::from_source(Counter(0)))).unwrap();
    let client = TestClient::new(router);
    assert_eq!(client.get("/").text(), "123");
    assert_eq!(client.request("HEAD", "/").send().text(), "");
}

#[test]
fn drafted_content_of_every_kind_goes_before_what_is_written() {
    let path = std::env::temp_dir().join(format!("flare-stream-{}", std::process::id()));
    std::fs::write(&path, "0123").unwrap();
    let file = Arc::new(std::fs::File::open(&path).unwrap());
    std::fs::remove_file(&path).unwrap();
    let part = |offset, length| FileBody::new(Arc::clone(&file), offset, length);
    let parts = vec![Part::Bytes("1".into()), Part::File(part(0, 0)), Part::File(part(2, 2))];
    let prepared = Prepared::new(Response::text("123")).unwrap();
    let drafts = [
        Response::text("123"),
        Response::new(200).with_body(part(1, 3)),
        Response::new(200).with_body(parts),
        Response::new(200).with_body(Body::from_source(Counter(0))),
        prepared.into_response(),
    ];
    let (client, held) = holding();
    for mut draft in drafts {
        let kind = format!("{draft:?}");
        draft.trailers_mut().append("x-drafted", "1").unwrap();
        let (mut connection, exchange) = begin(&client, &held, GET);
        assert_eq!(exchange.add_trailer("x-added", "2"), Ok(Ok(())));
        exchange.draft(|response| *response = draft).unwrap();
        exchange.write("4").unwrap();
        assert!(connection.step());
        exchange.write("5").unwrap();
        exchange.finish().unwrap();
        assert!(connection.wait(), "{kind}");
        let (content, trailers) =
            body(&mut connection).split_once("\n0\n").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let content: String = content.lines().skip(1).step_by(2).collect();
        assert_eq!(
            (content.as_str(), trailers.as_str()),
            ("12345", "x-added: 2\nx-drafted: 1\n\n"),
            "{kind}"
        );
        assert!(connection.is_open());
    }
}

#[test]
fn a_drafted_source_that_waits_holds_back_what_is_written() {
    let (sender, content) = channel();
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, GET);
    exchange.draft(|response| *response.body_mut() = Body::from_source(Fed(content))).unwrap();
    exchange.write("written").unwrap();
    exchange.finish().unwrap();
    assert!(connection.step());
    assert!(!text(&mut connection).contains("written"));
    sender.send("pulled").unwrap();
    drop(sender);
    exchange.request().wake();
    assert!(connection.wait());
    assert_eq!(text(&mut connection), "6\npulled\n7\nwritten\n0\n\n");
}

/// Gives what comes out of a channel, and ends with it.
struct Fed(Receiver<&'static str>);

impl Source for Fed {
    fn pull(&mut self, _: &Request) -> Pull {
        match self.0.try_recv() {
            Ok(data) => Pull::Data(data.into()),
            Err(TryRecvError::Empty) => Pull::WouldBlock,
            Err(TryRecvError::Disconnected) => Pull::End,
        }
    }
}

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
fn threads_may_block() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    let thread = std::thread::spawn(move || {
        let mut total = 0;
        while let Some(data) = exchange.read_blocking().unwrap() {
            total += data.len();
        }
        for _ in 0..100 {
            exchange.write_blocking(vec![b'z'; 50_000]).unwrap();
        }
        exchange.finish().unwrap();
        total
    });
    assert!(connection.step());
    connection.send(b"3\r\nabc\r\n0\r\n\r\n");
    assert!(connection.wait());
    assert_eq!(thread.join().unwrap(), 3);
    assert!(connection.received().len() > 5_000_000);
}

#[test]
fn a_blocking_route_runs_on_the_pool_and_refuses_when_it_is_full() {
    let (sender, started) = channel();
    let gate = Arc::new(std::sync::Barrier::new(2));
    let wait = Arc::clone(&gate);
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    router
        .add_with("GET", "/slow", RouteOptions::default().blocking(), move |_: &Request| {
            sender.lock().unwrap().send(()).unwrap();
            wait.wait();
            "slow"
        })
        .unwrap();
    let config = ServerConfig { blocking_threads: 1, blocking_queue: 1, ..ServerConfig::default() };
    let client = TestClient::with_config(router, config);
    let get = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut first = client.connect();
    first.send(get);
    started.recv().unwrap();
    let mut second = client.connect();
    second.send(get);
    let mut third = client.connect();
    third.send(get);
    let refused = text(&mut third);
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("\nretry-after: 1\n"), "{refused}");
    gate.wait();
    assert!(first.wait());
    assert_eq!(body(&mut first), "slow");
    started.recv().unwrap();
    gate.wait();
    assert!(second.wait());
    assert_eq!(body(&mut second), "slow");
}

#[test]
fn an_exchange_that_was_cancelled_leaves_its_place_in_the_queue_of_the_pool() {
    let (sender, started) = channel();
    let sender = Mutex::new(sender);
    let gate = Arc::new(std::sync::Barrier::new(2));
    let wait = Arc::clone(&gate);
    let mut router = Router::new();
    router
        .add_with("GET", "/:name", RouteOptions::default().blocking(), move |request: &Request| {
            sender.lock().unwrap().send(request.path().to_owned()).unwrap();
            wait.wait();
            "slow"
        })
        .unwrap();
    let config = ServerConfig { blocking_threads: 1, blocking_queue: 2, ..ServerConfig::default() };
    let client = TestClient::with_config(router, config);
    let ask = |path: &str| {
        let mut connection = client.connect();
        connection.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        connection
    };
    let mut first = ask("/first");
    assert_eq!(started.recv().unwrap(), "/first");
    let mut gone = ask("/gone");
    let mut second = ask("/second");
    gone.abort();
    let mut third = ask("/third");
    let mut refused = ask("/refused");
    assert!(text(&mut refused).starts_with("HTTP/1.1 503 "));
    for (connection, next) in
        [(&mut first, Some("/second")), (&mut second, Some("/third")), (&mut third, None)]
    {
        gate.wait();
        assert!(connection.wait());
        assert_eq!(body(connection), "slow");
        assert_eq!(next.map(|_| started.recv().unwrap()).as_deref(), next);
    }
    assert!(started.try_recv().is_err(), "nobody waits for the one that was cancelled");
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
fn the_end_of_the_answer_ends_those_who_read() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    exchange.answer("enough").unwrap();
    assert!(connection.wait());
    assert_eq!(exchange.read(), Err(AnswerError::Answered));
    let thread = std::thread::spawn(move || exchange.read_blocking());
    assert_eq!(thread.join().unwrap(), Err(AnswerError::Answered));
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

/// Content that never comes, from a source that looks at its exchange when it goes.
struct Nosy(Arc<Exchange>, std::sync::mpsc::Sender<bool>);

impl Source for Nosy {
    fn pull(&mut self, _: &Request) -> Pull {
        Pull::WouldBlock
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        self.1.send(self.0.read().is_err()).unwrap();
    }
}

#[test]
fn a_source_may_use_its_exchange_when_it_goes() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, GET);
    let (sender, gone) = channel();
    let exchange = Arc::new(exchange);
    let source = Nosy(Arc::clone(&exchange), sender);
    exchange.answer(Response::new(200).with_body(Body::from_source(source))).unwrap();
    assert!(connection.step());
    connection.abort();
    assert_eq!(gone.try_recv(), Ok(true));
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
