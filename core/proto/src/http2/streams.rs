//! The streams that are open, and those that were lately.

use super::stream::{Stream, StreamKey};

/// The open streams: a slab, and a hash of their ids. Allocates when more are open than ever before, and else never.
#[derive(Debug, Default)]
pub(super) struct Streams {
    slots: Vec<Stream>,
    /// Slots that are free, in a stack.
    free: Vec<u32>,
    /// For each id, the slot and 1, at its place or behind it; 0 for none. As long as a power of two, and at most half full.
    index: Vec<u32>,
    open: u32,
}

impl Streams {
    /// How many are open.
    #[inline]
    pub(super) fn len(&self) -> u32 {
        self.open
    }

    #[inline]
    pub(super) fn get(&self, key: StreamKey) -> Option<&Stream> {
        self.slots.get(key.slot as usize).filter(|stream| stream.id == key.id && key.id != 0)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: StreamKey) -> Option<&mut Stream> {
        self.slots.get_mut(key.slot as usize).filter(|stream| stream.id == key.id && key.id != 0)
    }

    /// The stream in this slot, which may be free.
    #[inline]
    pub(super) fn at(&mut self, slot: u32) -> Option<&mut Stream> {
        self.slots.get_mut(slot as usize)
    }

    /// The stream with this id.
    #[inline]
    pub(super) fn find(&self, id: u32) -> Option<StreamKey> {
        let mut place = self.place_of(id);
        loop {
            let slot = self.index.get(place)?.checked_sub(1)?;
            if self.slots.get(slot as usize).is_some_and(|stream| stream.id == id) {
                return Some(StreamKey { id, slot });
            }
            place = self.behind(place);
        }
    }

    /// All that are open.
    pub(super) fn iter(&self) -> impl Iterator<Item = (StreamKey, &Stream)> {
        let numbered = (0..).zip(&self.slots);
        numbered
            .filter(|(_, stream)| stream.id != 0)
            .map(|(slot, stream)| (StreamKey { id: stream.id, slot }, stream))
    }

    /// The slots of all that are open are below this.
    pub(super) fn slots(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Adds a stream, whose id is not there yet.
    pub(super) fn insert(&mut self, stream: Stream) -> StreamKey {
        let id = stream.id;
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => self.slots.len() as u32,
        };
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = stream,
            None => {
                self.slots.push(stream);
                if self.slots.len() * 2 > self.index.len() {
                    self.grow_index();
                }
            }
        }
        self.open += 1;
        self.index_slot(id, slot);
        StreamKey { id, slot }
    }

    /// Removes a stream.
    pub(super) fn remove(&mut self, key: StreamKey) -> Option<Stream> {
        let stream = *self.get(key)?;
        let mut place = self.place_of(key.id);
        while *self.index.get(place)? != key.slot + 1 {
            place = self.behind(place);
        }
        self.close_gap(place);
        self.at(key.slot)?.id = 0;
        self.free.push(key.slot);
        self.open -= 1;
        Some(stream)
    }

    /// Ids of one side are every other number, so neighbours have different places.
    #[inline]
    fn place_of(&self, id: u32) -> usize {
        (id >> 1) as usize & self.index.len().wrapping_sub(1)
    }

    #[inline]
    fn behind(&self, place: usize) -> usize {
        (place + 1) & self.index.len().wrapping_sub(1)
    }

    fn index_slot(&mut self, id: u32, slot: u32) {
        let mut place = self.place_of(id);
        // At most half of the places are taken, so there is a free one.
        while self.index.get(place).is_some_and(|&taken| taken != 0) {
            place = self.behind(place);
        }
        if let Some(free) = self.index.get_mut(place) {
            *free = slot + 1;
        }
    }

    /// Moves those behind a place that is free now to where they are found.
    fn close_gap(&mut self, mut gap: usize) {
        let mask = self.index.len().wrapping_sub(1);
        let mut place = gap;
        loop {
            place = self.behind(place);
            let Some(&taken) = self.index.get(place) else { return };
            let Some(slot) = taken.checked_sub(1) else { break };
            let id = self.slots.get(slot as usize).map_or(0, |stream| stream.id);
            let home = self.place_of(id);
            // Whether the gap is on the way from its home to where it is.
            if place.wrapping_sub(home) & mask >= place.wrapping_sub(gap) & mask {
                if let Some(free) = self.index.get_mut(gap) {
                    *free = taken;
                }
                gap = place;
            }
        }
        if let Some(free) = self.index.get_mut(gap) {
            *free = 0;
        }
    }

    /// The new slot is not in it yet.
    fn grow_index(&mut self) {
        let length = (self.slots.len() * 4).next_power_of_two().max(16);
        self.index.clear();
        self.index.resize(length, 0);
        let last = self.slots.len() - 1;
        for slot in 0..last as u32 {
            let id = self.slots.get(slot as usize).map_or(0, |stream| stream.id);
            if id != 0 {
                self.index_slot(id, slot);
            }
        }
    }
}

/// Who ended a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Closed {
    /// Both sides came to their ends, or the peer reset it: it knows that it is over.
    Known,
    /// This end reset it: frames that the peer sent before it knew may come.
    Reset,
}

/// The last streams that ended.
#[derive(Debug)]
pub(super) struct ClosedStreams {
    /// Ids; with the top bit for those that this end reset.
    ids: [u32; 64],
    next: u8,
    /// The highest id that this end reset and that is not in `ids` any more.
    forgotten: u32,
}

const RESET: u32 = 1 << 31;

impl ClosedStreams {
    pub(super) const fn new() -> Self {
        ClosedStreams { ids: [0; 64], next: 0, forgotten: 0 }
    }

    #[inline]
    pub(super) fn add(&mut self, id: u32, closed: Closed) {
        if let Some(place) = self.ids.get_mut(usize::from(self.next % 64)) {
            if *place & RESET != 0 {
                self.forgotten = self.forgotten.max(*place & !RESET);
            }
            *place = if closed == Closed::Reset { id | RESET } else { id };
        }
        self.next = self.next.wrapping_add(1);
    }

    /// How a stream ended, if that is known. Of those that are not remembered one by one, each that this end may have reset counts as reset: a
    /// peer that was slow to learn of it must not lose its connection (RFC 9113 section 5.1).
    pub(super) fn find(&self, id: u32) -> Option<Closed> {
        match self.ids.iter().find(|&&closed| closed & !RESET == id && id != 0) {
            Some(found) => Some(if found & RESET != 0 { Closed::Reset } else { Closed::Known }),
            None => (1..=self.forgotten).contains(&id).then_some(Closed::Reset),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_is_put_in_is_found_until_it_is_removed() {
        let mut streams = Streams::default();
        let mut model: BTreeMap<u32, StreamKey> = BTreeMap::new();
        let (mut state, mut next_id) = (1_u32, 1);
        assert_eq!(streams.find(1), None);
        for _ in 0..20_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if model.len() < 40 && state >> 31 == 0 {
                // Gaps of all sizes, so that places collide.
                next_id += 2 * (1 + (state >> 8) % 70);
                model.insert(next_id, streams.insert(Stream::new(next_id, 0, 0)));
            } else if let Some((&id, &key)) = model.range(state % (next_id + 1)..).next() {
                model.remove(&id);
                assert_eq!(streams.remove(key).unwrap().id, id);
                assert!(streams.remove(key).is_none() && streams.get(key).is_none());
                assert_eq!(streams.find(id), None);
            }
            assert_eq!(streams.len() as usize, model.len());
            for (&id, &key) in &model {
                assert_eq!(streams.find(id), Some(key));
            }
        }
        assert!(streams.slots() <= 40);
        assert_eq!(streams.iter().count(), model.len());
    }

    #[test]
    fn the_last_that_ended_are_remembered() {
        let mut closed = ClosedStreams::new();
        assert_eq!(closed.find(0), None);
        for id in 1..=100 {
            closed.add(id, if id % 2 == 0 { Closed::Reset } else { Closed::Known });
        }
        // The last that was reset and is not among them is 36.
        assert_eq!([closed.find(1), closed.find(36)], [Some(Closed::Reset); 2]);
        assert_eq!(closed.find(37), Some(Closed::Known));
        assert_eq!(closed.find(101), None);
        assert_eq!(closed.find(100), Some(Closed::Reset));
    }
}
