//! A connection that is being made: a dial and a handshake on a small driver of their own.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use flare_net::{
    Address, Clock, Dial, Driver, DriverOptions, Event, Key, MailboxReceiver, Millis, Progress, Target,
};

use super::connection::Connection;
use super::connector::Connector;
use super::error::{ConnectError, ConnectFailure, Phase};
use super::making::{Maker, Making, Turn};
use super::secure::Handshake;

/// Enough for one handshake: its driver serves few sockets.
const EVENTS: usize = 16;
const READ_BUFFER: usize = 16 * 1024;

/// A connection that is being made. Dropping it gives up, and closes everything that was begun.
///
/// A thread waits for it by [`Connecting::wait`]. A loop watches [`Connecting::as_raw_fd`] for readability, level-triggered, and calls
/// [`Connecting::poll`] when it is readable: the descriptor shows answers of the resolver, sockets, deadlines and a cancel. One thread at a time
/// drives it; any other may cancel it.
pub struct Connecting {
    making: Making<Attempts>,
}

/// What makes it.
struct Attempts {
    /// Whom it is for, as it was given.
    target: String,
    driver: Driver,
    clock: Clock,
    step: Step,
    messages: MailboxReceiver<()>,
    connector: Connector,
    /// When all of it has to be done.
    deadline: Millis,
    /// When the timer of the driver fires, for a loop.
    armed: Millis,
}

enum Step {
    Dialing(Box<Dial>),
    Shaking(Box<Handshake>, Key, Address),
    Over,
}

impl Step {
    fn phase(&self) -> Phase {
        match self {
            Self::Dialing(dial) if dial.is_resolving() => Phase::Resolve,
            Self::Dialing(_) | Self::Over => Phase::Connect,
            Self::Shaking(..) => Phase::Tls,
        }
    }
}

impl Connecting {
    pub(super) fn begin(connector: &Connector, text: &str, target: Target) -> Result<Self, ConnectError> {
        let phase = if matches!(target, Target::Name { .. }) { Phase::Resolve } else { Phase::Connect };
        if let Some(secure) = &connector.secure {
            secure.check(&target).map_err(|problem| {
                ConnectError::new(text, Phase::Target, ConnectFailure::ServerName(problem))
            })?;
        }
        let system = |error| ConnectError::new(text, phase, ConnectFailure::Io(error));
        let options = DriverOptions { events: EVENTS, read_buffer: READ_BUFFER, ..DriverOptions::default() };
        let driver = Driver::new(options).map_err(system)?;
        let (mailbox, messages) = driver.mailbox(EVENTS).map_err(system)?;
        let fd = driver.as_fd().try_clone_to_owned().map_err(system)?;
        let clock = Clock::start();
        let config = &connector.config;
        let wake = mailbox.clone();
        let told = move || {
            // Err: nobody waits for it any more.
            let _ = wake.post(());
        };
        let dial = Dial::new(target, &config.dial(), connector.resolver(), clock.now(), told);
        let attempts = Attempts {
            target: text.to_owned(),
            deadline: clock.now() + config.timeout,
            driver,
            clock,
            step: Step::Dialing(Box::new(dial)),
            messages,
            connector: connector.clone(),
            armed: Millis::NEVER,
        };
        // The first poll begins with the addresses, so it should come without an event.
        attempts.driver.wake_self();
        Ok(Self { making: Making::new(text, attempts, mailbox, fd) })
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
    pub fn poll(&self) -> Result<Option<Connection>, ConnectError> {
        self.making.poll()
    }

    /// Waits for the connection, at most this long; `None` waits until it is there or has failed, which its own time limit sees to.
    /// `Ok(None)`: the time of this call was over, and it goes on.
    ///
    /// # Errors
    /// As [`Connecting::poll`].
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<Connection>, ConnectError> {
        self.making.wait(timeout)
    }

    /// Gives up, from any thread: whoever waits or polls gets [`ConnectFailure::Cancelled`], and everything that was begun is closed then.
    pub fn cancel(&self) {
        self.making.cancel();
    }
}

impl Maker for Attempts {
    type Time = Millis;
    type Done = Box<Connection>;
    type Made = Connection;

    fn turn(&mut self, wait: Duration) -> Result<Turn<Millis, Box<Connection>>, ConnectError> {
        self.driver.wait(Some(wait)).map_err(|error| self.fail(ConnectFailure::Io(error)))?;
        while let Some(event) = self.driver.next() {
            let is_connected = matches!(event, Event::Connected { .. });
            self.event(event).map_err(|failure| self.fail(failure))?;
            // At once: the next event may be what the peer says first, which belongs to the connection.
            if is_connected && let done @ Turn::Done(_) = self.advance()? {
                return Ok(done);
            }
        }
        self.advance()
    }

    fn left(&self, at: Millis) -> Duration {
        Duration::from_millis(at.0.saturating_sub(self.clock.now().0))
    }

    fn sleep(&mut self, at: Millis) -> Result<(), ConnectError> {
        if self.driver.is_ready() {
            self.driver.wake_self();
        } else if at != self.armed {
            let after = self.left(at);
            self.driver.arm_timer(Some(after)).map_err(|error| self.fail(ConnectFailure::Io(error)))?;
            self.armed = at;
        }
        Ok(())
    }

    fn fail(&mut self, failure: ConnectFailure) -> ConnectError {
        let phase = self.step.phase();
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Dialing(mut dial) => drop(dial.close(&mut self.driver)),
            Step::Shaking(_, key, _) => self.driver.close(key),
            Step::Over => {}
        }
        ConnectError::new(&self.target, phase, failure)
    }

    fn finish(self, done: Box<Connection>) -> Option<Connection> {
        Some(*done)
    }
}

impl Attempts {
    fn advance(&mut self) -> Result<Turn<Millis, Box<Connection>>, ConnectError> {
        let now = self.clock.now();
        if let Step::Dialing(dial) = &mut self.step {
            match dial.advance(&mut self.driver, now, |_| ()) {
                Progress::Until(at) => return Ok(Turn::Until(at)),
                Progress::Failed(error) => {
                    self.step = Step::Over;
                    return Err(ConnectError::of_dial(&self.target, error));
                }
                Progress::Connected(key, address) => {
                    let Some(secure) = self.connector.secure.clone() else {
                        return self.leave(key, address, None);
                    };
                    let begun = secure.begin(dial.target(), &mut self.driver, key, now);
                    let handshake = begun.map_err(|failure| {
                        self.driver.close(key);
                        self.fail(failure)
                    })?;
                    self.step = Step::Shaking(Box::new(handshake), key, address);
                }
            }
        }
        let Step::Shaking(handshake, key, _) = &self.step else { return Ok(Turn::Until(self.deadline)) };
        let until = self.deadline.min(handshake.deadline());
        if handshake.is_complete() && self.driver.backlog(*key) == 0 {
            if let Step::Shaking(handshake, key, address) = std::mem::replace(&mut self.step, Step::Over) {
                return self.leave(key, address, Some(*handshake));
            }
        } else if now >= until {
            let after = self.connector.config.timeout.min(handshake.timeout());
            return Err(self.fail(ConnectFailure::TlsTimeout(after)));
        }
        Ok(Turn::Until(until))
    }

    /// The stream leaves the driver, and belongs to the caller.
    fn leave(
        &mut self,
        key: Key,
        address: Address,
        handshake: Option<Handshake>,
    ) -> Result<Turn<Millis, Box<Connection>>, ConnectError> {
        self.step = Step::Over;
        let stream = self.driver.take(key);
        let stream = stream.map_err(|error| self.fail(ConnectFailure::Io(error)))?;
        Ok(Turn::Done(Box::new(Connection::new(stream, address, handshake.map(Handshake::into_secure)))))
    }

    fn event(&mut self, event: Event) -> Result<(), ConnectFailure> {
        match (&mut self.step, event) {
            (_, Event::Woken) => self.messages.take(&mut Vec::new()),
            (Step::Dialing(dial), Event::Connected { key }) => drop(dial.connected(key)),
            (Step::Dialing(dial), Event::Failed { key, error }) => {
                dial.failed(&mut self.driver, key, error);
            }
            (Step::Shaking(handshake, own, _), Event::Received { key, mut lease }) => {
                let received =
                    if key == *own { handshake.received(&mut self.driver, key, &mut lease) } else { Ok(()) };
                self.driver.recycle(lease);
                received?;
            }
            (Step::Shaking(handshake, own, _), Event::ReadClosed { key })
                if key == *own && !handshake.is_complete() =>
            {
                return Err(ConnectFailure::TlsClosed);
            }
            (Step::Shaking(_, own, _), Event::Failed { key, error }) if key == *own => {
                return Err(ConnectFailure::Io(error));
            }
            (_, Event::Received { lease, .. }) => self.driver.recycle(lease),
            _ => {}
        }
        Ok(())
    }
}

impl AsFd for Connecting {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.making.as_fd()
    }
}

impl AsRawFd for Connecting {
    /// The descriptor to watch. Valid until this is dropped; only to be watched, never read or closed.
    fn as_raw_fd(&self) -> RawFd {
        self.making.as_raw_fd()
    }
}

impl std::fmt::Debug for Connecting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connecting").field("target", &self.target()).finish_non_exhaustive()
    }
}
