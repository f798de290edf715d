//! A connection of HTTP/3 that is being made.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use super::Client;
use super::on_quic::Attempts;
use crate::connect::{ConnectError, ConnectFailure, Connector, Making, Phase};

/// A connection of HTTP/3 that is being made: [`Client::begin_http3`]. It is what [`Connecting`](crate::connect::Connecting) is for TCP, and has
/// a [`Client`] in the end. Dropping it gives up.
///
/// A thread waits for it by [`ConnectingHttp3::wait`]. A loop watches [`ConnectingHttp3::as_raw_fd`] for readability, level-triggered, and calls
/// [`ConnectingHttp3::poll`] when it is readable. One thread at a time drives it; any other may cancel it.
pub struct ConnectingHttp3 {
    making: Making<Attempts>,
}

impl ConnectingHttp3 {
    pub(super) fn begin(connector: &Connector, target: &str) -> Result<Self, ConnectError> {
        let (attempts, mailbox) = Attempts::begin(connector, target)?;
        let fd = attempts.as_fd().try_clone_to_owned();
        let fd = fd.map_err(|error| ConnectError::new(target, Phase::Connect, ConnectFailure::Io(error)))?;
        Ok(Self { making: Making::new(target, attempts, mailbox, fd) })
    }

    /// Whom it is for, as it was given.
    #[must_use]
    pub fn target(&self) -> &str {
        self.making.target()
    }

    /// Does what can be done without waiting. `None`: it goes on, watch the descriptor.
    ///
    /// # Errors
    /// Which step failed, and for whom. Nothing is open then; later calls fail with [`ConnectFailure::Over`].
    pub fn poll(&self) -> Result<Option<Client>, ConnectError> {
        Ok(self.making.poll()?.map(Client::on_quic))
    }

    /// Waits for the connection, at most this long; `None` waits until it is there or has failed, which its own time limit sees to.
    /// `Ok(None)`: the time of this call was over, and it goes on.
    ///
    /// # Errors
    /// As [`ConnectingHttp3::poll`].
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<Client>, ConnectError> {
        Ok(self.making.wait(timeout)?.map(Client::on_quic))
    }

    /// Gives up, from any thread: whoever waits or polls gets [`ConnectFailure::Cancelled`], and everything that was begun is closed then.
    pub fn cancel(&self) {
        self.making.cancel();
    }
}

impl AsFd for ConnectingHttp3 {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.making.as_fd()
    }
}

impl AsRawFd for ConnectingHttp3 {
    /// The descriptor to watch. Valid until this is dropped; only to be watched, never read or closed.
    fn as_raw_fd(&self) -> RawFd {
        self.making.as_raw_fd()
    }
}

impl std::fmt::Debug for ConnectingHttp3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectingHttp3").field("target", &self.target()).finish_non_exhaustive()
    }
}
