//! The requests that are open, and which ids were used.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::stream::Stream;

/// What an owner keeps of streams, by their ids. Allocates when more are open than ever before, and else never.
pub type StreamMap<T> = HashMap<u64, T, BuildHasherDefault<IdHasher>>;

/// Ids of requests are 0, 4, 8, ... (RFC 9000 section 2.1).
const STEP: u64 = 4;

/// The id behind the last that there can be.
const END: u64 = 1 << 62;

/// The open requests, and the ids that were used. Allocates when more are open than ever before, and else never.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: StreamMap<Stream>,
    /// The lowest id above all that came.
    next: u64,
    /// Ids below that did not come yet: streams come in any order. The transport limits how many.
    missing: Vec<u64>,
}

/// What an id names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Claim {
    /// A stream that did not come before.
    New,
    /// One that is open.
    Open,
    /// One that is over.
    Over,
    /// One too far ahead of those that came.
    Far,
}

impl Streams {
    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// The lowest id above all that were used.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    #[inline]
    pub(super) fn get(&self, id: u64) -> Option<&Stream> {
        self.open.get(&id)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Stream> {
        self.open.get_mut(&id)
    }

    /// Says what the id names, and takes it as used. No more than so many may be missing below.
    pub(super) fn claim(&mut self, id: u64, most_missing: usize) -> Claim {
        if self.open.contains_key(&id) {
            return Claim::Open;
        }
        if id < self.next {
            return match self.missing.iter().position(|&missing| missing == id) {
                Some(at) => {
                    self.missing.swap_remove(at);
                    Claim::New
                }
                None => Claim::Over,
            };
        }
        if self.is_too_far(id, most_missing) {
            return Claim::Far;
        }
        let skipped = (id - self.next) / STEP;
        self.missing.extend((0..skipped).map(|at| self.next + at * STEP));
        self.next = id + STEP;
        Claim::New
    }

    /// Whether too many would be missing below this id.
    pub(super) fn is_too_far(&self, id: u64, most_missing: usize) -> bool {
        id.saturating_sub(self.next) / STEP > most_missing.saturating_sub(self.missing.len()) as u64
    }

    /// Whether another stream can be opened by this end.
    pub(super) fn can_open(&self) -> bool {
        self.next < END
    }

    /// Takes the next id for a stream of this end.
    pub(super) fn open_next(&mut self, stream: Stream) -> u64 {
        let id = self.next;
        self.next += STEP;
        self.open.insert(id, stream);
        id
    }

    /// Adds a stream whose id was claimed.
    pub(super) fn insert(&mut self, id: u64, stream: Stream) {
        self.open.insert(id, stream);
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Stream> {
        self.open.remove(&id)
    }

    /// Whether this stream did not come yet.
    pub(super) fn is_idle(&self, id: u64) -> bool {
        id >= self.next || self.missing.contains(&id)
    }

    /// One that is open at or behind this id.
    pub(super) fn one_from(&self, id: u64) -> Option<u64> {
        self.open.keys().copied().find(|&open| open >= id)
    }
}

/// Hashes the ids of streams. They are chosen by the peer, but one after another, and few are open: nobody gains by choosing them.
#[derive(Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    #[inline]
    fn write_u64(&mut self, id: u64) {
        self.0 = (self.0 ^ id).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_is_new_once_in_any_order() {
        let mut streams = Streams::default();
        for (id, claim) in [
            (8, Claim::New),
            (8, Claim::Over),
            (0, Claim::New),
            (16, Claim::New),
            (4, Claim::New),
            (4, Claim::Over),
            (12, Claim::New),
            (0, Claim::Over),
            (20 + 4 * 11, Claim::Far),
            (20 + 4 * 10, Claim::New),
            (20 + 4 * 11, Claim::New),
            (20 + 4 * 13, Claim::Far),
            (24, Claim::New),
            (20 + 4 * 13, Claim::New),
        ] {
            assert_eq!(streams.claim(id, 10), claim, "{id}");
        }
        streams.insert(24, Stream::new());
        assert_eq!(streams.claim(24, 10), Claim::Open);
        assert!(streams.is_idle(20) && streams.is_idle(1000) && !streams.is_idle(24) && !streams.is_idle(4));
    }
}
