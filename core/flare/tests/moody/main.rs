//! Content both ways through a handler and a client that do as they please, by seeds: on HTTP/1.1, HTTP/2 and byte streams. HTTP/3 has the same in
//! `src/server/http3/tests/moody.rs`.
//!
//! What has to hold: the client gets what it sent and then the end; the handler hears content only while it does not pause, its end once and
//! behind all content, that writes are taken only when one was refused, and is never left without the event that it waits for.
#![allow(clippy::unwrap_used, reason = "a test wants to fail here")]

mod echo;
mod http1;
mod http2;
#[allow(dead_code, reason = "another test program uses the rest")]
#[path = "../http2/client.rs"]
mod http2_client;

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use flare::prelude::*;
use flare::testing::TestClient;
use flare::{AnswerError, Event, Flow, Read, RouteOptions};

/// So many seeds of each way.
const SEEDS: u64 = 150;

/// So many steps are far more than any takes.
const STEPS: usize = 200_000;

/// A router whose `/hold` gives its exchange to the test, on a streaming route.
fn holding() -> (TestClient, Receiver<Exchange>) {
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    let hold = flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap());
    router.add_with("*", "/hold", RouteOptions::default().streaming(), hold).unwrap();
    (TestClient::new(router), receiver)
}

/// Content of a length that is chosen by chance, in which a piece in the wrong place shows.
fn content(random: &mut echo::Random) -> Vec<u8> {
    let length = [0, 1, 3_000, 100_000, 1_500_000][random.below(5)];
    (0..length as u64).map(|place| (place.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}
