//! A connection of HTTP/3 that is being made.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use flare_net::Mailbox;

use super::Client;
use super::on_quic::{Attempts, Turn};
use crate::connect::{ConnectError, ConnectFailure, Connector, Phase};

/// A connection of HTTP/3 that is being made: [`Client::begin_http3`]. It is what [`Connecting`](crate::connect::Connecting) is for TCP, and has
/// a [`Client`] in the end. Dropping it gives up.
///
/// A thread waits for it by [`ConnectingHttp3::wait`]. A loop watches [`ConnectingHttp3::as_raw_fd`] for readability, level-triggered, and calls
/// [`ConnectingHttp3::poll`] when it is readable. One thread at a time drives it; any other may cancel it.
pub struct ConnectingHttp3 {
    target: String,
    /// `None`: it has ended.
    attempts: Mutex<Option<Box<Attempts>>>,
    cancelled: AtomicBool,
    mailbox: Mailbox<()>,
    /// A descriptor of its own, so that a loop may watch it whatever becomes of the driver.
    fd: OwnedFd,
}

impl ConnectingHttp3 {
    pub(super) fn begin(connector: &Connector, target: &str) -> Result<Self, ConnectError> {
        let (attempts, mailbox) = Attempts::begin(connector, target)?;
        let fd = attempts.as_fd().try_clone_to_owned();
        let fd = fd.map_err(|error| ConnectError::new(target, Phase::Connect, ConnectFailure::Io(error)))?;
        Ok(Self {
            target: target.to_owned(),
            attempts: Mutex::new(Some(Box::new(attempts))),
            cancelled: AtomicBool::new(false),
            mailbox,
            fd,
        })
    }

    /// Whom it is for, as it was given.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Does what can be done without waiting. `None`: it goes on, watch the descriptor.
    ///
    /// # Errors
    /// Which step failed, and for whom. Nothing is open then; later calls fail with [`ConnectFailure::Over`].
    pub fn poll(&self) -> Result<Option<Client>, ConnectError> {
        match self.attempts.try_lock() {
            Ok(mut attempts) => self.drive(&mut attempts, Some(Duration::ZERO)),
            // Another thread does it.
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Poisoned(poisoned)) => {
                self.drive(&mut poisoned.into_inner(), Some(Duration::ZERO))
            }
        }
    }

    /// Waits for the connection, at most this long; `None` waits until it is there or has failed, which its own time limit sees to.
    /// `Ok(None)`: the time of this call was over, and it goes on.
    ///
    /// # Errors
    /// As [`ConnectingHttp3::poll`].
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<Client>, ConnectError> {
        self.drive(&mut self.attempts.lock().unwrap_or_else(PoisonError::into_inner), timeout)
    }

    /// Gives up, from any thread: whoever waits or polls gets [`ConnectFailure::Cancelled`], and everything that was begun is closed then.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        // Err: it is full, so somebody is awake.
        let _ = self.mailbox.post(());
    }

    fn drive(
        &self,
        place: &mut Option<Box<Attempts>>,
        timeout: Option<Duration>,
    ) -> Result<Option<Client>, ConnectError> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut wait = Duration::ZERO;
        loop {
            let Some(attempts) = place.as_mut() else { return Err(self.over()) };
            let turn = if self.cancelled.load(Ordering::Acquire) {
                Err(attempts.fail(ConnectFailure::Cancelled))
            } else {
                attempts.turn(wait)
            };
            let at = match turn {
                Ok(Turn::Until(at)) => at,
                Ok(Turn::Done(done)) => {
                    let made = place.take().and_then(|attempts| attempts.finish(done));
                    return made.map(|made| Some(Client::on_quic(made))).ok_or_else(|| self.over());
                }
                Err(error) => {
                    *place = None;
                    return Err(error);
                }
            };
            let now = Instant::now();
            if until.is_some_and(|until| until <= now) {
                // Whoever goes on with polls finds the descriptor as he expects it.
                let slept = attempts.sleep(at);
                if slept.is_err() {
                    *place = None;
                }
                return slept.map(|()| None);
            }
            wait = until.map_or(at, |until| until.min(at)).saturating_duration_since(now);
        }
    }

    fn over(&self) -> ConnectError {
        ConnectError::new(&self.target, Phase::Connect, ConnectFailure::Over)
    }
}

impl Drop for ConnectingHttp3 {
    fn drop(&mut self) {
        let place = self.attempts.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut attempts) = place.take() {
            attempts.give_up();
        }
    }
}

impl AsFd for ConnectingHttp3 {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for ConnectingHttp3 {
    /// The descriptor to watch. Valid until this is dropped; only to be watched, never read or closed.
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl std::fmt::Debug for ConnectingHttp3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectingHttp3").field("target", &self.target).finish_non_exhaustive()
    }
}
