//! The atomic word of a slot.
//!
//! ```text
//! generation: 32 | references: 16 | pins: 16
//! ```
//!
//! - Free: no references, no pins. The word does not change until the slot is taken from its free list and published.
//! - Live: references > 0. Tokens of this generation are found.
//! - Ending: no references, pins > 0, and the generation is already the next one: tokens are stale, calls are still inside.
//!
//! Exactly one call moves the word to "no references, no pins", and that call is told so: the object is then its to take.

use super::sync::{AtomicU64, Ordering};

const PIN: u64 = 1;
const REFERENCE: u64 = 1 << 16;
const GENERATION: u64 = 1 << 32;
const COUNT_MASK: u64 = 0xFFFF;

/// The most references, and the most pins, that are counted. Under Miri few, or it would take minutes to get there.
pub(super) const MOST: u16 = if cfg!(miri) { 0xFF } else { u16::MAX };

/// A slot with this generation is never used again: the next number would be 0, and the oldest tokens would be found again.
const RETIRED: u32 = u32::MAX;

/// Why the word was left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Another generation, or free.
    Stale,
    /// The count is full.
    Full,
}

pub(super) struct State(AtomicU64);

impl State {
    /// A free slot of that generation. Zeroed memory is one of generation 0.
    #[cfg(test)]
    pub(super) fn free(generation: u32) -> State {
        State(AtomicU64::new(u64::from(generation) << 32))
    }

    /// Whether tokens of this generation are found. If so, what was stored before [`State::publish`] is visible.
    #[inline]
    pub(super) fn is_live(&self, generation: u32) -> bool {
        is_live(self.0.load(Ordering::Acquire), generation)
    }

    /// Makes a free slot live with one reference and `pins` pins, and gives its generation. Only for the one who took the
    /// slot from a free list.
    #[inline]
    pub(super) fn publish(&self, pins: u16) -> u32 {
        // A plain store is enough: nobody else changes the word of a free slot.
        let word = self.0.load(Ordering::Relaxed);
        self.0.store(word + REFERENCE + u64::from(pins), Ordering::Release);
        generation(word)
    }

    /// Adds a pin: the object stays until [`State::unpin`].
    #[inline]
    pub(super) fn pin(&self, generation: u32) -> Result<(), Refusal> {
        self.change(generation, Ordering::Acquire, |word| {
            (pins(word) < u64::from(MOST)).then_some(word + PIN)
        })?;
        Ok(())
    }

    /// Takes a pin away. True: the object is now the caller's to take.
    #[inline]
    pub(super) fn unpin(&self) -> bool {
        let before = self.0.fetch_sub(PIN, Ordering::AcqRel);
        is_free(before - PIN)
    }

    /// Adds a reference.
    pub(super) fn retain(&self, generation: u32) -> Result<(), Refusal> {
        let step = |word| (references(word) < u64::from(MOST)).then_some(word + REFERENCE);
        self.change(generation, Ordering::AcqRel, step)?;
        Ok(())
    }

    /// Takes a reference away; the last one makes all tokens stale. True: the object is now the caller's to take.
    pub(super) fn release(&self, generation: u32) -> Result<bool, Refusal> {
        let after = self.change(generation, Ordering::AcqRel, |word| Some(without_reference(word)))?;
        Ok(is_free(after))
    }

    /// Takes a pin away, and a reference too if one of this generation is left. True: the object is now the caller's to take.
    ///
    /// The reference may be missing: C can release one that it does not own, and that must not cost a later owner its own.
    #[inline]
    pub(super) fn unpin_and_release(&self, generation: u32) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let kept = if is_live(word, generation) { without_reference(word) } else { word };
            let after = kept - PIN;
            match self.0.compare_exchange_weak(word, after, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return is_free(after),
                Err(now) => word = now,
            }
        }
    }

    /// Whether the slot has used up its generations.
    pub(super) fn is_retired(&self) -> bool {
        generation(self.0.load(Ordering::Relaxed)) == RETIRED
    }

    /// Whether there is an object in the slot.
    pub(super) fn is_occupied(&self) -> bool {
        !is_free(self.0.load(Ordering::Acquire))
    }

    /// Moves a live word of this generation by `step`, and gives the new word. `None` from `step` is [`Refusal::Full`].
    #[inline]
    fn change(
        &self,
        generation: u32,
        success: Ordering,
        step: impl Fn(u64) -> Option<u64>,
    ) -> Result<u64, Refusal> {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            if !is_live(word, generation) {
                return Err(Refusal::Stale);
            }
            let after = step(word).ok_or(Refusal::Full)?;
            match self.0.compare_exchange_weak(word, after, success, Ordering::Relaxed) {
                Ok(_) => return Ok(after),
                Err(now) => word = now,
            }
        }
    }
}

const fn generation(word: u64) -> u32 {
    (word >> 32) as u32
}

const fn references(word: u64) -> u64 {
    word >> 16 & COUNT_MASK
}

const fn pins(word: u64) -> u64 {
    word & COUNT_MASK
}

const fn is_live(word: u64, wanted: u32) -> bool {
    generation(word) == wanted && references(word) > 0
}

const fn is_free(word: u64) -> bool {
    references(word) == 0 && pins(word) == 0
}

/// A live word with one reference less. The generation cannot overflow: a retired slot is never live.
const fn without_reference(word: u64) -> u64 {
    let after = word - REFERENCE;
    if references(after) == 0 { after + GENERATION } else { after }
}
