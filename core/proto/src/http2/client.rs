//! The client's side: requests go out.

use std::sync::Arc;

use super::connection::Connection;
use super::error::{ConnectionError, ErrorCode};
use super::event::{Event, ResponseInfo};
use super::flood::Cost;
use super::frame::MAX_31_BITS;
use super::headers::Section;
use super::limits::Limits;
use super::receive::Received;
use super::role::Client;
use super::section::{self, Read};
use super::send::SentFields;
use super::settings;
use super::stream::{Phase, StreamKey, UNKNOWN_LENGTH};
use crate::grammar::{is_scheme, is_token};
use crate::http1::decimal;
use crate::target::{self, Target};
use crate::{ContentLength, Headers, Method, ResponseHead, SendError, authority};

/// The head of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// The method, a token.
    pub method: &'a str,
    /// The scheme: `https` or `http`. Not used by CONNECT, but by Extended CONNECT.
    pub scheme: &'a str,
    /// Host and port. If it is empty, the Host field among `headers` is taken. May be empty only if the scheme is another one.
    pub authority: &'a str,
    /// `/path?query`, or `*` with OPTIONS. Not used by CONNECT, but by Extended CONNECT.
    pub target: &'a str,
    /// With the method CONNECT: what an Extended CONNECT is for, such as `websocket` (RFC 8441). The server has to have offered it:
    /// [`PeerSettings::extended_connect`](super::PeerSettings::extended_connect).
    pub protocol: Option<&'a str>,
    /// The fields. Content-Length has to agree with `body`; Transfer-Encoding is refused; Connection, Keep-Alive, Proxy-Connection, Upgrade and
    /// Host are left out.
    pub headers: &'a Headers,
    /// The length of the content.
    pub body: ContentLength,
}

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
        !self.is_draining() && self.streams.len() < self.peer.streams && self.last_id < MAX_31_BITS - 1
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
        let sent = SentFields::of(parts.headers)?;
        let host = sent.host.and_then(|at| parts.headers.value_at(at)).unwrap_or_default();
        let authority = if parts.authority.is_empty() { host } else { parts.authority.as_bytes() };
        let method = Method::from_bytes(parts.method.as_bytes());
        self.check(parts, method, authority)?;
        let is_plain_connect = method == Method::Connect && parts.protocol.is_none();
        let length = match method {
            Method::Connect => None,
            _ => sent.length(parts.body)?,
        };
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
        self.encoder.encode(out, b":method", parts.method.as_bytes());
        if !is_plain_connect {
            self.encoder.encode(out, b":scheme", parts.scheme.as_bytes());
        }
        if !authority.is_empty() {
            self.encoder.encode(out, b":authority", authority);
        }
        if !is_plain_connect {
            self.encoder.encode(out, b":path", parts.target.as_bytes());
        }
        if let Some(protocol) = parts.protocol {
            self.encoder.encode(out, b":protocol", protocol.as_bytes());
        }
        self.push_fields(parts.headers, out);
        // Only a method that expects content says that there is none (RFC 9110 section 8.6).
        let expects_content = matches!(method, Method::Post | Method::Put | Method::Patch);
        if let Some(length) = length.filter(|&length| length > 0 || expects_content) {
            self.encoder.encode(out, b"content-length", decimal(length, &mut [0; 20]));
        }
        self.end_section(id, ends, start, out);
        Ok(key)
    }

    fn check(&self, parts: &RequestParts<'_>, method: Method, authority: &[u8]) -> Result<(), SendError> {
        if !is_token(parts.method.as_bytes()) {
            return Err(SendError::Method);
        }
        if authority::parse(authority).is_none() {
            return Err(SendError::Authority);
        }
        let is_connect = method == Method::Connect;
        match parts.protocol {
            None if is_connect => {
                return target::parse(method, authority).map(|_| ()).ok_or(SendError::Target);
            }
            Some(protocol) if !is_connect || !is_token(protocol.as_bytes()) => return Err(SendError::Method),
            Some(_) if !self.peer.extended_connect => return Err(SendError::Upgrade),
            _ => {}
        }
        let is_http = matches!(parts.scheme, "http" | "https");
        if !is_scheme(parts.scheme.as_bytes()) || is_http && authority.is_empty() {
            return Err(SendError::Authority);
        }
        // The target of an Extended CONNECT is like that of any other method.
        let method = if is_connect { Method::Get } else { method };
        match target::parse(method, parts.target.as_bytes()) {
            Some(Target::Origin { .. } | Target::Asterisk) => Ok(()),
            _ => Err(SendError::Target),
        }
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
        let read = section::read_response(&mut self.decoder, &self.limits, section.fields, ends, head)?;
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
