//! Unidirectional streams of the peer (RFC 9114 section 6.2): the first bytes say what each is for.

use super::connection::Connection;
use super::error::{ConnectionError, ErrorCode};
use super::event::Event;
use super::flood::Cost;
use super::receive::Received;
use super::role::Role;
use crate::varint;

/// The kind of the control stream.
pub(super) const CONTROL: u64 = 0x00;
/// The kind of a stream that a server pushes.
const PUSH: u64 = 0x01;
/// The kind of QPACK's encoder stream.
pub(super) const ENCODER: u64 = 0x02;
/// The kind of QPACK's decoder stream.
pub(super) const DECODER: u64 = 0x03;

pub(super) const CLOSED: ConnectionError =
    ConnectionError::new(ErrorCode::ClosedCriticalStream, "a stream that has to stay open was closed");

/// Whether a stream carries bytes one way only (RFC 9000 section 2.1).
pub(super) fn is_unidirectional(id: u64) -> bool {
    id & 0x2 != 0
}

/// The peer's unidirectional streams that are open. No more than the limit.
#[derive(Debug, Default)]
pub(super) struct PeerStreams {
    open: Vec<(u64, Kind)>,
}

/// What a stream is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Not known yet: the start of its kind, of which so many bytes came.
    Partial([u8; varint::LONGEST], u8),
    Control,
    Encoder,
    Decoder,
    Unknown,
}

/// Bytes of the encoder stream that are followed before it is looked whether they were too many.
const INSTRUCTIONS: usize = 1024;

impl<R: Role> Connection<R> {
    /// What came on a unidirectional stream.
    pub(super) fn receive_unidirectional<'a>(
        &mut self,
        id: u64,
        input: &mut &'a [u8],
        fin: bool,
    ) -> Received<'a, R::Info> {
        // Nothing comes on a stream of this end's.
        if (id & 0x1 == 0) != R::IS_SERVER {
            return Err(ConnectionError::new(ErrorCode::StreamCreation, "a stream of this end's"));
        }
        let at = match self.peer_streams.open.iter().position(|&(open, _)| open == id) {
            Some(at) => at,
            // The end of one that nobody wanted was seen.
            None if input.is_empty() => return Ok(None),
            None => {
                if self.peer_streams.open.len() >= usize::from(self.limits.unidirectional_streams) {
                    return Err(ConnectionError::load("too many unidirectional streams"));
                }
                self.peer_streams.open.push((id, Kind::Partial([0; varint::LONGEST], 0)));
                self.peer_streams.open.len() - 1
            }
        };
        let event = self.receive_kind(at, id, input)?;
        if event.is_none() && fin {
            self.peer_stream_closed(id)?;
        }
        Ok(event)
    }

    fn receive_kind<'a>(&mut self, at: usize, id: u64, input: &mut &'a [u8]) -> Received<'a, R::Info> {
        let Some((_, kind)) = self.peer_streams.open.get_mut(at) else { return Ok(None) };
        if let Kind::Partial(bytes, have) = kind {
            let Some(number) = take_number(bytes, have, input) else { return Ok(None) };
            let known = kind_of::<R>(number)?;
            *kind = known;
            if known == Kind::Unknown {
                self.spend(Cost::IdleFrame)?;
                return Ok(Some(Event::UnknownStream { stream: id, kind: number }));
            }
            let count = self.peer_streams.open.iter().filter(|&&(_, kind)| kind == known).count();
            if count > 1 {
                return Err(ConnectionError::new(ErrorCode::StreamCreation, "a second stream of its kind"));
            }
        }
        match self.peer_streams.open.get(at).map(|&(_, kind)| kind) {
            Some(Kind::Control) => self.receive_control(input),
            Some(Kind::Encoder) => {
                for part in std::mem::take(input).chunks(INSTRUCTIONS) {
                    let count = self.decoder.receive(part)?;
                    self.spend_instructions(count)?;
                }
                Ok(None)
            }
            Some(Kind::Decoder) => {
                for part in std::mem::take(input).chunks(INSTRUCTIONS) {
                    let count = self.encoder.receive(part)?;
                    self.spend_instructions(count)?;
                }
                Ok(None)
            }
            _ => {
                *input = &[];
                Ok(None)
            }
        }
    }

    fn spend_instructions(&mut self, count: u32) -> Result<(), ConnectionError> {
        (0..count).try_for_each(|_| self.spend(Cost::Instruction))
    }

    /// A stream of the peer's was closed or reset.
    pub(super) fn peer_stream_closed(&mut self, id: u64) -> Result<(), ConnectionError> {
        let Some(at) = self.peer_streams.open.iter().position(|&(open, _)| open == id) else {
            return Ok(());
        };
        match self.peer_streams.open.swap_remove(at).1 {
            Kind::Control | Kind::Encoder | Kind::Decoder => Err(CLOSED),
            // It may be closed before it says what it is for.
            Kind::Partial(..) => self.spend(Cost::IdleFrame),
            Kind::Unknown => Ok(()),
        }
    }
}

fn kind_of<R: Role>(number: u64) -> Result<Kind, ConnectionError> {
    match number {
        CONTROL => Ok(Kind::Control),
        ENCODER => Ok(Kind::Encoder),
        DECODER => Ok(Kind::Decoder),
        PUSH if R::IS_SERVER => Err(ConnectionError::new(ErrorCode::StreamCreation, "a push of a client")),
        PUSH => Err(ConnectionError::id("a push that was not allowed")),
        _ => Ok(Kind::Unknown),
    }
}

/// Takes a number that may come in pieces.
fn take_number(bytes: &mut [u8; varint::LONGEST], have: &mut u8, input: &mut &[u8]) -> Option<u64> {
    while let Some((&byte, rest)) = input.split_first() {
        *input = rest;
        *bytes.get_mut(usize::from(*have))? = byte;
        *have += 1;
        if let Some(number) = varint::take(&mut bytes.get(..usize::from(*have))?) {
            return Some(number);
        }
    }
    None
}
