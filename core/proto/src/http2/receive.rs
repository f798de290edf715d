//! Input: which frame comes, and whether it may.

use super::connection::Connection;
use super::error::ConnectionError;
use super::event::Event;
use super::flood::Cost;
use super::frame::{FRAME_HEADER_LENGTH, FrameHeader, FrameKind, MAX_31_BITS, flag};
use super::inbound::{Inbound, fill, take};
use super::role::Role;
use crate::Headers;

/// What a frame or a part of one came to.
pub(super) type Received<'a, I> = Result<Option<Event<'a, I>>, ConnectionError>;

/// A buffer for parts of frames that is larger is given back once it is empty.
const KEPT: usize = 2048;

impl<R: Role> Connection<R> {
    /// Takes bytes of the peer off the front of `input`, up to the first event. `None`: all of them were taken, and nothing is left to tell; call
    /// until then, also when `input` is empty. Answers are appended to `out`. [`Event::Head`] and its like fill `head`, and [`Event::End`] with
    /// trailers fills `trailers`; in between they hold nothing of use.
    ///
    /// # Errors
    /// The peer broke the protocol, or costs too much. The connection is over: its GOAWAY is in `out`, and every later call says the same. All
    /// streams are over without an event.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        input: &mut &'a [u8],
        head: &mut R::Head,
        trailers: &mut Headers,
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        if let Some(error) = self.over {
            return Err(error);
        }
        let received = self.advance(input, head, trailers, out);
        if let Err(error) = received {
            self.fail(error, out);
        }
        received
    }

    #[inline]
    fn advance<'a>(
        &mut self,
        input: &mut &'a [u8],
        head: &mut R::Head,
        trailers: &mut Headers,
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        loop {
            if let Some(event) = self.waiting_event(out) {
                return Ok(Some(event));
            }
            if input.is_empty() {
                return Ok(None);
            }
            if let Some(event) = self.step(input, head, trailers, out)? {
                return Ok(Some(event));
            }
        }
    }

    /// What is to be told without more input.
    #[inline]
    fn waiting_event<'a>(&mut self, out: &mut Vec<u8>) -> Option<Event<'a, R::Info>> {
        if let Some(stream) = self.ended.take()
            && let Some(event) = self.peer_ended(stream, out)
        {
            return Some(event);
        }
        if self.drain.peer_last.is_some() {
            return self.stream_behind_goaway(out);
        }
        None
    }

    /// Takes the part of the input that belongs together: at least one byte.
    #[inline]
    fn step<'a>(
        &mut self,
        input: &mut &'a [u8],
        head: &mut R::Head,
        trailers: &mut Headers,
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        match &mut self.inbound {
            Inbound::Head { bytes, have } => {
                let header = match input.split_first_chunk::<FRAME_HEADER_LENGTH>() {
                    Some((bytes, rest)) if *have == 0 => {
                        *input = rest;
                        FrameHeader::decode(*bytes)
                    }
                    _ if fill(input, bytes, have) => FrameHeader::decode(*bytes),
                    _ => return Ok(None),
                };
                self.inbound = Inbound::START;
                self.begin(header, input, head, trailers, out)
            }
            Inbound::Payload { header, .. } => {
                let header = *header;
                let mut left = header.length - self.partial.len() as u32;
                self.partial.extend_from_slice(take(input, &mut left));
                if left > 0 {
                    return Ok(None);
                }
                self.inbound = Inbound::START;
                let mut payload = std::mem::take(&mut self.partial);
                let received = self.frame(header, &payload, head, trailers, out);
                payload.clear();
                if payload.capacity() <= KEPT {
                    self.partial = payload;
                }
                received
            }
            Inbound::PadLength { header, stream } => {
                let (header, stream) = (*header, *stream);
                let mut left = 1;
                let padding = take(input, &mut left).first().copied().unwrap_or_default();
                self.begin_content(header, stream, Some(padding), out)
            }
            Inbound::Data { .. } => Ok(self.content(input, out)),
            Inbound::Skipped { left } => {
                take(input, left);
                if *left == 0 {
                    self.inbound = Inbound::START;
                }
                Ok(None)
            }
            Inbound::Preface { have } => {
                let expected = super::PREFACE.get(usize::from(*have)..).unwrap_or_default();
                let count = expected.len().min(input.len());
                let (came, rest) = input.split_at(count);
                if !expected.starts_with(came) {
                    return Err(ConnectionError::protocol("no preface of HTTP/2"));
                }
                *input = rest;
                *have += count as u8;
                if usize::from(*have) == super::PREFACE.len() {
                    self.inbound = Inbound::START;
                }
                Ok(None)
            }
        }
    }

    /// A frame, from its head. If the whole of it is there, it is not copied.
    #[inline]
    fn begin<'a>(
        &mut self,
        header: FrameHeader,
        input: &mut &'a [u8],
        head: &mut R::Head,
        trailers: &mut Headers,
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        if header.length > self.limits.frame_limit() {
            return Err(ConnectionError::frame_size("frame too long"));
        }
        let kind = FrameKind::from_number(header.kind);
        if !self.settings_came && (kind != Some(FrameKind::Settings) || header.has(flag::ACK)) {
            return Err(ConnectionError::protocol("the first frame is not SETTINGS"));
        }
        if let Some(section) = self.open_section
            && (kind != Some(FrameKind::Continuation) || header.stream != section.stream)
        {
            return Err(ConnectionError::protocol("a field section was interrupted"));
        }
        match kind {
            Some(FrameKind::Data) => self.begin_data_frame(header, out),
            Some(kind) => {
                self.check_length(kind, header)?;
                match input.split_at_checked(header.length as usize) {
                    Some((payload, rest)) => {
                        *input = rest;
                        self.frame(header, payload, head, trailers, out)
                    }
                    None => {
                        self.partial.clear();
                        self.inbound = Inbound::Payload { header, since: self.now };
                        Ok(None)
                    }
                }
            }
            None => {
                self.spend(Cost::IdleFrame)?;
                self.skip(header.length);
                Ok(None)
            }
        }
    }

    /// What can be said of a frame before its payload is there.
    fn check_length(&self, kind: FrameKind, header: FrameHeader) -> Result<(), ConnectionError> {
        let (is_good, on_stream) = match kind {
            FrameKind::Headers | FrameKind::Continuation => (true, Some(true)),
            // A wrong length is a matter of the stream alone.
            FrameKind::Priority => (true, Some(true)),
            FrameKind::RstStream => (header.length == 4, Some(true)),
            FrameKind::Settings if header.has(flag::ACK) => (header.length == 0, Some(false)),
            FrameKind::Settings => (header.length.is_multiple_of(6), Some(false)),
            FrameKind::Ping => (header.length == 8, Some(false)),
            FrameKind::Goaway => (header.length >= 8, Some(false)),
            FrameKind::WindowUpdate => (header.length == 4, None),
            FrameKind::PriorityUpdate => (header.length >= 4, Some(false)),
            FrameKind::Data | FrameKind::PushPromise => (true, None),
        };
        if on_stream.is_some_and(|on_stream| on_stream != (header.stream != 0)) {
            return Err(ConnectionError::protocol("frame on a stream it can't be on"));
        }
        if is_good { Ok(()) } else { Err(ConnectionError::frame_size("frame of a length it can't have")) }
    }

    /// A frame that is whole.
    #[inline]
    fn frame<'a>(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        head: &mut R::Head,
        trailers: &mut Headers,
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        match FrameKind::from_number(header.kind) {
            Some(FrameKind::Headers) => self.headers_frame(header, payload, head, trailers, out),
            Some(FrameKind::WindowUpdate) => self.window_update(header.stream, payload, out),
            Some(FrameKind::Continuation) => self.continuation(header, payload, head, trailers, out),
            Some(FrameKind::RstStream) => self.rst_stream(header.stream, payload, out),
            Some(FrameKind::Settings) => self.settings_frame(header, payload, out),
            Some(FrameKind::Ping) => self.ping_frame(header, payload, out),
            Some(FrameKind::Goaway) => self.goaway(payload),
            Some(FrameKind::Priority) => self.priority_frame(header.stream, payload, out),
            Some(FrameKind::PriorityUpdate) => self.priority_update(payload),
            Some(FrameKind::PushPromise) => {
                Err(ConnectionError::protocol("PUSH_PROMISE that is not allowed"))
            }
            Some(FrameKind::Data) | None => Ok(None),
        }
    }

    pub(super) fn skip(&mut self, length: u32) {
        self.inbound = if length > 0 { Inbound::Skipped { left: length } } else { Inbound::START };
    }

    /// Whether no frame can come on this stream yet.
    pub(super) fn is_idle(&self, id: u32) -> bool {
        // Streams of the server do not exist: push is not allowed.
        id > self.last_id || id.is_multiple_of(2)
    }
}

/// The number at the start of a payload, without its top bit.
pub(super) fn number_31(payload: &[u8]) -> u32 {
    number(payload) & MAX_31_BITS
}

/// The number at the start of a payload that was found long enough.
pub(super) fn number(payload: &[u8]) -> u32 {
    payload.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}
