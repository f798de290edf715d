//! A connection without its socket, in the protocol that it speaks: bytes, time and commands in; bytes, exchanges and a deadline out.

use flare_net::{Key, Millis, Output, Peer};

use crate::exchange::{CancelReason, ExchangeKey};
use crate::server::environment::Environment;
use crate::server::http1::Http1;

/// What the session wants of its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// More input.
    Read,
    /// No input for now.
    Pause,
    /// The end, once the output is gone. `linger`: the peer may still be sending, and must get the answer first.
    Close {
        /// Whether input is read and dropped for a while before the socket is closed.
        linger: bool,
    },
    /// The end, at once: what was sent is not whole, and the peer must see that.
    Abort,
}

/// The server's side of a connection.
pub(crate) enum Session {
    /// HTTP/1.0 or HTTP/1.1.
    Http1(Http1),
}

impl Session {
    pub(crate) fn new(key: Key, peer: Peer, env: &Environment) -> Self {
        Self::Http1(Http1::new(key, peer, env))
    }

    /// Takes input.
    #[inline]
    pub(crate) fn receive(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) {
        match self {
            Self::Http1(http1) => http1.receive(input, env, out),
        }
    }

    /// The peer will send nothing more. What it sent before is still answered.
    pub(crate) fn read_closed(&mut self, env: &mut Environment) {
        match self {
            Self::Http1(http1) => http1.read_closed(env),
        }
    }

    /// So much output waits that no more is made.
    pub(crate) fn block(&mut self) {
        match self {
            Self::Http1(http1) => http1.block(),
        }
    }

    /// The peer took all output.
    #[inline]
    pub(crate) fn flushed(&mut self, env: &mut Environment, out: &mut Output) {
        match self {
            Self::Http1(http1) => http1.flushed(env, out),
        }
    }

    /// Something happened to an exchange, which may be over already.
    pub(crate) fn wake(&mut self, key: ExchangeKey, env: &mut Environment, out: &mut Output) {
        match self {
            Self::Http1(http1) => http1.wake(key, env, out),
        }
    }

    /// When [`Session::timeout`] has to be called, unless something happens before. `flushing`: the peer has not taken all output.
    #[inline]
    pub(crate) fn deadline(&self, flushing: bool) -> Millis {
        match self {
            Self::Http1(http1) => http1.deadline(flushing),
        }
    }

    /// A deadline passed.
    pub(crate) fn timeout(&mut self, env: &mut Environment, out: &mut Output) {
        match self {
            Self::Http1(http1) => http1.timeout(env, out),
        }
    }

    /// The server ends: what is idle closes, running exchanges get their answer first.
    pub(crate) fn drain(&mut self) {
        match self {
            Self::Http1(http1) => http1.drain(),
        }
    }

    /// What it wants of its socket now.
    #[inline]
    pub(crate) fn next(&self) -> Next {
        match self {
            Self::Http1(http1) => http1.next(),
        }
    }

    /// Whether an exchange runs, or has begun to come.
    pub(crate) fn is_active(&self) -> bool {
        match self {
            Self::Http1(http1) => http1.is_active(),
        }
    }

    /// Whether an exchange waits for its answer, or for the rest of it.
    pub(crate) fn is_answering(&self) -> bool {
        match self {
            Self::Http1(http1) => http1.is_answering(),
        }
    }

    /// Whether the peer takes the end of the connection for the end of the answer.
    pub(crate) fn is_until_close(&self) -> bool {
        match self {
            Self::Http1(http1) => http1.is_until_close(),
        }
    }

    /// The connection is gone: whoever holds its exchanges learns it.
    pub(crate) fn abort(&mut self, reason: CancelReason, env: &mut Environment) {
        match self {
            Self::Http1(http1) => http1.abort(reason, env),
        }
    }
}
