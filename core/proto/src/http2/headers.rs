//! Field sections of the peer: HEADERS and CONTINUATION (RFC 9113 sections 6.2, 6.10).

use super::connection::{Connection, OpenSection};
use super::drain::Step;
use super::error::{ConnectionError, ErrorCode};
use super::event::Event;
use super::flood::Cost;
use super::frame::{FrameHeader, FrameKind, flag, write};
use super::receive::{Received, number_31};
use super::role::Role;
use super::stream::{Phase, StreamKey};
use super::streams::Closed;
use crate::section::read::{self, Read};
use crate::{Headers, hpack};

/// A field section that is whole.
#[derive(Clone, Copy, Debug)]
pub struct Section<'s> {
    pub(super) stream: u32,
    pub(super) ends_stream: bool,
    pub(super) fields: &'s [u8],
}

impl<R: Role> Connection<R> {
    #[inline]
    pub(super) fn headers_frame<'a>(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        head: &mut R::Head,
        trailers: &mut Headers,
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        let fields = if header.has(flag::PADDED) || header.has(flag::PRIORITY) {
            self.without_padding(header, payload)?
        } else {
            payload
        };
        let section = Section { stream: header.stream, ends_stream: header.has(flag::END_STREAM), fields };
        if header.has(flag::END_HEADERS) {
            return R::receive_head(self, section, head, trailers, out);
        }
        let (stream, ends_stream) = (section.stream, section.ends_stream);
        self.open_section = Some(OpenSection { stream, ends_stream, frames: 0, since: self.now });
        self.section.clear();
        self.add_to_section(fields).map(|()| None)
    }

    fn without_padding<'p>(
        &self,
        header: FrameHeader,
        mut payload: &'p [u8],
    ) -> Result<&'p [u8], ConnectionError> {
        const SHORT: ConnectionError = ConnectionError::frame_size("HEADERS too short");
        let mut padding = 0;
        if header.has(flag::PADDED) {
            let (&length, rest) = payload.split_first().ok_or(SHORT)?;
            (padding, payload) = (usize::from(length), rest);
        }
        if header.has(flag::PRIORITY) {
            if number_31(payload) == header.stream && payload.len() >= 5 {
                // A matter of the stream alone, but the stream is not open.
                return Err(ConnectionError::protocol("a stream that depends on itself"));
            }
            payload = payload.get(5..).ok_or(SHORT)?;
        }
        let length = payload.len().checked_sub(padding);
        let padded = ConnectionError::protocol("padding longer than its frame");
        length.and_then(|length| payload.get(..length)).ok_or(padded)
    }

    pub(super) fn continuation<'a>(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        head: &mut R::Head,
        trailers: &mut Headers,
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        let Some(open) = &mut self.open_section else {
            return Err(ConnectionError::protocol("CONTINUATION without HEADERS"));
        };
        open.frames += 1;
        if open.frames > self.limits.continuations {
            return Err(ConnectionError::calm("too many CONTINUATIONs"));
        }
        let open = *open;
        self.add_to_section(payload)?;
        if !header.has(flag::END_HEADERS) {
            return Ok(None);
        }
        self.open_section = None;
        // Such sections are rare and large: the buffer is not kept.
        let fields = std::mem::take(&mut self.section);
        let section = Section { stream: open.stream, ends_stream: open.ends_stream, fields: &fields };
        R::receive_head(self, section, head, trailers, out)
    }

    fn add_to_section(&mut self, fields: &[u8]) -> Result<(), ConnectionError> {
        if self.section.len() + fields.len() > self.limits.section_bytes as usize {
            return Err(ConnectionError::calm("field section too long"));
        }
        self.section.extend_from_slice(fields);
        Ok(())
    }

    /// A section on a stream that has had its head: trailers.
    pub(super) fn receive_trailers<'a>(
        &mut self,
        key: StreamKey,
        section: Section<'_>,
        trailers: &mut Headers,
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        let read =
            read::read_trailers(self.decoder.lines(section.fields), &self.limits.section_rules(), trailers)?;
        let Some(stream) = self.streams.get_mut(key) else { return Ok(None) };
        if stream.receiving == Phase::Ended {
            return self.stream_error(key, ErrorCode::StreamClosed, out);
        }
        let is_whole =
            section.ends_stream && matches!(stream.receive_left, 0 | crate::section::UNKNOWN_LENGTH);
        if read != Read::Good(()) || !is_whole {
            trailers.clear();
            return self.stream_error(key, ErrorCode::Protocol, out);
        }
        stream.receiving = Phase::Ended;
        self.remove_if_over(key, out);
        Ok(Some(Event::End { stream: key, has_trailers: true }))
    }

    /// A section on a stream that is not open any more. It is read for the compression's sake.
    pub(super) fn late_section<'a>(&mut self, section: Section<'_>) -> Received<'a, R::Info> {
        self.decoder.skip(section.fields)?;
        match self.closed.find(section.stream) {
            Some(Closed::Reset) => self.spend(Cost::IdleFrame).map(|()| None),
            Some(Closed::Known) => Err(ConnectionError {
                code: ErrorCode::StreamClosed,
                reason: "HEADERS on a stream that has ended",
            }),
            None => Err(ConnectionError::protocol("HEADERS on a stream that is not open")),
        }
    }

    /// A new stream that is not taken. Its section is read for the compression's sake.
    pub(super) fn refuse_stream<'a>(
        &mut self,
        section: Section<'_>,
        code: ErrorCode,
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        self.decoder.skip(section.fields)?;
        self.reject(section.stream, code, out).map(|()| None)
    }

    /// Resets a stream that the owner does not know.
    pub(super) fn reject(
        &mut self,
        id: u32,
        code: ErrorCode,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectionError> {
        self.spend(Cost::Reset)?;
        write(out, FrameKind::RstStream, 0, id, &code.number().to_be_bytes());
        self.closed.add(id, Closed::Reset);
        Ok(())
    }

    /// Whether a stream came too late: the peer was told that an earlier one is the last.
    pub(super) fn is_behind_drain(&self, id: u32) -> bool {
        R::IS_SERVER && !id.is_multiple_of(2) && matches!(self.drain.step, Step::Last(last) if id > last)
    }
}

impl From<hpack::Error> for ConnectionError {
    fn from(error: hpack::Error) -> Self {
        ConnectionError { code: ErrorCode::Compression, reason: error.reason() }
    }
}
