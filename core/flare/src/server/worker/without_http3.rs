//! In a build without HTTP/3 a worker has no UDP sockets, and no connections behind them.

use std::io;

use flare_net::{Driver, Key};

use super::Worker;
use super::relay::Way;
use crate::exchange::{CancelReason, ExchangeKey};
use crate::server::shared::Shared;
use crate::server::sockets::Sockets;

pub(super) struct Quic;

impl Quic {
    pub(super) fn new(_: &mut Driver, _: &Shared, _: usize, _: &mut Sockets) -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        true
    }

    pub(super) fn relays(&mut self, _: Key) -> Option<&mut Vec<Way>> {
        None
    }

    pub(super) fn clear(&mut self) {}
}

impl Worker {
    pub(super) fn wake_quic(&mut self, _: ExchangeKey) {}

    pub(super) fn go_on_quic(&mut self, _: Key) {}

    pub(super) fn quic_deadline(&mut self, _: Key) -> bool {
        false
    }

    pub(super) fn close_quic(&mut self, _: Key, _: CancelReason) -> bool {
        false
    }

    pub(super) fn drain_quic(&mut self) {}

    pub(super) fn close_all_quic(&mut self) {}
}
