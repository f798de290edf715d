//! A handler that blocks: its route says so, and it is called on a pool of threads instead of a worker.
use std::thread;
use std::time::Duration;

use flare::RouteOptions;
use flare::prelude::*;

fn get_sleep(_: &Request) -> &'static str {
    thread::sleep(Duration::from_millis(20));
    "slept 20 ms\n"
}

fn main() -> Result<(), flare::Error> {
    let mut router = Router::new();
    // Who waits longer gets 503.
    let options = RouteOptions::default().blocking().handler_timeout(Duration::from_secs(10));
    router.add_with("GET", "/sleep", options, get_sleep)?;
    flare_examples::run(router)
}
