//! One end of a connection: the rules of the protocol.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::error::{CommandError, ProtocolError};
use super::event::Event;
use super::frame::{FrameHeader, FrameKind, write};
use super::inbound::{Inbound, fill, take};
use super::limits::{Limits, MAX_CREDIT, MAX_ERROR_TEXT};
use super::stream::Stream;

/// Which end of the connection this is: it decides the ids of its streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The end that connected. Opens streams with odd ids.
    Connecting,
    /// The end that accepted. Opens streams with even ids.
    Accepting,
}

/// One end of a connection. Commands and input append frames to `out`, which the caller sends in this order.
///
/// Answers to input (ERROR for a stream too many) are about as long as what they answer. A caller whose peer reads nothing stops its
/// input when `out` is long.
#[derive(Debug)]
pub struct Mux {
    limits: Limits,
    streams: BTreeMap<u64, Stream>,
    /// How many of them this end opened; the others are the peer's.
    own: usize,
    /// The id of the next stream of this end; None when all were used.
    next_id: Option<u64>,
    inbound: Inbound,
    over: Option<ProtocolError>,
}

impl Mux {
    /// An end without streams.
    #[must_use]
    pub fn new(role: Role, limits: Limits) -> Self {
        let first = match role {
            Role::Connecting => 1,
            Role::Accepting => 2,
        };
        Self {
            limits: Limits { max_frame: limits.max_frame.max(1), ..limits },
            streams: BTreeMap::new(),
            own: 0,
            next_id: Some(first),
            inbound: Inbound::START,
            over: None,
        }
    }

    /// How many streams are open, of both ends.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Whether a stream is open in at least one direction.
    #[must_use]
    pub fn is_open(&self, id: u64) -> bool {
        self.streams.contains_key(&id)
    }

    /// How many bytes [`Mux::send`] would take now: 0 when the stream is not open or was finished.
    #[must_use]
    pub fn sendable(&self, id: u64) -> usize {
        self.streams
            .get(&id)
            .map_or(0, |stream| if stream.finished { 0 } else { stream.send_credit as usize })
    }

    /// Opens a stream.
    ///
    /// # Errors
    /// [`CommandError::TooManyStreams`], [`CommandError::Over`].
    pub fn open(&mut self, out: &mut Vec<u8>) -> Result<u64, CommandError> {
        self.check()?;
        if self.own >= self.limits.max_streams {
            return Err(CommandError::TooManyStreams);
        }
        loop {
            let id = self.next_id.ok_or(CommandError::TooManyStreams)?;
            self.next_id = id.checked_add(2);
            // An older peer may have taken an id of this end.
            if let Entry::Vacant(place) = self.streams.entry(id) {
                place.insert(Stream::new(false));
                self.own += 1;
                write(FrameKind::Open, id, &[], out);
                return Ok(id);
            }
        }
    }

    /// Sends as many bytes as the credit of the stream allows, and says how many. If that is not all, [`Event::Writable`] comes with the
    /// next credit.
    ///
    /// # Errors
    /// [`CommandError::NotOpen`], [`CommandError::Finished`], [`CommandError::Over`].
    pub fn send(&mut self, id: u64, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, CommandError> {
        self.check()?;
        let max_frame = self.limits.max_frame as usize;
        let stream = self.unfinished(id)?;
        let count = bytes.len().min(stream.send_credit as usize);
        stream.blocked = count < bytes.len();
        // Not more than the credit, which is a u32.
        stream.send_credit -= count as u32;
        for chunk in bytes.get(..count).unwrap_or_default().chunks(max_frame) {
            write(FrameKind::Chunk, id, chunk, out);
        }
        Ok(count)
    }

    /// Sends DONE: this end sends no more. It may still receive. If the peer is done too, the stream is over.
    ///
    /// # Errors
    /// [`CommandError::NotOpen`], [`CommandError::Finished`], [`CommandError::Over`].
    pub fn finish(&mut self, id: u64, out: &mut Vec<u8>) -> Result<(), CommandError> {
        self.check()?;
        let stream = self.unfinished(id)?;
        stream.finished = true;
        let over = stream.peer_done;
        write(FrameKind::Done, id, &[], out);
        if over {
            self.remove(id);
        }
        Ok(())
    }

    /// Ends a stream in both directions with a text for the peer, cut to [`MAX_ERROR_TEXT`] bytes.
    ///
    /// # Errors
    /// [`CommandError::NotOpen`], [`CommandError::Over`].
    pub fn error(&mut self, id: u64, text: &str, out: &mut Vec<u8>) -> Result<(), CommandError> {
        self.end(id)?;
        write_error(id, text, self.limits, out);
        Ok(())
    }

    /// Ends a stream in both directions: this end has no use for it.
    ///
    /// # Errors
    /// [`CommandError::NotOpen`], [`CommandError::Over`].
    pub fn cancel(&mut self, id: u64, out: &mut Vec<u8>) -> Result<(), CommandError> {
        self.end(id)?;
        write(FrameKind::Cancel, id, &[], out);
        Ok(())
    }

    /// Lets the peer send so many more bytes. What a reader has taken is given back like this; more makes the window larger. Does nothing
    /// when the peer is done.
    ///
    /// # Errors
    /// [`CommandError::NotOpen`], [`CommandError::TooMuchCredit`], [`CommandError::Over`].
    pub fn credit(&mut self, id: u64, bytes: u32, out: &mut Vec<u8>) -> Result<(), CommandError> {
        self.check()?;
        let stream = self.streams.get_mut(&id).ok_or(CommandError::NotOpen)?;
        if stream.peer_done || bytes == 0 {
            return Ok(());
        }
        stream.receive_credit = added(stream.receive_credit, bytes).ok_or(CommandError::TooMuchCredit)?;
        write(FrameKind::Credit, id, &bytes.to_be_bytes(), out);
        Ok(())
    }

    /// Takes bytes of the peer off the front of `input`, up to the first event. None: all of them were taken, and nothing is left to tell;
    /// call until then, also when `input` is empty. Answers are appended to `out`.
    ///
    /// # Errors
    /// The peer broke the protocol. The connection is over: every later call says the same.
    pub fn receive<'a>(
        &mut self,
        input: &mut &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        if let Some(error) = self.over {
            return Err(error);
        }
        let result = self.advance(input, out);
        if let Err(error) = result {
            self.over = Some(error);
            self.streams.clear();
            self.own = 0;
        }
        result
    }

    fn check(&self) -> Result<(), CommandError> {
        self.over.map_or(Ok(()), |error| Err(CommandError::Over(error)))
    }

    fn unfinished(&mut self, id: u64) -> Result<&mut Stream, CommandError> {
        let stream = self.streams.get_mut(&id).ok_or(CommandError::NotOpen)?;
        if stream.finished { Err(CommandError::Finished) } else { Ok(stream) }
    }

    fn end(&mut self, id: u64) -> Result<(), CommandError> {
        self.check()?;
        if self.remove(id) { Ok(()) } else { Err(CommandError::NotOpen) }
    }

    /// Forgets a stream. False: it was not open.
    fn remove(&mut self, id: u64) -> bool {
        match self.streams.remove(&id) {
            Some(stream) => {
                if !stream.from_peer {
                    self.own = self.own.saturating_sub(1);
                }
                true
            }
            None => false,
        }
    }

    fn advance<'a>(
        &mut self,
        input: &mut &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        loop {
            // The end of a DONE needs no more input.
            if let Inbound::Data { id, left: 0, done: true } = self.inbound {
                self.inbound = Inbound::START;
                if let Some(event) = self.peer_done(id) {
                    return Ok(Some(event));
                }
            }
            if input.is_empty() {
                return Ok(None);
            }
            if let Some(event) = self.step(input, out)? {
                return Ok(Some(event));
            }
        }
    }

    /// Takes the part of the input that belongs together: at least one byte.
    fn step<'a>(
        &mut self,
        input: &mut &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        match &mut self.inbound {
            Inbound::Head { bytes, have } => {
                if !fill(input, bytes, have) {
                    return Ok(None);
                }
                let head = FrameHeader::decode(*bytes);
                self.inbound = Inbound::START;
                self.begin(head, out)
            }
            Inbound::Data { id, left, done } => {
                let id = *id;
                let bytes = take(input, left);
                if *left == 0 && !*done {
                    self.inbound = Inbound::START;
                }
                // The stream may have been ended here since the frame began.
                Ok(self.is_open(id).then_some(Event::Data { id, bytes }))
            }
            Inbound::Error { id, left, text } => {
                let bytes = take(input, left);
                let room = MAX_ERROR_TEXT.saturating_sub(text.len());
                text.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                if *left > 0 {
                    return Ok(None);
                }
                let (id, text) = (*id, std::mem::take(text));
                self.inbound = Inbound::START;
                Ok(self.failed(id, &text))
            }
            Inbound::Credit { id, bytes, have } => {
                if !fill(input, bytes, have) {
                    return Ok(None);
                }
                let (id, bytes) = (*id, u32::from_be_bytes(*bytes));
                self.inbound = Inbound::START;
                self.credited(id, bytes)
            }
            Inbound::Skipped { left } => {
                take(input, left);
                if *left == 0 {
                    self.inbound = Inbound::START;
                }
                Ok(None)
            }
        }
    }

    /// What a frame is, from its head.
    fn begin<'a>(
        &mut self,
        head: FrameHeader,
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        let FrameHeader { length, id, kind } = head;
        let kind = FrameKind::from_number(kind).ok_or(ProtocolError::UnknownKind(kind))?;
        if length > self.limits.max_frame {
            return Err(ProtocolError::FrameTooLong(length));
        }
        match kind {
            FrameKind::Open => self.opened(id, length, out),
            FrameKind::Chunk => self.data(id, length, false, out),
            FrameKind::Done => self.data(id, length, true, out),
            FrameKind::Error if length == 0 => Ok(self.failed(id, &[])),
            FrameKind::Error => {
                self.inbound = Inbound::Error { id, left: length, text: Vec::new() };
                Ok(None)
            }
            FrameKind::Cancel => {
                self.skip(length);
                Ok(self.remove(id).then_some(Event::Cancelled { id }))
            }
            FrameKind::Credit if length == 4 => {
                self.inbound = Inbound::Credit { id, bytes: [0; 4], have: 0 };
                Ok(None)
            }
            FrameKind::Credit => Err(ProtocolError::MalformedCredit(id)),
        }
    }

    fn skip(&mut self, length: u32) {
        if length > 0 {
            self.inbound = Inbound::Skipped { left: length };
        }
    }

    fn opened<'a>(
        &mut self,
        id: u64,
        length: u32,
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        if self.is_open(id) {
            return Err(ProtocolError::OpenedTwice(id));
        }
        let mut stream = Stream::new(true);
        let refusal = match stream.receive_credit.checked_sub(length) {
            _ if self.streams.len() - self.own >= self.limits.max_streams => "too many streams",
            None => OVERRUN,
            Some(credit) => {
                stream.receive_credit = credit;
                self.streams.insert(id, stream);
                if length > 0 {
                    self.inbound = Inbound::Data { id, left: length, done: false };
                }
                return Ok(Some(Event::Opened { id }));
            }
        };
        write_error(id, refusal, self.limits, out);
        self.skip(length);
        Ok(None)
    }

    /// The head of a CHUNK or DONE.
    fn data<'a>(
        &mut self,
        id: u64,
        length: u32,
        done: bool,
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        let Some(stream) = self.streams.get_mut(&id) else {
            self.skip(length);
            return Ok(None);
        };
        if stream.peer_done {
            return Err(ProtocolError::AfterDone(id));
        }
        let Some(credit) = stream.receive_credit.checked_sub(length) else {
            self.remove(id);
            write_error(id, OVERRUN, self.limits, out);
            self.skip(length);
            return Ok(Some(Event::Error { id, text: OVERRUN.to_owned() }));
        };
        stream.receive_credit = credit;
        if length > 0 || done {
            self.inbound = Inbound::Data { id, left: length, done };
        }
        Ok(None)
    }

    fn peer_done<'a>(&mut self, id: u64) -> Option<Event<'a>> {
        let stream = self.streams.get_mut(&id)?;
        stream.peer_done = true;
        if stream.finished {
            self.remove(id);
        }
        Some(Event::Done { id })
    }

    fn failed<'a>(&mut self, id: u64, text: &[u8]) -> Option<Event<'a>> {
        self.remove(id).then(|| Event::Error { id, text: String::from_utf8_lossy(text).into_owned() })
    }

    fn credited<'a>(&mut self, id: u64, bytes: u32) -> Result<Option<Event<'a>>, ProtocolError> {
        let Some(stream) = self.streams.get_mut(&id) else { return Ok(None) };
        stream.send_credit = added(stream.send_credit, bytes).ok_or(ProtocolError::TooMuchCredit(id))?;
        let writable = stream.blocked && !stream.finished && stream.send_credit > 0;
        if writable {
            stream.blocked = false;
        }
        Ok(writable.then_some(Event::Writable { id }))
    }
}

/// What a stream ends with that was sent more than its credit.
const OVERRUN: &str = "more bytes than the credit allows";

fn added(credit: u32, bytes: u32) -> Option<u32> {
    credit.checked_add(bytes).filter(|sum| *sum <= MAX_CREDIT)
}

/// Appends an ERROR, whose text is cut between characters to what a frame may hold.
fn write_error(id: u64, text: &str, limits: Limits, out: &mut Vec<u8>) {
    let mut length = text.len().min(MAX_ERROR_TEXT).min(limits.max_frame as usize);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    write(FrameKind::Error, id, text.get(..length).unwrap_or_default().as_bytes(), out);
}
