//! Threads that block, and routes on the pool.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use flare::RouteOptions;
use flare::prelude::*;
use flare::testing::TestClient;

use super::{POST, begin, body, holding, text};

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
