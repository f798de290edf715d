//! Ending a connection in peace (RFC 9113 section 6.8).

use super::connection::Connection;
use super::error::ErrorCode;
use super::frame::MAX_31_BITS;
use super::role::Role;

/// How far the end is.
#[derive(Debug, Default)]
pub(super) struct Drain {
    /// GOAWAYs that this end has sent.
    pub(super) step: Step,
    /// At a client: the last stream that the server will do something about.
    pub(super) peer_last: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Step {
    #[default]
    Running,
    /// The peer was told that the end comes. Requests that are on their way are taken.
    Announced,
    /// The peer was told which stream was the last: this id. Later ones are ignored.
    Last(u32),
}

/// What the PING of a drain carries: its answer shows that the peer has seen the GOAWAY.
pub(super) const PING: [u8; 8] = *b"draining";

impl<R: Role> Connection<R> {
    /// Tells the peer that the connection ends, and takes the requests that are on their way. When the peer has seen that (a PING comes back),
    /// or when the owner calls [`finish_drain`](Self::finish_drain), no later ones are taken. What has begun goes on.
    pub fn drain(&mut self, out: &mut Vec<u8>) {
        if self.over.is_some() || self.drain.step != Step::Running {
            return;
        }
        if !R::IS_SERVER {
            // No server pushes, so a client has no last stream of the server's to wait for.
            return self.finish_drain(out);
        }
        self.drain.step = Step::Announced;
        self.write_goaway(MAX_31_BITS, ErrorCode::NoError, b"", out);
        self.ping(PING, out);
    }

    /// The second step of a drain: no new streams from here on. A client opens none either.
    pub fn finish_drain(&mut self, out: &mut Vec<u8>) {
        if self.over.is_some() || matches!(self.drain.step, Step::Last(_)) {
            return;
        }
        let last = self.last_processed();
        self.drain.step = Step::Last(last);
        self.write_goaway(last, ErrorCode::NoError, b"", out);
    }

    /// Whether the peer was told that the end comes, and has not shown that it knows.
    pub fn awaits_drain(&self) -> bool {
        self.drain.step == Step::Announced
    }

    /// Whether the connection has been drained: the last GOAWAY was written, and no stream is open.
    pub fn is_drained(&self) -> bool {
        matches!(self.drain.step, Step::Last(_)) && self.streams.len() == 0
    }

    /// Whether one side has said that the connection ends.
    pub fn is_draining(&self) -> bool {
        self.drain.step != Step::Running || self.drain.peer_last.is_some() || self.over.is_some()
    }

    /// The last stream of the peer that something was done about.
    pub(super) fn last_processed(&self) -> u32 {
        match self.drain.step {
            Step::Last(last) => last,
            _ if R::IS_SERVER => self.last_id,
            _ => 0,
        }
    }
}
