//! How long a call may wait for a socket.

use std::io;
use std::time::{Duration, Instant};

use flare_net::Stream;

/// How long a call may wait.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    Forever,
    Until(Instant),
    /// It tries, and waits for nothing.
    No,
}

impl Patience {
    /// `None`: for ever. Zero: not at all.
    pub(super) fn of(timeout: Option<Duration>) -> Self {
        match timeout {
            Some(Duration::ZERO) => Self::No,
            Some(timeout) => Instant::now().checked_add(timeout).map_or(Self::Forever, Self::Until),
            None => Self::Forever,
        }
    }

    /// Waits until the stream may be worth another try, which may be for nothing.
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing to wait for, `TimedOut` when it waited long enough.
    pub(super) fn wait(self, stream: &Stream, read: bool, write: bool) -> io::Result<()> {
        let left = match self {
            Self::Forever => None,
            Self::No => return Err(io::ErrorKind::WouldBlock.into()),
            Self::Until(at) => {
                let left = at.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Some(left)
            }
        };
        stream.wait(read, write, left).map(drop)
    }
}
