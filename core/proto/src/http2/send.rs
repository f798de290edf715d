//! Messages of this end: heads, trailers, interim answers (RFC 9113 section 8).

use super::connection::Connection;
use super::error::ErrorCode;
use super::frame::{FRAME_HEADER_LENGTH, FrameHeader, FrameKind, flag, write_header};
use super::role::{Role, Server};
use super::stream::{Phase, StreamKey};
use crate::section::UNKNOWN_LENGTH;
use crate::section::sent::{Asked, CheckedResponse, check_interim, check_trailers, write_fields};
use crate::{Headers, ResponseParts, SendError};

impl Connection<Server> {
    /// Sends an interim answer: 100, 102..=199.
    ///
    /// # Errors
    /// Another status; fields that frame a message; the final answer was begun; the stream is over.
    pub fn send_informational(
        &mut self,
        stream: StreamKey,
        status: u16,
        headers: &Headers,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        if self.streams.get(stream).ok_or(SendError::Closed)?.sending != Phase::Head {
            return Err(SendError::Order);
        }
        check_interim(status, headers)?;
        let start = self.begin_section(out);
        self.encoder.encode_status(out, status);
        self.push_fields(headers, out);
        self.end_section(stream.id, false, start, out);
        Ok(())
    }

    /// Sends the head of the final answer. True: content follows, by [`begin_data`](Self::begin_data) or [`send_data`](Self::send_data), and an
    /// end. False: the answer is whole; content for it (of HEAD, 204, 205, 304) is to be dropped.
    ///
    /// # Errors
    /// Nothing is written then, and another head can be sent, unless the stream is over ([`SendError::Closed`]).
    pub fn send_head(
        &mut self,
        stream: StreamKey,
        parts: &ResponseParts<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, SendError> {
        let open = self.streams.get_mut(stream).ok_or(SendError::Closed)?;
        if open.sending != Phase::Head {
            return Err(SendError::Order);
        }
        let asked = Asked { is_head: open.is_head, is_connect: open.is_connect };
        let response = CheckedResponse::of(parts, asked)?;
        let plan = &response.plan;
        // Nothing may fail from here on.
        open.sending = if plan.follows { Phase::Content } else { Phase::Ended };
        open.send_left = plan.length;
        let start = self.begin_section(out);
        self.encoder.encode_status(out, parts.status);
        response.write(|name, value| self.encoder.encode(out, name, value));
        self.end_section(stream.id, !plan.follows, start, out);
        if plan.follows {
            self.queue_if_ready(stream);
        } else {
            self.remove_if_over(stream, out);
        }
        Ok(plan.follows)
    }
}

impl<R: Role> Connection<R> {
    /// Ends this end's message, with trailers if there are any. Nothing happens if it has ended.
    ///
    /// # Errors
    /// [`SendError::TooShort`]: less than was announced was sent; the stream was reset. [`SendError::Trailer`]: a field may not be sent in
    /// trailers; nothing was written. [`SendError::Order`]: no head was sent. [`SendError::Closed`]: the stream is over.
    pub fn send_end(
        &mut self,
        stream: StreamKey,
        trailers: Option<&Headers>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        let open = self.streams.get_mut(stream).ok_or(SendError::Closed)?;
        match open.sending {
            Phase::Head => return Err(SendError::Order),
            Phase::Ended => return Ok(()),
            Phase::Content => {}
        }
        if !matches!(open.send_left, 0 | UNKNOWN_LENGTH) {
            self.reset(stream, ErrorCode::Internal, out);
            return Err(SendError::TooShort);
        }
        let trailers = check_trailers(trailers)?;
        open.sending = Phase::Ended;
        match trailers {
            Some(trailers) => {
                let start = self.begin_section(out);
                self.push_fields(trailers, out);
                self.end_section(stream.id, true, start, out);
            }
            None => write_header(out, FrameKind::Data, flag::END_STREAM, stream.id, 0),
        }
        self.stop_send(stream);
        self.remove_if_over(stream, out);
        Ok(())
    }

    /// Room for the head of a frame, behind which a field section is written. Where it starts.
    #[inline]
    pub(super) fn begin_section(&mut self, out: &mut Vec<u8>) -> usize {
        let start = out.len();
        out.extend_from_slice(&[0; FRAME_HEADER_LENGTH]);
        self.encoder.begin(out);
        start
    }

    #[inline]
    fn push_fields(&mut self, headers: &Headers, out: &mut Vec<u8>) {
        write_fields(headers, R::IS_SERVER, &mut |name, value| self.encoder.encode(out, name, value));
    }

    /// Puts the head of its frame before a section; of several frames, if it is longer than the peer takes.
    #[inline]
    pub(super) fn end_section(&mut self, id: u32, ends_stream: bool, start: usize, out: &mut Vec<u8>) {
        let length = out.len() - start - FRAME_HEADER_LENGTH;
        let end = if ends_stream { flag::END_STREAM } else { 0 };
        if length > self.peer.frame_bytes as usize {
            return self.split_section(id, end, start, out);
        }
        let header = FrameHeader {
            length: length as u32,
            kind: FrameKind::Headers as u8,
            flags: end | flag::END_HEADERS,
            stream: id,
        };
        if let Some(place) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
            *place = header.bytes();
        }
    }

    #[cold]
    fn split_section(&self, id: u32, end: u8, start: usize, out: &mut Vec<u8>) {
        let section = out.split_off(start + FRAME_HEADER_LENGTH);
        out.truncate(start);
        let chunks = section.chunks(self.peer.frame_bytes as usize);
        let last = chunks.len() - 1;
        for (at, chunk) in chunks.enumerate() {
            let kind = if at == 0 { FrameKind::Headers } else { FrameKind::Continuation };
            let flags = if at == 0 { end } else { 0 } | if at == last { flag::END_HEADERS } else { 0 };
            write_header(out, kind, flags, id, chunk.len());
            out.extend_from_slice(chunk);
        }
    }
}
