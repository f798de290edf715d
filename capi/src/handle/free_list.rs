//! Slots to use again: a stack without locks.
//!
//! The links live in the slots, so the list needs no memory of its own. The head carries a turn count beside the first slot:
//! without it, a thread that was interrupted in `pop` could mistake a slot that went and came back for one that never left.

use super::sync::{AtomicU32, AtomicU64, Ordering};

/// No slot. So a table holds one slot less than 24 bits could number.
const NONE: u32 = 0xFF_FFFF;
const SLOT_MASK: u64 = NONE as u64;
const TURN: u64 = 1 << 24;

/// Turns (40 bits), first slot (24 bits).
pub(super) struct FreeList(AtomicU64);

impl FreeList {
    /// The head of an empty list.
    pub(super) const EMPTY: u64 = SLOT_MASK;

    /// A list with that head. The caller makes the atomic, because only the real one can be made in a constant.
    pub(super) const fn new(head: AtomicU64) -> FreeList {
        FreeList(head)
    }

    /// Puts a free slot in. `link` is that slot's link.
    #[inline]
    pub(super) fn push(&self, slot: u32, link: &AtomicU32) {
        let mut head = self.0.load(Ordering::Relaxed);
        loop {
            link.store(first(head), Ordering::Relaxed);
            let after = head & !SLOT_MASK | u64::from(slot);
            match self.0.compare_exchange_weak(head, after, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes a slot out: the last one put in. `link` finds a slot's link.
    #[inline]
    pub(super) fn pop<'a>(&self, link: impl Fn(u32) -> Option<&'a AtomicU32>) -> Option<u32> {
        let mut head = self.0.load(Ordering::Acquire);
        loop {
            let slot = first(head);
            if slot == NONE {
                return None;
            }
            // The slot may be taken by another thread right now. Its memory stays, the turn tells, and we try again.
            let next = link(slot)?.load(Ordering::Relaxed);
            let after = (head & !SLOT_MASK).wrapping_add(TURN) | u64::from(next);
            match self.0.compare_exchange_weak(head, after, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some(slot),
                Err(now) => head = now,
            }
        }
    }
}

const fn first(head: u64) -> u32 {
    (head & SLOT_MASK) as u32
}
