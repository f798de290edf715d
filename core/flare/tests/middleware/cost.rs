//! What middleware that does nothing costs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use flare::middleware::Middleware;
use flare::prelude::*;
use flare::testing::TestClient;

/// As much as a chain may cost for each middleware in it.
const MOST: Duration = Duration::from_nanos(20);

struct Nothing;

impl Middleware for Nothing {}

/// The time of one request with so many middlewares around its handler; the best of many rounds, which is what the code takes
/// when nothing else runs.
fn request_with(layers: usize) -> Duration {
    const ROUNDS: u32 = 50;
    const REQUESTS: u32 = 2000;
    let mut router = Router::new();
    for _ in 0..layers {
        router.layer(Nothing);
    }
    router.get("/", |_: &Request| "hello").unwrap();
    let mut connection = TestClient::new(router).connect();
    let mut round = || {
        let start = Instant::now();
        for _ in 0..REQUESTS {
            connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            black_box(connection.received());
        }
        start.elapsed() / REQUESTS
    };
    (0..ROUNDS).map(|_| round()).min().unwrap()
}

#[test]
#[ignore = "a measurement: cargo test --release --test middleware -- --ignored --nocapture cost"]
fn the_cost_of_a_middleware_that_does_nothing() {
    let times = [0, 1, 2, 10, 20].map(|layers| (layers, request_with(layers)));
    for (layers, time) in times {
        println!("{layers:2} middlewares: {time:?} for each request");
    }
    let (one, twenty) = (times[1].1, times[4].1);
    let each = twenty.saturating_sub(one) / 19;
    println!("each more: {each:?}; the first: {:?}", one.saturating_sub(times[0].1));
    assert!(each <= MOST, "{each:?}");
}
