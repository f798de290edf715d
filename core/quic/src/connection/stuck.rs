//! When quiche has something to send, and says that it has nothing.
//!
//! A stream that has to send something again is put into quiche's queue. If the peer acknowledges it before that happens, because it was only
//! late, the stream stays in the queue with nothing to send; and quiche 0.30, when it comes to such a stream, makes a packet without a stream
//! and so none at all. The next time another stream is the first, but only if streams take turns, and only if there is a next time: with nothing on its way
//! no packet comes and no timer fires before the connection is idle. So it is asked again, as often as there may be such streams.

use std::time::Duration;

use super::Connection;
use super::transmit::{Filling, Made};

/// How many such streams there may be while others wait for room; and while nobody does, which are those that their handlers have not gone on
/// with. One that is found by chance costs as much as a small packet.
const MOST: [usize; 2] = [256, 16];

/// What an acknowledgement may take beside the time on the way: the peer's delay, and ours.
const SLACK: Duration = Duration::from_millis(50);

impl Connection {
    /// The next datagram, where quiche has just said that there is none.
    pub(super) fn make_if_stuck(&mut self, out: &mut Filling<'_>) -> Option<Made> {
        if !self.may_be_stuck() {
            return None;
        }
        self.take_turns();
        let most = if self.streams.someone_waits() { MOST[0] } else { MOST[1] };
        (0..most).find_map(|_| {
            self.inner.ask_again();
            self.make_on(None, out)
        })
    }

    /// Whether something was lost before, and nothing is on its way now: whatever is would have a timer that fires soon.
    fn may_be_stuck(&self) -> bool {
        if !self.inner.is_established() || self.inner.stats().lost == 0 {
            return false;
        }
        let Some(path) = self.inner.path_stats().find(|path| path.active) else { return false };
        let soon = 2 * (path.rtt + 4 * path.rttvar + SLACK);
        self.inner.timeout().is_some_and(|timer| timer > soon)
    }
}
