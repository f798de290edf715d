//! What comes back.

use bytes::Bytes;
use flare_proto::ResponseHead;
use flare_proto::http2::ErrorCode;

use crate::message::{Headers, Version};

/// One request on a connection, and its answer. A number is used once on each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangeId(pub(super) u64);

impl ExchangeId {
    /// The number, for those who have to keep it as one.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The exchange that has this number. One of another connection, or that never was, is over.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// The head of an answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The version of HTTP that the answer came by.
    pub version: Version,
    /// The fields.
    pub headers: Headers,
}

impl Response {
    pub(super) fn of(head: &ResponseHead) -> Self {
        let mut headers = Headers::new();
        for (name, value) in head.headers().iter() {
            // Err: can't be, a field that was received is one that can be held.
            let _ = headers.append(name, value);
        }
        Self { status: head.status(), version: head.version(), headers }
    }
}

/// What happened to an exchange.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// An interim answer, 1xx (RFC 9110, 15.2). The final one follows.
    Informational(ExchangeId, Response),
    /// The head of the final answer.
    Head(ExchangeId, Response),
    /// The server went on to the protocol that was asked for: the exchange is a stream of bytes from here on, both ways.
    Switched(ExchangeId, Response),
    /// Some content. Whoever has used it says so by [`Session::consumed`](super::Session::consumed).
    Data(ExchangeId, Bytes),
    /// A datagram, of an exchange that asked for [them](super::Request::datagrams).
    Datagram(ExchangeId, Bytes),
    /// The answer has ended, with its trailers. A request that is not whole by now can be finished, or cancelled.
    End(ExchangeId, Headers),
    /// Content is taken again, after some was refused; or nobody wants the rest, which the next write says.
    Writable(ExchangeId),
    /// There is no answer, or not all of it; the exchange is over.
    Failed(ExchangeId, Failure),
}

impl Event {
    /// Whose event it is.
    #[must_use]
    pub const fn exchange(&self) -> ExchangeId {
        match self {
            Self::Informational(id, _)
            | Self::Head(id, _)
            | Self::Switched(id, _)
            | Self::Data(id, _)
            | Self::Datagram(id, _)
            | Self::End(id, _)
            | Self::Writable(id)
            | Self::Failed(id, _) => *id,
        }
    }
}

/// Why an exchange failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The server did nothing about the request: it can be sent again, whatever its method (RFC 9113, 8.7).
    Refused,
    /// The server reset the stream.
    Reset(ErrorCode),
    /// The connection ended before the answer did.
    Cut,
    /// The server broke the protocol, in these words.
    Malformed(&'static str),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused => f.write_str("the server refused the request before it did anything about it"),
            Self::Reset(code) => write!(f, "the server reset the stream: {code}"),
            Self::Cut => f.write_str("the connection ended before the answer did"),
            Self::Malformed(what) => write!(f, "the server broke the protocol: {what}"),
        }
    }
}

impl std::error::Error for Failure {}
