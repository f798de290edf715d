//! Messages of this end: heads, trailers, interim answers (RFC 9113 section 8).

use super::connection::Connection;
use super::error::ErrorCode;
use super::frame::{FRAME_HEADER_LENGTH, FrameHeader, FrameKind, flag, write_header};
use super::role::{Role, Server};
use super::stream::{Phase, Stream, StreamKey, UNKNOWN_LENGTH};
use crate::http1::{decimal, is_allowed_in_trailers, parse_length};
use crate::known_field::{KnownField, known_field};
use crate::{ContentLength, Headers, ResponseParts, SendError};

/// What the fields of a message that is sent say to the connection.
#[derive(Default)]
pub(super) struct SentFields {
    pub(super) content_length: Option<u64>,
    pub(super) has_date: bool,
    pub(super) has_server: bool,
    pub(super) host: Option<usize>,
}

impl SentFields {
    /// Looks at the fields before any is written: what is written changes the compression.
    #[inline]
    pub(super) fn of(headers: &Headers) -> Result<Self, SendError> {
        let mut sent = SentFields::default();
        for (at, (name, value)) in headers.raw().enumerate() {
            match known_field(name) {
                None => {}
                Some(KnownField::TransferEncoding) => return Err(SendError::TransferEncoding),
                Some(KnownField::ContentLength) => {
                    if sent.content_length.is_some() {
                        return Err(SendError::ContentLength);
                    }
                    sent.content_length = Some(parse_length(value).ok_or(SendError::ContentLength)?);
                }
                Some(KnownField::Host) => {
                    sent.host.replace(at).map_or(Ok(()), |_| Err(SendError::Authority))?;
                }
                Some(KnownField::Date) => sent.has_date = true,
                Some(KnownField::Server) => sent.has_server = true,
                _ => {}
            }
        }
        Ok(sent)
    }

    /// The length of the content by what the sender says and what the field says; `None`: not known.
    pub(super) fn length(&self, body: ContentLength) -> Result<Option<u64>, SendError> {
        match (body, self.content_length) {
            (ContentLength::None, None | Some(0)) => Ok(Some(0)),
            (ContentLength::Known(length), None) => Ok(Some(length)),
            (ContentLength::Known(length), Some(field)) if length == field => Ok(Some(length)),
            (ContentLength::Unknown, field) => Ok(field),
            _ => Err(SendError::ContentLength),
        }
    }
}

/// How an answer's content is sent.
struct ContentPlan {
    /// The content-length to send.
    field: Option<u64>,
    /// Whether content, or an end of its own, follows the head.
    follows: bool,
    /// The content's length, or [`UNKNOWN_LENGTH`].
    length: u64,
}

impl ContentPlan {
    fn nothing(field: Option<u64>) -> Self {
        ContentPlan { field, follows: false, length: 0 }
    }

    /// RFC 9110 section 8.6.
    #[inline]
    fn of(status: u16, stream: &Stream, body: ContentLength, sent: &SentFields) -> Result<Self, SendError> {
        let field = sent.content_length;
        if stream.is_connect && (200..300).contains(&status) {
            return Ok(ContentPlan { field: None, follows: true, length: UNKNOWN_LENGTH });
        }
        Ok(match status {
            204 => ContentPlan::nothing(None),
            304 => ContentPlan::nothing(field),
            205 => ContentPlan::nothing(Some(0)),
            _ if stream.is_head => ContentPlan::nothing(field.or(match body {
                // What a GET would get is not known from having nothing here.
                ContentLength::None | ContentLength::Unknown => None,
                ContentLength::Known(length) => Some(length),
            })),
            _ => match sent.length(body)? {
                Some(0) => ContentPlan::nothing(Some(0)),
                Some(length) => ContentPlan { field: Some(length), follows: true, length },
                None => ContentPlan { field: None, follows: true, length: UNKNOWN_LENGTH },
            },
        })
    }
}

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
        if !(100..200).contains(&status) || status == 101 {
            return Err(SendError::Status);
        }
        if SentFields::of(headers)?.content_length.is_some() {
            return Err(SendError::ContentLength);
        }
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
        if !(200..=999).contains(&parts.status) {
            return Err(SendError::Status);
        }
        let sent = SentFields::of(parts.headers)?;
        let plan = ContentPlan::of(parts.status, open, parts.body, &sent)?;
        // Nothing may fail from here on.
        open.sending = if plan.follows { Phase::Content } else { Phase::Ended };
        open.send_left = plan.length;
        let start = self.begin_section(out);
        self.encoder.encode_status(out, parts.status);
        self.push_fields(parts.headers, out);
        if let Some(origin) = parts.origin {
            if let Some(server) = origin.server().filter(|_| !sent.has_server) {
                self.encoder.encode(out, b"server", server);
            }
            if let Some(date) = origin.date().filter(|_| !sent.has_date) {
                self.encoder.encode(out, b"date", date);
            }
        }
        if let Some(length) = plan.field {
            self.encoder.encode(out, b"content-length", decimal(length, &mut [0; 20]));
        }
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
        let trailers = trailers.filter(|trailers| !trailers.is_empty());
        if trailers.is_some_and(|trailers| !trailers.raw().all(|(name, _)| is_allowed_in_trailers(name))) {
            return Err(SendError::Trailer);
        }
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

    /// Writes fields, but for those that the connection writes itself and those that are of HTTP/1 alone.
    #[inline]
    pub(super) fn push_fields(&mut self, headers: &Headers, out: &mut Vec<u8>) {
        for (name, value) in headers.raw() {
            match known_field(name) {
                Some(
                    KnownField::Connection
                    | KnownField::KeepAlive
                    | KnownField::ContentLength
                    | KnownField::Upgrade
                    | KnownField::TransferEncoding,
                ) => {}
                // It is the authority of a request.
                Some(KnownField::Host) if !R::IS_SERVER => {}
                Some(KnownField::Te) if !value.eq_ignore_ascii_case(b"trailers") => {}
                None if name == b"proxy-connection" => {}
                _ => self.encoder.encode(out, name, value),
            }
        }
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
