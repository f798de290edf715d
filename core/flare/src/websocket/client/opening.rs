//! A socket that is being opened: a connection, a handshake, and attempts that follow.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use flare_net::{Clock, Millis, Readiness, Waker, Watch};
use flare_proto::websocket::{Connection as WireConnection, Role};

use super::asking::Asking;
use super::backoff::Backoff;
use super::error::{OpenError, OpenFailure};
use super::handshake::{Agreed, Offer};
use super::link::Link;
use super::opener::Shared;
use super::options::Wire;
use super::place::Place;
use super::random;
use super::session::{Session, Times};
use super::socket::{Opened, Socket};
use crate::client::{ExchangeId, Limits, Session as Http};
use crate::connect::{Connecting, Connection};

/// A socket that is being opened. Dropping it gives up, and closes everything that was begun.
///
/// A thread waits for it by [`Opening::wait`]. A loop watches [`Opening::as_raw_fd`] for readability, level-triggered, and calls
/// [`Opening::poll`] when it is readable. One thread at a time drives it; any other may cancel it.
pub struct Opening {
    uri: String,
    state: Mutex<State>,
    cancelled: AtomicBool,
    waker: Waker,
    /// A descriptor of its own, so that a loop may watch it without the lock.
    fd: OwnedFd,
}

struct State {
    shared: Arc<Shared>,
    place: Place,
    backoff: Option<Backoff>,
    /// Attempts that have failed.
    failed: u32,
    /// `None` when it is over: the socket has it.
    watch: Option<Watch>,
    clock: Clock,
    step: Step,
    /// When this attempt has to be done.
    deadline: Millis,
    /// When the timer fires, for a loop.
    armed: Millis,
}

enum Step {
    /// For the time of the next attempt.
    Waiting(Millis),
    Connecting(Box<Connecting>, bool),
    Asking(Box<(Link, Asking)>),
    Over,
}

enum Turn {
    Until(Millis),
    /// Something was done: once more.
    Again,
    Done(Box<Socket>),
}

impl Opening {
    pub(super) fn begin(
        shared: &Arc<Shared>,
        uri: &str,
        backoff: Option<Backoff>,
    ) -> Result<Self, OpenError> {
        let wrong = |failure| OpenError::new(uri, failure);
        let place = Place::parse(uri).map_err(|problem| wrong(OpenFailure::Uri(problem)))?;
        let watch = Watch::new().map_err(|error| wrong(OpenFailure::Io(error)))?;
        let fd = watch.as_fd().try_clone_to_owned().map_err(|error| wrong(OpenFailure::Io(error)))?;
        let waker = watch.waker();
        let first = backoff.as_ref().and_then(|backoff| backoff.wait(0)).unwrap_or_default();
        let clock = Clock::start();
        let mut state = State {
            shared: Arc::clone(shared),
            place,
            backoff,
            failed: 0,
            watch: Some(watch),
            step: Step::Waiting(clock.now() + first),
            deadline: Millis::NEVER,
            armed: Millis::NEVER,
            clock,
        };
        if first.is_zero() {
            // At once, so that what the caller did wrong is told here.
            let may_http2 = state.may_http2();
            state.connect(may_http2).map_err(wrong)?;
        }
        waker.wake();
        Ok(Self {
            uri: uri.to_owned(),
            state: Mutex::new(state),
            cancelled: AtomicBool::new(false),
            waker,
            fd,
        })
    }

    /// The URI, as it was given.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// How many attempts have failed.
    #[must_use]
    pub fn failed_attempts(&self) -> u32 {
        self.lock().failed
    }

    /// Does what can be done without waiting. `None`: it goes on, watch the descriptor.
    ///
    /// # Errors
    /// Why there is no socket. Nothing is open then; later calls fail with [`OpenFailure::Over`].
    pub fn poll(&self) -> Result<Option<Socket>, OpenError> {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            // Another thread does it.
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        };
        let mut at = self.turn(&mut state)?;
        loop {
            match at {
                Turn::Done(socket) => return Ok(Some(*socket)),
                Turn::Again => at = self.turn(&mut state)?,
                Turn::Until(time) => {
                    let found = state.watch(Some(Duration::ZERO));
                    if !self.ok(&mut state, found)? {
                        let slept = state.sleep(time);
                        self.ok(&mut state, slept)?;
                        return Ok(None);
                    }
                    at = self.turn(&mut state)?;
                }
            }
        }
    }

    /// Waits for the socket, at most this long; `None` waits until it is there or has failed, which its own time limits see to.
    /// `Ok(None)`: the time of this call was over, and it goes on.
    ///
    /// # Errors
    /// As [`Opening::poll`].
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<Socket>, OpenError> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.lock();
        loop {
            match self.turn(&mut state)? {
                Turn::Done(socket) => return Ok(Some(*socket)),
                Turn::Again => {}
                Turn::Until(at) => {
                    let next = Duration::from_millis(at.0.saturating_sub(state.clock.now().0));
                    let left = until.map_or(next, |until| until.saturating_duration_since(Instant::now()));
                    if until.is_some() && left.is_zero() {
                        // Whoever goes on with polls finds the descriptor as he expects it.
                        self.waker.wake();
                        return Ok(None);
                    }
                    let found = state.watch(Some(next.min(left)));
                    self.ok(&mut state, found)?;
                }
            }
        }
    }

    /// Gives up, from any thread: whoever waits or polls gets [`OpenFailure::Cancelled`], and everything that was begun is closed then.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ok<T>(&self, state: &mut State, result: io::Result<T>) -> Result<T, OpenError> {
        result.map_err(|error| self.fail(state, OpenFailure::Io(error)))
    }

    /// Does what can be done, or says until when to wait.
    fn turn(&self, state: &mut State) -> Result<Turn, OpenError> {
        if self.cancelled.load(Ordering::Acquire) && !matches!(state.step, Step::Over) {
            return Err(self.fail(state, OpenFailure::Cancelled));
        }
        match state.advance(&self.uri) {
            Ok(turn) => Ok(turn),
            Err(failure) => {
                let error = self.fail(state, failure);
                state.again(&error).map_or(Err(error), |at| {
                    state.step = Step::Waiting(at);
                    Ok(Turn::Until(at))
                })
            }
        }
    }

    fn fail(&self, state: &mut State, failure: OpenFailure) -> OpenError {
        state.give_up();
        OpenError::new(&self.uri, failure)
    }
}

impl State {
    fn may_http2(&self) -> bool {
        self.shared.may_http2(&self.place.target)
    }

    /// When to try again after this. `None`: not at all.
    fn again(&mut self, error: &OpenError) -> Option<Millis> {
        self.failed = self.failed.saturating_add(1);
        if !error.is_temporary() {
            return None;
        }
        let backoff = self.backoff.as_ref()?;
        let wait = backoff.wait(self.failed)?;
        // What the server asks for, but no longer than whoever opens would wait.
        let asked = error.retry_after().unwrap_or_default().min(backoff.most);
        Some(self.clock.now() + wait.max(asked))
    }

    /// Begins an attempt.
    fn connect(&mut self, may_http2: bool) -> Result<(), OpenFailure> {
        self.deadline = self.clock.now() + self.shared.open_timeout();
        self.dial(may_http2)
    }

    fn dial(&mut self, may_http2: bool) -> Result<(), OpenFailure> {
        let shared = Arc::clone(&self.shared);
        let connector = shared.connector(self.place.is_secure, may_http2).ok_or(OpenFailure::NoTls)?;
        let target = shared.options.target.as_deref().unwrap_or(&self.place.target);
        let connecting = connector.begin(target).map_err(|error| OpenFailure::Connect(Box::new(error)))?;
        if let Some(watch) = &mut self.watch {
            watch.add(connecting.as_fd(), false).map_err(OpenFailure::Io)?;
        }
        self.step = Step::Connecting(Box::new(connecting), may_http2);
        Ok(())
    }

    fn advance(&mut self, uri: &str) -> Result<Turn, OpenFailure> {
        let now = self.clock.now();
        match &mut self.step {
            Step::Over => return Err(OpenFailure::Over),
            Step::Waiting(at) if now < *at => return Ok(Turn::Until(*at)),
            Step::Waiting(_) => {
                let may_http2 = self.may_http2();
                self.connect(may_http2)?;
            }
            Step::Connecting(connecting, may_http2) => {
                let may_http2 = *may_http2;
                let made = connecting.poll().map_err(|error| OpenFailure::Connect(Box::new(error)))?;
                if let Some(connection) = made {
                    self.ask(connection, may_http2)?;
                    return Ok(Turn::Again);
                }
            }
            Step::Asking(asking) => {
                let (link, asking) = &mut **asking;
                match exchange(link, asking, now) {
                    Ok(None) => {}
                    Ok(Some((exchange, agreed))) => return self.open(uri, exchange, agreed),
                    Err(OpenFailure::NoHttp2) if self.shared.options.wire == Wire::Any => {
                        self.shared.remember(&self.place.target);
                        self.give_up();
                        self.dial(false)?;
                        return Ok(Turn::Again);
                    }
                    Err(failure) => return Err(failure),
                }
            }
        }
        if now >= self.deadline {
            return Err(OpenFailure::Timeout(self.shared.open_timeout()));
        }
        Ok(Turn::Until(self.deadline))
    }

    /// The connection is there: asks for a socket on it.
    fn ask(&mut self, connection: Connection, may_http2: bool) -> Result<(), OpenFailure> {
        self.give_up();
        let options = &self.shared.options;
        let agreed = connection.tls().and_then(|tls| tls.alpn());
        let is_http2 = match (self.place.is_secure, options.wire) {
            (true, Wire::Http2) if agreed != Some(b"h2") => return Err(OpenFailure::NoHttp2),
            (true, _) => may_http2 && agreed == Some(b"h2"),
            (false, wire) => wire == Wire::Http2,
        };
        let random = if is_http2 { None } else { Some(random::nonce().map_err(OpenFailure::Io)?) };
        let (offer, request) = Offer::new(&self.place, options, self.shared.deflate.as_ref(), random)?;
        let http = if is_http2 { Http::http2(Limits::default()) } else { Http::http1(Limits::default()) };
        if let Some(watch) = &mut self.watch {
            watch.add(connection.as_fd(), true).map_err(OpenFailure::Io)?;
        }
        self.step = Step::Asking(Box::new((Link::new(connection), Asking::new(http, offer, request))));
        Ok(())
    }

    /// The server has agreed.
    fn open(&mut self, uri: &str, exchange: ExchangeId, agreed: Agreed) -> Result<Turn, OpenFailure> {
        let Agreed { protocol, deflate, response } = agreed;
        let opened = Opened {
            uri: uri.to_owned(),
            response,
            protocol,
            is_compressed: deflate.is_some(),
            send_timeout: self.shared.options.send_timeout,
        };
        let keys = random::mask_keys().map_err(OpenFailure::Io)?;
        let wire = WireConnection::new(Role::Client(keys), Arc::clone(&self.shared.limits), deflate);
        let (Step::Asking(asked), Some(watch)) =
            (std::mem::replace(&mut self.step, Step::Over), self.watch.take())
        else {
            return Err(OpenFailure::Over);
        };
        let (link, asking) = *asked;
        let times = Times::of(&self.shared.options);
        let session = Session::new(asking.http, exchange, wire, times, self.clock.now().0);
        let socket = Socket::new(link, session, watch, self.clock, opened);
        Ok(Turn::Done(Box::new(socket.map_err(OpenFailure::Io)?)))
    }

    /// Closes what was begun.
    fn give_up(&mut self) {
        let Some(watch) = &mut self.watch else { return };
        // Err: it was not watched, since that has failed.
        match &self.step {
            Step::Connecting(connecting, _) => drop(watch.remove(connecting.as_fd())),
            Step::Asking(asking) => drop(watch.remove(asking.0.connection().as_fd())),
            Step::Waiting(_) | Step::Over => {}
        }
        self.step = Step::Over;
    }

    /// Waits for the watch. True: it found something.
    fn watch(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        let Some(watch) = &mut self.watch else { return Ok(false) };
        let found = watch.wait(timeout)?;
        if let Step::Asking(asking) = &mut self.step {
            asking.0.note(found);
        }
        Ok(found != Readiness::default())
    }

    /// Before a loop goes on: makes the descriptor readable at this time.
    fn sleep(&mut self, at: Millis) -> io::Result<()> {
        if at != self.armed
            && let Some(watch) = &mut self.watch
        {
            let after = at.0.saturating_sub(self.clock.now().0);
            watch.arm_timer(Some(Duration::from_millis(after)))?;
            self.armed = at;
        }
        Ok(())
    }
}

/// Input and output of a handshake, until nothing more goes without waiting.
fn exchange(
    link: &mut Link,
    asking: &mut Asking,
    now: Millis,
) -> Result<Option<(ExchangeId, Agreed)>, OpenFailure> {
    loop {
        asking.http.set_now(now.0);
        link.send(&mut asking.http);
        if let Some(agreed) = asking.advance()? {
            return Ok(Some(agreed));
        }
        if link.can_send(&mut asking.http) {
            continue;
        }
        if !asking.http.wants_input() && !asking.http.is_over() {
            return Ok(None);
        }
        match link.read() {
            None => return Ok(None),
            Some(Ok([])) => asking.http.receive_end(),
            Some(Ok(bytes)) => asking.http.receive(bytes),
            Some(Err(_)) => asking.http.lose(),
        }
    }
}

impl AsFd for Opening {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Opening {
    /// The descriptor to watch. Valid until this is dropped; only to be watched, never read or closed.
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opening").field("uri", &self.uri).finish_non_exhaustive()
    }
}
