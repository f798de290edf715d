//! Why a connection was not made.

use std::fmt;
use std::io;
use std::time::Duration;

use flare_net::{AddressError, Attempt, DialError, DialFailure};

/// What a connection is doing until it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Reading whom to connect to.
    Target,
    /// Looking the name up.
    Resolve,
    /// Connecting to addresses.
    Connect,
    /// The TLS handshake.
    Tls,
}

impl Phase {
    /// A word for logs: `target`, `resolve`, `connect`, `tls`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
        }
    }
}

/// Why a connection was not made: whom it was for, how far it came, and what went wrong. Its text says all three.
#[derive(Debug)]
pub struct ConnectError {
    target: String,
    phase: Phase,
    failure: ConnectFailure,
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// The text is no address and no name with a port.
    Target(AddressError),
    /// Nobody can be asked for by TLS at this target: what is wrong with its name.
    ServerName(String),
    /// The name was not found, no address could be connected to, or the time was over before.
    Dial(Box<DialError>),
    /// The handshake failed: a word for counters, as [`flare_tls::Failure::kind`] has it, and the reason.
    Tls {
        /// `not_tls`, `alert`, `certificate`, `nothing_in_common`, `protocol`, `internal`.
        kind: &'static str,
        /// What was wrong.
        problem: String,
    },
    /// The peer closed the connection in the middle of the handshake.
    TlsClosed,
    /// The time was over before the end of the handshake.
    TlsTimeout(Duration),
    /// It was cancelled.
    Cancelled,
    /// It had ended before.
    Over,
    /// The system failed in something else.
    Io(io::Error),
}

impl ConnectError {
    pub(crate) fn new(target: &str, phase: Phase, failure: ConnectFailure) -> Self {
        Self { target: target.to_owned(), phase, failure }
    }

    pub(crate) fn of_dial(target: &str, error: Box<DialError>) -> Self {
        let phase = match &error.reason {
            DialFailure::Resolve(_) | DialFailure::ResolveTimeout(_) => Phase::Resolve,
            _ => Phase::Connect,
        };
        Self::new(target, phase, ConnectFailure::Dial(error))
    }

    /// Whom it was for, as it was given.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The step that failed.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What went wrong.
    #[must_use]
    pub fn failure(&self) -> &ConnectFailure {
        &self.failure
    }

    /// The addresses that were tried and failed.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        match &self.failure {
            ConnectFailure::Dial(error) => match &error.reason {
                DialFailure::Connect(attempts) | DialFailure::ConnectTimeout(_, attempts) => attempts,
                _ => &[],
            },
            _ => &[],
        }
    }

    /// The kind of error of the system that comes nearest.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        match &self.failure {
            ConnectFailure::Target(_) | ConnectFailure::ServerName(_) => io::ErrorKind::InvalidInput,
            ConnectFailure::Dial(error) => error.kind(),
            ConnectFailure::Tls { .. } => io::ErrorKind::InvalidData,
            ConnectFailure::TlsClosed => io::ErrorKind::UnexpectedEof,
            ConnectFailure::TlsTimeout(_) => io::ErrorKind::TimedOut,
            ConnectFailure::Cancelled => io::ErrorKind::Interrupted,
            ConnectFailure::Over => io::ErrorKind::NotConnected,
            ConnectFailure::Io(error) => error.kind(),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = &self.target;
        match &self.failure {
            ConnectFailure::Target(error) => error.fmt(f),
            ConnectFailure::Dial(error) => error.fmt(f),
            ConnectFailure::ServerName(problem) => write!(f, "can't speak TLS to {target}: {problem}"),
            ConnectFailure::Tls { problem, .. } => write!(f, "can't speak TLS to {target}: {problem}"),
            ConnectFailure::TlsClosed => {
                write!(f, "can't speak TLS to {target}: it closed the connection in the handshake")
            }
            ConnectFailure::TlsTimeout(after) => {
                write!(f, "can't speak TLS to {target}: the handshake had not ended after {after:?}")
            }
            ConnectFailure::Cancelled => write!(f, "connecting to {target} was cancelled"),
            ConnectFailure::Over => write!(f, "connecting to {target} has ended before"),
            ConnectFailure::Io(error) => write!(f, "can't connect to {target}: {error}"),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.failure {
            ConnectFailure::Target(error) => Some(error),
            ConnectFailure::Dial(error) => Some(error.as_ref()),
            ConnectFailure::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ConnectError> for io::Error {
    fn from(error: ConnectError) -> Self {
        Self::new(error.kind(), error)
    }
}
