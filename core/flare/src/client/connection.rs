//! A session on a connection, for a thread that blocks or a loop that polls.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flare_proto::capsule;

use super::carrier::Carrier;
#[cfg(feature = "http3")]
use super::connecting_http3::ConnectingHttp3;
use super::datagrams::{CUT, Datagrams, Looked, QUEUED};
#[cfg(feature = "http3")]
use super::on_quic::OnQuic;
use super::on_stream::OnStream;
use super::{
    ClientError, ContentLength, Event, ExchangeId, Failure, Limits, Request, RequestError, Response, Session,
};
use crate::connect::Connection;
#[cfg(feature = "http3")]
use crate::connect::{ConnectError, Connector};
use crate::message::{Headers, TlsSession};

/// Content is given to the session in parts of this size.
const PART: usize = 16 * 1024;

/// A connection to a server, ready for requests. One thread uses it at a time. Whoever shares the connection, by an [`Arc`], may ask it
/// things and [close](Connection::close) it from any thread, and must not read or write.
///
/// Content counts as used when its event was taken, so whoever takes no events stops the server. Dropping it closes the connection; what was
/// not answered by then never is.
#[derive(Debug)]
pub struct Client {
    pub(super) carrier: Carrier,
    pub(super) datagrams: Datagrams,
    /// Events that [`Client::write`] and [`Client::fetch`] found, and that belong to others.
    found: VecDeque<Event>,
    pub(super) timeout: Duration,
    pub(super) max_content: usize,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The head.
    pub head: Response,
    /// The content.
    pub content: Vec<u8>,
    /// The trailers.
    pub trailers: Headers,
}

impl Client {
    /// In the protocol that was agreed by ALPN; without one, HTTP/1.1.
    #[must_use]
    pub fn new(connection: impl Into<Arc<Connection>>) -> Self {
        let connection = connection.into();
        let is_http2 = connection.tls().is_some_and(|tls| tls.alpn() == Some(b"h2"));
        if is_http2 { Self::http2(connection) } else { Self::http1(connection) }
    }

    /// In HTTP/1.1.
    #[must_use]
    pub fn http1(connection: impl Into<Arc<Connection>>) -> Self {
        Self::with_session(connection, Session::http1(Limits::default()))
    }

    /// In HTTP/2, which the server is known to speak (RFC 9113, 3.3).
    #[must_use]
    pub fn http2(connection: impl Into<Arc<Connection>>) -> Self {
        Self::with_session(connection, Session::http2(Limits::default()))
    }

    /// With a session of one's own limits.
    #[must_use]
    pub fn with_session(connection: impl Into<Arc<Connection>>, session: Session) -> Self {
        Self::on(Carrier::Stream(Box::new(OnStream::new(connection.into(), session))))
    }

    /// How long [`Client::fetch`] takes at most, and how long [`Client::write`] waits for the server to take something. Default 30 s.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// The longest content that [`Client::fetch`] collects, in bytes. Default 64 MiB.
    pub fn set_max_content(&mut self, bytes: usize) {
        self.max_content = bytes;
    }

    fn on(carrier: Carrier) -> Self {
        Self {
            carrier,
            datagrams: Datagrams::default(),
            found: VecDeque::new(),
            timeout: Duration::from_secs(30),
            max_content: 64 << 20,
        }
    }

    /// Connects to `127.0.0.1:443`, `[::1]:443` or `name:port` by QUIC, for HTTP/3, and blocks until that is done: not on a worker. Settings
    /// are those of the connector; those of TLS have to be there, or are the defaults. Several addresses race as those of TCP do (RFC 8305).
    ///
    /// # Errors
    /// Which step failed, and for whom.
    #[cfg(feature = "http3")]
    pub fn connect_http3(connector: &Connector, target: &str) -> Result<Self, ConnectError> {
        let connecting = Self::begin_http3(connector, target)?;
        loop {
            if let Some(client) = connecting.wait(None)? {
                return Ok(client);
            }
        }
    }

    /// Begins to connect as [`Client::connect_http3`], and blocks nowhere: see [`ConnectingHttp3`] for what comes then.
    ///
    /// # Errors
    /// The target is none, TLS can't ask for its name, or descriptors have run out. Nothing was begun then.
    #[cfg(feature = "http3")]
    pub fn begin_http3(connector: &Connector, target: &str) -> Result<ConnectingHttp3, ConnectError> {
        ConnectingHttp3::begin(connector, target)
    }

    #[cfg(feature = "http3")]
    pub(super) fn on_quic(made: OnQuic) -> Self {
        Self::on(Carrier::Quic(Box::new(made)))
    }

    /// The connection beneath, unless that is QUIC.
    #[must_use]
    pub fn connection(&self) -> Option<&Connection> {
        self.carrier.connection()
    }

    /// What was agreed by TLS, if the connection is encrypted.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsSession> {
        self.carrier.tls()
    }

    /// Ends the connection at once: nothing more is sent or received, and what was not answered has failed.
    pub fn abort(&mut self) {
        self.carrier.abort();
    }

    /// Whether another request would be taken now.
    #[must_use]
    pub fn can_open(&self) -> bool {
        self.carrier.can_open()
    }

    /// Whether the connection takes no request any more, and nothing runs on it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.carrier.is_over()
    }

    /// Whether several exchanges run at a time.
    #[must_use]
    pub fn is_multiplexed(&self) -> bool {
        self.carrier.is_multiplexed()
    }

    /// Begins an exchange: sends the head of a request, as far as that goes without waiting; the rest leaves with the next call.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open(&mut self, request: &Request) -> Result<ExchangeId, RequestError> {
        let has_datagrams = request.datagrams && request.protocol.is_some();
        let id = if request.scheme.is_empty() || has_datagrams {
            let mut request = request.clone();
            if request.scheme.is_empty() {
                let scheme = if self.tls().is_some() { "https" } else { "http" };
                scheme.clone_into(&mut request.scheme);
            }
            if has_datagrams {
                let set = request.headers.set(capsule::FIELD, capsule::FIELD_VALUE);
                debug_assert!(set.is_ok(), "it is a field");
            }
            self.carrier.open(&request)?
        } else {
            self.carrier.open(request)?
        };
        if has_datagrams {
            self.datagrams.begin(id);
        }
        self.carrier.send();
        Ok(id)
    }

    /// Gives some content of the request, and waits while the server has to take some first. Content that comes back meanwhile is kept, up to its
    /// limit; a server that sends back what it gets stops reading then, so for such [`Client::try_write`] is the call.
    ///
    /// # Errors
    /// [`ClientError::TimedOut`] when the server takes nothing; the exchange goes on. Otherwise as [`Session::write`].
    pub fn write(&mut self, exchange: ExchangeId, data: &[u8]) -> Result<(), ClientError> {
        let until = Instant::now().checked_add(self.timeout);
        loop {
            match self.carrier.write(exchange, data) {
                Ok(()) => {
                    self.carrier.send();
                    return Ok(());
                }
                Err(RequestError::WouldBlock) => {}
                Err(error) => return Err(error.into()),
            }
            loop {
                match self.step(left(until))? {
                    Some(Event::Writable(id)) if id == exchange => break,
                    Some(event) => {
                        // Behind the end the rest of the request may not be wanted: the next attempt tells.
                        let is_end = matches!(event, Event::End(..) | Event::Failed(..));
                        let is_own = event.exchange() == exchange;
                        self.keep(event);
                        if is_own && is_end {
                            break;
                        }
                    }
                    None => return Err(RequestError::Over.into()),
                }
            }
        }
    }

    /// As [`Client::write`], but does not wait.
    ///
    /// # Errors
    /// As [`Session::write`]: with [`RequestError::WouldBlock`], [`Event::Writable`] says when to go on.
    pub fn try_write(&mut self, exchange: ExchangeId, data: &[u8]) -> Result<(), RequestError> {
        self.carrier.write(exchange, data)?;
        self.carrier.send();
        Ok(())
    }

    /// Ends the request.
    ///
    /// # Errors
    /// As [`Session::finish`].
    pub fn finish(&mut self, exchange: ExchangeId, trailers: Option<&Headers>) -> Result<(), RequestError> {
        self.carrier.finish(exchange, trailers)?;
        self.carrier.send();
        Ok(())
    }

    /// Lets go of an exchange: no event of it comes any more. On HTTP/1.1 the connection ends too, unless the exchange was over.
    pub fn cancel(&mut self, exchange: ExchangeId) {
        for event in &self.found {
            if let Event::Data(id, data) = event
                && *id == exchange
            {
                self.carrier.consumed(exchange, data.len());
            }
        }
        self.found.retain(|event| event.exchange() != exchange);
        self.datagrams.forget(exchange);
        self.carrier.cancel(exchange);
        self.carrier.send();
        if self.carrier.is_over() {
            // The server should not go on with what nobody waits for.
            self.carrier.abort();
        }
    }

    /// Ends the connection in peace: exchanges that run go on, no other is begun.
    pub fn close(&mut self) {
        self.carrier.close();
        self.carrier.send();
    }

    /// Sends what waits, and waits for the next event of any exchange. `None` waits for ever, zero tries. `Ok(None)`: the connection is over,
    /// and nothing more will happen.
    ///
    /// # Errors
    /// `TimedOut` and `WouldBlock`: nothing happened in time. Whatever ends the connection is told by [`Event::Failed`].
    pub fn next_event(&mut self, timeout: Option<Duration>) -> io::Result<Option<Event>> {
        let event = self.next_event_unused(timeout)?;
        if let Some(Event::Data(id, data)) = &event {
            self.consumed(*id, data.len());
        }
        Ok(event)
    }

    /// As [`Client::next_event`], but content counts as used only when [`Client::consumed`] says so: for those who give each exchange its events, and
    /// don't want one that nobody reads to grow.
    ///
    /// # Errors
    /// As there.
    pub fn next_event_unused(&mut self, timeout: Option<Duration>) -> io::Result<Option<Event>> {
        match self.found.pop_front() {
            None => self.step(timeout),
            found => Ok(found),
        }
    }

    /// The next event of the connection. Content that is capsules becomes datagrams.
    fn step(&mut self, timeout: Option<Duration>) -> io::Result<Option<Event>> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut wait = timeout;
        loop {
            if let Some(datagram) = self.datagrams.pop() {
                return Ok(Some(datagram));
            }
            let Some(event) = self.carrier.step(wait)? else { return Ok(None) };
            match self.datagrams.look(event) {
                Looked::At(event) => return Ok(Some(event)),
                Looked::Into(exchange, bytes) => self.consumed(exchange, bytes),
                Looked::Cut(exchange) => {
                    self.cancel(exchange);
                    return Ok(Some(Event::Failed(exchange, CUT)));
                }
            }
            wait = timeout.and(left(until));
        }
    }

    /// Keeps an event for later. Of datagrams not without end: they may be lost.
    fn keep(&mut self, event: Event) {
        let is_datagram = |event: &Event| matches!(event, Event::Datagram(..));
        if !is_datagram(&event) || self.found.iter().filter(|event| is_datagram(event)).count() < QUEUED {
            self.found.push_back(event);
        }
    }

    /// So many bytes of content that [`Client::next_event_unused`] brought were used: the server may send more.
    pub fn consumed(&mut self, exchange: ExchangeId, bytes: usize) {
        self.carrier.consumed(exchange, bytes);
        self.carrier.send();
    }

    /// Whether a loop should watch the descriptor for readability: on HTTP/1.1 not while content waits that was not used.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        self.carrier.wants_read()
    }

    /// Whether a loop should watch the descriptor for writability too.
    #[must_use]
    pub fn wants_write(&mut self) -> bool {
        self.carrier.wants_write()
    }

    /// Makes the descriptor readable at once, for a loop that goes on with others before [`Client::next_event`] has said `WouldBlock`. False: it
    /// is a socket's, which can't be; such a loop watches for writability too.
    pub fn wake(&self) -> bool {
        self.carrier.wake()
    }

    /// Sends a request with this content, which sets [`Request::content`], and waits for the whole answer. Events of other exchanges are kept.
    ///
    /// # Errors
    /// Why there is no answer, or no whole one.
    pub fn fetch(&mut self, request: &Request, content: &[u8]) -> Result<Answer, ClientError> {
        let length =
            if content.is_empty() { ContentLength::None } else { ContentLength::Known(content.len() as u64) };
        let request = Request { content: length, ..request.clone() };
        let id = self.open(&request)?;
        let answer = self.exchange(id, content);
        if answer.is_err() {
            self.cancel(id);
        }
        answer
    }

    fn exchange(&mut self, id: ExchangeId, content: &[u8]) -> Result<Answer, ClientError> {
        let until = Instant::now().checked_add(self.timeout);
        let (mut head, mut collected) = (None, Vec::new());
        let mut rest = content;
        let mut unsent = !content.is_empty();
        loop {
            while unsent {
                let part = rest.get(..rest.len().min(PART)).unwrap_or(rest);
                match self.carrier.write(id, part) {
                    Ok(()) => rest = rest.get(part.len()..).unwrap_or_default(),
                    // The events say when to go on.
                    Err(RequestError::WouldBlock) => break,
                    // The answer has come already.
                    Err(RequestError::Over) => unsent = false,
                    Err(error) => return Err(error.into()),
                }
                if unsent && rest.is_empty() {
                    match self.carrier.finish(id, None) {
                        Ok(()) | Err(RequestError::Over) => unsent = false,
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            match self.step(left(until))? {
                None => return Err(ClientError::Failed(Failure::Cut)),
                Some(event) if event.exchange() != id => self.keep(event),
                Some(Event::Head(_, response)) => head = Some(response),
                Some(Event::Switched(..)) => return Err(ClientError::Switched),
                Some(Event::Data(_, data)) => {
                    if collected.len() + data.len() > self.max_content {
                        return Err(ClientError::TooLong);
                    }
                    collected.extend_from_slice(&data);
                    self.carrier.consumed(id, data.len());
                }
                Some(Event::Failed(_, failure)) => return Err(ClientError::Failed(failure)),
                Some(Event::End(_, trailers)) => {
                    if unsent {
                        // The server did not want the rest.
                        self.cancel(id);
                    }
                    let head = head.ok_or(ClientError::Failed(Failure::Cut))?;
                    return Ok(Answer { head, content: collected, trailers });
                }
                Some(Event::Informational(..) | Event::Writable(_) | Event::Datagram(..)) => {}
            }
        }
    }
}

impl AsFd for Client {
    /// To watch: for reading, and for writing while [`Client::wants_write`]; then call [`Client::next_event`] with zero until it fails.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.carrier.as_fd()
    }
}

/// What is left of the time: at least a moment, since zero means not to wait.
pub(super) fn left(until: Option<Instant>) -> Option<Duration> {
    until.map(|until| until.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1)))
}
