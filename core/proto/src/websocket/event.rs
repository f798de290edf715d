//! What a connection tells.

use super::close::CloseCode;

/// What a message holds (RFC 6455 section 5.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opcode {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

/// Something came in. What it holds is lent until the connection is used again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// A message, whole. The bytes of a text were found to be UTF-8.
    Message {
        /// Text or binary.
        opcode: Opcode,
        /// All of it, decompressed.
        bytes: &'a [u8],
    },
    /// A Ping (section 5.5.2). Its Pong is in `out` already.
    Ping {
        /// At most 125 bytes.
        payload: &'a [u8],
    },
    /// A Pong (section 5.5.3), whether it was asked for or not.
    Pong {
        /// At most 125 bytes. That of the Ping, if it is the answer to one.
        payload: &'a [u8],
    },
    /// The peer's Close (section 5.5.1): nothing comes any more. The answer is in `out` already, if this end has not sent a Close itself. A server then ends
    /// the stream of bytes once `out` was sent; a client waits a moment for the server to do so.
    Close {
        /// Why. `None`: the peer did not say.
        code: Option<CloseCode>,
        /// In the peer's words, at most 123 bytes. Often empty.
        reason: &'a str,
    },
}
