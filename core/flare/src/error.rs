//! Why a server could not be started.

use std::io;

use crate::routing::RouteError;
use crate::server::ConfigError;

/// Why a server could not be made, bound or run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A setting is wrong.
    Config(ConfigError),
    /// A TLS setting, or a file of certificates or keys, is wrong.
    #[cfg(feature = "tls")]
    Tls(flare_tls::ConfigError),
    /// A route is wrong.
    Route(RouteError),
    /// An address is no address.
    Address {
        /// The address as it was given.
        address: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A listener could not be bound.
    Bind {
        /// The address.
        address: String,
        /// What the operating system said.
        error: io::Error,
    },
    /// The server is not in a state for this call.
    State(&'static str),
    /// Something else failed in the operating system.
    Io(io::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Route(error) => error.fmt(f),
            #[cfg(feature = "tls")]
            Self::Tls(error) => error.fmt(f),
            Self::Address { address, problem } => write!(f, "address {address:?}: {problem}"),
            Self::Bind { address, error } => write!(f, "can't listen on {address}: {error}"),
            Self::State(problem) => f.write_str(problem),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::Route(error) => Some(error),
            #[cfg(feature = "tls")]
            Self::Tls(error) => Some(error),
            Self::Bind { error, .. } | Self::Io(error) => Some(error),
            Self::Address { .. } | Self::State(_) => None,
        }
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

#[cfg(feature = "tls")]
impl From<flare_tls::ConfigError> for Error {
    fn from(error: flare_tls::ConfigError) -> Self {
        Self::Tls(error)
    }
}

impl From<RouteError> for Error {
    fn from(error: RouteError) -> Self {
        Self::Route(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
