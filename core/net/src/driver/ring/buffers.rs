//! The buffers that the system receives into: a ring of them that the kernel takes from (`io_uring_register_buf_ring(3)`).

use crate::Lease;
use io_uring::Submitter;
use io_uring::types::BufRingEntry;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU16, Ordering};

/// The only group of buffers.
pub(super) const GROUP: u16 = 0;
/// The most buffers that the system has at a time. A power of two.
const MOST: u16 = 256;
/// How many there are at first. When none is left, there will be twice as many.
const FIRST: usize = 64;
/// What the kernel wants the ring to be aligned to, wherever pages are at most so large.
const PAGE: usize = 64 * 1024;

/// Buffers of one size. Each is either here, where only the kernel touches it, or a [`Lease`], which the kernel knows nothing of.
pub(super) struct Buffers {
    entries: NonNull<BufRingEntry>,
    size: usize,
    /// The buffers that the kernel has, by their number; null where it has none of this number.
    places: Box<[*mut u8]>,
    /// Numbers without a buffer.
    free: Vec<u16>,
    /// How many the kernel has not filled yet.
    unfilled: usize,
    tail: u16,
}

// SAFETY: what the pointers name is owned by this value alone, beside the kernel, which does not care for threads.
unsafe impl Send for Buffers {}

impl Buffers {
    /// Gives the kernel a ring of buffers of this size, at least 1.
    ///
    /// # Errors
    /// What the kernel says when it does not want it.
    pub(super) fn register(submitter: &Submitter<'_>, size: usize) -> io::Result<Buffers> {
        let layout = Self::layout();
        // SAFETY: the layout is not empty.
        let memory = unsafe { alloc_zeroed(layout) };
        let Some(entries) = NonNull::new(memory.cast::<BufRingEntry>()) else { handle_alloc_error(layout) };
        let mut buffers = Buffers {
            entries,
            size: size.clamp(1, u32::MAX as usize),
            places: vec![ptr::null_mut(); usize::from(MOST)].into_boxed_slice(),
            free: (0..MOST).rev().collect(),
            unfilled: 0,
            tail: 0,
        };
        // SAFETY: the address is that of as many entries, all zero, which live until this value is dropped: behind the ring.
        unsafe {
            submitter.register_buf_ring_with_flags(entries.as_ptr() as u64, MOST, GROUP, 0)?;
        }
        buffers.add(FIRST);
        Ok(buffers)
    }

    fn layout() -> Layout {
        let size = usize::from(MOST) * size_of::<BufRingEntry>();
        // Neither can be wrong: both are constants, and the alignment is a power of two.
        Layout::from_size_align(size, PAGE).unwrap_or(Layout::new::<u8>())
    }

    /// How many buffers the kernel can still fill.
    pub(super) fn unfilled(&self) -> usize {
        self.unfilled
    }

    /// Counts a buffer that the kernel has filled.
    pub(super) fn filled(&mut self) {
        self.unfilled = self.unfilled.saturating_sub(1);
    }

    /// Makes more buffers: as many as the kernel has, as far as there are numbers for them. Also instead of those that were never given back.
    pub(super) fn grow(&mut self) {
        let have = self.places.len() - self.free.len();
        self.add(have.max(1));
    }

    fn add(&mut self, count: usize) {
        for _ in 0..count.min(self.free.len()) {
            self.give(vec![0; self.size].into_boxed_slice());
        }
    }

    /// The buffer with this number, which the kernel has filled with so many bytes. `None` when the kernel has none.
    pub(super) fn take(&mut self, number: u16, length: usize) -> Option<Lease> {
        let place = self.places.get_mut(usize::from(number))?;
        let pointer = std::mem::replace(place, ptr::null_mut());
        if pointer.is_null() {
            return None;
        }
        self.free.push(number);
        // SAFETY: the pointer came from a box of this size, in `give`; it is in no other place any more, and the kernel, which has
        // completed the operation that took the buffer, does not touch it again.
        let buffer = unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(pointer, self.size)) };
        Some(Lease::new(buffer, length))
    }

    /// Whether a lease may be one of these.
    pub(super) fn fits(&self, lease: &Lease) -> bool {
        lease.capacity() == self.size
    }

    /// Gives a buffer (back) to the kernel: one of the right size. Drops it when the kernel has enough.
    pub(super) fn give(&mut self, buffer: Box<[u8]>) {
        if buffer.len() != self.size {
            return;
        }
        let Some(number) = self.free.pop() else { return };
        let Some(place) = self.places.get_mut(usize::from(number)) else { return };
        let pointer = Box::into_raw(buffer).cast::<u8>();
        *place = pointer;
        let index = usize::from(self.tail & (MOST - 1));
        // SAFETY: the index is within the ring. The kernel does not look at an entry beyond the tail, which is stored below; there are
        // as many entries as numbers, so this one is not in use.
        let entry = unsafe { self.entries.add(index).as_mut() };
        entry.set_addr(pointer as u64);
        // The size is at most u32::MAX.
        entry.set_len(self.size as u32);
        entry.set_bid(number);
        self.tail = self.tail.wrapping_add(1);
        self.unfilled += 1;
        // SAFETY: the ring begins at `entries`; the tail is inside of its first entry, aligned, and only read by the kernel.
        let tail = unsafe { &*BufRingEntry::tail(self.entries.as_ptr()).cast::<AtomicU16>() };
        // The kernel sees the entry before it sees that it is there.
        tail.store(self.tail, Ordering::Release);
    }
}

impl Drop for Buffers {
    /// Only when the kernel has let go of them: see the ring's.
    fn drop(&mut self) {
        for pointer in self.places.iter().filter(|pointer| !pointer.is_null()) {
            // SAFETY: as in `take`.
            drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(*pointer, self.size)) });
        }
        // SAFETY: it was allocated with the same layout.
        unsafe { dealloc(self.entries.as_ptr().cast(), Self::layout()) };
    }
}
