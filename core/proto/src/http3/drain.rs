//! Ending a connection in peace (RFC 9114 section 5.2).

use super::connection::Connection;
use super::frame::{GOAWAY, write_header};
use super::role::Role;
use crate::varint;

/// How far the end is.
#[derive(Debug, Default)]
pub(super) struct Drain {
    /// GOAWAYs that this end has sent.
    pub(super) step: Step,
    /// What the peer's last GOAWAY said.
    pub(super) peer: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Step {
    #[default]
    Running,
    /// The peer was told that the end comes. Requests that are on their way are taken.
    Announced,
    /// The peer was told which is the first request that nothing is done about.
    From(u64),
}

/// The last id of a request that there can be.
const LAST: u64 = (1 << 62) - 4;

impl<R: Role> Connection<R> {
    /// Tells the peer that the connection ends, and takes the requests that are on their way. When the peer has had time to see that (a round trip),
    /// the owner calls [`finish_drain`](Self::finish_drain). What has begun goes on.
    pub fn drain(&mut self) {
        if self.over.is_some() || self.drain.step != Step::Running {
            return;
        }
        if !R::IS_SERVER {
            // No server pushes, so a client has nothing of the server's to wait for.
            return self.finish_drain();
        }
        self.drain.step = Step::Announced;
        self.write_goaway(LAST);
    }

    /// The second step of a drain: no new requests from here on. A client sends none either.
    pub fn finish_drain(&mut self) {
        if self.over.is_some() || matches!(self.drain.step, Step::From(_)) {
            return;
        }
        // A client names a push, and there are none.
        let first = if R::IS_SERVER { self.streams.next().min(LAST) } else { 0 };
        self.drain.step = Step::From(first);
        self.write_goaway(first);
    }

    fn write_goaway(&mut self, id: u64) {
        write_header(&mut self.control_out, GOAWAY, varint::length_of(id));
        varint::write(&mut self.control_out, id);
    }

    /// Whether the connection has been drained: the last GOAWAY was written, and no request is open.
    pub fn is_drained(&self) -> bool {
        matches!(self.drain.step, Step::From(_)) && self.streams.len() == 0
    }

    /// Whether one side has said that the connection ends.
    pub fn is_draining(&self) -> bool {
        self.drain.step != Step::Running || self.drain.peer.is_some() || self.over.is_some()
    }

    /// Whether a request came too late.
    pub(super) fn is_behind_drain(&self, id: u64) -> bool {
        matches!(self.drain.step, Step::From(first) if id >= first)
    }
}
