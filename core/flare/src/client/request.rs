//! The head of a request that is to be sent.

use flare_proto::SendError;
use flare_proto::http1::ContentLength;

use crate::message::Headers;

/// The head of a request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method, a token.
    pub method: String,
    /// `https` or `http`. HTTP/1.1 does not send it. Empty: [`Client`](super::Client) sees whether its connection is encrypted.
    pub scheme: String,
    /// Host and port, as in the Host field.
    pub authority: String,
    /// `/path?query`, or `*` with OPTIONS. A CONNECT without [`protocol`](Self::protocol) has none: its target is the authority.
    pub target: String,
    /// The fields. Those that frame the message or belong to the connection are the connection's own: Content-Length has to agree with
    /// [`content`](Self::content), and Transfer-Encoding is refused.
    pub headers: Headers,
    /// The length of the content.
    pub content: ContentLength,
    /// The protocol to go on with as a stream of bytes, such as `websocket`. With HTTP/1.1 it is a GET with `Upgrade` (RFC 9110, 7.8), with
    /// HTTP/2 an Extended CONNECT (RFC 8441), which the server has to have offered.
    pub protocol: Option<String>,
    /// The protocol has datagrams (RFC 9297): when the server has taken it, its stream is one of capsules, [`Event::Datagram`](super::Event::Datagram) tells what
    /// comes, and [`Client::send_datagram`](super::Client::send_datagram) sends. Only [`Client`](super::Client) does this, and not a bare session.
    pub datagrams: bool,
}

impl Request {
    /// A request without fields and content, for `http`.
    #[must_use]
    pub fn new(method: &str, authority: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            scheme: "http".to_owned(),
            authority: authority.to_owned(),
            target: target.to_owned(),
            headers: Headers::new(),
            content: ContentLength::None,
            protocol: None,
            datagrams: false,
        }
    }
}

/// Why something was not taken from the caller. The exchange and the connection are as they were, unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The connection takes no request now: HTTP/1.1 has one under way, the server allows no more streams, or the connection ends.
    Busy,
    /// The connection is over, and takes no request any more.
    ConnectionOver,
    /// So much of the exchange's content waits that nothing was taken. [`Event::Writable`](super::Event::Writable) says when to go on.
    WouldBlock,
    /// A datagram is longer than the way to the server allows now.
    TooLarge {
        /// The most bytes that one may have.
        most: usize,
    },
    /// The exchange is over, or its request has ended.
    Over,
    /// The request, or its content, can't be sent like this.
    Invalid(SendError),
}

impl From<SendError> for RequestError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Closed => Self::Over,
            error => Self::Invalid(error),
        }
    }
}

impl std::fmt::Display for RequestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy => f.write_str("the connection takes no other request now"),
            Self::ConnectionOver => f.write_str("the connection is over"),
            Self::WouldBlock => f.write_str("the server has to take some of the content first"),
            Self::TooLarge { most } => write!(f, "a datagram may have {most} bytes here"),
            Self::Over => f.write_str("the exchange is over"),
            Self::Invalid(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RequestError {}
