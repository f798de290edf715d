//! The half of a connection that sends: messages, Pings and Pongs, and the Close.

use super::close::CloseCode;
use super::deflate::Deflate;
use super::error::SendError;
use super::event::Opcode;
use super::frame::{FrameHead, FrameKind, LONGEST_CONTROL, LONGEST_HEAD};
use super::mask::{append_masked, mask};
use super::role::{MaskKeys, Role};
use super::send::check_text;

/// The half of a [`Connection`](super::Connection) that sends, for an owner whose input is worked off elsewhere: then neither waits for the other. The
/// half that receives is a connection of its own, which only answers.
///
/// It belongs to one thread at a time. What is said of the methods of a connection is true of these too.
#[derive(Debug)]
pub struct Sender {
    /// Of a client. In a box, as a server has none and many sockets.
    pub(super) keys: Option<Box<MaskKeys>>,
    pub(super) deflate: Option<Box<Deflate>>,
    /// What is sent in fragments, until its last one.
    unfinished: Option<Opcode>,
    pub(super) close_sent: bool,
}

impl Sender {
    /// The sending half of a connection whose handshake is over. `deflate`: as for [`Connection::new`](super::Connection::new).
    #[must_use]
    pub fn new(role: Role, deflate: Option<Deflate>) -> Self {
        Sender {
            keys: match role {
                Role::Server => None,
                Role::Client(keys) => Some(Box::new(keys)),
            },
            deflate: deflate.map(Box::new),
            unfinished: None,
            close_sent: false,
        }
    }

    /// See [`Connection::is_mid_message`](super::Connection::is_mid_message).
    #[must_use]
    pub fn is_mid_message(&self) -> bool {
        self.unfinished.is_some()
    }

    /// See [`Connection::send`](super::Connection::send).
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::NotUtf8`], [`SendError::Unfinished`]. Nothing was appended then.
    pub fn send(&mut self, opcode: Opcode, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.check_free()?;
        check_text(opcode, bytes)?;
        self.message(opcode, bytes, out);
        Ok(())
    }

    /// See [`Connection::send_text`](super::Connection::send_text).
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::Unfinished`]. Nothing was appended then.
    pub fn send_text(&mut self, text: &str, out: &mut Vec<u8>) -> Result<(), SendError> {
        self.check_free()?;
        self.message(Opcode::Text, text.as_bytes(), out);
        Ok(())
    }

    fn check_open(&self) -> Result<(), SendError> {
        if self.close_sent { Err(SendError::Closed) } else { Ok(()) }
    }

    fn check_free(&self) -> Result<(), SendError> {
        self.check_open()?;
        if self.unfinished.is_some() { Err(SendError::Unfinished) } else { Ok(()) }
    }

    /// See [`Connection::send_fragment`](super::Connection::send_fragment).
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::NotUtf8`], [`SendError::Unfinished`]. Nothing was appended then.
    pub fn send_fragment(
        &mut self,
        opcode: Opcode,
        bytes: &[u8],
        is_last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.check_open()?;
        check_text(opcode, bytes)?;
        let kind = match self.unfinished {
            None => FrameKind::Message(opcode),
            Some(begun) if begun == opcode => FrameKind::Continuation,
            Some(_) => return Err(SendError::Unfinished),
        };
        self.unfinished = (!is_last).then_some(opcode);
        self.write_fragment(kind, is_last, bytes, out);
        Ok(())
    }

    fn message(&mut self, opcode: Opcode, bytes: &[u8], out: &mut Vec<u8>) {
        if self.deflate.is_none() || !self.write_compressed(opcode, bytes, out) {
            self.write(FrameKind::Message(opcode), bytes, out);
        }
    }

    /// See [`Connection::ping`](super::Connection::ping).
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::TooLong`]. Nothing was appended then.
    pub fn ping(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.send_control(FrameKind::Ping, payload, out)
    }

    /// See [`Connection::pong`](super::Connection::pong).
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::TooLong`]. Nothing was appended then.
    pub fn pong(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.send_control(FrameKind::Pong, payload, out)
    }

    fn send_control(&mut self, kind: FrameKind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.check_open()?;
        if payload.len() > LONGEST_CONTROL {
            return Err(SendError::TooLong);
        }
        self.write(kind, payload, out);
        Ok(())
    }

    /// See [`Connection::close`](super::Connection::close).
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::TooLong`], [`SendError::ReasonWithoutCode`]. Nothing was appended then.
    pub fn close(
        &mut self,
        code: Option<CloseCode>,
        reason: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.check_open()?;
        if reason.len() > LONGEST_CONTROL - 2 {
            return Err(SendError::TooLong);
        }
        if code.is_none() && !reason.is_empty() {
            return Err(SendError::ReasonWithoutCode);
        }
        self.write_close(code, reason, out);
        Ok(())
    }

    pub(super) fn write_close(&mut self, code: Option<CloseCode>, reason: &str, out: &mut Vec<u8>) {
        let mut payload = Vec::new();
        if let Some(code) = code {
            payload.extend_from_slice(&code.number().to_be_bytes());
            payload.extend_from_slice(reason.as_bytes());
        }
        self.write(FrameKind::Close, &payload, out);
        self.close_sent = true;
    }

    /// Appends a frame that is not compressed.
    pub(super) fn write(&mut self, kind: FrameKind, payload: &[u8], out: &mut Vec<u8>) {
        self.write_fragment(kind, true, payload, out);
    }

    /// Appends a frame that is not compressed, of a message that goes on unless this is the last.
    fn write_fragment(&mut self, kind: FrameKind, is_last: bool, payload: &[u8], out: &mut Vec<u8>) {
        let key = self.keys.as_mut().map(|keys| keys.next());
        let head = FrameHead { is_last, is_compressed: false, kind, key, length: payload.len() as u64 };
        let (bytes, count) = head.encode();
        out.reserve(count + payload.len());
        out.extend_from_slice(bytes.get(..count).unwrap_or_default());
        match key {
            Some(key) => append_masked(out, payload, key),
            None => out.extend_from_slice(payload),
        }
    }

    /// Appends a message, compressed. `false`: nothing was appended, and it is to be sent as it is.
    fn write_compressed(&mut self, opcode: Opcode, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(deflate) = &mut self.deflate else { return false };
        if !deflate.compresses(bytes.len()) {
            return false;
        }
        // The head is in front, and its length is known last.
        let start = out.len();
        out.resize(start + LONGEST_HEAD, 0);
        let payload = out.len();
        if !deflate.compress(bytes, out) {
            out.truncate(start);
            return false;
        }
        let key = self.keys.as_mut().map(|keys| keys.next());
        if let (Some(key), Some(payload)) = (key, out.get_mut(payload..)) {
            mask(payload, key);
        }
        let length = (out.len() - payload) as u64;
        let kind = FrameKind::Message(opcode);
        let (head, count) = FrameHead { is_last: true, is_compressed: true, kind, key, length }.encode();
        out.splice(start..payload, head.into_iter().take(count));
        true
    }
}
