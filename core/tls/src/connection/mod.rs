//! A TLS connection as a value: ciphertext in, plaintext and events out, and the other way round.

mod failure;
mod partial;
mod role;
mod session;

use std::sync::Arc;

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;

use crate::context::{ClientContext, ServerContext, server_name, take_asked};
use crate::error::ConfigError;
pub use failure::Failure;
use partial::Partial;
use role::{Role, Step};
pub use session::{Facts, Session};

/// The most plaintext of one record (RFC 8446, 5.1).
pub const MAX_RECORD: usize = 16 * 1024;

/// The first byte of a connection that speaks TLS: a record with a handshake message (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;
/// And of one that ends the handshake, which may be the first that a server sends.
const ALERT: u8 = 21;

/// What comes out of received bytes, in order.
#[derive(Debug)]
pub enum Event<'a> {
    /// What was agreed is known, and data may come. Once, before any data.
    Ready(Arc<Session>),
    /// Data that a client sent before the handshake ended (0-RTT). It may have been recorded and sent again by somebody else.
    Early(&'a [u8]),
    /// The handshake has ended: what comes and what is sent is protected in full.
    Complete,
    /// Data.
    Data(&'a [u8]),
    /// The peer said that it sends nothing more (`close_notify`). An end without it may have been cut by anybody.
    PeerClosed,
}

/// A TLS connection, of either side, without its socket.
///
/// [`Connection::receive`] takes bytes from the peer, [`Connection::send`] makes bytes for it. Whatever is to be sent is appended to `out`,
/// also by `receive`: it belongs to the peer, whether the call failed or not.
pub struct Connection {
    role: Role,
    /// Input that can't be used yet.
    partial: Partial,
    asked: Option<Box<str>>,
    state: State,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Something has come.
    begun: bool,
    /// The first byte was not one of TLS.
    not_tls: bool,
    ready: bool,
    complete: bool,
    peer_closed: bool,
    closed: bool,
    failed: bool,
}

impl Connection {
    /// The server's side. It waits for a client.
    ///
    /// # Errors
    /// When rustls can't make one, which it always can from a context.
    pub fn server(context: &ServerContext) -> Result<Self, Failure> {
        let inner = UnbufferedServerConnection::new(Arc::clone(&context.config))?;
        Ok(Self::new(Role::Server(Box::new(inner))))
    }

    /// The client's side, for a server of this name: a DNS name or an IP address. [`Connection::start`] begins the handshake.
    ///
    /// # Errors
    /// The name is neither.
    pub fn client(context: &ClientContext, name: &str) -> Result<Self, ConfigError> {
        let wrong = |error: rustls::Error| ConfigError::new("client", error.to_string());
        let name = match &context.server_name {
            Some(name) => name.clone(),
            None => server_name(name, "server_name")?,
        };
        let inner = UnbufferedClientConnection::new(Arc::clone(&context.config), name).map_err(wrong)?;
        Ok(Self::new(Role::Client(Box::new(inner))))
    }

    fn new(role: Role) -> Self {
        Self { role, partial: Partial::default(), asked: None, state: State::default() }
    }

    /// Makes the first bytes of a client. A server has none.
    ///
    /// # Errors
    /// When rustls has no random numbers.
    pub fn start(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.receive(&mut [], out, |_| ())
    }

    /// Takes bytes from the peer, decrypts them in place, and tells what came out. Answers for the peer are appended to `out`.
    ///
    /// # Errors
    /// The peer is not one to talk to. An alert that says why may be in `out`; the connection is over.
    pub fn receive(
        &mut self,
        input: &mut [u8],
        out: &mut Vec<u8>,
        mut sink: impl FnMut(Event<'_>),
    ) -> Result<(), Failure> {
        if self.state.failed {
            return Err(Failure::Over);
        }
        if let Some(first) = input.first()
            && !std::mem::replace(&mut self.state.begun, true)
        {
            self.state.not_tls = ![HANDSHAKE, ALERT].contains(first);
        }
        let result = self.receive_all(input, out, &mut sink);
        result.map_err(|failure| {
            self.state.failed = true;
            self.partial = Partial::default();
            if self.state.not_tls { Failure::NotTls } else { failure }
        })
    }

    fn receive_all(
        &mut self,
        input: &mut [u8],
        out: &mut Vec<u8>,
        sink: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), Failure> {
        let mut input = input;
        if !self.partial.is_empty() {
            // Only as much is copied as its record needs; what follows is used where it is.
            let taken = self.partial.take_from(input);
            let mut begun = std::mem::take(&mut self.partial);
            let used = self.consume(begun.bytes(), out, sink)?;
            begun.discard(used);
            input = input.get_mut(taken..).unwrap_or_default();
            if !begun.is_empty() && !input.is_empty() {
                begun.append(input);
                let used = self.consume(begun.bytes(), out, sink)?;
                begun.discard(used);
                input = &mut [];
            }
            if !begun.is_empty() {
                self.partial = begun;
                return Ok(());
            }
            if input.is_empty() {
                return Ok(());
            }
        }
        let used = self.consume(input, out, sink)?;
        self.partial.append(input.get(used..).unwrap_or_default());
        Ok(())
    }

    /// Uses as much of the input as it can, and says how much.
    fn consume(
        &mut self,
        input: &mut [u8],
        out: &mut Vec<u8>,
        sink: &mut dyn FnMut(Event<'_>),
    ) -> Result<usize, Failure> {
        let mut used = 0;
        loop {
            if self.state.peer_closed {
                // Nothing may follow; what does is dropped.
                return Ok(input.len());
            }
            let rest = input.get_mut(used..).unwrap_or_default();
            let step = self.role.step(rest, self.state.ready, out, sink);
            if let Some(name) = take_asked() {
                self.asked = Some(name);
            }
            match step? {
                Step::Again(count) => used += count,
                Step::Early(count) => {
                    used += count;
                    self.announce_ready(sink);
                }
                Step::PeerClosed => {
                    self.state.peer_closed = true;
                    sink(Event::PeerClosed);
                }
                Step::Blocked(count) => {
                    self.announce(sink);
                    return Ok(used + count);
                }
            }
            self.announce(sink);
        }
    }

    /// Tells once that the handshake has ended.
    fn announce(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        if !self.state.complete && !self.role.common().is_handshaking() {
            self.announce_ready(sink);
            self.state.complete = true;
            sink(Event::Complete);
        }
    }

    fn announce_ready(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        if !std::mem::replace(&mut self.state.ready, true) {
            sink(Event::Ready(Arc::new(Session::of(self.role.common(), self.asked.take()))));
        }
    }

    /// Encrypts data, and appends it to `out`: in records of [`MAX_RECORD`], the last of which may be shorter. So small pieces should be
    /// gathered before. Empty data is nothing.
    ///
    /// # Errors
    /// Before the handshake has ended, after [`Connection::close`] or a failure, and when the keys are used up, which takes 2^24 records of
    /// TLS 1.2.
    pub fn send(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        if !self.may_send() {
            return Err(Failure::Over);
        }
        if data.is_empty() {
            return Ok(());
        }
        let sent = self.role.encrypt(self.partial.bytes(), data, out);
        self.state.failed |= sent.is_err();
        sent
    }

    /// Says to the peer that nothing more is sent (`close_notify`). Receiving goes on. Before the handshake has ended there is nobody to
    /// say it to.
    pub fn close(&mut self, out: &mut Vec<u8>) {
        if self.may_send() {
            self.state.closed = true;
            // Err: the keys are used up, and then the peer was told already.
            let _ = self.role.close(self.partial.bytes(), out);
        }
    }

    /// Whether [`Connection::send`] takes data.
    #[must_use]
    pub fn may_send(&self) -> bool {
        self.state.complete && !self.state.closed && !self.state.failed
    }

    /// Whether the handshake has ended.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state.complete
    }

    /// Whether the peer said that it sends nothing more.
    #[must_use]
    pub fn is_peer_closed(&self) -> bool {
        self.state.peer_closed
    }

    /// How many bytes wait for the rest of their record.
    #[must_use]
    pub fn partial(&self) -> usize {
        self.partial.len()
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("state", &self.state).finish_non_exhaustive()
    }
}
