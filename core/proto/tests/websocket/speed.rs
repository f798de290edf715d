//! What a message costs. Run by hand, since it takes a build with optimisation:
//!
//!     cargo test --release -p flare-proto --test websocket -- --ignored --nocapture

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::feeding::{FIN, masked, server};

/// The shortest time of many rounds, since other programs only make it longer.
fn shortest(mut act: impl FnMut()) -> Duration {
    let round = |act: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..200).for_each(|_| act());
        start.elapsed() / 200
    };
    (0..50).map(|_| round(&mut act)).min().unwrap_or_default()
}

#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stdout)]
fn a_long_masked_message_costs_little_more_than_its_copy() {
    let payload = vec![7; 65_536];
    let wire = masked(FIN | 2, &payload);
    let mut connection = server();
    let mut out = Vec::new();
    let receive = shortest(|| {
        let mut input = black_box(&wire[..]);
        assert!(connection.receive(&mut input, &mut out).unwrap().is_some());
        assert!(connection.receive(&mut input, &mut out).unwrap().is_none());
    });
    let copy = shortest(|| drop(black_box(black_box(&payload).clone())));
    let rate = |time: Duration| payload.len() as f64 / time.as_nanos() as f64;
    println!(
        "65,536 bytes: receive {receive:?} ({:.1} GB/s), copy {copy:?} ({:.1} GB/s)",
        rate(receive),
        rate(copy)
    );
    assert!(receive < 3 * copy, "{receive:?} against {copy:?}");
}

/// For `valgrind --tool=callgrind`, on the file that `--no-run` names: the difference of two sizes of `FLARE_MESSAGES`, divided, is the cost of one.
#[test]
#[ignore = "a measurement"]
fn short_masked_messages() {
    let count: usize = std::env::var("FLARE_MESSAGES").map_or(1000, |text| text.parse().unwrap());
    let length: usize = std::env::var("FLARE_LENGTH").map_or(16, |text| text.parse().unwrap());
    let wire = masked(FIN | 2, &vec![7; length]);
    let (mut connection, mut out) = (server(), Vec::new());
    for _ in 0..count {
        let mut input = black_box(&wire[..]);
        assert!(connection.receive(&mut input, &mut out).unwrap().is_some());
        assert!(connection.receive(&mut input, &mut out).unwrap().is_none());
    }
}
