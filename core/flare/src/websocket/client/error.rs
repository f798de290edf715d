//! Why a socket was not opened.

use std::fmt;
use std::io;
use std::time::Duration;

use flare_proto::websocket::handshake::HandshakeError;

use crate::client::{Failure, RequestError, Response};
use crate::connect::{ConnectError, ConnectFailure};

/// Why a socket was not opened: where, and what went wrong. Its text says both.
#[derive(Debug)]
pub struct OpenError {
    uri: String,
    failure: OpenFailure,
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenFailure {
    /// The URI is none: what is wrong with it.
    Uri(&'static str),
    /// The connection was not made.
    Connect(Box<ConnectError>),
    /// The server answered with something else than a socket: 401, 302, 404. It is not followed.
    Refused(Box<Refusal>),
    /// The server accepted, and its answer breaks the rules (RFC 6455, 4.1): what is wrong with it.
    Answer(&'static str),
    /// The server accepted with something that was not offered, or that can't be understood.
    Handshake(HandshakeError),
    /// The exchange failed: the connection was cut, the stream reset, the protocol broken.
    Exchange(Failure),
    /// The request can't be sent like this: a field, or the URI.
    Request(RequestError),
    /// HTTP/2 was asked for, and the server does not agree to it or to sockets on it (RFC 8441).
    NoHttp2,
    /// `wss:`, in a build without TLS, or with TLS turned off.
    NoTls,
    /// The time was over.
    Timeout(Duration),
    /// It was cancelled.
    Cancelled,
    /// It had ended before.
    Over,
    /// The system failed in something else.
    Io(io::Error),
}

/// The answer of a server that opens no socket.
#[derive(Debug)]
pub struct Refusal {
    /// Status and fields.
    pub response: Response,
    /// The content, at most its first 16 KiB.
    pub content: Vec<u8>,
}

impl OpenError {
    pub(super) fn new(uri: &str, failure: OpenFailure) -> Self {
        Self { uri: uri.to_owned(), failure }
    }

    /// The URI, as it was given.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// What went wrong.
    #[must_use]
    pub fn failure(&self) -> &OpenFailure {
        &self.failure
    }

    /// The server's answer, if it answered with something else than a socket.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.failure {
            OpenFailure::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// How long the server asks to wait before another attempt (Retry-After in seconds; RFC 9110, 10.2.3).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.refusal()?.response.headers.get_str("retry-after")?;
        value.trim().parse().ok().map(Duration::from_secs)
    }

    /// Whether it may go well later: the network, a time limit, an overloaded server (408, 429, 500, 502, 503, 504). Not what is wrong in itself.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match &self.failure {
            OpenFailure::Connect(error) => matches!(
                error.failure(),
                ConnectFailure::Dial(_)
                    | ConnectFailure::TlsClosed
                    | ConnectFailure::TlsTimeout(_)
                    | ConnectFailure::Io(_)
            ),
            OpenFailure::Refused(refusal) => {
                matches!(refusal.response.status, 408 | 429 | 500 | 502 | 503 | 504)
            }
            OpenFailure::Exchange(failure) => {
                matches!(failure, Failure::Cut | Failure::Refused | Failure::Reset(_))
            }
            OpenFailure::Timeout(_) | OpenFailure::Io(_) => true,
            _ => false,
        }
    }

    /// The kind of error of the system that comes nearest.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        match &self.failure {
            OpenFailure::Uri(_) | OpenFailure::Request(_) => io::ErrorKind::InvalidInput,
            OpenFailure::Connect(error) => error.kind(),
            OpenFailure::Refused(_) => io::ErrorKind::ConnectionRefused,
            OpenFailure::Answer(_) | OpenFailure::Handshake(_) => io::ErrorKind::InvalidData,
            OpenFailure::Exchange(Failure::Malformed(_)) => io::ErrorKind::InvalidData,
            OpenFailure::Exchange(_) => io::ErrorKind::ConnectionReset,
            OpenFailure::NoHttp2 | OpenFailure::NoTls => io::ErrorKind::Unsupported,
            OpenFailure::Timeout(_) => io::ErrorKind::TimedOut,
            OpenFailure::Cancelled => io::ErrorKind::Interrupted,
            OpenFailure::Over => io::ErrorKind::NotConnected,
            OpenFailure::Io(error) => error.kind(),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = &self.uri;
        match &self.failure {
            OpenFailure::Uri(problem) => write!(f, "can't open {uri:?}: {problem}"),
            OpenFailure::Connect(error) => error.fmt(f),
            OpenFailure::Refused(refusal) => {
                write!(f, "can't open {uri}: the server answered with {}", refusal.response.status)
            }
            OpenFailure::Answer(problem) => write!(f, "can't open {uri}: the server's answer {problem}"),
            OpenFailure::Handshake(error) => write!(f, "can't open {uri}: the server answered with {error}"),
            OpenFailure::Exchange(failure) => write!(f, "can't open {uri}: {failure}"),
            OpenFailure::Request(error) => write!(f, "can't open {uri}: {error}"),
            OpenFailure::NoHttp2 => write!(f, "can't open {uri}: the server has no WebSockets on HTTP/2"),
            OpenFailure::NoTls => write!(f, "can't open {uri}: there is no TLS"),
            OpenFailure::Timeout(after) => write!(f, "can't open {uri}: not done after {after:?}"),
            OpenFailure::Cancelled => write!(f, "opening {uri} was cancelled"),
            OpenFailure::Over => write!(f, "opening {uri} has ended before"),
            OpenFailure::Io(error) => write!(f, "can't open {uri}: {error}"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.failure {
            OpenFailure::Connect(error) => Some(error.as_ref()),
            OpenFailure::Handshake(error) => Some(error),
            OpenFailure::Exchange(failure) => Some(failure),
            OpenFailure::Request(error) => Some(error),
            OpenFailure::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<OpenError> for io::Error {
    fn from(error: OpenError) -> Self {
        Self::new(error.kind(), error)
    }
}
