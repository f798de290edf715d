//! What one connection waits for, in one descriptor: its socket, a deadline, and other threads.

use crate::key::Target;
use crate::timer_source::TimerSource;
use mio::Interest;
use mio::unix::SourceFd;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

/// Watches one descriptor for a connection that does its input and output itself, and becomes readable for it: for whoever has no
/// [`Driver`](crate::Driver), because its connection is used by several threads.
///
/// The watch is for edges: whoever is told of something reads, or writes, until that fails with `WouldBlock`.
pub struct Watch {
    poll: mio::Poll,
    events: mio::Events,
    waker: Waker,
    timer: Option<TimerSource>,
    timer_armed: bool,
}

/// Ends the wait of a [`Watch`], from any thread. Clones wake the same.
#[derive(Clone)]
pub struct Waker(Arc<mio::Waker>);

/// What a wait came to. All may be false: it was woken, a signal came, or the time was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Something can be read.
    pub read: bool,
    /// Reading finds the end, behind what is there.
    pub read_end: bool,
    /// Something can be written.
    pub write: bool,
}

/// Sources of one watch.
const EVENTS: usize = 4;
const WATCHED: mio::Token = mio::Token(0);

impl Watch {
    /// A watch of nothing.
    ///
    /// # Errors
    /// Running out of descriptors.
    pub fn new() -> io::Result<Watch> {
        let poll = mio::Poll::new()?;
        let waker = Waker(Arc::new(mio::Waker::new(poll.registry(), Target::Mailbox.to_token())?));
        Ok(Watch { poll, events: mio::Events::with_capacity(EVENTS), waker, timer: None, timer_armed: false })
    }

    /// What wakes it.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Watches this descriptor, which may be that of a loop too, until [`Watch::remove`], or until it is closed. One at a time.
    ///
    /// # Errors
    /// It can't be watched, or memory for watches has run out.
    pub fn add(&mut self, fd: BorrowedFd<'_>, write: bool) -> io::Result<()> {
        let interest = if write { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        self.poll.registry().register(&mut SourceFd(&fd.as_raw_fd()), WATCHED, interest)
    }

    /// Ends the watch of a descriptor.
    ///
    /// # Errors
    /// It was not watched.
    pub fn remove(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.poll.registry().deregister(&mut SourceFd(&fd.as_raw_fd()))
    }

    /// Waits for something, at most this long (rounded up to whole milliseconds; `None`: for ever).
    ///
    /// # Errors
    /// What the system says when it cannot wait at all.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<Readiness> {
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Readiness::default()),
            Err(error) => return Err(error),
        }
        let mut found = Readiness::default();
        for event in &self.events {
            if event.token() == WATCHED {
                found.read |= event.is_readable() || event.is_read_closed() || event.is_error();
                found.read_end |= event.is_read_closed() || event.is_error();
                found.write |= event.is_writable() || event.is_error();
            } else if event.token() == Target::Timer.to_token() {
                self.timer_armed = false;
            }
        }
        Ok(found)
    }

    /// As [`Driver::arm_timer`](crate::Driver::arm_timer).
    ///
    /// # Errors
    /// As there.
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
}

impl Waker {
    /// Ends the wait, or the next one.
    pub fn wake(&self) {
        // Err: only a counter that overflowed, and mio empties it: it is awake.
        let _ = self.0.wake();
    }
}

impl AsRawFd for Watch {
    fn as_raw_fd(&self) -> RawFd {
        self.poll.as_raw_fd()
    }
}

impl AsFd for Watch {
    /// The descriptor for the loop of a host.
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor belongs to `poll`, which lives as long as the watch that the result borrows.
        unsafe { BorrowedFd::borrow_raw(self.poll.as_raw_fd()) }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("fd", &self.as_raw_fd()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waker")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test wants to fail here")]
mod tests {
    use super::*;
    use crate::Stream;
    use std::io::Write;

    const NONE: Option<Duration> = Some(Duration::ZERO);
    const PATIENCE: Option<Duration> = Some(Duration::from_secs(10));

    #[test]
    fn it_tells_what_a_socket_can_do() {
        let (one, mut other) = Stream::pair().unwrap();
        let mut watch = Watch::new().unwrap();
        watch.add(one.as_fd(), true).unwrap();
        let found = watch.wait(PATIENCE).unwrap();
        assert_eq!(found, Readiness { read: false, read_end: false, write: true });
        assert_eq!(watch.wait(NONE).unwrap(), Readiness::default());
        other.write_all(b"a").unwrap();
        let found = watch.wait(PATIENCE).unwrap();
        assert!(found.read && !found.read_end);
        drop(other);
        let found = watch.wait(PATIENCE).unwrap();
        assert!(found.read && found.read_end);
        watch.remove(one.as_fd()).unwrap();
        assert!(watch.remove(one.as_fd()).is_err());
    }

    #[test]
    fn it_is_woken_and_has_a_timer_and_may_be_watched_itself() {
        let mut inner = Watch::new().unwrap();
        let mut outer = Watch::new().unwrap();
        outer.add(inner.as_fd(), false).unwrap();
        inner.waker().wake();
        assert!(outer.wait(PATIENCE).unwrap().read);
        assert_eq!(inner.wait(PATIENCE).unwrap(), Readiness::default());
        inner.arm_timer(Some(Duration::from_millis(1))).unwrap();
        assert!(outer.wait(PATIENCE).unwrap().read);
        assert_eq!(inner.wait(PATIENCE).unwrap(), Readiness::default());
        inner.arm_timer(Some(Duration::from_secs(3600))).unwrap();
        inner.arm_timer(None).unwrap();
        assert_eq!(outer.wait(NONE).unwrap(), Readiness::default());
    }
}
