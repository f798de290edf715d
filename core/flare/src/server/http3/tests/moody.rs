//! Content both ways through a handler and a client that do as they please, by seeds. `tests/moody` does the same on the other wires.

use super::{Client, holding, pattern};
use crate::{AnswerError, Event, Exchange, Flow, Read};

#[path = "../../../../tests/moody/echo.rs"]
mod echo;
#[path = "../../../../tests/common/random.rs"]
mod random;

use echo::Echo;
use random::Random;

/// So many seeds of each way.
const SEEDS: u64 = 24;

/// So many steps are far more than any takes.
const STEPS: usize = 200_000;

#[test]
fn a_request() {
    (0..SEEDS).for_each(|seed| run(seed, false));
}

#[test]
fn a_byte_stream() {
    (0..SEEDS).for_each(|seed| run(seed, true));
}

fn run(seed: u64, switches: bool) {
    let mut random = Random::new(seed);
    let content = pattern([0, 1, 3_000, 100_000, 1_500_000][random.below(5)]);
    let (server, held) = holding();
    let mut client = Client::with_window(&server, 64 * 1024);
    client.greedy = false;
    let id = if switches { client.offer("/hold", "echo", &[]) } else { client.begin("POST", "/hold", &[]) };
    let exchange = held.try_recv().unwrap();
    if switches {
        exchange.switch_protocol("echo").unwrap();
    }
    let echo = Echo::new(exchange, seed, switches);
    let (mut sent, mut ended, mut step) = (0, false, 0);
    client.until("the answer", |client| {
        step += 1;
        assert!(step < STEPS, "seed {seed}: stuck at {sent} of {} bytes; {echo:?}", content.len());
        for _ in 0..8 {
            match random.below(3) {
                0 if !ended && client.waiting(id) == 0 => {
                    let rest = &content[sent..];
                    let count = if rest.is_empty() { 0 } else { random.length(rest.len()) };
                    // The end comes with the last content, or behind it.
                    ended = count == rest.len() && random.chance(60);
                    client.write(id, &rest[..count], ended);
                    sent += count;
                }
                1 => echo.tick(),
                2 => client.use_content(),
                _ => {}
            }
        }
        client.answer(id).ended
    });
    assert!(echo.has_finished(), "seed {seed}: {echo:?}");
    let body = &client.answer(id).body;
    assert!(*body == content, "seed {seed}: {} of {} bytes came back", body.len(), content.len());
}
