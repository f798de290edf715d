//! What can go wrong with a stream, a connection or a listener.

use std::{fmt, io};

use flare_net::AddressError;
use flare_proto::mux::ProtocolError;

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The peer closed it.
    PeerClosed,
    /// This program closed it.
    Closed,
    /// The peer broke the protocol.
    Protocol(ProtocolError),
    /// It was lost: what the system said.
    Lost(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeerClosed => f.write_str("the peer closed the connection"),
            Self::Closed => f.write_str("the connection was closed here"),
            Self::Protocol(error) => write!(f, "the peer broke the protocol: {error}"),
            Self::Lost(problem) => write!(f, "the connection was lost: {problem}"),
        }
    }
}

/// Why a call failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum MuxError {
    /// The peer has to take some bytes first. Nothing was sent.
    WouldBlock,
    /// The time was over first. Of a send, nothing was sent.
    Timeout,
    /// This end has finished the stream: it sends no more.
    Finished,
    /// The stream was cancelled, by the peer or here.
    Cancelled,
    /// The peer ended the stream with this text.
    Remote(String),
    /// As many streams are open as may be.
    TooManyStreams,
    /// The connection is over.
    Ended(Ended),
    /// The text is no address, or its name was not found.
    Address(AddressError),
    /// The system could not connect or listen.
    Io(io::Error),
}

impl fmt::Display for MuxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WouldBlock => f.write_str("the peer has to take some bytes first"),
            Self::Timeout => f.write_str("the time was over"),
            Self::Finished => f.write_str("the stream was finished before"),
            Self::Cancelled => f.write_str("the stream was cancelled"),
            Self::Remote(text) => write!(f, "the peer ended the stream: {text}"),
            Self::TooManyStreams => f.write_str("too many streams are open"),
            Self::Ended(ended) => ended.fmt(f),
            Self::Address(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for MuxError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Ended(Ended::Protocol(error)) => Some(error),
            Self::Address(error) => Some(error),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<AddressError> for MuxError {
    fn from(error: AddressError) -> Self {
        Self::Address(error)
    }
}

impl From<io::Error> for MuxError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
