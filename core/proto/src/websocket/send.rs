//! Output: what a connection sends, by its [`Sender`](super::Sender), and what is encoded for many connections.

use super::close::CloseCode;
use super::connection::Connection;
use super::error::{ConnectionError, SendError};
use super::event::Opcode;
use super::frame::{FrameHead, FrameKind};
use super::utf8::is_utf8;

/// Appends a message as a server sends it, uncompressed, in one frame: encoded once, it can go out on any number of connections of servers, also on
/// those that agreed on compression. Ask each whether it [is open](Connection::is_open).
///
/// # Errors
/// [`SendError::NotUtf8`].
pub fn encode(opcode: Opcode, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
    check_text(opcode, bytes)?;
    encode_head(opcode, bytes.len() as u64, out);
    out.extend_from_slice(bytes);
    Ok(())
}

/// Appends what goes before the bytes of a message, of which there are `length` (at most 2^63 - 1): for a server that does not want to copy them. They go
/// out right behind, uncompressed, and those of a text have to be UTF-8 (see [`is_utf8`]).
pub fn encode_head(opcode: Opcode, length: u64, out: &mut Vec<u8>) {
    let kind = FrameKind::Message(opcode);
    let (bytes, count) = FrameHead { is_last: true, is_compressed: false, kind, key: None, length }.encode();
    out.extend_from_slice(bytes.get(..count).unwrap_or_default());
}

pub(super) fn check_text(opcode: Opcode, bytes: &[u8]) -> Result<(), SendError> {
    if opcode == Opcode::Text && !is_utf8(bytes) { Err(SendError::NotUtf8) } else { Ok(()) }
}

impl Connection {
    /// Sends a message, in one frame. Compressed, if that was agreed on.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::NotUtf8`], [`SendError::Unfinished`]. Nothing was appended then.
    pub fn send(&mut self, opcode: Opcode, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.sender.send(opcode, bytes, out)
    }

    /// Sends a text, which is known to be UTF-8. As [`Connection::send`].
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::Unfinished`]. Nothing was appended then.
    pub fn send_text(&mut self, text: &str, out: &mut Vec<u8>) -> Result<(), SendError> {
        self.sender.send_text(text, out)
    }

    /// Sends a fragment of a message, in a frame of its own (RFC 6455 section 5.4), without compression. What it begins ends with the fragment that
    /// `is_last`; until then only control frames can be sent in between. Each fragment of a text is UTF-8 by itself.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::NotUtf8`], and [`SendError::Unfinished`] when it is of another kind than those before it. Nothing was
    /// appended then.
    pub fn send_fragment(
        &mut self,
        opcode: Opcode,
        bytes: &[u8],
        is_last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.sender.send_fragment(opcode, bytes, is_last, out)
    }

    /// Sends a Ping (RFC 6455 section 5.5.2), whose Pong comes as an event. `payload`: at most 125 bytes.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::TooLong`]. Nothing was appended then.
    pub fn ping(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.sender.ping(payload, out)
    }

    /// Sends a Pong that no Ping asked for (RFC 6455 section 5.5.3). Those that answer a Ping are sent by [`Connection::receive`].
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::TooLong`]. Nothing was appended then.
    pub fn pong(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.sender.pong(payload, out)
    }

    /// Sends a Close (RFC 6455 section 5.5.1): nothing more can be sent. What the peer sent before it knew still comes, and then its Close, for which the
    /// owner waits no longer than it likes. `code`: `None` says nothing. `reason`: at most 123 bytes, and only with a code.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::TooLong`], [`SendError::ReasonWithoutCode`]. Nothing was appended then.
    pub fn close(
        &mut self,
        code: Option<CloseCode>,
        reason: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.sender.close(code, reason, out)
    }

    /// The peer broke the rules: it is told, and the connection is over (RFC 6455 section 7.1.7).
    pub(super) fn fail(&mut self, error: ConnectionError, out: &mut Vec<u8>) {
        if !self.sender.close_sent {
            self.sender.write_close(Some(error.code), error.reason, out);
        }
        self.over = Some(Box::new(error));
        self.buffer = Vec::new();
        self.message_length = 0;
        self.message = None;
        self.sender.deflate = None;
    }
}
