//! The client's side: requests go out.

use super::connection::Connection;
use super::error::ErrorCode;
use super::event::Event;
use super::flood::Cost;
use super::frame::{PRIORITY_UPDATE, write_header};
use super::headers::Section;
use super::receive::Received;
use super::role::Client;
use super::stream::Stream;
use crate::section::info::ResponseInfo;
use crate::section::priority::Priority;
use crate::section::read::{self, Read};
use crate::section::request_parts::{CheckedRequest, RequestParts};
use crate::section::{Phase, UNKNOWN_LENGTH};
use crate::{Method, ResponseHead, SendError, varint};

impl Connection<Client> {
    /// Whether neither side ends the connection. The transport has to allow another stream too.
    pub fn can_open(&self) -> bool {
        !self.is_draining() && self.streams.can_open()
    }

    /// Appends the head of a request, and says on which stream it goes: the transport's next bidirectional one. If it has content, that follows by
    /// [`begin_data`](Self::begin_data) or [`send_data`](Self::send_data); otherwise the request is whole
    /// ([`has_sent_all`](Self::has_sent_all)).
    ///
    /// # Errors
    /// Nothing is written then. [`SendError::Order`]: not now, see [`can_open`](Self::can_open). [`SendError::Upgrade`]: an Extended CONNECT that
    /// the server has not offered, or not yet: [`Event::Settings`].
    pub fn send_request(&mut self, parts: &RequestParts<'_>, out: &mut Vec<u8>) -> Result<u64, SendError> {
        if !self.can_open() {
            return Err(SendError::Order);
        }
        let request = CheckedRequest::of(parts, self.peer.extended_connect)?;
        // Nothing may fail from here on.
        let mut stream = Stream::new();
        stream.sending = if request.length == Some(0) { Phase::Ended } else { Phase::Content };
        stream.send_left = request.length.unwrap_or(UNKNOWN_LENGTH);
        stream.is_head = request.method == Method::Head;
        let is_connect = request.method == Method::Connect;
        let id = self.streams.open_next(stream);
        self.encoder.begin(id);
        request.write(|name, value| self.encoder.encode(name, value));
        self.end_section(out);
        if is_connect && let Some(stream) = self.streams.get_mut(id) {
            stream.asks_tunnel = true;
        }
        Ok(id)
    }

    /// Tells the server how urgent an answer is, on the control stream (RFC 9218 section 7.2).
    ///
    /// # Errors
    /// [`SendError::Closed`]: the stream is over.
    pub fn send_priority(&mut self, stream: u64, priority: Priority) -> Result<(), SendError> {
        let open = self.streams.get_mut(stream).ok_or(SendError::Closed)?;
        open.priority = priority;
        let field = [b'u', b'=', b'0' + priority.urgency.min(7), b',', b'i'];
        let field = if priority.incremental { &field[..] } else { &field[..3] };
        write_header(&mut self.control_out, PRIORITY_UPDATE, varint::length_of(stream) + field.len());
        varint::write(&mut self.control_out, stream);
        self.control_out.extend_from_slice(field);
        Ok(())
    }

    pub(super) fn receive_response<'a>(
        &mut self,
        section: Section<'_>,
        head: &mut ResponseHead,
    ) -> Received<'a, ResponseInfo> {
        let Section { stream: id, prefix, lines, ended } = section;
        let rules = self.limits.section_rules();
        let read = read::read_response(self.decoder.lines(prefix, lines), &rules, ended, head)?;
        self.decoder.acknowledge(id, prefix);
        let info = match read {
            Read::Good(info) => info,
            Read::Refused { reason, .. } => return self.stream_error(id, ErrorCode::ExcessiveLoad, reason),
            Read::Malformed(reason) => return self.stream_error(id, ErrorCode::Message, reason),
        };
        if head.status() < 200 {
            self.spend(Cost::EmptyFrame)?;
            return Ok(Some(Event::Interim { stream: id }));
        }
        let Some(stream) = self.streams.get_mut(id) else { return Ok(None) };
        stream.is_connect = stream.asks_tunnel && (200..300).contains(&head.status());
        // RFC 9110 section 6.4.1: these have no content, whatever their fields say.
        let is_bare = stream.is_head || matches!(head.status(), 204 | 304);
        stream.receive_left = match info.content_length {
            _ if is_bare => 0,
            Some(length) if !stream.is_connect => length,
            _ => UNKNOWN_LENGTH,
        };
        if ended && !matches!(stream.receive_left, 0 | UNKNOWN_LENGTH) {
            return self.stream_error(id, ErrorCode::Message, "content-length without content");
        }
        stream.receiving = if ended { Phase::Ended } else { Phase::Content };
        self.remove_if_over(id);
        Ok(Some(Event::Head { stream: id, info }))
    }
}
