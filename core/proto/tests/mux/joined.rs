//! Both ends joined through random splits, and ends that are fed nonsense.

use std::collections::BTreeMap;

use flare_proto::mux::{Limits, Mux, Role};

use crate::feeding::{Seen, feed};
use crate::random::Random;

/// One end, what it has sent and got on each stream, and the bytes on their way to it.
struct End {
    mux: Mux,
    /// What is still to be sent on the streams that are open for it.
    unsent: BTreeMap<u64, Vec<u8>>,
    sent: BTreeMap<u64, Vec<u8>>,
    got: BTreeMap<u64, Vec<u8>>,
    /// Bytes that were got and not given back as credit.
    held: BTreeMap<u64, u32>,
    done: Vec<u64>,
    wire: Vec<u8>,
    to_open: usize,
}

impl End {
    fn new(role: Role, to_open: usize) -> Self {
        Self {
            mux: Mux::new(role, Limits { max_frame: 10_000, max_streams: 8 }),
            unsent: BTreeMap::new(),
            sent: BTreeMap::new(),
            got: BTreeMap::new(),
            held: BTreeMap::new(),
            done: Vec::new(),
            wire: Vec::new(),
            to_open,
        }
    }

    /// Opens, sends, finishes and gives credit: something of each, at random.
    fn act(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        if self.to_open > 0
            && let Ok(id) = self.mux.open(out)
        {
            self.to_open -= 1;
            let length = *random.pick(&[0, 1, 1_000, 65_536, 100_000]);
            self.unsent.insert(id, random.bytes(length));
            self.sent.insert(id, Vec::new());
        }
        let ids: Vec<u64> = self.unsent.keys().copied().collect();
        for id in ids {
            let left = self.unsent.get_mut(&id).unwrap();
            let most = left.len().min(1 + random.below(30_000));
            let count = self.mux.send(id, &left[..most], out).unwrap();
            self.sent.get_mut(&id).unwrap().extend(left.drain(..count));
            if left.is_empty() {
                self.mux.finish(id, out).unwrap();
                self.unsent.remove(&id);
            }
        }
        if random.one_in(2) {
            for (id, held) in std::mem::take(&mut self.held) {
                // Err: both ends are done with it.
                let _ = self.mux.credit(id, held, out);
            }
        }
    }

    fn take(&mut self, piece: &[u8], random: &mut Random, out: &mut Vec<u8>) {
        let mut seen = Vec::new();
        feed(&mut self.mux, piece, out, &mut seen).unwrap();
        for event in seen {
            match event {
                Seen::Opened(id) => {
                    let length = random.below(70_000);
                    self.unsent.insert(id, random.bytes(length));
                    self.sent.insert(id, Vec::new());
                }
                Seen::Data(id, bytes) => {
                    *self.held.entry(id).or_default() += bytes.len() as u32;
                    self.got.entry(id).or_default().extend(bytes);
                }
                Seen::Done(id) => self.done.push(id),
                Seen::Writable(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn everything_arrives_in_order_on_its_stream() {
    for seed in 0..6 {
        let mut random = Random::new(seed);
        let mut one = End::new(Role::Connecting, 12);
        let mut other = End::new(Role::Accepting, 12);
        let mut rounds = 0;
        while one.done.len() < 24 || other.done.len() < 24 {
            rounds += 1;
            assert!(rounds < 10_000, "seed {seed} hangs");
            for _ in 0..2 {
                let mut out = Vec::new();
                one.act(&mut random, &mut out);
                let wire = std::mem::take(&mut one.wire);
                for piece in random.pieces(&wire) {
                    one.take(piece, &mut random, &mut out);
                }
                other.wire.extend(out);
                std::mem::swap(&mut one, &mut other);
            }
        }
        for (from, to) in [(&one, &other), (&other, &one)] {
            assert_eq!(from.sent.len(), 24);
            for (id, bytes) in &from.sent {
                assert!(to.got.get(id).map_or(&[][..], Vec::as_slice) == bytes, "seed {seed}, stream {id}");
            }
        }
        assert_eq!((one.mux.streams(), other.mux.streams()), (0, 0));
    }
}

#[test]
fn nonsense_never_panics_and_memory_stays_small() {
    // A good conversation to start from.
    let mut script = Vec::new();
    let mut mux = Mux::new(Role::Connecting, Limits::default());
    for _ in 0..4 {
        let id = mux.open(&mut script).unwrap();
        mux.send(id, b"some bytes", &mut script).unwrap();
        mux.credit(id, 1_000, &mut script).unwrap();
    }
    mux.finish(1, &mut script).unwrap();
    mux.error(3, "failed", &mut script).unwrap();
    mux.cancel(5, &mut script).unwrap();
    let mut ended = 0;
    for seed in 0..5_000 {
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
        let mut mux = Mux::new(Role::Accepting, Limits { max_frame: 1_000, max_streams: 3 });
        let (mut out, mut seen) = (Vec::new(), Vec::new());
        let pieces = random.pieces(&input);
        let result = pieces.iter().try_for_each(|piece| feed(&mut mux, piece, &mut out, &mut seen));
        ended += usize::from(result.is_err());
        assert!(mux.streams() <= 3);
        assert!(out.len() <= 2 * input.len() + 100);
    }
    assert!(ended > 500, "only {ended} were refused");
}
