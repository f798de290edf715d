//! A connection that is being made on a small driver of its own, whichever transport it is: how threads and loops wait for it.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use flare_net::Mailbox;

use super::error::{ConnectError, ConnectFailure, Phase};

/// What makes a connection.
pub(crate) trait Maker {
    /// A moment of its clock.
    type Time: Copy;
    /// Which part of it has made the connection.
    type Done;
    /// The connection.
    type Made;

    /// Waits for the driver, at most this long, and does what can be done then. An error is the end of it.
    fn turn(&mut self, wait: Duration) -> Result<Turn<Self::Time, Self::Done>, ConnectError>;

    /// How long it is until then.
    fn left(&self, at: Self::Time) -> Duration;

    /// Before a loop goes on: makes the descriptor readable when there is more to do, or at this time. An error is the end of it.
    fn sleep(&mut self, at: Self::Time) -> Result<(), ConnectError>;

    /// Gives up, and says why.
    fn fail(&mut self, failure: ConnectFailure) -> ConnectError;

    /// Gives up, and tells peers that should know.
    fn give_up(&mut self) {}

    /// The connection leaves the driver.
    fn finish(self, done: Self::Done) -> Option<Self::Made>;
}

/// What a turn came to.
pub(crate) enum Turn<T, D> {
    /// Nothing more before this moment, or an event.
    Until(T),
    /// It is made.
    Done(D),
}

/// A connection that is being made. One thread at a time drives it; any other may cancel it. Dropping it gives up.
pub(crate) struct Making<A: Maker> {
    target: String,
    /// `None`: it has ended.
    maker: Mutex<Option<Box<A>>>,
    cancelled: AtomicBool,
    mailbox: Mailbox<()>,
    /// A descriptor of its own, so that a loop may watch it whatever becomes of the driver.
    fd: OwnedFd,
}

impl<A: Maker> Making<A> {
    /// The mailbox wakes the driver, whose descriptor this is.
    pub(crate) fn new(target: &str, maker: A, mailbox: Mailbox<()>, fd: OwnedFd) -> Self {
        let maker = Mutex::new(Some(Box::new(maker)));
        Self { target: target.to_owned(), maker, cancelled: AtomicBool::new(false), mailbox, fd }
    }

    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// Does what can be done without waiting.
    pub(crate) fn poll(&self) -> Result<Option<A::Made>, ConnectError> {
        match self.maker.try_lock() {
            Ok(mut maker) => self.drive(&mut maker, Some(Duration::ZERO)),
            // Another thread does it.
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Poisoned(poisoned)) => {
                self.drive(&mut poisoned.into_inner(), Some(Duration::ZERO))
            }
        }
    }

    /// Waits at most this long; `None` waits for the end.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<Option<A::Made>, ConnectError> {
        self.drive(&mut self.maker.lock().unwrap_or_else(PoisonError::into_inner), timeout)
    }

    /// Gives up, from any thread.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        // Err: it is full, so somebody is awake.
        let _ = self.mailbox.post(());
    }

    fn drive(
        &self,
        place: &mut Option<Box<A>>,
        timeout: Option<Duration>,
    ) -> Result<Option<A::Made>, ConnectError> {
        let driven = self.drive_on(place, timeout);
        if driven.is_err() {
            *place = None;
        }
        driven
    }

    fn drive_on(
        &self,
        place: &mut Option<Box<A>>,
        timeout: Option<Duration>,
    ) -> Result<Option<A::Made>, ConnectError> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut wait = Duration::ZERO;
        loop {
            let Some(maker) = place.as_mut() else { return Err(self.over()) };
            if self.cancelled.load(Ordering::Acquire) {
                return Err(maker.fail(ConnectFailure::Cancelled));
            }
            let at = match maker.turn(wait)? {
                Turn::Until(at) => at,
                Turn::Done(done) => {
                    let made = place.take().and_then(|maker| maker.finish(done));
                    return made.map(Some).ok_or_else(|| self.over());
                }
            };
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                // Whoever goes on with polls finds the descriptor as he expects it.
                return maker.sleep(at).map(|()| None);
            }
            let next = maker.left(at);
            wait = left.map_or(next, |left| left.min(next));
        }
    }

    fn over(&self) -> ConnectError {
        ConnectError::new(&self.target, Phase::Connect, ConnectFailure::Over)
    }
}

impl<A: Maker> Drop for Making<A> {
    fn drop(&mut self) {
        let place = self.maker.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut maker) = place.take() {
            maker.give_up();
        }
    }
}

impl<A: Maker> AsFd for Making<A> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl<A: Maker> AsRawFd for Making<A> {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
