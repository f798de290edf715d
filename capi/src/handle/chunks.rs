//! Where slots live.
//!
//! Slots are allocated in chunks, when they are needed, and stay where they are until the table goes. So a look-up of any number
//! reads memory that is a slot, or finds that there is none.

use super::slot::Slot;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

// Miri looks at every word of a table each time that a reference to it is passed on, so there the table is small: 64 chunks of 256 slots.
const SLOT_BITS: u32 = if cfg!(miri) { 14 } else { 24 };
const CHUNK_BITS: u32 = if cfg!(miri) { 8 } else { 12 };
/// Slots of a chunk.
pub(super) const CHUNK: usize = 1 << CHUNK_BITS;
const CHUNKS: usize = 1 << (SLOT_BITS - CHUNK_BITS);

/// Up to 2^24 slots, in chunks of 4,096.
pub(super) struct Chunks<T> {
    first: [AtomicPtr<Slot<T>>; CHUNKS],
    /// The pointers own their slots.
    owned: PhantomData<Slot<T>>,
}

impl<T> Chunks<T> {
    pub(super) const fn new() -> Chunks<T> {
        Chunks { first: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS], owned: PhantomData }
    }

    /// The slot of that number, if its chunk exists.
    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&Slot<T>> {
        let first = self.first.get(slot as usize >> CHUNK_BITS)?.load(Ordering::Acquire);
        if first.is_null() {
            return None;
        }
        // SAFETY: a chunk is CHUNK initialised slots, the number is below CHUNK, and it is freed only with `self`.
        Some(unsafe { &*first.add(slot as usize % CHUNK) })
    }

    /// The slot of that number. Allocates its chunk if that does not exist. `None`: out of memory, or the number is too large.
    pub(super) fn get_or_allocate(&self, slot: u32) -> Option<&Slot<T>> {
        let first = self.first.get(slot as usize >> CHUNK_BITS)?;
        if first.load(Ordering::Acquire).is_null() {
            let layout = Layout::array::<Slot<T>>(CHUNK).ok()?;
            // SAFETY: the layout is not empty: a slot has a state word.
            let chunk = unsafe { alloc_zeroed(layout) }.cast::<Slot<T>>();
            if chunk.is_null() {
                return None;
            }
            // Zeroed memory is CHUNK free slots, so the chunk may be published as it is.
            let published =
                first.compare_exchange(ptr::null_mut(), chunk, Ordering::AcqRel, Ordering::Acquire);
            if published.is_err() {
                // SAFETY: another thread was first; ours was allocated above with this layout, and nobody has seen it.
                unsafe { dealloc(chunk.cast(), layout) };
            }
        }
        self.get(slot)
    }
}

impl<T> Drop for Chunks<T> {
    fn drop(&mut self) {
        let Ok(layout) = Layout::array::<Slot<T>>(CHUNK) else { return };
        for first in &mut self.first {
            let first = *first.get_mut();
            if !first.is_null() {
                // SAFETY: the chunk is CHUNK slots, allocated with this layout, and `&mut self` says that nobody uses them.
                unsafe {
                    ptr::slice_from_raw_parts_mut(first, CHUNK).drop_in_place();
                    dealloc(first.cast(), layout);
                }
            }
        }
    }
}
