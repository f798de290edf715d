//! What can go wrong: by the peer, and by the caller.

use std::fmt;

use super::close::CloseCode;

/// The peer broke the protocol or a limit. The connection is over; a Close that says so was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionError {
    /// What the peer is told.
    pub code: CloseCode,
    /// What was wrong, in fixed words: nothing of the peer's is repeated. The peer is told this too.
    pub reason: &'static str,
}

impl ConnectionError {
    pub(super) const fn protocol(reason: &'static str) -> Self {
        ConnectionError { code: CloseCode::PROTOCOL_ERROR, reason }
    }

    pub(super) const fn payload(reason: &'static str) -> Self {
        ConnectionError { code: CloseCode::INVALID_PAYLOAD, reason }
    }

    pub(super) const fn policy(reason: &'static str) -> Self {
        ConnectionError { code: CloseCode::POLICY_VIOLATION, reason }
    }

    pub(super) const fn too_big(reason: &'static str) -> Self {
        ConnectionError { code: CloseCode::MESSAGE_TOO_BIG, reason }
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.reason)
    }
}

impl std::error::Error for ConnectionError {}

/// Why nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// A Close was sent, or the connection is over.
    Closed,
    /// A message in fragments has to end first; or a fragment is of another kind than the message it belongs to.
    Unfinished,
    /// A text that is not UTF-8.
    NotUtf8,
    /// The payload of a control frame is longer than 125 bytes, or the reason of a Close longer than 123.
    TooLong,
    /// A Close has a reason and no code.
    ReasonWithoutCode,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Closed => "the connection is closed",
            SendError::Unfinished => "a message in fragments has to end first",
            SendError::NotUtf8 => "a text has to be UTF-8",
            SendError::TooLong => "payload too long for a control frame",
            SendError::ReasonWithoutCode => "a reason to close needs a code",
        })
    }
}

impl std::error::Error for SendError {}
