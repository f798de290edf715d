//! The body of a message that is sent (RFC 9112 sections 6, 7.1).

use super::head_writer::{push_field, push_hex};
use super::trailers;
use crate::{Headers, SendError};

/// How the body of a message goes onto the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyFraming {
    /// No body bytes are sent. Data given for it is dropped when it belongs to an answer to HEAD, or to a 204, 205 or 304.
    Nothing,
    /// As it is: its length was announced.
    Raw,
    /// In chunks.
    Chunked,
    /// As it is; it ends when the connection is closed.
    UntilClose,
}

/// Puts a body onto the wire, and keeps count.
#[derive(Debug)]
pub(super) struct BodyEncoder {
    /// Bytes of the announced length that are still to be sent.
    remaining: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// The head was not sent.
    Head,
    Raw,
    Chunked,
    UntilClose,
    End,
    /// As `End`; data is taken and dropped.
    EndDropping,
    /// The body was cut short.
    Failed,
}

impl BodyEncoder {
    /// Before the head.
    pub(super) const fn new() -> Self {
        BodyEncoder { remaining: 0, state: State::Head }
    }

    /// The head was sent. `length` counts with [`BodyFraming::Raw`]; `drops` with [`BodyFraming::Nothing`].
    #[inline]
    pub(super) fn begin(&mut self, framing: BodyFraming, length: u64, drops: bool) {
        self.remaining = length;
        self.state = match framing {
            BodyFraming::Nothing if drops => State::EndDropping,
            BodyFraming::Nothing => State::End,
            BodyFraming::Raw => State::Raw,
            BodyFraming::Chunked => State::Chunked,
            BodyFraming::UntilClose => State::UntilClose,
        };
    }

    #[inline]
    pub(super) fn has_begun(&self) -> bool {
        self.state != State::Head
    }

    #[inline]
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, State::End | State::EndDropping)
    }

    pub(super) fn send_data(&mut self, out: &mut Vec<u8>, data: &[u8]) -> Result<(), SendError> {
        if self.begin_data(out, data.len())? {
            out.extend_from_slice(data);
            self.end_data(out);
        }
        Ok(())
    }

    /// Whether the data is to be written.
    pub(super) fn begin_data(&mut self, out: &mut Vec<u8>, len: usize) -> Result<bool, SendError> {
        match self.state {
            State::Head | State::Failed => return Err(SendError::Order),
            State::EndDropping => return Ok(false),
            State::End if len > 0 => return Err(SendError::TooLong),
            _ if len == 0 => return Ok(false),
            State::Raw => {
                self.remaining = self.remaining.checked_sub(len as u64).ok_or(SendError::TooLong)?;
            }
            State::Chunked => {
                push_hex(out, len as u64);
                out.extend_from_slice(b"\r\n");
            }
            State::UntilClose | State::End => {}
        }
        Ok(true)
    }

    pub(super) fn end_data(&mut self, out: &mut Vec<u8>) {
        if self.state == State::Chunked {
            out.extend_from_slice(b"\r\n");
        }
    }

    pub(super) fn end(&mut self, out: &mut Vec<u8>, trailers: Option<&Headers>) -> Result<(), SendError> {
        match self.state {
            State::Head | State::Failed => return Err(SendError::Order),
            State::Raw if self.remaining > 0 => {
                self.state = State::Failed;
                return Err(SendError::TooShort);
            }
            State::Chunked => {
                let trailers = trailers.into_iter().flat_map(Headers::raw);
                if trailers.clone().any(|(name, _)| !trailers::is_allowed(name)) {
                    return Err(SendError::Trailer);
                }
                out.extend_from_slice(b"0\r\n");
                for (name, value) in trailers {
                    push_field(out, name, value);
                }
                out.extend_from_slice(b"\r\n");
                self.state = State::End;
            }
            State::Raw | State::UntilClose => self.state = State::End,
            State::End | State::EndDropping => {}
        }
        Ok(())
    }
}
