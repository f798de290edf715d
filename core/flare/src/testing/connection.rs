//! A connection without a socket, with a clock that stands until it is moved.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, UNIX_EPOCH};

use flare_net::{Address, Key, Millis, Output, Peer};

use crate::exchange::{CancelReason, Ends};
use crate::server::environment::{Date, Environment, Service};
use crate::server::session::{Next, Session};
use crate::testing::inbox::{Inbox, Message};
use crate::websocket::Topics;

/// How long a test waits for an answer from another thread.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the clock on the wall shows when a connection begins, as `Date` tells: time stands, also there. The one of RFC 9110, 5.6.7.
const BEGIN: Duration = Duration::from_secs(784_111_777);

/// A connection to a router, without a socket. The test sends and receives bytes, and moves the time.
pub struct TestConnection {
    session: Session,
    env: Environment,
    output: Output,
    received: Vec<u8>,
    /// What the server has sent and the network keeps, while it does.
    held: Option<Vec<u8>>,
    topics: Topics,
    late: Receiver<Message>,
}

impl TestConnection {
    pub(crate) fn new(service: &Service) -> Self {
        let (home, late) = Inbox::new();
        let mut env = Environment::new(service.clone(), home, Arc::default(), Millis(0), 1);
        env.date = Date::since(Some(UNIX_EPOCH + BEGIN), &service.config.server_name, Millis(0));
        let ends = Ends { peer: Peer::Unix, local: Arc::new(Address::Unix(None)), tls: None };
        let session = Session::new(Key::from_u64(0), ends, &env);
        Self {
            session,
            env,
            output: Output::new(),
            received: Vec::new(),
            held: None,
            topics: Topics::default(),
            late,
        }
    }

    /// Sends bytes to the server. Ignored once the server has closed.
    pub fn send(&mut self, bytes: &[u8]) {
        if self.is_open() && !bytes.is_empty() {
            self.session.receive_own(&mut bytes.to_vec(), &mut self.env, &mut self.output);
            self.flush();
        }
    }

    /// Tells the server that nothing more will be sent.
    pub fn close_write(&mut self) {
        if self.is_open() {
            self.session.read_closed(&mut self.env, &mut self.output);
            self.flush();
        }
    }

    /// What the server has sent since the last call.
    pub fn received(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.received)
    }

    /// From now on the network keeps what the server sends, as for a client that reads nothing: the server comes to its `output_limit`, and
    /// stops. The deadline for that, `write_timeout`, belongs to the socket and does not pass here.
    pub fn hold_output(&mut self) {
        self.held.get_or_insert_default();
    }

    /// How many bytes the network keeps.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.as_ref().map_or(0, Vec::len)
    }

    /// The client reads up to so many bytes of what the network keeps, which goes on keeping what comes. When nothing is left of it, the server
    /// goes on.
    pub fn take_held(&mut self, most: usize) -> Vec<u8> {
        let Some(held) = &mut self.held else { return Vec::new() };
        let taken: Vec<u8> = held.drain(..most.min(held.len())).collect();
        if held.is_empty() && !taken.is_empty() && self.is_open() {
            self.session.flushed(&mut self.env, &mut self.output);
            self.flush();
        }
        taken
    }

    /// The network gives out what it kept, and keeps nothing more.
    pub fn release_output(&mut self) {
        let Some(held) = self.held.take() else { return };
        self.received.extend_from_slice(&held);
        if !held.is_empty() && self.is_open() {
            self.session.flushed(&mut self.env, &mut self.output);
        }
        self.flush();
    }

    /// Whether the server keeps the connection.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self.session.next(), Next::Close { .. } | Next::Abort)
    }

    /// Whether the server reads at the moment. A client that is not read is stopped by its socket.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        self.session.next() == Next::Read
    }

    /// Whether an exchange has not been answered whole yet.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.session.is_answering()
    }

    /// Waits until the exchange has been answered, for at most 10 seconds from one sign of life to the next. False: it was not.
    pub fn wait(&mut self) -> bool {
        while self.is_waiting() {
            if !self.step() {
                return false;
            }
        }
        true
    }

    /// Waits for the next thing that another thread does to the exchange, for at most 10 seconds. False: nothing came.
    pub fn step(&mut self) -> bool {
        let Ok(message) = self.late.recv_timeout(PATIENCE) else { return false };
        self.take(message);
        true
    }

    /// As [`TestConnection::step`], but does not wait: for hosts whose handlers run in the same thread. False: nothing has come.
    pub fn try_step(&mut self) -> bool {
        let Ok(message) = self.late.try_recv() else { return false };
        self.take(message);
        true
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Wake(key) => self.session.wake(key, &mut self.env, &mut self.output),
            Message::Topic(command) => self.topics.take(command),
            Message::Publish(publication) => self.topics.publish(&publication),
        }
        self.flush();
    }

    /// Moves the time, and lets deadlines pass.
    pub fn advance(&mut self, time: Duration) {
        self.env.now = self.env.now + time;
        self.env.date.refresh(self.env.now);
        if self.is_open() && self.session.deadline(self.held() > 0) <= self.env.now {
            self.session.timeout(&mut self.env, &mut self.output);
            self.flush();
        }
    }

    /// The time from now after which the server does something by itself, unless something happens before: what [`TestConnection::advance`] has to
    /// be called with. `None`: never.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let deadline = self.session.deadline(self.held() > 0);
        (self.is_open() && deadline != Millis::NEVER).then(|| deadline.since(self.env.now))
    }

    /// Begins to drain, as a server that ends.
    pub fn drain(&mut self) {
        self.env.draining = true;
        self.session.drain(&mut self.env, &mut self.output);
        self.flush();
    }

    /// Loses the connection, as when the client is gone.
    pub fn abort(&mut self) {
        self.session.abort(CancelReason::PeerGone, &mut self.env);
    }

    /// The network takes everything at once, so a session that waits for it goes on. Unless it is held.
    fn flush(&mut self) {
        while !self.output.is_empty() {
            let copied = self.output.copy_to(self.held.as_mut().unwrap_or(&mut self.received));
            self.output.clear();
            if copied.is_err() {
                // A file that cannot be read ends a connection, as in a server.
                return self.abort();
            }
            let limit = self.env.service.config.output_limit;
            match &self.held {
                Some(held) if held.len() >= limit => self.session.block(held.len(), limit),
                Some(_) => {}
                None if self.is_open() => self.session.flushed(&mut self.env, &mut self.output),
                None => {}
            }
        }
    }
}

impl std::fmt::Debug for TestConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestConnection").field("open", &self.is_open()).finish_non_exhaustive()
    }
}
