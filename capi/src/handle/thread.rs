//! What a thread remembers: which free list it uses, and which handle it works for.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many free lists a table has. Threads share one only when there are more threads than lists.
pub(super) const SHARDS: u32 = 64;

/// The handle that the innermost callback on this thread was called for. It is pinned, so that look-ups of it need no pin.
#[derive(Clone, Copy)]
pub(super) struct Current {
    /// [`Token::identity`](super::Token), or `u64::MAX` for none.
    pub(super) identity: u64,
    /// The address of its table: the same identity may exist in another.
    pub(super) table: *const (),
    /// The address of its slot.
    pub(super) slot: *const (),
}

impl Current {
    const NONE: Current = Current { identity: u64::MAX, table: ptr::null(), slot: ptr::null() };
}

/// One value, so that a call finds its thread's memory once: in a shared library that is a call by itself.
pub(super) struct Thread {
    current: Cell<Current>,
    shard: Cell<u32>,
}

// Without a destructor: reading it is a plain load, also while the thread is ending.
thread_local! {
    static THREAD: Thread = const { Thread { current: Cell::new(Current::NONE), shard: Cell::new(SHARDS) } };
}

/// Runs `f` with what this thread remembers.
#[inline]
pub(super) fn here<R>(f: impl FnOnce(&Thread) -> R) -> R {
    THREAD.with(f)
}

impl Thread {
    #[inline]
    pub(super) fn current(&self) -> Current {
        self.current.get()
    }

    /// The number of this thread's free list, below [`SHARDS`]. Given out in turn.
    #[inline]
    pub(super) fn shard(&self) -> u32 {
        let shard = self.shard.get();
        if shard < SHARDS { shard } else { self.choose_shard() }
    }

    #[cold]
    fn choose_shard(&self) -> u32 {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let shard = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
        self.shard.set(shard);
        shard
    }

    /// Makes a handle the current one until the scope is dropped; then the one before is current again.
    #[inline]
    pub(super) fn begin(&self, current: Current) -> Scope<'_> {
        Scope { thread: self, before: self.current.replace(current) }
    }
}

/// See [`Thread::begin`].
pub(super) struct Scope<'a> {
    thread: &'a Thread,
    before: Current,
}

impl Drop for Scope<'_> {
    #[inline]
    fn drop(&mut self) {
        self.thread.current.set(self.before);
    }
}
