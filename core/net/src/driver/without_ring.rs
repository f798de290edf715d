//! A system without io_uring, or a build without it.

use super::{Driver, Sent};
use crate::key::ListenerKey;
use crate::{Event, Key, Lease, Output};
use std::convert::Infallible;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::time::Duration;

/// Nothing: there is none.
pub(super) struct Ring {
    never: Infallible,
}

impl Ring {
    pub(super) fn new(_: usize) -> io::Result<Box<Ring>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn as_raw_fd(&self) -> RawFd {
        match self.never {}
    }

    pub(super) fn is_ready(&self) -> bool {
        match self.never {}
    }

    pub(super) fn take_back(&mut self, _: Lease) -> Option<Lease> {
        match self.never {}
    }
}

// Called only where there is a ring.
impl Driver {
    pub(super) fn adopt_on_ring(&mut self, _: OwnedFd) -> io::Result<Key> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn wait_on_ring(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn next_received(&mut self) -> Option<Event> {
        None
    }

    pub(super) fn serve_on_ring(&mut self, _: Key) -> Option<Event> {
        None
    }

    pub(super) fn resume_on_ring(&mut self, _: Key) {}

    pub(super) fn send_on_ring(&mut self, _: Key, _: &mut Output) -> io::Result<Option<Sent>> {
        Ok(None)
    }

    pub(super) fn send_batch_of(&mut self, _: Key) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn send_last_batch(&mut self) {}

    pub(super) fn close_on_ring(&mut self, _: Key) {}

    pub(super) fn leave_ring(&mut self, _: Key) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn is_registered(&self, _: Key) -> bool {
        true
    }

    pub(super) fn listeners_changed(&mut self) {}

    pub(super) fn end_accept(&mut self, _: ListenerKey) {}
}
