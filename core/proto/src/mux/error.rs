//! What can go wrong, for the whole connection and for one command.

use std::fmt;

/// The peer broke the protocol. The connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A payload is longer than [`Limits::max_frame`](super::Limits::max_frame): so many bytes.
    FrameTooLong(u32),
    /// A frame has a kind that does not exist.
    UnknownKind(u8),
    /// The peer opened a stream that is open.
    OpenedTwice(u64),
    /// The peer sent bytes or DONE on a stream after its DONE.
    AfterDone(u64),
    /// The payload of a CREDIT is not four bytes long.
    MalformedCredit(u64),
    /// The credit of a stream grew beyond [`MAX_CREDIT`](super::MAX_CREDIT).
    TooMuchCredit(u64),
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameTooLong(length) => write!(f, "a frame of {length} bytes is too long"),
            Self::UnknownKind(kind) => write!(f, "there is no frame of kind {kind}"),
            Self::OpenedTwice(id) => write!(f, "stream {id} was opened twice"),
            Self::AfterDone(id) => write!(f, "more came on stream {id} after its DONE"),
            Self::MalformedCredit(id) => write!(f, "a CREDIT of stream {id} is not four bytes long"),
            Self::TooMuchCredit(id) => write!(f, "stream {id} was given too much credit"),
        }
    }
}

impl std::error::Error for ProtocolError {}

/// Why a command was refused. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// The stream is not open: it never was, or it is over.
    NotOpen,
    /// This end has finished the stream.
    Finished,
    /// This end has as many streams open as it may, or no id is left.
    TooManyStreams,
    /// The credit would be more than [`MAX_CREDIT`](super::MAX_CREDIT).
    TooMuchCredit,
    /// The connection is over, for this reason.
    Over(ProtocolError),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOpen => f.write_str("the stream is not open"),
            Self::Finished => f.write_str("the stream was finished before"),
            Self::TooManyStreams => f.write_str("too many streams are open"),
            Self::TooMuchCredit => f.write_str("the credit would be too large"),
            Self::Over(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CommandError {}
