//! WebSocket (RFC 6455), on HTTP/1.1 by Upgrade and on HTTP/2 by extended CONNECT (RFC 8441).
//!
//! [`Router::ws`](crate::Router::ws) accepts sockets. For each of them `accept` makes one value, a [`SocketHandler`], that is called for what happens
//! and owned by its connection; a closure for messages is one too. [`WebSocket`] is the handle to send with: it may be cloned, sent to
//! other threads, and kept.
//!
//! ```
//! use flare::prelude::*;
//! use flare::websocket::{Message, WebSocket};
//!
//! let mut router = Router::new();
//! router.ws("/echo", |_: &Request| {
//!     |socket: &WebSocket, message: Message<'_>| {
//!         // Never refused for one reply to a message; an error says that the socket is closing.
//!         let _ = socket.send(message);
//!     }
//! })?;
//! # Ok::<(), flare::RouteError>(())
//! ```
//!
//! # What is sent
//!
//! A message is taken whole or refused ([`SendError::WouldBlock`]): above 256 KiB that wait for the client it is refused, below 64 KiB
//! [`SocketHandler::writable`] is told. While so much waits, no more of the client's messages are delivered, so whoever sends at most one
//! message for each that comes is never refused.
//!
//! A program that takes messages elsewhere than in its handler says when it can't keep more of them: [`WebSocket::pause`], [`WebSocket::resume`],
//! [`SocketHandler::may_close`].
//!
//! # How it ends
//!
//! [`SocketHandler::close`] is called once, when nothing more will come: with the code of the client's Close frame, with that of its mistake,
//! or with 1006 when it left without one. A client that sends nothing for [`WsOptions::ping_interval`] is sent a Ping; one that does not
//! answer within [`WsOptions::ping_timeout`] is gone. A server that drains says goodbye with 1001.

mod accept;
pub mod client;
mod driver;
mod handshake;
mod options;
mod socket;
mod topics;

use flare_proto::websocket::{Opcode, as_text};

pub use accept::Accept;
pub use options::{Origins, WsOptions};
pub use socket::{SendError, WebSocket};

pub(crate) use accept::Route;
pub(crate) use topics::{Broadcast, Budget, Publication, TopicCommand, Topics};

/// A message (RFC 6455, 5.6), whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

impl<'a> Message<'a> {
    /// A text, if these bytes are UTF-8.
    #[must_use]
    pub fn text(bytes: &'a [u8]) -> Option<Self> {
        as_text(bytes).map(Self::Text)
    }

    /// Its bytes, of either kind.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        match *self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(data) => data,
        }
    }

    fn opcode(&self) -> Opcode {
        match self {
            Self::Text(_) => Opcode::Text,
            Self::Binary(_) => Opcode::Binary,
        }
    }
}

/// What happens to one socket. Calls are made on its worker, one at a time, and must not block. A panic closes the socket with 1011, is counted
/// ([`ServerStats::panics`](crate::server::ServerStats)) and logged; [`SocketHandler::close`] is still called.
///
/// A closure `FnMut(&WebSocket, Message<'_>)` is a handler of messages alone.
pub trait SocketHandler: Send + 'static {
    /// The handshake is done: the first that may be sent.
    fn open(&mut self, _socket: &WebSocket) {}

    /// A message came, whole.
    fn message(&mut self, socket: &WebSocket, message: Message<'_>);

    /// Messages are taken again, after one was refused. Not called when the socket is closing.
    fn writable(&mut self, _socket: &WebSocket) {}

    /// The client has said goodbye: whether that may be answered, since all messages before it were worked off. A program that does so elsewhere
    /// says no until then, and calls [`WebSocket::resume`] to be asked again; what it sends meanwhile is taken. It has a second (or
    /// [`WsOptions::close_timeout`], if that is less); then the goodbye is answered all the same.
    fn may_close(&mut self, _socket: &WebSocket) -> bool {
        true
    }

    /// The last call: the socket is closing or gone. `code` and `reason` are the client's, or say what it did wrong; 1005: it gave no code,
    /// 1006: it left without goodbye (RFC 6455, 7.4.1).
    fn close(&mut self, _socket: &WebSocket, _code: u16, _reason: &str) {}
}

impl<F: FnMut(&WebSocket, Message<'_>) + Send + 'static> SocketHandler for F {
    fn message(&mut self, socket: &WebSocket, message: Message<'_>) {
        self(socket, message);
    }
}

impl SocketHandler for Box<dyn SocketHandler> {
    fn open(&mut self, socket: &WebSocket) {
        (**self).open(socket);
    }

    fn message(&mut self, socket: &WebSocket, message: Message<'_>) {
        (**self).message(socket, message);
    }

    fn writable(&mut self, socket: &WebSocket) {
        (**self).writable(socket);
    }

    fn may_close(&mut self, socket: &WebSocket) -> bool {
        (**self).may_close(socket)
    }

    fn close(&mut self, socket: &WebSocket, code: u16, reason: &str) {
        (**self).close(socket, code, reason);
    }
}
