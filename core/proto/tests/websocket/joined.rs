//! Both roles joined through random splits, and ends that are fed nonsense.

use std::sync::Arc;

use flare_proto::websocket::{CloseCode, Connection, Limits, MaskKeys, Opcode, Rate, Role};

use crate::feeding::{Seen, feed, frame, masked, server_with};
use crate::random::Random;

fn generous() -> Limits {
    Limits { control_frames: Rate { burst: u32::MAX, per_second: 0 }, ..Limits::default() }
}

/// One end, what the other one has to see of it, and the bytes on their way to it.
struct End {
    connection: Connection,
    sent: Vec<Seen>,
    seen: Vec<Seen>,
    wire: Vec<u8>,
}

impl End {
    fn new(connection: Connection) -> Self {
        End { connection, sent: Vec::new(), seen: Vec::new(), wire: Vec::new() }
    }

    fn act(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        let length = *random.pick(&[0, 1, 5, 125, 126, 500, 65_535, 65_536, 100_000]);
        match random.below(4) {
            0 => {
                let text: String = (0..length / 2)
                    .map(|_| *random.pick(&['a', '\u{e4}', '\u{20ac}', '\u{1f9ff}']))
                    .collect();
                self.connection.send(Opcode::Text, text.as_bytes(), out).unwrap();
                self.sent.push(Seen::Text(text));
            }
            1 => {
                let payload = random.bytes(length.min(125));
                self.connection.ping(&payload, out).unwrap();
                self.sent.push(Seen::Ping(payload));
            }
            _ => {
                let bytes = random.bytes(length);
                self.connection.send(Opcode::Binary, &bytes, out).unwrap();
                self.sent.push(Seen::Binary(bytes));
            }
        }
    }
}

#[test]
fn everything_arrives_in_order() {
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let mut keys = Random::new(seed + 1000);
        let keys = MaskKeys::new(move || [0; 4].map(|_| keys.below(256) as u8));
        let limits = Arc::new(generous());
        let mut one = End::new(Connection::new(Role::Client(keys), limits.clone(), None));
        let mut other = End::new(Connection::new(Role::Server, limits, None));
        for round in 0..20 {
            let mut out = Vec::new();
            if round < 18 {
                one.act(&mut random, &mut out);
            }
            let wire = std::mem::take(&mut one.wire);
            for piece in random.pieces(&wire) {
                feed(&mut one.connection, piece, &mut out, &mut one.seen).unwrap();
            }
            other.wire.extend(out);
            std::mem::swap(&mut one, &mut other);
        }
        // What is still on its way, and then the end.
        for _ in 0..3 {
            let mut out = Vec::new();
            let wire = std::mem::take(&mut one.wire);
            feed(&mut one.connection, &wire, &mut out, &mut one.seen).unwrap();
            other.wire.extend(out);
            std::mem::swap(&mut one, &mut other);
        }
        one.connection.close(Some(CloseCode::NORMAL), "done", &mut other.wire).unwrap();
        one.sent.push(Seen::Close(Some(1000), "done".into()));
        feed(&mut other.connection, &other.wire, &mut one.wire, &mut other.seen).unwrap();
        feed(&mut one.connection, &one.wire, &mut Vec::new(), &mut one.seen).unwrap();
        assert_eq!(one.seen.pop(), Some(Seen::Close(Some(1000), String::new())));
        assert!(one.connection.is_closed() && other.connection.is_closed());
        for (from, to) in [(&one, &other), (&other, &one)] {
            let pings = from.sent.iter().filter_map(|sent| match sent {
                Seen::Ping(payload) => Some(Seen::Pong(payload.clone())),
                _ => None,
            });
            let messages = to.seen.iter().filter(|seen| !matches!(seen, Seen::Pong(_)));
            assert!(messages.eq(&from.sent), "seed {seed}");
            let answers = from.seen.iter().filter(|seen| matches!(seen, Seen::Pong(_))).cloned();
            assert!(pings.eq(answers), "seed {seed}");
        }
    }
}

#[test]
fn messages_in_any_fragments() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let length = random.below(3000);
        let message = random.bytes(length);
        let pieces = random.pieces(&message);
        let mut wire = masked(2, b"");
        for piece in &pieces {
            let key = random.bytes(4).try_into().unwrap();
            wire.extend(frame(0, Some(key), piece));
            if random.one_in(3) {
                wire.extend(masked(0x80 | 10, b"between"));
            }
        }
        wire.extend(masked(0x80, b""));
        let (mut out, mut seen) = (Vec::new(), Vec::new());
        let mut server = server_with(generous());
        for piece in random.pieces(&wire) {
            feed(&mut server, piece, &mut out, &mut seen).unwrap();
        }
        seen.retain(|seen| !matches!(seen, Seen::Pong(_)));
        assert_eq!(seen, [Seen::Binary(message)], "seed {seed}");
    }
}

#[test]
fn nonsense_never_panics_and_memory_stays_small() {
    // A good conversation to start from.
    let mut script = Vec::new();
    let mut client = Connection::new(Role::Client(MaskKeys::new(|| [0; 4])), Arc::default(), None);
    client.send_text("a text \u{20ac}", &mut script).unwrap();
    client.ping(b"ping", &mut script).unwrap();
    client.send(Opcode::Binary, &[1; 300], &mut script).unwrap();
    client.close(Some(CloseCode::NORMAL), "bye", &mut script).unwrap();
    let mut ended = 0;
    for seed in 0..8_000 {
        let mut random = Random::new(seed);
        let mut input = script.clone();
        for _ in 0..1 + random.below(4) {
            let at = random.below(input.len());
            match random.below(3) {
                0 => input[at] = random.below(256) as u8,
                1 => input[at] ^= 1 << random.below(8),
                _ => drop(input.drain(at..input.len().min(at + 1 + random.below(30)))),
            }
            if input.is_empty() {
                input.push(0);
            }
        }
        let limits = Limits { message_bytes: 1000, ..Limits::default() };
        let mut server = server_with(limits);
        let (mut out, mut seen) = (Vec::new(), Vec::new());
        let result =
            random.pieces(&input).iter().try_for_each(|piece| feed(&mut server, piece, &mut out, &mut seen));
        ended += usize::from(result.is_err());
        assert!(server.held_bytes() <= 4 * 1000);
        assert!(out.len() <= input.len() + 127);
    }
    assert!(ended > 1600, "only {ended} were refused");
}
