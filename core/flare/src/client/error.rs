//! Why there is no answer.

use std::io;

use super::{Failure, RequestError};

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The request was not taken.
    Request(RequestError),
    /// The exchange failed.
    Failed(Failure),
    /// There was no answer in time. The exchange was cancelled.
    TimedOut,
    /// The content is longer than [`Client::set_max_content`](super::Client::set_max_content) allows. The exchange was cancelled.
    TooLong,
    /// The server switched to another protocol, where an answer was expected. The exchange was cancelled.
    Switched,
    /// What the system says.
    Io(io::Error),
}

impl From<RequestError> for ClientError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::TimedOut,
            _ => Self::Io(error),
        }
    }
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::Failed(failure) => failure.fmt(f),
            Self::TimedOut => f.write_str("there was no answer in time"),
            Self::TooLong => f.write_str("the content of the answer is longer than is taken"),
            Self::Switched => f.write_str("the server switched to another protocol"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ClientError {}
