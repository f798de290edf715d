//! HTTP/3 on a UDP socket and a driver of its own, for a thread that blocks or a loop that polls.

mod attempts;
mod wire;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flare_net::{Driver, Event as NetEvent};
use flare_proto::http3::Limits;
use flare_quic::Connection as Quic;

use super::Event;
use super::http3::Http3;
use crate::message::TlsSession;
pub(super) use attempts::Attempts;
use wire::Wire;

/// H3_NO_ERROR (RFC 9114, 8.1).
const NO_ERROR: u64 = 0x100;

#[derive(Debug)]
pub(super) struct OnQuic {
    driver: Driver,
    wire: Wire,
    pub(super) http3: Http3,
    begun: Instant,
    /// When the timer of the driver fires. `None`: nobody watches the descriptor.
    armed: Option<Instant>,
}

impl OnQuic {
    /// On a connection whose handshake has ended, and the driver that has its socket.
    fn new(driver: Driver, wire: Wire, quic: Box<Quic>) -> Self {
        let http3 = Http3::new(quic, Arc::new(Limits { datagrams: true, ..Limits::default() }));
        let mut made = Self { driver, wire, http3, begun: Instant::now(), armed: None };
        made.send();
        made
    }

    pub(super) fn tls(&self) -> Option<&TlsSession> {
        self.http3.quic.handshake().map(|handshake| &*handshake.session)
    }

    /// Sends what can be sent without waiting.
    pub(super) fn send(&mut self) {
        self.transmit();
        // What was sent may be lost, and has to be sent again sooner than a loop was told.
        if self.armed.is_some() && self.arm().is_err() {
            self.driver.wake_self();
        }
    }

    fn transmit(&mut self) {
        self.http3.set_now(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX));
        self.wire.send(&mut self.driver, &mut self.http3.quic);
    }

    /// Makes the descriptor readable at the connection's deadline, or before.
    fn arm(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let deadline = self.http3.quic.deadline();
        let due = match (deadline, self.armed) {
            (None, _) => return Ok(()),
            (Some(deadline), Some(armed)) if now < armed && armed <= deadline => return Ok(()),
            (Some(deadline), _) => deadline,
        };
        self.driver.arm_timer(Some(due.saturating_duration_since(now)))?;
        self.armed = Some(due);
        Ok(())
    }

    pub(super) fn step(&mut self, timeout: Option<Duration>) -> io::Result<Option<Event>> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            self.transmit();
            if let Some(event) = self.http3.next_event() {
                return Ok(Some(event));
            }
            if self.http3.is_over() {
                return Ok(None);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let came = self.wait(left)?;
            self.http3.advance();
            if !came && left.is_some_and(|left| left.is_zero()) {
                self.transmit();
                self.sleep()?;
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
    }

    /// Ends the connection at once.
    pub(super) fn abort(&mut self) {
        self.http3.quic.close(NO_ERROR, "");
        self.http3.advance();
        self.send();
    }

    /// Makes the descriptor readable at once.
    pub(super) fn wake(&self) -> bool {
        self.driver.wake_self();
        true
    }

    /// Waits for datagrams or the connection's deadline, at most this long. Whether anything happened.
    fn wait(&mut self, most: Option<Duration>) -> io::Result<bool> {
        let quic = &mut self.http3.quic;
        let deadline = quic.deadline();
        let until = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let wait = match (until, most) {
            (Some(until), Some(most)) => Some(until.min(most)),
            (until, most) => until.or(most),
        };
        self.driver.wait(wait)?;
        let mut came = false;
        while let Some(event) = self.driver.next() {
            match event {
                NetEvent::Datagrams { batch, .. } => wire::receive(&mut self.driver, batch, quic),
                NetEvent::DatagramsFlushed { .. } => self.wire.flushed(),
                _ => continue,
            }
            came = true;
        }
        let now = Instant::now();
        if deadline.is_some_and(|at| at <= now) {
            quic.timeout(now);
            came = true;
        }
        Ok(came)
    }

    /// Before a loop goes on: makes the descriptor readable when there is more to do, or at the connection's deadline.
    fn sleep(&mut self) -> io::Result<()> {
        if self.driver.is_ready() {
            self.driver.wake_self();
        }
        self.arm()
    }
}

impl Drop for OnQuic {
    /// The server is told, so that it does not wait for a client that is gone.
    fn drop(&mut self) {
        self.http3.quic.close(NO_ERROR, "");
        self.send();
    }
}

impl AsFd for OnQuic {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.driver.as_fd()
    }
}
