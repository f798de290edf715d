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

// Neither has a destructor: reading them is a plain load, also while the thread is ending.
thread_local! {
    static CURRENT: Cell<Current> = const { Cell::new(Current::NONE) };
    static SHARD: Cell<u32> = const { Cell::new(SHARDS) };
}

#[inline]
pub(super) fn current() -> Current {
    CURRENT.get()
}

/// The number of this thread's free list, below [`SHARDS`]. Given out in turn.
#[inline]
pub(super) fn shard() -> u32 {
    let shard = SHARD.get();
    if shard < SHARDS { shard } else { choose_shard() }
}

#[cold]
fn choose_shard() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let shard = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    SHARD.set(shard);
    shard
}

/// Makes a handle the current one until it is dropped; then the one before is current again.
pub(super) struct Scope {
    before: Current,
    /// Belongs to its thread.
    here: std::marker::PhantomData<*const ()>,
}

impl Scope {
    #[inline]
    pub(super) fn begin(current: Current) -> Scope {
        Scope { before: CURRENT.replace(current), here: std::marker::PhantomData }
    }
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}
