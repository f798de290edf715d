//! What can be wrong with a message that is to be sent.

use std::fmt;

/// Why something was not sent. Nothing was written, and but for [`SendError::TooShort`] the connection is as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SendError {
    /// The connection is not at this point of a message.
    Order,
    /// The status cannot be sent this way: not three digits, an interim status as a final one, or the reverse.
    Status,
    /// The method is not a token.
    Method,
    /// The target is malformed, or its form does not go with the method.
    Target,
    /// The authority, or the Host field, is malformed, missing or repeated.
    Authority,
    /// The fields hold a Transfer-Encoding: the transfer coding belongs to the connection.
    TransferEncoding,
    /// The Content-Length among the fields is malformed, repeated, or differs from the length of the body.
    ContentLength,
    /// More body than was announced.
    TooLong,
    /// The body ended before the announced length. The message cannot be completed: the connection must close.
    TooShort,
    /// A trailer that may not be sent as one (RFC 9110 section 6.5.1).
    Trailer,
    /// The stream is over: it was reset, or the connection was.
    Closed,
    /// A protocol switch that the peer did not ask for, or without an Upgrade field (RFC 9110 section 7.8).
    Upgrade,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Order => "the connection is not at this point of a message",
            SendError::Status => "status cannot be sent this way",
            SendError::Method => "malformed method",
            SendError::Target => "malformed request target",
            SendError::Authority => "malformed or repeated host",
            SendError::TransferEncoding => "Transfer-Encoding belongs to the connection",
            SendError::ContentLength => "malformed Content-Length, or not the length of the body",
            SendError::TooLong => "body longer than announced",
            SendError::TooShort => "body shorter than announced",
            SendError::Trailer => "field not allowed in trailers",
            SendError::Closed => "the stream is over",
            SendError::Upgrade => "protocol switch that was not asked for",
        })
    }
}

impl std::error::Error for SendError {}
