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

/// A buffer that is filled with datagrams.
pub(super) struct Filling<'a> {
    buffer: &'a mut [u8],
    used: usize,
}

impl Filling<'_> {
    fn append(&mut self, bytes: &[u8]) -> Option<()> {
        self.buffer.get_mut(self.used..self.used + bytes.len())?.copy_from_slice(bytes);
        self.used += bytes.len();
        Some(())
    }

    /// Takes so many bytes at the end away.
    fn take(&mut self, length: usize) -> Vec<u8> {
        let end = self.used;
        self.used = end.saturating_sub(length);
        self.buffer.get(self.used..end).unwrap_or_default().to_vec()
    }
}

impl Connection {
    /// As [`Connection::transmit_into`], at the end of `out`.
    pub fn transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Run> {
        let start = out.len();
        out.resize(start + MOST_BYTES, 0);
        let made = self.transmit_into(now, out.get_mut(start..).unwrap_or_default());
        out.truncate(start + made.map_or(0, |(_, length)| length));
        made.map(|(run, _)| run)
    }

    /// Writes the next datagrams of one size to the begin of `buffer`, at most 64 and 64 KiB, and says where they go, and how many bytes all
    /// of them are. `None`: nothing to send for now (or not yet, because of pacing: then [`Connection::deadline`] says when). The buffer has to have
    /// room for one datagram, which is at most 1,500 bytes; what is in it does not matter, so one can be used for all connections.
    pub fn transmit_into(&mut self, now: Instant, buffer: &mut [u8]) -> Option<(Run, usize)> {
        let room = buffer.len().min(MOST_BYTES);
        let mut out = Filling { buffer, used: 0 };
        let first = match self.held.take() {
            Some(held) => {
                out.append(&held.bytes)?;
                Made { length: held.bytes.len(), path: held.path, at: held.at }
            }
            None => match self.transmit_for_left(now, &mut out) {
                Some(run) => return Some((run, out.used)),
                None => self.make(&mut out)?,
            },
        };
        if !is_due(first.at, now) {
            self.hold(first, &mut out);
            return None;
        }
        let segment = first.length;
        // quiche paces with BBR only, and its quantum is only then one: otherwise all that the window allows is sent at once anyway.
        let most = match self.inner.gcongestion_enabled() {
            Some(true) => self.inner.send_quantum_on_path(first.path.local, first.path.peer).min(room),
            _ => room,
        };
        for _ in 1..MOST_SEGMENTS {
            if out.used + segment > most {
                break;
            }
            let Some(next) = self.make(&mut out) else { break };
            if next.path != first.path || next.length > segment || !is_due(next.at, now) {
                self.hold(next, &mut out);
                break;
            }
            if next.length < segment {
                break;
            }
        }
        self.observe_paths();
        Some((Run { path: first.path, segment, ecn: Ecn::NotCapable }, out.used))
    }

    fn make(&mut self, out: &mut Filling<'_>) -> Option<Made> {
        let said_before = self.inner.is_quiet();
        let made = self.make_on(None, out);
        if made.is_some() || said_before { made } else { self.make_if_stuck(out) }
    }

    /// Makes the next datagram, on this path if there is one, behind those that are there.
    pub(super) fn make_on(&mut self, path: Option<Path>, out: &mut Filling<'_>) -> Option<Made> {
        let room = out.buffer.get_mut(out.used..).unwrap_or_default();
        let (length, info) = self.inner.send(room, path.map(|path| (path.local, path.peer)))?;
        out.used += length;
        Some(Made { length, path: Path { local: info.from, peer: info.to }, at: info.at })
    }

    /// Takes the datagram that was made last away, for later.
    fn hold(&mut self, made: Made, out: &mut Filling<'_>) {
        let bytes = out.take(made.length);
        self.held = Some(Box::new(Held { bytes, path: made.path, at: made.at }));
    }
}

/// Whether a packet's time has come. The caller's time may be that of the beginning of its turn; the clock is only asked when it matters.
fn is_due(at: Instant, now: Instant) -> bool {
    at <= now + SOON || at <= Instant::now() + SOON
}
