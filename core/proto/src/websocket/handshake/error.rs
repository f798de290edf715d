//! What can be wrong in a handshake.

use std::fmt;

/// A field of a handshake breaks the rules. A server answers with 400; a client ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// `Sec-WebSocket-Protocol` is no list of tokens, names one twice, or has none.
    Subprotocols,
    /// The server chose a subprotocol that was not offered, or several.
    SubprotocolNotOffered,
    /// `Sec-WebSocket-Extensions` is no list of extensions.
    Extensions,
    /// The server agreed to an extension, or to parameters of one, that were not offered.
    ExtensionNotOffered,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HandshakeError::Subprotocols => "malformed Sec-WebSocket-Protocol",
            HandshakeError::SubprotocolNotOffered => "subprotocol that was not offered",
            HandshakeError::Extensions => "malformed Sec-WebSocket-Extensions",
            HandshakeError::ExtensionNotOffered => "extension, or parameter, that was not offered",
        })
    }
}

impl std::error::Error for HandshakeError {}
