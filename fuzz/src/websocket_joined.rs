//! A client and a server joined, with any terms of compression: what one sends is what the other gets, in order, however the bytes are split; both
//! close.
//!
//! Bytes 0 to 3: terms of the server and of the client, see [`config`]. The rest: steps, see [`Joined::step`].

use std::collections::VecDeque;
use std::sync::Arc;

use flare_proto::websocket::handshake::{accept_deflate, agreed_deflate, offer_deflate};
use flare_proto::websocket::{
    CloseCode, Connection, Contexts, DeflateConfig, Event, Limits, MaskKeys, Opcode, Rate, Role,
};

use crate::PLANTED;
use crate::input::Input;

/// More steps say nothing new.
const MOST_STEPS: usize = 200;

/// What an end has to get.
#[derive(Debug, PartialEq)]
enum Sent {
    Message(Opcode, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

struct End {
    connection: Connection,
    /// What is on its way to it.
    wire: Vec<u8>,
    expected: VecDeque<Sent>,
    /// The payloads of its Pings that wait for their Pongs.
    pings: VecDeque<Vec<u8>>,
}

/// The low four bits of the first byte: whether windows are taken over, and the least length. The second: the bits of both windows.
fn config(input: &mut Input<'_>, contexts: &Contexts) -> DeflateConfig {
    let (first, second) = (input.byte(), input.byte());
    DeflateConfig {
        send_takeover: first & 1 != 0,
        receive_takeover: first & 2 != 0,
        least_bytes: [0, 1, 64, 1000][usize::from(first >> 2 & 3)],
        level: first >> 4 & 7,
        send_window_bits: 8 + (second & 7),
        receive_window_bits: 8 + (second >> 4 & 7),
        contexts: contexts.clone(),
    }
}

struct Joined {
    ends: [End; 2],
}

/// An input that is taken apart.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    // One for both, so that each uses what the other gave back.
    let contexts = Contexts::default();
    let (server, client) = (config(&mut input, &contexts), config(&mut input, &contexts));
    let offer = offer_deflate(&client);
    let accepted = accept_deflate([offer.as_bytes()].into_iter(), &server).expect("a good offer");
    let (server, client) = match accepted {
        Some((deflate, answer)) => {
            let agreed = agreed_deflate([answer.as_bytes()].into_iter(), &client).expect("a good answer");
            assert!(agreed.is_some());
            (Some(deflate), agreed)
        }
        // A window that the server's compressor can't keep to.
        None => {
            assert_eq!(client.receive_window_bits, 8);
            (None, None)
        }
    };
    let plenty = Rate { burst: 1 << 30, per_second: 0 };
    let limits = Arc::new(Limits { control_frames: plenty, ..Limits::default() });
    let mut key = 0u32;
    let keys = MaskKeys::new(move || {
        key = key.wrapping_add(0x9e37_79b9);
        key.to_le_bytes()
    });
    let end = |role, deflate| End {
        connection: Connection::new(role, limits.clone(), deflate),
        wire: Vec::new(),
        expected: VecDeque::new(),
        pings: VecDeque::new(),
    };
    let mut joined = Joined { ends: [end(Role::Server, server), end(Role::Client(keys), client)] };
    for &step in input.rest().iter().take(MOST_STEPS) {
        joined.step(step);
    }
    joined.finish();
}

impl Joined {
    /// The lowest bit says which end, the next three what it does, the others how much.
    fn step(&mut self, step: u8) {
        let [server, client] = &mut self.ends;
        let (end, other) = if step & 1 == 0 { (server, client) } else { (client, server) };
        let amount = usize::from(step >> 4);
        match step >> 1 & 7 {
            0 => end.send(Opcode::Binary, noise(amount * amount * 20), other),
            1 => end.send(Opcode::Binary, vec![step; amount * 1000], other),
            2 => end.send(Opcode::Text, "a\u{e4}\u{20ac}\u{1f9ff}".repeat(amount * 7).into_bytes(), other),
            3 => end.send(Opcode::Binary, noise(300).repeat(amount), other),
            4 => {
                let payload = [b"ping", &noise(amount * 8)[..]].concat();
                end.connection.ping(&payload, &mut other.wire).expect("it is open");
                other.expected.push_back(Sent::Ping(payload.clone()));
                end.pings.push_back(payload);
            }
            5 => {
                let payload = [b"pong", &vec![step; amount][..]].concat();
                end.connection.pong(&payload, &mut other.wire).expect("it is open");
                other.expected.push_back(Sent::Pong(payload));
            }
            _ if amount == 15 => end.get(usize::MAX, other),
            _ => end.get(1 + amount * amount * 3, other),
        }
    }

    fn finish(&mut self) {
        let [one, other] = &mut self.ends;
        for _ in 0..2 {
            one.get(usize::MAX, other);
            other.get(usize::MAX, one);
        }
        for end in [&*one, &*other] {
            assert!(end.expected.is_empty() && end.pings.is_empty() && end.wire.is_empty());
            assert!(end.connection.is_open() && end.connection.held_bytes() <= 128);
        }
        one.connection.close(Some(CloseCode::NORMAL), "bye", &mut other.wire).expect("it is open");
        other.hear_close("bye", &mut one.wire);
        one.hear_close("", &mut other.wire);
    }
}

impl End {
    fn send(&mut self, opcode: Opcode, message: Vec<u8>, to: &mut End) {
        self.connection.send(opcode, &message, &mut to.wire).expect("it is open, and texts are texts");
        to.expected.push_back(Sent::Message(opcode, message));
    }

    fn hear_close(&mut self, expected: &str, out: &mut Vec<u8>) {
        let event = self.connection.receive(&mut &self.wire[..], out).expect("a good peer");
        assert_eq!(event, Some(Event::Close { code: Some(CloseCode::NORMAL), reason: expected }));
        assert!(self.connection.is_closed());
    }

    /// Gets so many bytes of what is on its way.
    fn get(&mut self, count: usize, from: &mut End) {
        let bytes: Vec<u8> = self.wire.drain(..count.min(self.wire.len())).collect();
        let mut input = &bytes[..];
        while let Some(event) = self.connection.receive(&mut input, &mut from.wire).expect("a good peer") {
            let got = match event {
                Event::Message { opcode, bytes } => {
                    // PLANTED: a long text comes as another kind.
                    let is_planted = PLANTED && opcode == Opcode::Text && bytes.len() > 900;
                    Sent::Message(if is_planted { Opcode::Binary } else { opcode }, bytes.to_vec())
                }
                Event::Ping { payload } => Sent::Ping(payload.to_vec()),
                // The answer to a Ping, which comes between what its sender sends itself.
                Event::Pong { payload } if self.pings.front().is_some_and(|ping| ping == payload) => {
                    self.pings.pop_front();
                    continue;
                }
                Event::Pong { payload } => Sent::Pong(payload.to_vec()),
                Event::Close { .. } => panic!("nobody has closed"),
            };
            assert!(self.expected.pop_front() == Some(got), "something else was sent");
        }
        assert!(input.is_empty());
    }
}

/// Bytes that do not repeat.
fn noise(length: usize) -> Vec<u8> {
    let mut random = crate::random::Random::new(length as u64);
    (0..length).map(|_| random.below(256) as u8).collect()
}
