//! A connection that is being made: a dial and a handshake on a small driver of their own.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use flare_net::{
    Address, Clock, Dial, Driver, DriverOptions, Event, Key, Mailbox, MailboxReceiver, Millis, Progress,
    Target,
};

use super::connection::Connection;
use super::connector::Connector;
use super::error::{ConnectError, ConnectFailure, Phase};
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
    target: String,
    state: Mutex<State>,
    cancelled: AtomicBool,
    mailbox: Mailbox<()>,
    /// A descriptor of its own, so that a loop may watch it whatever becomes of the driver.
    fd: OwnedFd,
}

struct State {
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

/// What a turn came to.
enum Turn {
    Until(Millis),
    Done(Box<Connection>),
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
        let state = State {
            deadline: clock.now() + config.timeout,
            driver,
            clock,
            step: Step::Dialing(Box::new(dial)),
            messages,
            connector: connector.clone(),
            armed: Millis::NEVER,
        };
        // The first poll begins with the addresses, so it should come without an event.
        state.driver.wake_self();
        Ok(Self {
            target: text.to_owned(),
            state: Mutex::new(state),
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
    pub fn poll(&self) -> Result<Option<Connection>, ConnectError> {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            // Another thread does it.
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        };
        match self.turn(&mut state, Some(Duration::ZERO))? {
            Turn::Done(connection) => Ok(Some(*connection)),
            Turn::Until(at) => {
                let slept = state.sleep(at);
                slept.map_err(|error| self.fail(&mut state, ConnectFailure::Io(error)))?;
                Ok(None)
            }
        }
    }

    /// Waits for the connection, at most this long; `None` waits until it is there or has failed, which its own time limit sees to.
    /// `Ok(None)`: the time of this call was over, and it goes on.
    ///
    /// # Errors
    /// As [`Connecting::poll`].
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<Connection>, ConnectError> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.lock();
        let mut wait = Some(Duration::ZERO);
        loop {
            let at = match self.turn(&mut state, wait)? {
                Turn::Done(connection) => return Ok(Some(*connection)),
                Turn::Until(at) => at,
            };
            let next = Duration::from_millis(at.0.saturating_sub(state.clock.now().0));
            let left = until.map_or(next, |until| until.saturating_duration_since(Instant::now()));
            if until.is_some() && left.is_zero() {
                // Whoever goes on with polls finds the descriptor as he expects it.
                let slept = state.sleep(at);
                slept.map_err(|error| self.fail(&mut state, ConnectFailure::Io(error)))?;
                return Ok(None);
            }
            wait = Some(next.min(left));
        }
    }

    /// Gives up, from any thread: whoever waits or polls gets [`ConnectFailure::Cancelled`], and everything that was begun is closed then.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        // Err: it is full, so somebody is awake.
        let _ = self.mailbox.post(());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the driver, and does what can be done then.
    fn turn(&self, state: &mut State, wait: Option<Duration>) -> Result<Turn, ConnectError> {
        if matches!(state.step, Step::Over) {
            return Err(ConnectError::new(&self.target, Phase::Connect, ConnectFailure::Over));
        }
        state.driver.wait(wait).map_err(|error| self.fail(state, ConnectFailure::Io(error)))?;
        if self.cancelled.load(Ordering::Acquire) {
            return Err(self.fail(state, ConnectFailure::Cancelled));
        }
        while let Some(event) = state.driver.next() {
            let is_connected = matches!(event, Event::Connected { .. });
            state.event(event).map_err(|failure| self.fail(state, failure))?;
            // At once: the next event may be what the peer says first, which belongs to the connection.
            if is_connected && let done @ Turn::Done(_) = self.advance(state)? {
                return Ok(done);
            }
        }
        self.advance(state)
    }

    fn advance(&self, state: &mut State) -> Result<Turn, ConnectError> {
        let now = state.clock.now();
        if let Step::Dialing(dial) = &mut state.step {
            match dial.advance(&mut state.driver, now, |_| ()) {
                Progress::Until(at) => return Ok(Turn::Until(at)),
                Progress::Failed(error) => {
                    state.step = Step::Over;
                    state.rest();
                    return Err(ConnectError::of_dial(&self.target, error));
                }
                Progress::Connected(key, address) => {
                    let Some(secure) = state.connector.secure.clone() else {
                        return self.finish(state, key, address, None);
                    };
                    let begun = secure.begin(dial.target(), &mut state.driver, key, now);
                    let handshake = begun.map_err(|failure| {
                        state.driver.close(key);
                        self.fail(state, failure)
                    })?;
                    state.step = Step::Shaking(Box::new(handshake), key, address);
                }
            }
        }
        let Step::Shaking(handshake, key, _) = &state.step else { return Ok(Turn::Until(state.deadline)) };
        let until = state.deadline.min(handshake.deadline());
        if handshake.is_complete() && state.driver.backlog(*key) == 0 {
            if let Step::Shaking(handshake, key, address) = std::mem::replace(&mut state.step, Step::Over) {
                return self.finish(state, key, address, Some(*handshake));
            }
        } else if now >= until {
            let after = state.connector.config.timeout.min(handshake.timeout());
            return Err(self.fail(state, ConnectFailure::TlsTimeout(after)));
        }
        Ok(Turn::Until(until))
    }

    /// The stream leaves the driver, and belongs to the caller.
    fn finish(
        &self,
        state: &mut State,
        key: Key,
        address: Address,
        handshake: Option<Handshake>,
    ) -> Result<Turn, ConnectError> {
        state.step = Step::Over;
        let stream = state.driver.take(key);
        let stream = stream.map_err(|error| self.fail(state, ConnectFailure::Io(error)))?;
        state.rest();
        Ok(Turn::Done(Box::new(Connection::new(stream, address, handshake.map(Handshake::into_secure)))))
    }

    fn fail(&self, state: &mut State, failure: ConnectFailure) -> ConnectError {
        let phase = state.step.phase();
        match std::mem::replace(&mut state.step, Step::Over) {
            Step::Dialing(mut dial) => drop(dial.close(&mut state.driver)),
            Step::Shaking(_, key, _) => state.driver.close(key),
            Step::Over => {}
        }
        state.rest();
        ConnectError::new(&self.target, phase, failure)
    }
}

impl State {
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

    /// Before a loop goes on: makes the descriptor readable when there is more to do, or at this time.
    fn sleep(&mut self, at: Millis) -> io::Result<()> {
        if self.driver.is_ready() {
            self.driver.wake_self();
        } else if at != self.armed {
            let after = at.0.saturating_sub(self.clock.now().0);
            self.driver.arm_timer(Some(Duration::from_millis(after)))?;
            self.armed = at;
        }
        Ok(())
    }

    /// It has ended: the descriptor is readable no more.
    fn rest(&mut self) {
        // Err: a descriptor that is readable once too often does no harm.
        let _ = self.driver.arm_timer(None);
        self.armed = Millis::NEVER;
    }
}

impl AsFd for Connecting {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Connecting {
    /// The descriptor to watch. Valid until this is dropped; only to be watched, never read or closed.
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl std::fmt::Debug for Connecting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connecting").field("target", &self.target).finish_non_exhaustive()
    }
}
