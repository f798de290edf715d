//! Handles as tokens.
//!
//! What C holds is an opaque pointer whose value is a [`Token`]: kind, generation and slot. It is never an address, and never
//! followed. Each call looks its token up in a [`Table`]; a NULL, freed, foreign or wrong-kind handle is a [`HandleError`].
//!
//! A slot counts two things: references (what C holds: retain and release) and pins (calls that are inside it right now). The
//! last release makes the token stale at once; the object is dropped when the last pin is gone, by whoever is last, with no lock
//! held. So freeing a handle inside its own callback, or on another thread in the middle of a call, is sound.
//!
//! | file | holds |
//! |---|---|
//! | `token.rs` | [`Token`], [`Kind`], [`Kinds`] |
//! | `state.rs` | the atomic word of a slot: generation, references, pins |
//! | `slot.rs` | the word with the object it protects |
//! | `chunks.rs` | where slots live: grows, never moves, never shrinks |
//! | `free_list.rs` | slots to use again |
//! | `thread.rs` | what a thread remembers: its free list, and the handle it works for |
//! | `table.rs` | [`Table`], which joins them |

mod chunks;
mod free_list;
mod slot;
mod state;
mod sync;
mod table;
mod thread;
mod token;

pub use table::{Pinned, Table};
pub use token::{Kind, Kinds, Token};

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandleError {
    /// NULL, freed, or never a token of this table.
    Invalid,
    /// Alive, but of another kind than asked for.
    WrongKind,
    /// A count is full: [`Table::with_limit`] objects, 65,535 references or 65,535 calls at a time on one object.
    Limit,
    /// No memory for more slots.
    OutOfMemory,
}

#[cfg(test)]
mod free_list_tests;
#[cfg(test)]
mod measure;
#[cfg(test)]
mod models;
#[cfg(test)]
mod race_tests;
#[cfg(test)]
mod state_tests;
#[cfg(test)]
mod table_tests;
