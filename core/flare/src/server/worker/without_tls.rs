//! In a build without TLS no connection is encrypted: this type has no value.

use std::io;

use flare_net::{Driver, Key, Millis, Output, Sent};

use super::Worker;
use crate::server::counters::Counters;

pub(crate) enum Secure {}

pub(crate) struct SecureShared;

impl SecureShared {
    pub(crate) fn new(_: usize) -> Self {
        Self
    }

    pub(crate) fn clear(&mut self) {}
}

impl Secure {
    pub(crate) fn deadline(&self) -> Millis {
        match *self {}
    }

    pub(crate) fn waiting(&self) -> usize {
        match *self {}
    }

    pub(crate) fn send(
        &mut self,
        _: Key,
        _: bool,
        _: &mut Output,
        _: &mut Driver,
        _: &mut SecureShared,
        _: &Counters,
    ) -> io::Result<Sent> {
        match *self {}
    }
}

impl Worker {
    pub(super) fn received_secure(&mut self, _: Key, _: &mut [u8]) {}

    pub(super) fn begin_in_line(&mut self, _: Key) -> bool {
        false
    }

    pub(super) fn handshake_timed_out(&mut self, _: Key) {}

    pub(super) fn handshake_left(&mut self, _: Key) {}

    pub(super) fn leave_secure(&mut self, _: Key, secure: &Secure) {
        match *secure {}
    }

    pub(super) fn end_secure(&mut self, _: Key) -> io::Result<Sent> {
        Ok(Sent::All)
    }
}
