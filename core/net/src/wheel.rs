//! A hashed, hierarchical timer wheel with ticks of 1 ms.
//!
//! Each level has 64 slots; a slot of one level is as long as the whole level below it. A timer stands in the level of the highest
//! digit (base 64) in which its deadline differs from the wheel's time, so it moves down at most once per digit: a deadline in hours
//! costs two or three moves, however often the wheel turns. Eleven levels hold every 64-bit deadline, without special cases.

use crate::Millis;

const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const LEVELS: usize = 64_usize.div_ceil(BITS as usize);
/// The list of timers that are due, behind the lists of all slots.
const DUE: usize = LEVELS * SLOTS;
/// The end of a list.
const NONE: u32 = u32::MAX;

/// Names one armed timer, until it expires or is cancelled. Not valid again afterwards, even though its place is reused.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct TimerId {
    index: u32,
    generation: u32,
}

/// Timers, each with a deadline and a number that says whose it is.
///
/// Arming and cancelling take constant time. Timers expire in the order of their deadlines; the order within one millisecond is not
/// defined. At most 2^32 - 1 timers may be armed at a time.
pub struct Wheel {
    entries: Vec<Entry>,
    /// The first free entry; free entries are linked by `next`.
    free: u32,
    /// The first entry of each slot's list, level by level, and of the due list.
    heads: Box<[u32; DUE + 1]>,
    /// For each level, which of its slots have entries.
    occupied: [u64; LEVELS],
    /// Bit by level: whether `occupied` is not zero.
    levels: u16,
    /// How far the wheel has turned. Each deadline not on the due list is later.
    now: u64,
    armed: usize,
}

struct Entry {
    at: u64,
    token: u64,
    previous: u32,
    next: u32,
    generation: u32,
    /// Where it is linked; meaningless in a free entry.
    list: u16,
    armed: bool,
}

impl Wheel {
    /// An empty wheel that stands at `now`.
    pub fn new(now: Millis) -> Wheel {
        Wheel {
            entries: Vec::new(),
            free: NONE,
            heads: Box::new([NONE; DUE + 1]),
            occupied: [0; LEVELS],
            levels: 0,
            now: now.0,
            armed: 0,
        }
    }

    /// How many timers are armed.
    pub fn len(&self) -> usize {
        self.armed
    }

    /// Whether no timer is armed.
    pub fn is_empty(&self) -> bool {
        self.armed == 0
    }

    /// Arms a timer that expires at `at`, with `token` to tell it from others. A deadline that has passed expires at the next
    /// [`Wheel::expire`]. Allocates only when more timers are armed than ever before.
    pub fn arm(&mut self, at: Millis, token: u64) -> TimerId {
        let index = match self.free {
            NONE => {
                let index = self.entries.len() as u32;
                self.entries.push(Entry {
                    at: 0,
                    token: 0,
                    previous: NONE,
                    next: NONE,
                    generation: 0,
                    list: 0,
                    armed: false,
                });
                index
            }
            index => {
                self.free = self.entries[index as usize].next;
                index
            }
        };
        let entry = &mut self.entries[index as usize];
        entry.at = at.0;
        entry.token = token;
        entry.armed = true;
        let generation = entry.generation;
        self.armed += 1;
        self.link(index);
        TimerId { index, generation }
    }

    /// Disarms a timer. `false` when it has expired or was cancelled before; nothing happens then.
    pub fn cancel(&mut self, id: TimerId) -> bool {
        match self.entries.get(id.index as usize) {
            Some(entry) if entry.armed && entry.generation == id.generation => {
                self.unlink(id.index);
                self.release(id.index);
                true
            }
            _ => false,
        }
    }

    /// When to call [`Wheel::expire`] next: no timer expires before. It may be earlier than the first deadline, by as much as the slot
    /// of a far timer is long. `None` when nothing is armed. Costs a few instructions.
    pub fn next_deadline(&self) -> Option<Millis> {
        if self.heads[DUE] != NONE {
            return Some(Millis(self.now));
        }
        self.first_slot().map(|(_, start)| Millis(start))
    }

    /// Turns the wheel to `now` and takes one expired timer: its token. Call until `None`; then no deadline up to `now` is left. A `now`
    /// earlier than one before is taken for that one. Beware of arming a timer for `now` inside that loop: it never ends then.
    pub fn expire(&mut self, now: Millis) -> Option<u64> {
        loop {
            let index = self.heads[DUE];
            if index != NONE {
                let token = self.entries[index as usize].token;
                self.unlink(index);
                self.release(index);
                return Some(token);
            }
            match self.first_slot() {
                Some((list, start)) if start <= now.0 => {
                    self.now = start;
                    self.spread(list);
                }
                _ => {
                    // No slot begins up to here, so each entry still stands in the right one.
                    self.now = self.now.max(now.0);
                    return None;
                }
            }
        }
    }

    /// The slot with the earliest deadlines, and when it begins.
    fn first_slot(&self) -> Option<(usize, u64)> {
        // Entries of a level share all higher digits with `now`, so they come before those of every higher level.
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        let slot = self.occupied[level].trailing_zeros() as usize;
        let shift = level as u32 * BITS;
        // The digits above this level; the highest level has none above.
        let above = u64::MAX.checked_shl(shift + BITS).unwrap_or(0);
        Some((level * SLOTS + slot, self.now & above | (slot as u64) << shift))
    }

    /// Links the entries of one slot anew, now that the wheel stands at its begin: into lower levels, or the due list.
    fn spread(&mut self, list: usize) {
        let mut index = self.heads[list];
        while index != NONE {
            let next = self.entries[index as usize].next;
            self.unlink(index);
            self.link(index);
            index = next;
        }
    }

    /// The list for a deadline, as the wheel stands.
    fn list_for(&self, at: u64) -> usize {
        if at <= self.now {
            return DUE;
        }
        let level = (63 - (at ^ self.now).leading_zeros()) / BITS;
        let slot = (at >> (level * BITS)) as usize & (SLOTS - 1);
        level as usize * SLOTS + slot
    }

    fn link(&mut self, index: u32) {
        let list = self.list_for(self.entries[index as usize].at);
        let head = self.heads[list];
        if head != NONE {
            self.entries[head as usize].previous = index;
        } else if list != DUE {
            self.occupied[list / SLOTS] |= 1 << (list % SLOTS);
            self.levels |= 1 << (list / SLOTS);
        }
        self.heads[list] = index;
        let entry = &mut self.entries[index as usize];
        entry.list = list as u16;
        entry.previous = NONE;
        entry.next = head;
    }

    fn unlink(&mut self, index: u32) {
        let Entry { previous, next, list, .. } = self.entries[index as usize];
        let list = list as usize;
        if next != NONE {
            self.entries[next as usize].previous = previous;
        }
        if previous != NONE {
            self.entries[previous as usize].next = next;
            return;
        }
        self.heads[list] = next;
        if next == NONE && list != DUE {
            let level = list / SLOTS;
            self.occupied[level] &= !(1 << (list % SLOTS));
            if self.occupied[level] == 0 {
                self.levels &= !(1 << level);
            }
        }
    }

    /// Puts an unlinked entry on the free list and makes its id stale.
    fn release(&mut self, index: u32) {
        let entry = &mut self.entries[index as usize];
        entry.armed = false;
        entry.generation = entry.generation.wrapping_add(1);
        entry.next = self.free;
        self.free = index;
        self.armed -= 1;
    }
}

impl std::fmt::Debug for Wheel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wheel").field("now", &self.now).field("armed", &self.armed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_small() {
        assert!(size_of::<Entry>() <= 32);
    }

    /// A deadline of twelve hours may be looked at once for each of its digits, not once for each turn of the wheel.
    #[test]
    fn a_far_deadline_costs_little_on_the_way() {
        let mut wheel = Wheel::new(Millis(12_345));
        let at = Millis(12_345 + 12 * 3_600_000);
        wheel.arm(at, 1);
        let mut stops = 0;
        while wheel.next_deadline() != Some(at) {
            let next = wheel.next_deadline().unwrap();
            assert!(next < at);
            assert_eq!(wheel.expire(next), None);
            stops += 1;
        }
        assert!(stops <= 5, "{stops} stops");
        assert_eq!(wheel.expire(at), Some(1));
    }
}
