//! The client's side: requests go out.

use std::sync::Arc;

use super::connection::Connection;
use super::error::{ConnectionError, ErrorCode};
use super::event::Event;
use super::flood::Cost;
use super::frame::MAX_31_BITS;
use super::headers::Section;
use super::limits::Limits;
use super::receive::Received;
use super::role::Client;
use super::settings;
use super::stream::{Phase, StreamKey};
use crate::section::UNKNOWN_LENGTH;
use crate::section::info::ResponseInfo;
use crate::section::read::{self, Read};
use crate::section::request_parts::{CheckedRequest, RequestParts};
use crate::{Headers, Method, ResponseHead, SendError};

impl Connection<Client> {
    /// A connection to a server that is known to speak HTTP/2: by ALPN, or by prior knowledge. Does not allocate.
    pub fn new(limits: Arc<Limits>) -> Self {
        Self::with_limits(limits)
    }

    /// A connection that began as HTTP/1.1 and was switched by a 101 to `Upgrade: h2c` (RFC 7540 section 3.2). The stream is that of the answer to
    /// the request that was sent.
    pub fn upgraded(limits: Arc<Limits>, method: Method) -> (Self, StreamKey) {
        let mut connection = Self::with_limits(limits);
        connection.last_id = 1;
        let mut stream = connection.new_stream(1);
        stream.sending = Phase::Ended;
        stream.is_head = method == Method::Head;
        let key = connection.streams.insert(stream);
        (connection, key)
    }

    /// The value of the HTTP2-Settings field of a request that asks for `Upgrade: h2c`.
    pub fn upgrade_settings(limits: &Limits) -> String {
        settings::to_field(limits)
    }

    /// Whether a request can be sent now: the server takes another stream, and neither side ends the connection.
    pub fn can_open(&self) -> bool {
        /// Until the server has said how many it takes: fewer than this it should not allow (RFC 9113, 6.5.2), and what is more it may refuse.
        const UNTOLD: u32 = 100;
        let most = if self.has_peer_settings() { self.peer.streams } else { UNTOLD };
        !self.is_draining() && self.streams.len() < most && self.last_id < MAX_31_BITS - 1
    }

    /// Sends the head of a request, on a new stream. If it has content, that follows by [`want_send`](Self::want_send) or
    /// [`send_data`](Self::send_data); otherwise the request is whole.
    ///
    /// # Errors
    /// Nothing is written then. [`SendError::Order`]: not now, see [`can_open`](Self::can_open).
    pub fn send_request(
        &mut self,
        parts: &RequestParts<'_>,
        out: &mut Vec<u8>,
    ) -> Result<StreamKey, SendError> {
        if !self.can_open() {
            return Err(SendError::Order);
        }
        let request = CheckedRequest::of(parts, self.peer.extended_connect)?;
        let (method, length) = (request.method, request.length);
        // Nothing may fail from here on.
        let id = if self.last_id == 0 { 1 } else { self.last_id + 2 };
        self.last_id = id;
        let mut stream = self.new_stream(id);
        let ends = length == Some(0);
        stream.sending = if ends { Phase::Ended } else { Phase::Content };
        stream.send_left = length.unwrap_or(UNKNOWN_LENGTH);
        stream.is_head = method == Method::Head;
        stream.is_connect = method == Method::Connect;
        let key = self.streams.insert(stream);
        let start = self.begin_section(out);
        request.write(|name, value| self.encoder.encode(out, name, value));
        self.end_section(id, ends, start, out);
        Ok(key)
    }

    pub(super) fn receive_response<'a>(
        &mut self,
        section: Section<'_>,
        head: &mut ResponseHead,
        trailers: &mut Headers,
        out: &mut Vec<u8>,
    ) -> Received<'a, ResponseInfo> {
        let Some(key) = self.streams.find(section.stream) else {
            if self.is_idle(section.stream) {
                return Err(ConnectionError::protocol("HEADERS on a stream that is not open"));
            }
            return self.late_section(section);
        };
        if self.streams.get(key).is_some_and(|stream| stream.receiving != Phase::Head) {
            return self.receive_trailers(key, section, trailers, out);
        }
        let ends = section.ends_stream;
        let read = read::read_response(
            self.decoder.lines(section.fields),
            &self.limits.section_rules(),
            ends,
            head,
        )?;
        let Some(stream) = self.streams.get_mut(key) else { return Ok(None) };
        let info = match read {
            Read::Good(info) => info,
            Read::Refused { .. } => return self.stream_error(key, ErrorCode::EnhanceYourCalm, out),
            Read::Malformed(_) => return self.stream_error(key, ErrorCode::Protocol, out),
        };
        if head.status() < 200 {
            self.spend(Cost::EmptyFrame)?;
            return Ok(Some(Event::Interim { stream: key }));
        }
        // RFC 9110 section 6.4.1: these have no content, whatever their fields say.
        let is_bare = stream.is_head || matches!(head.status(), 204 | 304);
        let is_tunnel = stream.is_connect && (200..300).contains(&head.status());
        stream.receive_left = match info.content_length {
            _ if is_bare => 0,
            Some(length) if !is_tunnel => length,
            _ => UNKNOWN_LENGTH,
        };
        if ends && !matches!(stream.receive_left, 0 | UNKNOWN_LENGTH) {
            return self.stream_error(key, ErrorCode::Protocol, out);
        }
        stream.receiving = if ends { Phase::Ended } else { Phase::Content };
        self.remove_if_over(key, out);
        Ok(Some(Event::Head { stream: key, info }))
    }
}
