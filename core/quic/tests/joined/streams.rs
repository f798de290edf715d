//! Bytes on streams, in both directions, in all sizes, over good and bad wires.

use std::collections::BTreeMap;

use crate::support::{Sender, World, pattern, read_all};

/// What came on each stream, and whether its end did.
type Arrived = BTreeMap<u64, (Vec<u8>, bool)>;

fn take_all(connection: &mut flare_quic::Connection, arrived: &mut Arrived) {
    while let Some(stream) = connection.next_readable() {
        let (bytes, fin) = arrived.entry(stream).or_default();
        *fin |= read_all(connection, stream, bytes);
    }
}

#[test]
fn streams_carry_all_sizes_both_ways() {
    let mut world = World::joined();
    let sizes =
        [0, 1, 2, 63, 64, 1199, 1200, 1201, 16_383, 16_384, 65_536, 262_143, 262_144, 262_145, 1_500_000];
    for size in sizes {
        let stream = world.client().open_bidirectional().unwrap();
        let mut asked = Sender::new(stream, pattern(size, stream));
        let mut answered: Option<Sender> = None;
        let (mut at_server, mut at_client) = (Arrived::new(), Arrived::new());
        asked.go(world.client());
        world.run(&format!("{size} bytes and back"), |world| {
            while let Some(writable) = world.client().next_writable() {
                assert_eq!(writable, stream);
                asked.go(world.client());
            }
            take_all(world.server(), &mut at_server);
            if answered.is_none()
                && let Some((content, true)) = at_server.get(&stream)
            {
                let sender = answered.insert(Sender::new(stream, content.clone()));
                sender.go(world.server());
            }
            while let Some(writable) = world.server().next_writable() {
                assert_eq!(writable, stream);
                answered.as_mut().unwrap().go(world.server());
            }
            take_all(world.client(), &mut at_client);
            at_client.get(&stream).is_some_and(|(_, fin)| *fin)
        });
        assert_eq!(at_client[&stream].0, pattern(size, stream), "{size}");
    }
}
