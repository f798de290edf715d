//! HTTP/2: a request, and a byte stream by an extended CONNECT.

use crate::echo::Echo;
use crate::http2_client::Client;
use crate::{Random, SEEDS, STEPS, content, holding};

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
    let content = content(&mut random);
    let (server, held) = holding();
    let mut client = Client::new(&server);
    client.greedy = false;
    let stream = if switches { client.offer("/hold", "echo") } else { client.begin("POST", "/hold", &[]) };
    let exchange = held.try_recv().unwrap();
    if switches {
        exchange.switch_protocol("echo").unwrap();
    }
    let echo = Echo::new(exchange, seed, switches);
    let (mut sent, mut ended) = (0, false);
    for step in 0.. {
        assert!(step < STEPS, "seed {seed}: stuck at {sent} of {} bytes; {echo:?}", content.len());
        match random.below(6) {
            0 | 1 if !ended && client.connection.wants_input() => {
                let rest = &content[sent..];
                let count = if rest.is_empty() { 0 } else { random.length(rest.len()) };
                // The end comes with the last content, or behind it.
                let last = count == rest.len() && random.chance(60);
                let taken = client.write(stream, &rest[..count], last);
                sent += taken;
                ended = last && taken == count;
            }
            2 => drop(client.connection.try_step()),
            3 if random.chance(20) => client.connection.hold_output(),
            3 if random.chance(20) => client.connection.release_output(),
            4 => echo.tick(),
            5 => client.use_content(),
            _ => {}
        }
        client.talk();
        assert_eq!(client.answer(stream).reset, None, "seed {seed}: {echo:?}");
        if client.answer(stream).ended {
            break;
        }
    }
    assert!(echo.has_finished(), "seed {seed}: {echo:?}");
    let body = &client.answer(stream).body;
    assert!(*body == content, "seed {seed}: {} of {} bytes came back", body.len(), content.len());
}
