//! The table of connections: 32 bytes each while nothing is blocked.

use crate::Key;
use crate::backlog::Backlog;
use crate::key::LISTENERS;
use std::io;
use std::os::fd::OwnedFd;

/// One connection.
pub(super) struct Source {
    pub(super) socket: OwnedFd,
    pub(super) state: State,
    /// Only while something waits to be sent.
    pub(super) backlog: Option<Box<Backlog>>,
    /// How many bytes the system has taken.
    pub(super) sent: u64,
}

/// What is known about a connection without asking the system.
#[derive(Copy, Clone)]
pub(super) struct State(u16);

impl State {
    /// The system may have bytes, an end or an error to read.
    pub(super) const READABLE: u16 = 1;
    /// The system may take bytes again.
    pub(super) const WRITABLE: u16 = 1 << 1;
    /// The last bytes of the peer have arrived: after them comes the end, or an error.
    pub(super) const CLOSING: u16 = 1 << 2;
    /// Both directions are closed.
    pub(super) const HUNG_UP: u16 = 1 << 3;
    /// The system has an error for this socket.
    pub(super) const ERROR: u16 = 1 << 4;
    /// In the ready queue.
    pub(super) const QUEUED: u16 = 1 << 5;
    /// Reading is paused.
    pub(super) const PAUSED: u16 = 1 << 6;
    /// The end was read.
    pub(super) const ENDED: u16 = 1 << 7;
    /// A failure was reported: nothing more will be.
    pub(super) const FAILED: u16 = 1 << 8;
    /// Registered for writability.
    pub(super) const WATCHES_WRITE: u16 = 1 << 9;
    /// The write direction is shut, or will be when the backlog is empty.
    pub(super) const WRITE_SHUT: u16 = 1 << 10;
    /// Not connected yet.
    pub(super) const CONNECTING: u16 = 1 << 11;
    /// The backlog fell below the mark: to be told.
    pub(super) const TELL_WRITABLE: u16 = 1 << 12;
    /// The backlog became empty: to be told.
    pub(super) const TELL_FLUSHED: u16 = 1 << 13;
    /// The last read filled its buffer: much is coming, and the next read may be larger.
    pub(super) const BULK: u16 = 1 << 14;
    /// The ring receives for it, and sends what is small.
    pub(super) const RING: u16 = 1 << 15;

    /// Any of these: there may be more to do than to read.
    pub(super) const MORE_THAN_READING: u16 =
        Self::WRITABLE | Self::FAILED | Self::CONNECTING | Self::TELL_WRITABLE | Self::TELL_FLUSHED;

    /// Whether it has any of these flags.
    pub(super) fn contains(self, flag: u16) -> bool {
        self.0 & flag != 0
    }

    pub(super) fn insert(&mut self, flag: u16) {
        self.0 |= flag;
    }

    pub(super) fn remove(&mut self, flag: u16) {
        self.0 &= !flag;
    }

    /// Removes a flag. Whether it was there.
    pub(super) fn take(&mut self, flag: u16) -> bool {
        let was = self.contains(flag);
        self.remove(flag);
        was
    }

    pub(super) fn may_read(self) -> bool {
        self.0 & (Self::READABLE | Self::PAUSED | Self::ENDED) == Self::READABLE
    }

    /// Remembers an event. Whether the connection must be queued for it.
    pub(super) fn note(&mut self, event: &mio::event::Event) -> bool {
        let mut news = 0;
        if event.is_readable() {
            news |= Self::READABLE;
        }
        if event.is_writable() {
            news |= Self::WRITABLE;
        }
        if event.is_read_closed() {
            news |= Self::READABLE | Self::CLOSING;
            if event.is_write_closed() {
                news |= Self::HUNG_UP;
            }
        }
        if event.is_error() {
            // The error is read like an end. A blocked write must not wait for space that never comes.
            news |= Self::READABLE | Self::WRITABLE | Self::CLOSING | Self::ERROR;
        }
        if self.contains(Self::RING) {
            // It is not read but by the ring.
            news &= !Self::READABLE;
        }
        self.0 |= news;
        let queued = self.contains(Self::QUEUED);
        self.insert(Self::QUEUED);
        !queued
    }
}

enum Slot {
    Used(Source),
    /// The next free slot, or `NONE`, or `RESERVED`.
    Free(u32),
}

struct Place {
    generation: u32,
    slot: Slot,
}

const NONE: u32 = u32::MAX;
/// Not free, and without a connection.
const RESERVED: u32 = u32::MAX - 1;

pub(super) struct Sources {
    places: Vec<Place>,
    free: u32,
    used: usize,
}

impl Sources {
    pub(super) const fn new() -> Sources {
        Sources { places: Vec::new(), free: NONE, used: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.used
    }

    pub(super) fn insert(&mut self, socket: OwnedFd) -> io::Result<Key> {
        let key = self.fill(Slot::Used(Source { socket, state: State(0), backlog: None, sent: 0 }))?;
        self.used += 1;
        Ok(key)
    }

    /// A key without a connection: no other has it until it is released.
    pub(super) fn reserve(&mut self) -> io::Result<Key> {
        self.fill(Slot::Free(RESERVED))
    }

    fn fill(&mut self, slot: Slot) -> io::Result<Key> {
        if let Some(place) = self.places.get_mut(self.free as usize) {
            let key = Key { index: self.free, generation: place.generation };
            if let Slot::Free(next) = place.slot {
                self.free = next;
            }
            place.slot = slot;
            return Ok(key);
        }
        let index = u32::try_from(self.places.len()).unwrap_or(LISTENERS);
        if index >= LISTENERS {
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, "too many connections"));
        }
        self.places.push(Place { generation: 0, slot });
        Ok(Key { index, generation: 0 })
    }

    pub(super) fn get(&mut self, key: Key) -> Option<&mut Source> {
        match self.places.get_mut(key.index()) {
            Some(Place { generation, slot: Slot::Used(source) }) if *generation == key.generation => {
                Some(source)
            }
            _ => None,
        }
    }

    pub(super) fn peek(&self, key: Key) -> Option<&Source> {
        match self.places.get(key.index()) {
            Some(Place { generation, slot: Slot::Used(source) }) if *generation == key.generation => {
                Some(source)
            }
            _ => None,
        }
    }

    /// Makes the key stale, and gives the socket: dropping it closes it.
    pub(super) fn remove(&mut self, key: Key) -> Option<OwnedFd> {
        let place = self.places.get_mut(key.index())?;
        if place.generation != key.generation || !matches!(place.slot, Slot::Used(_)) {
            return None;
        }
        let Slot::Used(source) = std::mem::replace(&mut place.slot, Slot::Free(self.free)) else {
            return None;
        };
        place.generation = place.generation.wrapping_add(1);
        self.free = key.index;
        self.used -= 1;
        Some(source.socket)
    }

    /// Makes a reserved key stale. Nothing for any other.
    pub(super) fn release(&mut self, key: Key) {
        if let Some(place) = self.places.get_mut(key.index())
            && place.generation == key.generation
            && matches!(place.slot, Slot::Free(RESERVED))
        {
            place.slot = Slot::Free(self.free);
            place.generation = place.generation.wrapping_add(1);
            self.free = key.index;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    fn socket() -> OwnedFd {
        Stream::pair().unwrap().0.into()
    }

    #[test]
    fn a_connection_is_small() {
        assert!(size_of::<Place>() <= 32, "{}", size_of::<Place>());
    }

    #[test]
    fn an_index_is_reused_under_another_key() {
        let mut sources = Sources::new();
        let first = sources.insert(socket()).unwrap();
        let second = sources.insert(socket()).unwrap();
        assert_ne!(first.index(), second.index());
        sources.remove(first);
        sources.remove(first);
        assert_eq!(sources.len(), 1);
        assert!(sources.get(first).is_none());

        let third = sources.insert(socket()).unwrap();
        assert_eq!(third.index(), first.index());
        assert_ne!(third, first);
        assert!(sources.get(first).is_none() && sources.peek(first).is_none());
        assert!(sources.get(third).is_some() && sources.peek(third).is_some());
        sources.remove(first);
        assert_eq!(sources.len(), 2);
    }

    #[test]
    fn a_key_of_nowhere_names_nothing() {
        let mut sources = Sources::new();
        assert!(sources.get(Key::from_u64(u64::MAX)).is_none());
        sources.remove(Key::from_u64(5));
        assert_eq!(sources.len(), 0);
    }
}
