//! What the ring knows of each connection, beside the driver's table.

use crate::{Key, Lease};
use std::collections::VecDeque;

/// A connection on the ring.
#[derive(Default)]
pub(super) struct Lane {
    flags: u8,
    /// The error of a send that is to be told.
    pub(super) error: i32,
    /// What was received while reading was paused, in order. `Some` is never empty.
    // Boxed, because hardly any lane has it.
    #[allow(clippy::box_collection)]
    pub(super) held: Option<Box<VecDeque<Held>>>,
}

/// Received and not delivered.
pub(super) enum Held {
    Bytes(Lease),
    End,
    /// A number of errno.h.
    Error(i32),
}

impl Lane {
    /// A receive is under way.
    pub(super) const RECEIVING: u8 = 1;
    /// In the list of those whose next step is to be found.
    pub(super) const LISTED: u8 = 1 << 1;
    /// Nothing more will be received: the end, or an error, has come.
    pub(super) const RECEIVED_ALL: u8 = 1 << 2;
    /// Something of it is in the batch.
    pub(super) const IN_BATCH: u8 = 1 << 3;
    /// What was said to be sent waits in the backlog: to be told.
    pub(super) const TELL_BLOCKED: u8 = 1 << 4;
    /// The receive was told to end.
    pub(super) const CANCELLING: u8 = 1 << 5;
    /// Found no buffer.
    pub(super) const STARVED: u8 = 1 << 6;

    pub(super) fn contains(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn insert(&mut self, flag: u8) {
        self.flags |= flag;
    }

    pub(super) fn remove(&mut self, flag: u8) {
        self.flags &= !flag;
    }

    /// Removes a flag. Whether it was there.
    pub(super) fn take(&mut self, flag: u8) -> bool {
        let was = self.contains(flag);
        self.remove(flag);
        was
    }

    pub(super) fn hold(&mut self, held: Held) {
        self.held.get_or_insert_default().push_back(held);
    }

    /// What comes next of what was held.
    pub(super) fn next_held(&mut self) -> Option<Held> {
        let held = self.held.as_mut()?;
        let next = held.pop_front();
        if held.is_empty() {
            self.held = None;
        }
        next
    }
}

/// By the index of their keys. Who asks has made sure that the key is not stale.
#[derive(Default)]
pub(super) struct Lanes(Vec<Lane>);

impl Lanes {
    /// A lane for a new connection.
    pub(super) fn begin(&mut self, key: Key) {
        if key.index() >= self.0.len() {
            self.0.resize_with(key.index() + 1, Lane::default);
        }
        if let Some(lane) = self.get(key) {
            *lane = Lane::default();
        }
    }

    pub(super) fn get(&mut self, key: Key) -> Option<&mut Lane> {
        self.0.get_mut(key.index())
    }
}
