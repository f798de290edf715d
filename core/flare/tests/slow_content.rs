//! Content that comes too slowly, on the clock of the test: a byte now and then must not keep a request for ever.
#![allow(clippy::unwrap_used, reason = "a test wants to fail here")]

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flare::prelude::*;
use flare::testing::{TestClient, TestConnection};
use flare::{CancelReason, Event, Flow, RouteOptions};

const POST: &str = "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
const SECOND: Duration = Duration::from_secs(1);

/// 10 seconds of pause at the most, and 100 bytes a second.
fn config() -> ServerConfig {
    ServerConfig { body_timeout: SECOND * 10, body_min_rate: 100, ..ServerConfig::default() }
}

fn collecting(options: RouteOptions, config: ServerConfig) -> TestConnection {
    let mut router = Router::new();
    router
        .add_with("POST", "/length", options, |request: &Request| request.body().len().to_string())
        .unwrap();
    let mut connection = TestClient::with_config(router, config).connect();
    connection.send(POST.as_bytes());
    connection
}

/// How many seconds it takes until the connection closes, with so many bytes sent in each; at most 1,000.
fn seconds_until_closed(connection: &mut TestConnection, bytes: usize) -> u32 {
    for seconds in 1..1000 {
        connection.advance(SECOND);
        if !connection.is_open() {
            return seconds;
        }
        connection.send(&vec![b'x'; bytes]);
    }
    1000
}

fn text(connection: &mut TestConnection) -> String {
    String::from_utf8(connection.received()).unwrap()
}

#[test]
fn less_than_the_rate_ends_when_the_longest_pause_is_used_up() {
    for (bytes, seconds) in [(0, 10), (10, 11), (50, 19), (90, 91)] {
        let mut connection = collecting(RouteOptions::default(), config());
        assert_eq!(seconds_until_closed(&mut connection, bytes), seconds, "{bytes} bytes a second");
        assert!(text(&mut connection).starts_with("HTTP/1.1 408 "), "{bytes}");
    }
}

#[test]
fn the_rate_is_enough_for_ever() {
    let mut connection = collecting(RouteOptions::default(), config());
    for _ in 0..999 {
        connection.advance(SECOND);
        connection.send(&[b'x'; 100]);
    }
    connection.send(&[b'x'; 100]);
    assert!(text(&mut connection).ends_with("100000"));
}

#[test]
fn a_burst_is_no_credit_for_a_long_pause() {
    let mut connection = collecting(RouteOptions::default(), config());
    connection.send(&[b'x'; 90_000]);
    assert_eq!(seconds_until_closed(&mut connection, 0), 10);
}

#[test]
fn nobody_is_late_without_a_rate() {
    let without = ServerConfig { body_min_rate: 0, ..config() };
    assert_eq!(seconds_until_closed(&mut collecting(RouteOptions::default(), without), 1), 1000);
    let own = RouteOptions::default().body_min_rate(0);
    assert_eq!(seconds_until_closed(&mut collecting(own, config()), 1), 1000);
}

#[test]
fn a_route_has_times_of_its_own() {
    let own = RouteOptions::default().body_timeout(SECOND * 3);
    assert_eq!(seconds_until_closed(&mut collecting(own, config()), 1), 4);
    let own = RouteOptions::default().body_min_rate(1000);
    assert_eq!(seconds_until_closed(&mut collecting(own, config()), 500), 19);
}

/// A streaming route: the test says whether content is taken, and gets the exchange.
fn flowing(flow: &Arc<Mutex<Flow>>) -> (TestConnection, Receiver<Exchange>) {
    let (sender, held) = channel();
    let (sender, flow) = (Mutex::new(sender), Arc::clone(flow));
    let mut router = Router::new();
    let take = flare::later(move |exchange: Exchange| {
        let flow = Arc::clone(&flow);
        exchange.on_event(move |event| match event {
            Event::Data(_) => *flow.lock().unwrap(),
            _ => Flow::Continue,
        });
        sender.lock().unwrap().send(exchange).unwrap();
    });
    router.add_with("POST", "/length", RouteOptions::default().streaming(), take).unwrap();
    // The handler's own deadline is not what is tested.
    let config = ServerConfig { handler_timeout: SECOND * 10_000, ..config() };
    let mut connection = TestClient::with_config(router, config).connect();
    connection.send(POST.as_bytes());
    (connection, held)
}

#[test]
fn content_that_flows_is_held_to_the_rate_too() {
    let (mut connection, held) = flowing(&Arc::new(Mutex::new(Flow::Continue)));
    assert_eq!(seconds_until_closed(&mut connection, 50), 19);
    assert!(text(&mut connection).starts_with("HTTP/1.1 408 "));
    assert_eq!(held.recv().unwrap().request().cancelled(), Some(CancelReason::Deadline));
}

#[test]
fn time_in_which_the_handler_takes_nothing_does_not_count() {
    let flow = Arc::new(Mutex::new(Flow::Continue));
    let (mut connection, held) = flowing(&flow);
    let exchange = held.recv().unwrap();
    connection.advance(SECOND * 6);
    *flow.lock().unwrap() = Flow::Pause;
    connection.send(b"x");
    assert!(!connection.wants_input(), "the handler is not heard");
    connection.advance(SECOND * 1000);
    assert!(connection.is_open(), "the client can't send, and is late");

    *flow.lock().unwrap() = Flow::Continue;
    exchange.resume();
    assert!(connection.step() && connection.wants_input());
    // Neither lost nor given anew: 4 of the 10 seconds were left.
    assert_eq!(seconds_until_closed(&mut connection, 0), 5);
}
