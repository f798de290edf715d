//! The body of a message that is received (RFC 9112 sections 6.3, 7.1).

use super::chunk_line::ChunkLine;
use super::error::{Error, Kind};
use super::framing::BodyLength;
use super::limits::Limits;
use super::trailers;
use crate::Headers;

/// What a piece of input held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyEvent<'a> {
    /// Nothing yet: more input is needed.
    Incomplete,
    /// Some of the body, never empty. It lies in the input.
    Data(&'a [u8]),
    /// The body has ended; all trailers have come.
    End,
}

/// Takes a body apart. Only an unfinished trailer line has to be given again: everything else is consumed as it comes.
#[derive(Debug)]
pub(super) struct BodyDecoder {
    /// Bytes of the body, or of the chunk, that are still to come; within a chunk line, the size so far.
    remaining: u64,
    /// Bytes of the chunk line, or of the trailer section, that were consumed.
    line_bytes: u32,
    /// Bytes of the unfinished trailer line that were searched for its end.
    scanned: u32,
    trailer_count: u16,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    End,
    Known,
    UntilClose,
    Line(ChunkLine),
    Data,
    DataCr,
    DataLf,
    Trailers,
}

impl BodyDecoder {
    /// No body, or one that has ended.
    pub(super) const fn ended() -> Self {
        Self::in_state(State::End, 0)
    }

    pub(super) fn new(length: BodyLength) -> Self {
        match length {
            BodyLength::Empty | BodyLength::Known(0) => Self::ended(),
            BodyLength::Known(length) => Self::in_state(State::Known, length),
            BodyLength::Chunked => Self::in_state(State::Line(ChunkLine::Start), 0),
        }
    }

    /// A body that ends with the connection.
    pub(super) fn until_close() -> Self {
        Self::in_state(State::UntilClose, 0)
    }

    const fn in_state(state: State, remaining: u64) -> Self {
        BodyDecoder { remaining, line_bytes: 0, scanned: 0, trailer_count: 0, state }
    }

    #[inline]
    pub(super) fn has_ended(&self) -> bool {
        self.state == State::End
    }

    /// The connection was closed by the peer.
    pub(super) fn end_of_input(&mut self) -> Result<(), Error> {
        match self.state {
            State::End => Ok(()),
            State::UntilClose => {
                self.state = State::End;
                Ok(())
            }
            _ => Err(Kind::EndOfInput.into()),
        }
    }

    /// How much of the input was consumed, and what it held.
    pub(super) fn receive<'a>(
        &mut self,
        limits: &Limits,
        input: &'a [u8],
        trailers: &mut Headers,
    ) -> Result<(usize, BodyEvent<'a>), Error> {
        let mut consumed = 0;
        loop {
            let rest = input.get(consumed..).unwrap_or_default();
            if self.state == State::End {
                return Ok((consumed, BodyEvent::End));
            }
            let Some(&byte) = rest.first() else {
                return Ok((consumed, BodyEvent::Incomplete));
            };
            match self.state {
                State::End => {}
                State::UntilClose => return Ok((consumed + rest.len(), BodyEvent::Data(rest))),
                State::Known | State::Data => {
                    let data = match usize::try_from(self.remaining) {
                        Ok(remaining) => rest.get(..remaining).unwrap_or(rest),
                        Err(_) => rest,
                    };
                    self.remaining -= data.len() as u64;
                    if self.remaining == 0 {
                        self.state = if self.state == State::Data { State::DataCr } else { State::End };
                    }
                    return Ok((consumed + data.len(), BodyEvent::Data(data)));
                }
                State::DataCr if byte == b'\r' => {
                    self.state = State::DataLf;
                    consumed += 1;
                }
                State::DataLf if byte == b'\n' => {
                    self.state = State::Line(ChunkLine::Start);
                    self.line_bytes = 0;
                    consumed += 1;
                }
                State::DataCr | State::DataLf => return Err(Kind::Chunk.into()),
                State::Line(line) => {
                    consumed += 1;
                    self.receive_line_byte(limits, line, byte)?;
                }
                State::Trailers => match self.receive_trailer(limits, rest, trailers)? {
                    0 => return Ok((consumed, BodyEvent::Incomplete)),
                    len => consumed += len,
                },
            }
        }
    }

    #[inline]
    fn receive_line_byte(&mut self, limits: &Limits, line: ChunkLine, byte: u8) -> Result<(), Error> {
        let line = line.step(byte, &mut self.remaining)?;
        self.line_bytes += 1;
        self.state = match (line, self.remaining) {
            (ChunkLine::End, 0) => {
                self.line_bytes = 0;
                State::Trailers
            }
            (ChunkLine::End, _) => State::Data,
            _ if self.line_bytes >= limits.chunk_line_bytes => return Err(Kind::ChunkLineTooLong.into()),
            _ => State::Line(line),
        };
        Ok(())
    }

    /// The length of the line that was consumed; 0 when it is not complete.
    fn receive_trailer(
        &mut self,
        limits: &Limits,
        rest: &[u8],
        trailers: &mut Headers,
    ) -> Result<usize, Error> {
        let budget = limits.trailer_bytes.saturating_sub(self.line_bytes) as usize;
        let window = rest.get(..budget).unwrap_or(rest);
        let start = (self.scanned as usize).min(window.len());
        let Some(at) = memchr::memchr(b'\n', window.get(start..).unwrap_or_default()) else {
            if rest.len() >= budget {
                return Err(Kind::TrailersTooLarge.into());
            }
            self.scanned = rest.len() as u32;
            return Ok(0);
        };
        let len = start + at + 1;
        self.scanned = 0;
        self.line_bytes += len as u32;
        match window.get(..len - 1) {
            Some(b"\r") => self.state = State::End,
            Some([line @ .., b'\r']) => {
                if self.trailer_count >= limits.header_count {
                    return Err(Kind::TrailersTooLarge.into());
                }
                self.trailer_count += 1;
                trailers::receive(line, trailers)?;
            }
            _ => return Err(Kind::LineEnd.into()),
        }
        Ok(len)
    }
}
