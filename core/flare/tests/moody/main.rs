//! Content both ways through a handler and a client that do as they please, by seeds: on HTTP/1.1, HTTP/2 and byte streams. HTTP/3 has the same in
//! `src/server/http3/tests/moody.rs`.
//!
//! What has to hold: the client gets what it sent and then the end; the handler hears content only while it does not pause, its end once and
//! behind all content, that writes are taken only when one was refused, and is never left without the event that it waits for.
#![allow(clippy::unwrap_used, reason = "a test wants to fail here")]

#[path = "../common/mod.rs"]
mod common;
mod echo;
mod http1;
mod http2;
#[allow(dead_code, reason = "another test program uses the rest")]
#[path = "../http2/client.rs"]
mod http2_client;

use common::{Random, holding, pattern};
use flare::prelude::*;
use flare::{AnswerError, Event, Flow, Read};

/// So many seeds of each way.
const SEEDS: u64 = 150;

/// So many steps are far more than any takes.
const STEPS: usize = 200_000;

/// Content of a length that is chosen by chance.
fn content(random: &mut Random) -> Vec<u8> {
    pattern([0, 1, 3_000, 100_000, 1_500_000][random.below(5)])
}
