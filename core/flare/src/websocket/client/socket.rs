//! A socket that was opened, for threads that block or a loop that polls.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flare_net::{Clock, Millis, Waker, Watch};

use super::event::{Closed, Event};
use super::link::Link;
use super::session::Session;
use crate::client::Response;
use crate::connect::Connection;
use crate::websocket::{Message, SendError};

/// A socket to a server. Any thread may call anything, at the same time; see [the module](super) for what that means, and for why somebody has to
/// receive. Dropping it says goodbye with 1001, if that goes without waiting, and closes the connection.
///
/// A thread waits in [`Socket::receive`]. A loop watches the descriptor for readability, level-triggered, and then calls [`Socket::receive`] with a
/// time of zero until it fails with `WouldBlock`: the descriptor shows what comes, room for what is sent, deadlines, and what other threads did. It
/// sends by [`Socket::try_send`].
pub struct Socket {
    state: Mutex<State>,
    /// Somebody has waited for the watch, and something may be new.
    changed: Condvar,
    /// Locked by who waits, as [`State::waiting`] says, or under the lock of the state.
    watch: Mutex<Watch>,
    waker: Waker,
    /// A descriptor of its own, so that a loop may watch it without the lock.
    fd: OwnedFd,
    clock: Clock,
    opened: Opened,
}

/// What is known of a socket from its handshake.
pub(super) struct Opened {
    pub(super) uri: String,
    pub(super) response: Response,
    pub(super) protocol: Option<String>,
    pub(super) is_compressed: bool,
    pub(super) send_timeout: Duration,
}

struct State {
    link: Link,
    session: Session,
    /// A thread waits for the watch.
    waiting: bool,
    /// When the thread that waits looks at the time.
    waits_until: Millis,
    /// When the timer for a loop fires.
    armed: Millis,
    /// Threads that wait for the one that waits for the watch.
    followers: usize,
}

impl Socket {
    /// A socket whose link is watched already.
    pub(super) fn new(
        link: Link,
        session: Session,
        watch: Watch,
        clock: Clock,
        opened: Opened,
    ) -> io::Result<Self> {
        let fd = watch.as_fd().try_clone_to_owned()?;
        let waker = watch.waker();
        // A loop polls once without an event, which also arms the timer.
        waker.wake();
        Ok(Self {
            state: Mutex::new(State {
                link,
                session,
                waiting: false,
                waits_until: Millis::NEVER,
                armed: Millis::NEVER,
                followers: 0,
            }),
            changed: Condvar::new(),
            watch: Mutex::new(watch),
            waker,
            fd,
            clock,
            opened,
        })
    }

    /// Waits for the next event, at most this long. `None` waits for ever, which ends at the latest when the server does not answer a Ping; zero
    /// does not wait. Once the socket is closed every call says so.
    ///
    /// # Errors
    /// `TimedOut` and `WouldBlock`: nothing happened in time. Others: the system can't wait, as when memory has run out.
    pub fn receive(&self, timeout: Option<Duration>) -> io::Result<Event> {
        let until = Until::of(timeout);
        let mut state = self.lock();
        loop {
            state.step(self.clock.now());
            if let Some(event) = state.session.next_event() {
                state.send();
                return Ok(event);
            }
            if state.link_can_send() || state.read() {
                continue;
            }
            state = self.wait(state, until)?;
        }
    }

    /// As [`Socket::receive`] without waiting, but takes no event: for a loop whose program can't keep more messages for now. So the server is
    /// stopped, and not taken for dead. When the program can, it calls [`Socket::receive`] again, without an event of the descriptor.
    ///
    /// # Errors
    /// The system can't wait, as when memory has run out.
    pub fn hold(&self) -> io::Result<()> {
        let mut state = self.lock();
        loop {
            state.step(self.clock.now());
            if state.link_can_send() || state.read() {
                continue;
            }
            state = match self.wait(state, Until::Now) {
                Ok(state) => state,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
        }
    }

    /// Bytes of frames that were taken and wait for the server to take what was sent before.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.lock().session.buffered()
    }

    /// Sends a message, whole, and waits for at most [`Options::send_timeout`](super::Options::send_timeout) until the server has taken enough of what was
    /// sent before. It is copied. What comes meanwhile is kept, up to its limit; so a server that sends back what it gets may stop reading, unless
    /// another thread receives.
    ///
    /// # Errors
    /// [`SendError::Closed`]: the socket is closing or gone. [`SendError::WouldBlock`]: the server took nothing in time; nothing was sent.
    pub fn send(&self, message: Message<'_>) -> Result<(), SendError> {
        self.send_within(message, Some(self.opened.send_timeout))
    }

    /// As [`Socket::send`] with a time of its own. `None` waits for ever, zero does not wait: then [`Event::Writable`] says when to go on.
    ///
    /// # Errors
    /// As there.
    pub fn send_within(&self, message: Message<'_>, timeout: Option<Duration>) -> Result<(), SendError> {
        let until = Until::of(timeout);
        let mut state = self.lock();
        loop {
            state.step(self.clock.now());
            match state.session.send(message) {
                Err(SendError::WouldBlock) => {}
                result => {
                    state.send();
                    self.tell_deadline(&state);
                    return result;
                }
            }
            state.send();
            if state.session.has_room() {
                continue;
            }
            if state.read() {
                // Whoever waits to receive finds it in the session.
                if state.waiting || state.armed != Millis::NEVER {
                    self.waker.wake();
                }
                self.tell_followers(&state);
                continue;
            }
            if until.is_over() {
                return Err(state.session.refuse());
            }
            // Err: the time is over, or the system can't wait.
            state = match self.wait(state, until) {
                Ok(state) => state,
                Err(_) => return Err(self.lock().session.refuse()),
            };
        }
    }

    /// As [`Socket::send`], but does not wait.
    ///
    /// # Errors
    /// As there; after [`SendError::WouldBlock`], [`Event::Writable`] says when to go on.
    pub fn try_send(&self, message: Message<'_>) -> Result<(), SendError> {
        self.send_within(message, Some(Duration::ZERO))
    }

    /// Sends a text, as [`Socket::send`].
    ///
    /// # Errors
    /// As there.
    pub fn send_text(&self, text: impl AsRef<str>) -> Result<(), SendError> {
        self.send(Message::Text(text.as_ref()))
    }

    /// Sends bytes, as [`Socket::send`].
    ///
    /// # Errors
    /// As there.
    pub fn send_binary(&self, data: impl AsRef<[u8]>) -> Result<(), SendError> {
        self.send(Message::Binary(data.as_ref()))
    }

    /// Sends a Ping with at most 125 bytes (RFC 6455, 5.5.2), without waiting; [`Event::Pong`] is the answer. Those that find out whether the server
    /// lives are sent without it.
    ///
    /// # Errors
    /// As [`Socket::try_send`]; [`SendError::Misuse`] when it is longer.
    pub fn ping(&self, data: &[u8]) -> Result<(), SendError> {
        let mut state = self.lock();
        state.step(self.clock.now());
        let result = state.session.ping(data);
        state.send();
        if result == Err(SendError::WouldBlock) {
            return Err(state.session.refuse());
        }
        result
    }

    /// Begins to close: sends a Close frame behind what was sent, and does not wait. What the server sent before still comes, and then
    /// [`Event::Closed`], at the latest after [`Options::close_timeout`](super::Options::close_timeout).
    ///
    /// # Errors
    /// [`SendError::Closed`] when it was closing before; [`SendError::Misuse`] for a code that may not be sent (1000 to 1003, 1007 to 1014, and 3000 to
    /// 4999 may; RFC 6455, 7.4) or a reason of more than 123 bytes.
    pub fn close(&self, code: u16, reason: &str) -> Result<(), SendError> {
        let mut state = self.lock();
        state.step(self.clock.now());
        let result = state.session.close(code, reason);
        state.send();
        self.tell_deadline(&state);
        result
    }

    /// Closes, and waits until that is done; what still comes is dropped. A socket that is closing or closed already is waited for too.
    ///
    /// # Errors
    /// [`SendError::Misuse`], as [`Socket::close`]. [`SendError::WouldBlock`]: the system can't wait.
    pub fn close_and_wait(&self, code: u16, reason: &str) -> Result<Closed, SendError> {
        match self.close(code, reason) {
            Ok(()) | Err(SendError::Closed) => {}
            Err(error) => return Err(error),
        }
        loop {
            match self.receive(None) {
                Ok(Event::Closed(closed)) => return Ok(closed),
                Ok(_) => {}
                Err(_) => return Err(SendError::WouldBlock),
            }
        }
    }

    /// Ends the socket at once, also for threads that wait in a call: they get [`Event::Closed`] with 1006, or [`SendError::Closed`]. The server is told
    /// nothing.
    pub fn abort(&self) {
        let mut state = self.lock();
        state.session.cut("it was given up");
        state.link.cut();
        drop(state);
        self.waker.wake();
        self.changed.notify_all();
    }

    /// Whether messages are taken: the socket is not closing.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.lock().session.is_open()
    }

    /// The subprotocol that the server chose.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.opened.protocol.as_deref()
    }

    /// Whether messages are compressed, if that makes them smaller.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.opened.is_compressed
    }

    /// The server's answer to the handshake; its version says which HTTP it was.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.opened.response
    }

    /// The URI, as it was given.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.opened.uri
    }

    /// Looks at the connection beneath, such as its addresses.
    pub fn with_connection<R>(&self, look: impl FnOnce(&Connection) -> R) -> R {
        look(self.lock().link.connection())
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.with_connection(|connection| connection.tls().is_some())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something may be new, without the lock.
    fn wait<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        until: Until,
    ) -> io::Result<MutexGuard<'s, State>> {
        let deadline = state.session.deadline().map_or(Millis::NEVER, Millis);
        if matches!(until, Until::Now) {
            if state.waiting {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            return self.look(state, deadline);
        }
        if until.is_over() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let left = until.left();
        if state.waiting {
            state.followers += 1;
            let mut waited = match left {
                Some(left) => {
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
            waited.followers -= 1;
            return Ok(waited);
        }
        let next = (deadline != Millis::NEVER)
            .then(|| Duration::from_millis(deadline.0.saturating_sub(self.clock.now().0)));
        let wait = match (left, next) {
            (Some(left), Some(next)) => Some(left.min(next)),
            (left, next) => left.or(next),
        };
        state.waiting = true;
        state.waits_until = deadline;
        drop(state);
        let found = self.watch.lock().unwrap_or_else(PoisonError::into_inner).wait(wait);
        let mut state = self.lock();
        state.waiting = false;
        state.waits_until = Millis::NEVER;
        self.tell_followers(&state);
        state.link.note(found?);
        Ok(state)
    }

    /// Takes what the watch has, and prepares it for a loop when it has nothing.
    fn look<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        deadline: Millis,
    ) -> io::Result<MutexGuard<'s, State>> {
        // Nobody waits for it, so the lock is free.
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let found = watch.wait(Some(Duration::ZERO))?;
        if found != flare_net::Readiness::default() {
            drop(watch);
            state.link.note(found);
            return Ok(state);
        }
        if deadline != state.armed {
            let after = Duration::from_millis(deadline.0.saturating_sub(self.clock.now().0));
            watch.arm_timer((deadline != Millis::NEVER).then_some(after))?;
            state.armed = deadline;
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// A deadline may have come nearer: whoever looks at the time has to know.
    fn tell_deadline(&self, state: &State) {
        // NEVER: nobody looks, and whoever begins to finds the new one.
        let looks = [state.waits_until, state.armed].into_iter().filter(|at| *at != Millis::NEVER);
        if let Some(deadline) = state.session.deadline()
            && looks.into_iter().any(|at| deadline < at.0)
        {
            self.waker.wake();
        }
    }

    /// Each call costs, also when nobody waits.
    fn tell_followers(&self, state: &State) {
        if state.followers > 0 {
            self.changed.notify_all();
        }
    }
}

impl State {
    fn step(&mut self, now: Millis) {
        self.session.set_now(now.0);
        self.send();
    }

    fn send(&mut self) {
        self.link.send(&mut self.session.http);
        if self.session.is_closed() {
            self.link.end();
        }
    }

    fn link_can_send(&mut self) -> bool {
        let Self { link, session, .. } = self;
        link.can_send(&mut session.http)
    }

    /// Reads once. False: nothing is there, or nothing is wanted.
    fn read(&mut self) -> bool {
        if !self.session.wants_input() {
            return false;
        }
        match self.link.read() {
            None => return false,
            Some(Ok([])) => self.session.http.receive_end(),
            Some(Ok(bytes)) => self.session.receive(bytes),
            // Also an encrypted connection that ended without saying so.
            Some(Err(_)) => self.session.http.lose(),
        }
        true
    }
}

/// How long a call may wait.
#[derive(Clone, Copy)]
enum Until {
    Now,
    Forever,
    Time(Instant),
}

impl Until {
    fn of(timeout: Option<Duration>) -> Self {
        match timeout {
            Some(Duration::ZERO) => Self::Now,
            Some(timeout) => Instant::now().checked_add(timeout).map_or(Self::Forever, Self::Time),
            None => Self::Forever,
        }
    }

    fn is_over(self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    /// `None`: for ever.
    fn left(self) -> Option<Duration> {
        match self {
            Self::Now => Some(Duration::ZERO),
            Self::Forever => None,
            Self::Time(at) => Some(at.saturating_duration_since(Instant::now())),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if state.session.close(1001, "").is_ok() {
            state.send();
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Socket {
    /// The descriptor to watch. Valid until this is dropped; only to be watched, never read or closed.
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket").field("uri", &self.opened.uri).finish_non_exhaustive()
    }
}
