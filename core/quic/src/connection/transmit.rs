//! What is sent: packets of quiche, joined to runs that one system call sends, at their time.

use std::time::{Duration, Instant};

use super::Connection;
use crate::path::{Ecn, Path};

/// Datagrams of one size to send by one call (with UDP_SEGMENT): they lie one behind the other in the buffer, the last may be shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// From where, and where to.
    pub path: Path,
    /// Bytes of each but the last.
    pub segment: usize,
    /// What to mark them with.
    pub ecn: Ecn,
}

/// The most datagrams of a run: as many as the kernel splits.
const MOST_SEGMENTS: usize = 64;

/// The most bytes of a run: the largest payload of UDP over IPv4.
const MOST_BYTES: usize = 65_507;

/// Room for one packet. None is larger than what is tried to find the path's limit.
const ROOM: usize = 1500;

/// Timers have about this granularity, so what is due sooner is sent now.
const SOON: Duration = Duration::from_millis(1);

/// A datagram that was made and is sent later: its time has not come, or it did not fit into a run.
pub(super) struct Held {
    bytes: Vec<u8>,
    path: Path,
    at: Instant,
}

impl Held {
    pub(super) fn at(&self) -> Instant {
        self.at
    }
}

/// A datagram at the end of the buffer.
#[derive(Clone, Copy)]
pub(super) struct Made {
    pub(super) length: usize,
    path: Path,
    at: Instant,
}

impl Connection {
    /// Appends the next datagrams of one size to `out`, at most 64 and 64 KiB, and says where they go. `None`: nothing to send for now (or not
    /// yet, because of pacing: then [`Connection::deadline`] says when).
    pub fn transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Run> {
        let start = out.len();
        let first = match self.held.take() {
            Some(held) => {
                out.extend_from_slice(&held.bytes);
                Made { length: held.bytes.len(), path: held.path, at: held.at }
            }
            None => match self.transmit_for_left(now, out) {
                Some(run) => return Some(run),
                None => self.make(out)?,
            },
        };
        if !is_due(first.at, now) {
            self.hold(first, out);
            return None;
        }
        let segment = first.length;
        // quiche paces with BBR only, and its quantum is only then one: otherwise all that the window allows is sent at once anyway.
        let most = match self.inner.gcongestion_enabled() {
            Some(true) => self.inner.send_quantum_on_path(first.path.local, first.path.peer).min(MOST_BYTES),
            _ => MOST_BYTES,
        };
        for _ in 1..MOST_SEGMENTS {
            if out.len() - start + segment > most {
                break;
            }
            let Some(next) = self.make(out) else { break };
            if next.path != first.path || next.length > segment || !is_due(next.at, now) {
                self.hold(next, out);
                break;
            }
            if next.length < segment {
                break;
            }
        }
        self.observe_paths();
        Some(Run { path: first.path, segment, ecn: Ecn::NotCapable })
    }

    fn make(&mut self, out: &mut Vec<u8>) -> Option<Made> {
        self.make_on(None, out)
    }

    /// Makes the next datagram, on this path if there is one, at the end of `out`.
    pub(super) fn make_on(&mut self, path: Option<Path>, out: &mut Vec<u8>) -> Option<Made> {
        let start = out.len();
        out.resize(start + ROOM, 0);
        let room = out.get_mut(start..).unwrap_or_default();
        // Err: nothing to send, or an error by which the connection is closed: the next call makes the packet that says so.
        let (local, peer) = path.map(|path| (path.local, path.peer)).unzip();
        let made = self.inner.send_on_path(room, local, peer).ok();
        let length = made.map_or(0, |(length, _)| length);
        out.truncate(start + length);
        let (length, info) = made?;
        Some(Made { length, path: Path { local: info.from, peer: info.to }, at: info.at })
    }

    /// Takes the datagram at the end of `out` away, for later.
    fn hold(&mut self, made: Made, out: &mut Vec<u8>) {
        let bytes = out.split_off(out.len().saturating_sub(made.length));
        self.held = Some(Box::new(Held { bytes, path: made.path, at: made.at }));
    }
}

/// Whether a packet's time has come. The caller's time may be that of the beginning of its turn; the clock is only asked when it matters.
fn is_due(at: Instant, now: Instant) -> bool {
    at <= now + SOON || at <= Instant::now() + SOON
}
