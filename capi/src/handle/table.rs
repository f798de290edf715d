//! The table that gives out tokens and finds their objects.

use super::HandleError;
use super::chunks::Chunks;
use super::free_list::FreeList;
use super::slot::Slot;
use super::state::Refusal;
use super::sync::{AtomicU32, AtomicU64, Ordering};
use super::thread::{self, Current, SHARDS};
use super::token::{Kind, Kinds, Token};
use std::ops::Deref;
use std::ptr;

/// A cache line pair of its own, because processors fetch lines in pairs.
#[repr(align(128))]
struct Shard(FreeList);

/// All objects that C holds handles to. Made for a `static`; any thread may use it.
///
/// No call blocks, and none allocates except when the table grows by 4,096 slots. It never shrinks: it keeps as many slots as were
/// ever in use together, and at most one more for each thread that was inserting at that moment.
///
/// A freed token is never found again: a slot retires after 2^32 - 1 objects. At a million handles a second on one slot that
/// takes more than an hour and costs the 64 bytes or so of a slot.
pub struct Table<T> {
    chunks: Chunks<T>,
    /// How many slots were ever made.
    made: AtomicU32,
    limit: u32,
    shards: [Shard; SHARDS as usize],
}

impl<T: Send + Sync> Table<T> {
    /// The most slots a table can have.
    pub const MAX_SLOTS: u32 = 0xFF_FFFF;

    /// A table for up to [`Table::MAX_SLOTS`] objects.
    pub const fn new() -> Table<T> {
        Table::with_limit(Self::MAX_SLOTS)
    }

    /// A table for up to `limit` objects. More than [`Table::MAX_SLOTS`] is taken as that.
    pub const fn with_limit(limit: u32) -> Table<T> {
        Table {
            chunks: Chunks::new(),
            made: AtomicU32::new(0),
            limit: if limit < Self::MAX_SLOTS { limit } else { Self::MAX_SLOTS },
            shards: [const { Shard(FreeList::new(AtomicU64::new(FreeList::EMPTY))) }; SHARDS as usize],
        }
    }

    /// How many slots were ever made: the most objects that were in the table together, or little more.
    pub fn slots(&self) -> u32 {
        self.made.load(Ordering::Relaxed)
    }

    /// Puts an object in, with one reference, and gives the token of its first kind.
    ///
    /// # Errors
    /// [`HandleError::Limit`] or [`HandleError::OutOfMemory`]; the object is dropped.
    pub fn insert(&self, kinds: Kinds, object: T) -> Result<Token, HandleError> {
        let shard = thread::here(|thread| thread.shard());
        let (index, slot) = self.free_slot(shard)?;
        // SAFETY: `free_slot` gives each slot to one caller.
        let generation = unsafe { slot.fill(object, kinds, shard, 0) };
        Ok(Token::new(kinds.first(), generation, index))
    }

    /// Finds an object and runs `f` on it. The object stays until `f` returns, even if its handle is freed meanwhile.
    ///
    /// The handle that [`Table::enter`] or [`Table::lend`] made current costs no atomic change.
    ///
    /// # Errors
    /// A [`HandleError`] as the caller's error, or what `f` gives.
    #[inline(always)]
    pub fn with<R, E: From<HandleError>>(
        &self,
        token: Token,
        kind: Kind,
        f: impl FnOnce(&T) -> Result<R, E>,
    ) -> Result<R, E> {
        let pinned;
        // One call of `f` for both, so that it is compiled into its caller.
        let object = match self.current(token, kind) {
            // SAFETY: the handle is current, so a frame below us on this thread's stack holds a pin until it ends the
            // scope; that is after `f`.
            Some(slot) => unsafe { slot.object() },
            None => {
                pinned = self.pin(token, kind)?;
                &*pinned
            }
        };
        f(object)
    }

    /// The slot of this thread's current handle, if the token is that.
    #[inline(always)]
    fn current(&self, token: Token, kind: Kind) -> Option<&Slot<T>> {
        let current = thread::here(|thread| thread.current());
        if current.identity != token.identity() || !ptr::eq(current.table, ptr::from_ref(self).cast()) {
            return None;
        }
        // SAFETY: the slot belongs to this table, whose slots stay as long as it does.
        let slot = unsafe { &*current.slot.cast::<Slot<T>>() };
        let answers = token.kind() == kind.number() && slot.answers(token.generation(), kind.number());
        answers.then_some(slot)
    }

    /// The same as [`Table::with`], for an `f` that calls back into C: until it returns, the handle is this thread's current
    /// one, and look-ups of it (of any kind it answers to) are cheaper.
    ///
    /// # Errors
    /// As [`Table::with`].
    pub fn enter<R, E: From<HandleError>>(
        &self,
        token: Token,
        kind: Kind,
        f: impl FnOnce(&T) -> Result<R, E>,
    ) -> Result<R, E> {
        let pinned = self.pin(token, kind)?;
        thread::here(|thread| {
            let _scope = thread.begin(self.as_current(token, pinned.slot));
            f(&pinned)
        })
    }

    /// Puts an object in for the time of one call, as a worker does for a request: insert, [`Table::enter`] and release in
    /// one, for less than the three cost.
    ///
    /// When `f` returns the table lets go of its reference. If C has retained the token by then, the object lives on.
    ///
    /// # Errors
    /// [`HandleError::Limit`] or [`HandleError::OutOfMemory`]; then `f` is not called and the object is dropped.
    pub fn lend<R>(&self, kinds: Kinds, object: T, f: impl FnOnce(Token, &T) -> R) -> Result<R, HandleError> {
        thread::here(|thread| {
            let shard = thread.shard();
            let (index, slot) = self.free_slot(shard)?;
            // SAFETY: `free_slot` gives each slot to one caller.
            let generation = unsafe { slot.fill(object, kinds, shard, 1) };
            let token = Token::new(kinds.first(), generation, index);
            // Dropped in reverse: the handle is no longer current when its pin goes.
            let _lent = Lent { table: self, slot, token };
            let _scope = thread.begin(self.as_current(token, slot));
            // SAFETY: the slot was filled with one pin, and `_lent` takes it away after `f`.
            Ok(f(token, unsafe { slot.object() }))
        })
    }

    /// Finds an object and keeps it in place as long as the guard lives. Costs two atomic changes; [`Table::with`] may need
    /// none.
    ///
    /// # Errors
    /// [`HandleError::Invalid`], [`HandleError::WrongKind`], or [`HandleError::Limit`] when 65,535 calls are inside.
    #[inline]
    pub fn pin(&self, token: Token, kind: Kind) -> Result<Pinned<'_, T>, HandleError> {
        let slot = self.slot(token, kind)?;
        match slot.pin(token.generation(), kind.number()) {
            Ok(()) => Ok(Pinned { table: self, slot, index: token.slot() }),
            Err(refusal) => Err(self.refused(refusal, token, kind)),
        }
    }

    /// Adds a reference.
    ///
    /// # Errors
    /// [`HandleError::Invalid`], [`HandleError::WrongKind`], or [`HandleError::Limit`] when there are 65,535.
    pub fn retain(&self, token: Token, kind: Kind) -> Result<(), HandleError> {
        let slot = self.slot(token, kind)?;
        if !slot.answers(token.generation(), kind.number()) {
            return Err(self.refused(Refusal::Stale, token, kind));
        }
        slot.state.retain(token.generation()).map_err(|refusal| self.refused(refusal, token, kind))
    }

    /// Takes a reference away. With the last one all tokens of the object are stale at once; the object is dropped now, or by
    /// the last call that is inside it.
    ///
    /// # Errors
    /// [`HandleError::Invalid`] or [`HandleError::WrongKind`].
    pub fn release(&self, token: Token, kind: Kind) -> Result<(), HandleError> {
        let slot = self.slot(token, kind)?;
        if !slot.answers(token.generation(), kind.number()) {
            return Err(self.refused(Refusal::Stale, token, kind));
        }
        match slot.state.release(token.generation()) {
            Ok(false) => Ok(()),
            Ok(true) => {
                self.reclaim(token.slot(), slot);
                Ok(())
            }
            Err(refusal) => Err(self.refused(refusal, token, kind)),
        }
    }

    /// The slot of a token that says it is of this kind. Whether it still is, the slot knows.
    #[inline]
    fn slot(&self, token: Token, kind: Kind) -> Result<&Slot<T>, HandleError> {
        if token.kind() != kind.number() {
            return Err(self.refused(Refusal::Stale, token, kind));
        }
        self.chunks.get(token.slot()).ok_or(HandleError::Invalid)
    }

    #[cold]
    fn refused(&self, refusal: Refusal, token: Token, kind: Kind) -> HandleError {
        if refusal == Refusal::Full {
            return HandleError::Limit;
        }
        let is_another = token.kind() != kind.number()
            && self
                .chunks
                .get(token.slot())
                .is_some_and(|slot| slot.answers(token.generation(), token.kind()));
        if is_another { HandleError::WrongKind } else { HandleError::Invalid }
    }

    fn as_current(&self, token: Token, slot: &Slot<T>) -> Current {
        Current {
            identity: token.identity(),
            table: ptr::from_ref(self).cast(),
            slot: ptr::from_ref(slot).cast(),
        }
    }

    /// A slot that is the caller's alone.
    #[inline]
    fn free_slot(&self, shard: u32) -> Result<(u32, &Slot<T>), HandleError> {
        if let Some(found) = self.shards.get(shard as usize).and_then(|shard| self.pop(shard)) {
            return Ok(found);
        }
        self.free_slot_elsewhere()
    }

    /// Others' free slots come before new ones: so the table grows only when all slots are in use, however the work moves between
    /// threads. The slot changes its home to the thread that takes it.
    #[cold]
    fn free_slot_elsewhere(&self) -> Result<(u32, &Slot<T>), HandleError> {
        if let Some(found) = self.shards.iter().find_map(|shard| self.pop(shard)) {
            return Ok(found);
        }
        let mut made = self.made.load(Ordering::Relaxed);
        while made < self.limit {
            let slot = self.chunks.get_or_allocate(made).ok_or(HandleError::OutOfMemory)?;
            match self.made.compare_exchange_weak(made, made + 1, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok((made, slot)),
                Err(now) => made = now,
            }
        }
        Err(HandleError::Limit)
    }

    #[inline]
    fn pop(&self, shard: &Shard) -> Option<(u32, &Slot<T>)> {
        let index = shard.0.pop(|index| self.chunks.get(index).map(|slot| &slot.link))?;
        Some((index, self.chunks.get(index)?))
    }
}

impl<T> Table<T> {
    /// Drops the object of a slot, and makes the slot free. Only for the one whom the state told to be the last.
    fn reclaim(&self, index: u32, slot: &Slot<T>) {
        // SAFETY: the caller was told to be the last, and calls this once for it.
        let object = unsafe { slot.take() };
        if !slot.state.is_retired()
            && let Some(home) = self.shards.get(slot.home() as usize)
        {
            home.0.push(index, &slot.link);
        }
        // Last, because a destructor may be the host's code: it may use this table, or never return.
        drop(object);
    }
}

impl<T: Send + Sync> Default for Table<T> {
    fn default() -> Table<T> {
        Table::new()
    }
}

/// An object that stays in place as long as this guard lives, even if its handle is freed meanwhile.
pub struct Pinned<'a, T> {
    table: &'a Table<T>,
    slot: &'a Slot<T>,
    index: u32,
}

impl<T> Deref for Pinned<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: we hold a pin until we are dropped.
        unsafe { self.slot.object() }
    }
}

impl<T> Drop for Pinned<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.slot.state.unpin() {
            self.table.reclaim(self.index, self.slot);
        }
    }
}

/// The reference and the pin of [`Table::lend`].
struct Lent<'a, T> {
    table: &'a Table<T>,
    slot: &'a Slot<T>,
    token: Token,
}

impl<T> Drop for Lent<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.slot.state.unpin_and_release(self.token.generation()) {
            self.table.reclaim(self.token.slot(), self.slot);
        }
    }
}
