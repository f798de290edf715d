//! What was on its way on a path that the peer has left.
//!
//! quiche counts what is sent path by path, and takes a packet for lost when a later one of the same path is acknowledged. Nothing is sent
//! any more on a path that was left, so what was on its way there is neither acknowledged nor lost, and its content never comes again. So
//! some small packets are made for the old path and sent on the new one: their acknowledgements say what was lost before. That waits until
//! the new path is known to be the peer's, so a server sees to it that it gets to know.

use std::time::{Duration, Instant};

use super::Connection;
use super::transmit::{Filling, Made, Run};
use crate::path::{Ecn, Path};

/// How many such packets are sent, at growing intervals: they may be lost too.
const PACKETS: u32 = 4;

/// How long is waited until it is known whether the path was the peer's.
const WAIT: Duration = Duration::from_millis(100);

/// Between two packets at least.
const SHORTEST: Duration = Duration::from_millis(10);

/// How often a client is asked again whether the new path is its own, at growing intervals. quiche asks again only when a time runs out in which
/// nothing is acknowledged; but its question may arrive, and the answer get lost or, as at a client of quiche whose congestion window is full,
/// never leave.
const QUESTIONS: u32 = 4;

/// What the server must be allowed to send before it asks, in bytes. A question that waits until its path is given up would keep quiche from
/// sending on any other.
const ROOM: u64 = 100;

/// A path that was left.
pub(super) struct Left {
    path: Path,
    /// How often the peer was asked again about the path that came after it, and the earliest time for the next.
    asked: u32,
    ask: Instant,
    /// Whether it is known if the path was the peer's: no packet must ask that any more when it goes to another address.
    judged: bool,
    sent: u32,
    next: Instant,
}

impl Connection {
    /// The peer, or this side, goes on elsewhere.
    pub(super) fn leave(&mut self, path: Path, now: Instant) {
        self.left.retain(|left| left.path != path && left.path != self.path);
        let judged = self.is_proven(path);
        self.left.push(Left { path, asked: 0, ask: now + WAIT, judged, sent: 0, next: now });
    }

    /// A path was found to be the peer's, or not.
    pub(super) fn judged(&mut self, path: Path) {
        for left in self.left.iter_mut().filter(|left| left.path == path) {
            left.judged = true;
        }
    }

    fn is_proven(&self, path: Path) -> bool {
        self.inner.is_path_validated(path.local, path.peer).unwrap_or(false)
    }

    /// Asks about a client's new path again, if it is time.
    fn ask_again(&mut self, now: Instant) {
        if self.client.is_some() || self.left.is_empty() || self.is_proven(self.path) {
            return;
        }
        let Some(known) = self.inner.path_stats().find(|path| path.active) else { return };
        // Three times as much as came from there (RFC 9000, 8.1).
        let room = (3 * known.recv_bytes).saturating_sub(known.sent_bytes);
        // The path that was left last is the one before ours.
        let due = |left: &&mut Left| left.asked < QUESTIONS && left.ask <= now && room >= ROOM;
        let Some(left) = self.left.last_mut().filter(due) else { return };
        left.asked += 1;
        left.ask = now + WAIT * (left.asked + 1);
        // Err: no connection ID is left for the path, as when it was asked about first.
        let _ = self.inner.probe_path(known.local_addr, known.peer_addr);
    }

    pub(super) fn next_for_left(&self) -> Option<Instant> {
        self.left.iter().map(|left| left.next).min()
    }

    /// Makes the next packet for a path that was left, if it is time.
    pub(super) fn transmit_for_left(&mut self, now: Instant, out: &mut Filling<'_>) -> Option<Run> {
        self.ask_again(now);
        let index = self.left.iter().position(|left| left.next <= now)?;
        let proven = self.is_proven(self.path);
        let left = self.left.get_mut(index)?;
        if !proven || !left.judged {
            left.next = now + WAIT;
            return None;
        }
        let path = left.path;
        left.sent += 1;
        let pause = self.inner.path_stats().find(|known| known.active).map_or(WAIT, |known| 2 * known.rtt);
        left.next = now + pause.max(SHORTEST) * left.sent;
        if left.sent >= PACKETS {
            self.left.remove(index);
        }
        // Err: the path is gone by now.
        self.inner.send_ack_eliciting_on_path(path.local, path.peer).ok()?;
        let Made { length, .. } = self.make_on(Some(path), out)?;
        Some(Run { path: self.path, segment: length, ecn: Ecn::NotCapable })
    }
}
