//! A slot: the atomic word and the object it protects.

use super::state::{Refusal, State};
use super::sync::{AtomicU32, AtomicU64, Ordering};
use super::token::{Kinds, has};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

/// A cache line of its own: neighbours are often used by different threads.
///
/// Zeroed memory is a free slot of generation 0.
#[repr(align(64))]
pub(super) struct Slot<T> {
    pub(super) state: State,
    /// The bits of the object's [`Kinds`]. Written only while the slot is free.
    kinds: AtomicU64,
    /// The next slot of the free list that this one is in.
    pub(super) link: AtomicU32,
    /// The free list it goes back to. Written only while the slot is free.
    home: AtomicU32,
    object: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the word decides who may touch the object. Several threads may read it through their pins (T: Sync), and the last to
// leave takes it, on whatever thread that is (T: Send).
unsafe impl<T: Send + Sync> Sync for Slot<T> {}

impl<T> Slot<T> {
    /// Fills a free slot and makes it live with one reference and `pins` pins. Gives the generation.
    ///
    /// # Safety
    /// The caller has taken the slot from its free list (or it is new), and nobody else has.
    #[inline]
    pub(super) unsafe fn fill(&self, object: T, kinds: Kinds, home: u32, pins: u16) -> u32 {
        // SAFETY: the slot is the caller's alone: nobody can pin a free one.
        unsafe { (*self.object.get()).write(object) };
        self.kinds.store(kinds.bits(), Ordering::Relaxed);
        self.home.store(home, Ordering::Relaxed);
        self.state.publish(pins)
    }

    /// Whether the slot is live in this generation and its object answers to the kind.
    ///
    /// If [`State`] then accepts a change of the same generation, the answer was still true at that moment: kinds change only
    /// between generations.
    #[inline]
    pub(super) fn answers(&self, generation: u32, kind: u8) -> bool {
        self.state.is_live(generation) && has(self.kinds.load(Ordering::Relaxed), kind)
    }

    /// Pins the object if the token's generation and kind fit.
    #[inline]
    pub(super) fn pin(&self, generation: u32, kind: u8) -> Result<(), Refusal> {
        if self.answers(generation, kind) { self.state.pin(generation) } else { Err(Refusal::Stale) }
    }

    pub(super) fn home(&self) -> u32 {
        self.home.load(Ordering::Relaxed)
    }

    /// The object.
    ///
    /// # Safety
    /// The caller holds a pin as long as it uses the result.
    #[inline]
    pub(super) unsafe fn object(&self) -> &T {
        // SAFETY: a pinned slot holds an object, and nobody takes it or writes it before the pin is gone.
        unsafe { (*self.object.get()).assume_init_ref() }
    }

    /// Takes the object out.
    ///
    /// # Safety
    /// The state has just told the caller that it is the last, and the caller calls this once.
    #[inline]
    pub(super) unsafe fn take(&self) -> T {
        // SAFETY: there is an object, nobody else is inside, and nobody comes in before the slot is filled again.
        unsafe { (*self.object.get()).assume_init_read() }
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        if self.state.is_occupied() {
            // SAFETY: an occupied slot holds an object, and `&mut self` says that nobody else is there.
            unsafe { self.object.get_mut().assume_init_drop() }
        }
    }
}
