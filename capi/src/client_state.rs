//! What stands behind a client: the connection, and whose exchange is whose.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use flare::client::{Client, ClientError, Event, ExchangeId, Failure as Lost, Request, RequestError};
use flare::connect::{Connection, Connector};

use crate::asked::Asked;
use crate::connection::lost;
use crate::guard::Failure;
use crate::handle::Token;
use crate::object::{Object, RESPONSE, TABLE, lock};
use crate::status::*;

pub(crate) struct ClientState {
    /// `None`: QUIC, which the client has for itself.
    connection: Option<Arc<Connection>>,
    /// To be watched. It is the client's, and stays as long as that.
    fd: RawFd,
    /// A client on QUIC is to be ended by who is inside.
    aborted: AtomicBool,
    inside: Mutex<Inside>,
    /// Exchanges that were let go of while another thread was inside.
    let_go: Mutex<Vec<ExchangeId>>,
}

struct Inside {
    client: Client,
    running: HashMap<ExchangeId, Running>,
    /// What the last event lent, until the next is taken.
    data: Bytes,
    interim: Option<Token>,
}

struct Running {
    asked: Weak<Asked>,
    token: Token,
    tag: u64,
}

/// What [`ClientState::next`] gives.
pub(crate) struct Happened {
    pub(crate) what: What,
    /// The request face of the exchange.
    pub(crate) token: Token,
    pub(crate) tag: u64,
}

pub(crate) enum What {
    /// The handle of an interim answer, until the next event is taken.
    Informational(Token),
    Head,
    Switched,
    /// Where the content is, until the next event is taken.
    Data(*const u8, usize),
    /// The same of a datagram.
    Datagram(*const u8, usize),
    End,
    Writable,
    Cancelled,
}

impl ClientState {
    /// A client on a connection that was made.
    pub(crate) fn new(connection: Arc<Connection>, version: i32) -> Result<Self, Failure> {
        let client = match version {
            0 => Client::new(Arc::clone(&connection)),
            11 => Client::http1(Arc::clone(&connection)),
            20 => Client::http2(Arc::clone(&connection)),
            _ => return Err(Failure::argument("version", "is none of 0, 11 and 20")),
        };
        Ok(Self::of(client, Some(connection)))
    }

    /// Connects, and makes a client of it.
    pub(crate) fn connect(connector: &Connector, target: &str, version: i32) -> Result<Self, Failure> {
        match version {
            0 | 11 | 20 => Self::new(Arc::new(connector.connect(target)?), version),
            30 => Ok(Self::of(Client::connect_http3(connector, target)?, None)),
            _ => Err(Failure::argument("version", "is none of 0, 11, 20 and 30")),
        }
    }

    fn of(client: Client, connection: Option<Arc<Connection>>) -> Self {
        let fd = client.as_fd().as_raw_fd();
        let inside = Inside { client, running: HashMap::new(), data: Bytes::new(), interim: None };
        let (aborted, let_go) = (AtomicBool::new(false), Mutex::default());
        Self { connection, fd, aborted, inside: Mutex::new(inside), let_go }
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.fd
    }

    /// The version of HTTP, as C has it.
    pub(crate) fn version(&self) -> i32 {
        match &self.connection {
            None => 30,
            Some(_) if self.with(|client| client.is_multiplexed()) => 20,
            Some(_) => 11,
        }
    }

    /// Ends the connection, without waiting for who is inside.
    pub(crate) fn abort(&self) {
        if let Some(connection) = &self.connection {
            // Err: the peer has ended it already.
            let _ = connection.close();
            return;
        }
        self.aborted.store(true, Ordering::Release);
        self.forget_if_free();
    }

    /// Runs `f` on the client; waits for another thread that is inside.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Client) -> R) -> R {
        f(&mut self.enter().client)
    }

    fn enter(&self) -> MutexGuard<'_, Inside> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        self.forget(&mut inside);
        inside
    }

    /// Lets go of an exchange, without waiting.
    pub(crate) fn let_go(&self, exchange: ExchangeId) {
        lock(&self.let_go).push(exchange);
        self.forget_if_free();
    }

    fn forget_if_free(&self) {
        match self.inside.try_lock() {
            Ok(mut inside) => self.forget(&mut inside),
            Err(TryLockError::Poisoned(poisoned)) => self.forget(&mut poisoned.into_inner()),
            // Whoever is inside does it with the next call.
            Err(TryLockError::WouldBlock) => {}
        }
    }

    /// Does what was left for who is inside.
    fn forget(&self, inside: &mut Inside) {
        if self.aborted.swap(false, Ordering::AcqRel) {
            inside.client.abort();
        }
        let gone = std::mem::take(&mut *lock(&self.let_go));
        for exchange in gone {
            if inside.running.remove(&exchange).is_some() {
                inside.client.cancel(exchange);
            }
        }
    }

    /// Begins the exchange of a request.
    pub(crate) fn open(self: &Arc<Self>, asked: &Arc<Asked>, token: Token, tag: u64) -> Result<(), Failure> {
        let mut inside = self.enter();
        let exchange = asked.send(|request: &Request| Ok(inside.client.open(request)?))?;
        asked.begin(Arc::downgrade(self), exchange);
        inside.running.insert(exchange, Running { asked: Arc::downgrade(asked), token, tag });
        Ok(())
    }

    /// Asks, and waits for the whole answer.
    pub(crate) fn fetch(&self, asked: &Asked, content: &[u8]) -> Result<(), Failure> {
        let mut inside = self.enter();
        let answer = asked.send(|request: &Request| Ok(inside.client.fetch(request, content)?))?;
        asked.answer(answer.head);
        asked.collect(answer.content);
        asked.end(answer.trailers);
        Ok(())
    }

    /// The next event of an exchange that somebody still holds. `None`: the connection is over.
    pub(crate) fn next(&self, timeout: Option<Duration>) -> Result<Option<Happened>, Failure> {
        let begun = Instant::now();
        let mut inside = self.enter();
        inside.data = Bytes::new();
        if let Some(token) = inside.interim.take() {
            crate::client::release(token);
        }
        loop {
            let left = timeout.map(|timeout| timeout.saturating_sub(begun.elapsed()));
            let event = match inside.client.next_event(left) {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(None),
                // The time is over, and it was one to wait.
                Err(error)
                    if error.kind() == ErrorKind::WouldBlock
                        && timeout.is_some_and(|timeout| !timeout.is_zero()) =>
                {
                    return Err(lost(ErrorKind::TimedOut.into()));
                }
                Err(error) => return Err(lost(error)),
            };
            self.forget(&mut inside);
            if let Some(happened) = inside.tell(event) {
                return Ok(Some(happened));
            }
        }
    }
}

impl Inside {
    /// What an event says to the holder of its exchange, if there is one.
    fn tell(&mut self, event: Event) -> Option<Happened> {
        let id = event.exchange();
        let running = self.running.get(&id)?;
        let (token, tag) = (running.token, running.tag);
        let asked = running.asked.upgrade()?;
        let what = match event {
            Event::Informational(_, head) => {
                // Err: no handle can be made. An interim answer can be missed.
                let token = TABLE.insert(RESPONSE.only(), Object::Interim(Box::new(head))).ok()?;
                self.interim = Some(token);
                What::Informational(token)
            }
            Event::Head(_, head) => {
                asked.answer(head);
                What::Head
            }
            Event::Switched(_, head) => {
                asked.answer(head);
                What::Switched
            }
            Event::Data(_, data) => {
                self.data = data;
                What::Data(self.data.as_ptr(), self.data.len())
            }
            Event::Datagram(_, datagram) => {
                self.data = datagram;
                What::Datagram(self.data.as_ptr(), self.data.len())
            }
            Event::End(_, trailers) => {
                asked.end(trailers);
                What::End
            }
            Event::Writable(_) => What::Writable,
            Event::Failed(_, failure) => {
                asked.give_up(code(failure));
                self.running.remove(&id);
                What::Cancelled
            }
            _ => return None,
        };
        Some(Happened { what, token, tag })
    }
}

impl Drop for ClientState {
    fn drop(&mut self) {
        let inside = self.inside.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = inside.interim.take() {
            crate::client::release(token);
        }
        for running in inside.running.values() {
            if let Some(asked) = running.asked.upgrade().filter(|asked| !asked.is_answered()) {
                asked.give_up(FLARE_ERROR_CLOSED);
            }
        }
    }
}

/// The code of a failure of an exchange.
fn code(failure: Lost) -> i32 {
    match failure {
        Lost::Refused => FLARE_ERROR_REFUSED,
        Lost::Reset(_) => FLARE_ERROR_CANCELLED,
        Lost::Cut => FLARE_ERROR_CLOSED,
        _ => FLARE_ERROR_PROTOCOL,
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let code = match error {
            RequestError::Busy | RequestError::WouldBlock => FLARE_ERROR_WOULD_BLOCK,
            RequestError::ConnectionOver => FLARE_ERROR_CLOSED,
            RequestError::Over => FLARE_ERROR_FINISHED,
            RequestError::TooLarge { .. } => FLARE_ERROR_LIMIT,
            _ => FLARE_ERROR_INVALID_ARGUMENT,
        };
        Failure::new(code, error.to_string())
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let code = match error {
            ClientError::Request(error) => return error.into(),
            ClientError::Failed(failure) => code(failure),
            ClientError::TimedOut => FLARE_ERROR_TIMEOUT,
            ClientError::TooLong => FLARE_ERROR_LIMIT,
            ClientError::Io(error) => return lost(error),
            _ => FLARE_ERROR_PROTOCOL,
        };
        Failure::new(code, error.to_string())
    }
}
