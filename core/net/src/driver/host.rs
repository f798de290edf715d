//! What a host needs that owns the loop: one descriptor which becomes readable for everything, deadlines included.

use super::Driver;
use crate::key::Target;
use crate::timer_source::TimerSource;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

impl Driver {
    /// Makes the descriptor of the driver readable, and a [`Driver::wait`] return, once after this time from now; `None` takes that back. A
    /// later call replaces an earlier one. No event comes of it: look at the clock. On Linux it is exact to the system's timer slack (50 µs
    /// as a rule), by kqueue to a millisecond; never early. A thread that passes its deadline to `wait` does not need this.
    ///
    /// # Errors
    /// Running out of descriptors or memory; `Unsupported` on systems with neither timerfd nor a kqueue timer.
    pub fn arm_timer(&mut self, at: Option<Duration>) -> io::Result<()> {
        match (at, &mut self.timer) {
            (Some(after), Some(timer)) => timer.arm(self.poll.registry(), after)?,
            (Some(after), none) => {
                let timer = none.insert(TimerSource::new(self.poll.registry(), Target::Timer.to_token())?);
                timer.arm(self.poll.registry(), after)?;
            }
            (None, Some(timer)) if self.timer_armed => timer.disarm(self.poll.registry())?,
            (None, _) => {}
        }
        self.timer_armed = at.is_some();
        Ok(())
    }

    /// Makes the descriptor of the driver readable, and the next [`Driver::wait`] return at once. For a host that leaves a turn with work
    /// undone, when [`Driver::is_ready`] says so. Several calls before that wait are one.
    pub fn wake_self(&self) {
        if !self.woke_self.replace(true) && self.waker.wake().is_err() {
            // Only a counter that overflowed fails, and mio empties it. The next call tries again.
            self.woke_self.set(false);
        }
    }
}

impl AsRawFd for Driver {
    /// The descriptor that becomes readable when [`Driver::wait`] has something new: input, output, a mailbox, a deadline of
    /// [`Driver::arm_timer`]. For a host that owns the loop. It does not know what [`Driver::is_ready`] says: after the last turn call
    /// [`Driver::wake_self`] if that is true. With io_uring it is that of the ring, which does not know what was begun since the last wait.
    fn as_raw_fd(&self) -> RawFd {
        match &self.ring {
            Some(ring) => ring.as_raw_fd(),
            None => self.poll.as_raw_fd(),
        }
    }
}

impl AsFd for Driver {
    /// The same descriptor.
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor belongs to `poll` or `ring`, which live as long as the driver that the result borrows.
        unsafe { BorrowedFd::borrow_raw(self.as_raw_fd()) }
    }
}
