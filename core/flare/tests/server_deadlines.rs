//! Each wait of a connection has an end: head, body, idle, handler, write and linger. Time is the subject here, so it has to pass.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Mutex;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use common::{Client, one_worker, pattern, socket_path, start, wait_until};
use flare::prelude::*;
use flare::server::RunningServer;
use flare::{AnswerError, CancelReason};

const SHORT: Duration = Duration::from_millis(300);
const BODY: usize = 2 << 20;

fn router() -> Router {
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    router.post("/length", |request: &Request| request.body().len().to_string()).unwrap();
    router.get("/large", |_: &Request| pattern(BODY)).unwrap();
    router
}

/// Runs `wait`, and says whether it took about as long as the deadline: not less, and not for ever.
fn takes_a_deadline<T>(wait: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = wait();
    let took = start.elapsed();
    // The worker's clock began up to a millisecond before ours.
    assert!(took + Duration::from_millis(2) >= SHORT, "too early: {took:?}");
    assert!(took < SHORT * 20, "too late: {took:?}");
    result
}

fn connect(running: &RunningServer) -> Client {
    Client::connect(&running.addresses()[0])
}

#[test]
fn a_client_that_says_nothing_is_sent_away() {
    let running = start(router(), ServerConfig { head_timeout: SHORT, ..one_worker() });
    takes_a_deadline(|| connect(&running).expect_end());
    assert_eq!(running.handle().stats().timeouts, 1);
}

#[test]
fn a_head_that_is_not_completed_gets_408() {
    let running = start(router(), ServerConfig { head_timeout: SHORT, ..one_worker() });
    let mut client = connect(&running);
    // Of the second request on a connection, so that the time counts from its first byte.
    assert_eq!(client.get("/").status, 200);
    let answer = takes_a_deadline(|| {
        client.send("GET / HTTP/1.1\r\nHos");
        client.answer()
    });
    assert!(answer.status == 408 && answer.closes(), "{answer:?}");
    client.expect_end();
}

#[test]
fn content_that_stops_gets_408_and_each_part_moves_the_deadline() {
    // Any rate will do: that is tested elsewhere.
    let config = ServerConfig { body_timeout: SHORT, body_min_rate: 0, ..one_worker() };
    let running = start(router(), config);
    let mut client = connect(&running);
    client.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n");
    for _ in 0..8 {
        std::thread::sleep(SHORT / 4);
        client.send("x");
    }
    assert_eq!(client.answer().text(), "8");
    let answer = takes_a_deadline(|| {
        client.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nxx");
        client.answer()
    });
    assert!(answer.status == 408 && answer.closes(), "{answer:?}");
    client.expect_end();
}

#[test]
fn an_idle_connection_is_closed() {
    let running = start(router(), ServerConfig { idle_timeout: SHORT, ..one_worker() });
    let mut client = connect(&running);
    for _ in 0..3 {
        std::thread::sleep(SHORT / 3);
        assert_eq!(client.get("/").status, 200);
    }
    takes_a_deadline(|| {
        assert_eq!(client.get("/").status, 200);
        client.expect_end();
    });
}

#[test]
fn a_handler_that_does_not_answer_gets_503_and_learns_it() {
    let (sender, held) = mpsc::channel();
    let sender = Mutex::new(sender);
    let mut router = router();
    router
        .get("/hold", flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap()))
        .unwrap();
    let running = start(router, ServerConfig { handler_timeout: SHORT, ..one_worker() });
    let mut client = connect(&running);
    let answer = takes_a_deadline(|| client.get("/hold"));
    assert!(answer.status == 503 && answer.closes() && answer.header("retry-after").is_some(), "{answer:?}");
    client.expect_end();
    let exchange: Exchange = held.recv().unwrap();
    assert_eq!(exchange.request().cancelled(), Some(CancelReason::Deadline));
    assert_eq!(exchange.answer("late"), Err(AnswerError::Cancelled(CancelReason::Deadline)));
    assert_eq!(running.handle().stats().answers, [0, 0, 0, 1]);
}

#[test]
fn a_client_that_stops_reading_is_closed() {
    for address in ["127.0.0.1:0".to_owned(), format!("unix:{}", socket_path().display())] {
        let mut router = Router::new();
        router.get("/huge", |_: &Request| vec![b'x'; 32 << 20]).unwrap();
        let config = ServerConfig { write_timeout: SHORT, ..one_worker() };
        let running =
            Server::new(router).config(config).listen(&address).unwrap().bind().unwrap().start().unwrap();
        let handle = running.handle();
        let mut client = Client::connect_narrow(&running.addresses()[0]);
        takes_a_deadline(|| {
            client.send("GET /huge HTTP/1.1\r\nHost: a\r\n\r\n");
            wait_until("the connection is closed", || {
                handle.stats().accepted == 1 && handle.stats().open == 0
            });
        });
        assert_eq!(handle.stats().timeouts, 1, "{address}");
    }
}

/// A server behind a Unix socket: it holds little on its way, so a slow reader is felt at once.
fn behind_unix(config: ServerConfig) -> RunningServer {
    let address = format!("unix:{}", socket_path().display());
    Server::new(router()).config(config).listen(&address).unwrap().bind().unwrap().start().unwrap()
}

#[test]
fn a_slow_reader_is_not_closed() {
    // Less waits than the limit, so that the connection reads on, and is not idle all the same. It is when the system has taken all, which
    // the reader still has to read; so it may be idle for longer than that takes, and for less than all takes.
    let config = ServerConfig {
        write_timeout: SHORT,
        idle_timeout: SHORT * 3,
        output_limit: 2 * BODY,
        ..one_worker()
    };
    let running = behind_unix(config);
    let mut client = connect(&running);
    client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    let start = Instant::now();
    let mut received = Vec::new();
    while received.len() < BODY {
        std::thread::sleep(SHORT / 15);
        received.extend_from_slice(&client.exactly(BODY / 64));
    }
    assert!(start.elapsed() > SHORT * 3, "the reader was not slow");
    let head = received.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    received.extend_from_slice(&client.exactly(head));
    assert!(received.ends_with(&pattern(BODY)), "the content is wrong");
    assert_eq!(running.handle().stats().timeouts, 0);
    assert_eq!(client.get("/").text(), "home", "the connection goes on");
}

#[test]
fn a_slow_handler_takes_no_time_from_the_reader() {
    let mut router = Router::new();
    router
        .get("/slow", |_: &Request| {
            std::thread::sleep(SHORT * 2);
            vec![b'x'; BODY]
        })
        .unwrap();
    let address = format!("unix:{}", socket_path().display());
    let config = ServerConfig { write_timeout: SHORT, ..one_worker() };
    let running =
        Server::new(router).config(config).listen(&address).unwrap().bind().unwrap().start().unwrap();
    let mut client = connect(&running);
    client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_until("the answer waits", || running.handle().stats().bytes_out > 0);
    std::thread::sleep(SHORT / 3);
    assert_eq!(client.answer().body.len(), BODY);
}

#[test]
fn a_slow_reader_that_asks_for_more_is_not_closed() {
    // It asks for more than it reads, so what waits for it never gets less; but it moves.
    let running = behind_unix(ServerConfig { write_timeout: SHORT, output_limit: 256 << 20, ..one_worker() });
    let mut client = connect(&running);
    let start = Instant::now();
    while start.elapsed() < SHORT * 6 {
        client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
        std::thread::sleep(SHORT / 6);
        client.exactly(BODY / 4);
    }
    assert_eq!((running.handle().stats().timeouts, running.handle().stats().open), (0, 1));
}

#[test]
fn the_server_does_not_time_its_own_pause() {
    // While too much waits for the client the server reads nothing: a head that is incomplete meanwhile is not late.
    let running =
        behind_unix(ServerConfig { head_timeout: SHORT, output_limit: BODY * 3 / 2, ..one_worker() });
    let mut client = connect(&running);
    let ask = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(ask);
    wait_until("the first answer waits", || running.handle().stats().requests == 1);
    client.send(format!("{ask}GET / HT"));
    std::thread::sleep(SHORT * 2);
    assert_eq!((client.answer().body.len(), client.answer().body.len()), (BODY, BODY));
    client.send("TP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().text(), "home");
}

#[test]
fn lingering_ends() {
    let config = ServerConfig { linger_timeout: SHORT, body_limit: 10, ..one_worker() };
    let running = start(router(), config);
    let handle = running.handle();
    let mut client = connect(&running);
    takes_a_deadline(|| {
        client.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
        assert_eq!(client.answer().status, 413);
        client.expect_end();
        assert_eq!(handle.stats().open, 1, "the server does not linger");
        wait_until("the connection is closed", || handle.stats().open == 0);
    });
}

#[test]
fn a_client_that_closes_ends_lingering_at_once() {
    let config = ServerConfig { linger_timeout: Duration::from_secs(3600), body_limit: 10, ..one_worker() };
    let running = start(router(), config);
    let mut client = connect(&running);
    client.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    assert_eq!(client.answer().status, 413);
    drop(client);
    wait_until("the connection is closed", || running.handle().stats().open == 0);
}

#[test]
fn many_deadlines_pass_together() {
    let running = start(router(), ServerConfig { head_timeout: SHORT, ..one_worker() });
    let clients: Vec<_> = (0..200).map(|_| connect(&running)).collect();
    for mut client in clients {
        client.expect_end();
    }
    assert_eq!(running.handle().stats().timeouts, 200);
}
