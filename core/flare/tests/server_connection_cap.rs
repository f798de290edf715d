//! The most connections at once: the next one waits, and is served when one has closed.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Client, one_worker, start, wait_until, workers};
use flare::prelude::*;

fn router() -> Router {
    let mut router = Router::new();
    router
        .get("/worker", |_: &Request| std::thread::current().name().unwrap_or_default().to_owned())
        .unwrap();
    router
}

#[test]
fn the_next_one_waits_until_one_closes() {
    let running = start(router(), ServerConfig { max_connections: 2, ..one_worker() });
    let (address, handle) = (&running.addresses()[0], running.handle());
    let mut first = Client::connect(address);
    let mut second = Client::connect(address);
    assert_eq!((first.get("/worker").status, second.get("/worker").status), (200, 200));
    let mut waiting: Vec<_> = (0..3).map(|_| Client::connect(address)).collect();
    for client in &mut waiting {
        client.send("GET /worker HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    // The worker turns, and has every chance to accept.
    for _ in 0..20 {
        first.get("/worker");
    }
    assert_eq!((handle.stats().accepted, handle.stats().open), (2, 2));
    drop(first);
    assert_eq!(waiting.remove(0).answer().status, 200);
    // Its connection has closed with it, so there is room for the next.
    assert_eq!(waiting.remove(0).answer().status, 200);
    second.reset();
    assert_eq!(waiting.remove(0).answer().status, 200);
    wait_until("all are closed", || handle.stats().open == 0);
    assert_eq!(handle.stats().accepted, 5);
}

#[test]
fn one_connection_at_a_time() {
    let running = start(router(), ServerConfig { max_connections: 1, ..one_worker() });
    let mut clients: Vec<_> = (0..50).map(|_| Client::connect(&running.addresses()[0])).collect();
    for client in &mut clients {
        client.send("GET /worker HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }
    for client in &mut clients {
        assert_eq!(client.answer().status, 200);
    }
}

#[test]
fn several_listeners_share_the_limit() {
    let config = ServerConfig { max_connections: 1, ..one_worker() };
    let server =
        Server::new(router()).config(config).listen("127.0.0.1:0").unwrap().listen("127.0.0.1:0").unwrap();
    let running = server.bind().unwrap().start().unwrap();
    let (one, other) = (&running.addresses()[0], &running.addresses()[1]);
    for _ in 0..10 {
        let mut first = Client::connect(one);
        assert_eq!(first.get("/worker").status, 200);
        let mut second = Client::connect(other);
        second.send("GET /worker HTTP/1.1\r\nHost: a\r\n\r\n");
        for _ in 0..5 {
            first.get("/worker");
        }
        assert_eq!(running.handle().stats().open, 1);
        drop(first);
        assert_eq!(second.answer().status, 200);
    }
}

/// Connects until the limit is reached, by a connection to another worker than the first. Returns the clients of that worker, and
/// those of the other.
fn fill(running: &flare::server::RunningServer, limit: usize) -> (Vec<Client>, Vec<Client>) {
    loop {
        let mut clients: Vec<(String, Client)> = Vec::new();
        for _ in 0..limit {
            let mut client = Client::connect(&running.addresses()[0]);
            let worker = client.get("/worker").text().to_owned();
            clients.push((worker, client));
        }
        let full = clients[limit - 1].0.clone();
        let (its, others): (Vec<_>, Vec<_>) = clients.into_iter().partition(|(worker, _)| *worker == full);
        if !others.is_empty() {
            let strip =
                |clients: Vec<(String, Client)>| clients.into_iter().map(|(_, client)| client).collect();
            return (strip(its), strip(others));
        }
        drop(its);
        wait_until("all are closed", || running.handle().stats().open == 0);
    }
}

#[test]
fn a_worker_goes_on_when_there_is_room_again_on_another_one() {
    let running = start(router(), ServerConfig { max_connections: 4, ..workers(2) });
    let (kept, closed) = fill(&running, 4);
    drop(closed);
    let open = kept.len() as u64;
    wait_until("the others are closed", || running.handle().stats().open == open);
    // Half of these go to the worker that had stopped, and has not closed a connection of its own since.
    for _ in 0..40 {
        let mut client = Client::connect(&running.addresses()[0]);
        client.send("GET /worker HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_eq!(client.answer().status, 200);
    }
}

#[test]
fn the_limit_holds_for_all_workers_together() {
    let running = start(router(), ServerConfig { max_connections: 8, shared_listener: true, ..workers(4) });
    let handle = running.handle();
    let mut clients: Vec<_> = (0..60).map(|_| Client::connect(&running.addresses()[0])).collect();
    for client in &mut clients {
        client.send("GET /worker HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }
    for client in &mut clients {
        assert_eq!(client.answer().status, 200);
        // Each worker finds out for itself that the limit is reached: by one connection more.
        assert!(handle.stats().open <= 8 + 3, "{}", handle.stats().open);
    }
    drop(clients);
    wait_until("all are closed", || handle.stats().open == 0);
    handle.drain(Duration::ZERO);
}
