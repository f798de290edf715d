//! What test programs share: over real sockets a server that runs, a client that blocks, and waiting with an end; and what needs none.
// Each test program uses a part of this.
#![allow(dead_code, unused_imports, clippy::unwrap_used, clippy::expect_used)]

mod client;
mod holding;
mod random;
pub mod relay;
mod server;

pub use client::{Answer, Client};
pub use holding::holding;
pub use random::Random;
pub use server::{Gate, on_ring, one_worker, socket_path, start, workers};

use std::time::{Duration, Instant};

/// Far longer than anything here takes. A test that reaches it has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Looks until something has become true in another thread that has no way to tell.
pub fn wait_until(what: &str, mut true_now: impl FnMut() -> bool) {
    let start = Instant::now();
    while !true_now() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A byte for each place of a long content, such that a piece in the wrong place shows.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64).map(|place| (place.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}
