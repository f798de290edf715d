//! The head of a request that is to be sent.

use super::sent::{SentFields, write_fields};
use crate::grammar::{is_scheme, is_token};
use crate::http1::decimal;
use crate::target::{self, Target};
use crate::{ContentLength, Headers, Method, SendError, authority};

/// The head of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// The method, a token.
    pub method: &'a str,
    /// The scheme: `https` or `http`. Not used by CONNECT, but by Extended CONNECT.
    pub scheme: &'a str,
    /// Host and port. If it is empty, the Host field among `headers` is taken. Without a host only if the scheme is another one.
    pub authority: &'a str,
    /// `/path?query`, or `*` with OPTIONS. Not used by CONNECT, but by Extended CONNECT.
    pub target: &'a str,
    /// With the method CONNECT: what an Extended CONNECT is for, such as `websocket` (RFC 8441, RFC 9220). The server has to have offered
    /// it in its settings.
    pub protocol: Option<&'a str>,
    /// The fields. Content-Length has to agree with `body`; Transfer-Encoding is refused; Connection, Keep-Alive, Proxy-Connection, Upgrade and
    /// Host are left out.
    pub headers: &'a Headers,
    /// The length of the content.
    pub body: ContentLength,
}

/// The head of a request that can be sent.
pub(crate) struct CheckedRequest<'a> {
    parts: &'a RequestParts<'a>,
    authority: &'a [u8],
    pub(crate) method: Method,
    /// The length of the content; `None`: not known.
    pub(crate) length: Option<u64>,
}

impl<'a> CheckedRequest<'a> {
    /// Looks at everything before any of it is written. `extended_connect`: the server has offered Extended CONNECT.
    pub(crate) fn of(parts: &'a RequestParts<'a>, extended_connect: bool) -> Result<Self, SendError> {
        let sent = SentFields::of(parts.headers)?;
        let host = sent.host.and_then(|at| parts.headers.value_at(at)).unwrap_or_default();
        let authority = if parts.authority.is_empty() { host } else { parts.authority.as_bytes() };
        let method = Method::from_bytes(parts.method.as_bytes());
        check(parts, method, authority, extended_connect)?;
        let length = match method {
            Method::Connect => None,
            _ => sent.length(parts.body)?,
        };
        Ok(CheckedRequest { parts, authority, method, length })
    }

    /// All its fields.
    pub(crate) fn write(&self, mut field: impl FnMut(&[u8], &[u8])) {
        let parts = self.parts;
        let is_plain_connect = self.method == Method::Connect && parts.protocol.is_none();
        field(b":method", parts.method.as_bytes());
        if !is_plain_connect {
            field(b":scheme", parts.scheme.as_bytes());
        }
        if !self.authority.is_empty() {
            field(b":authority", self.authority);
        }
        if !is_plain_connect {
            field(b":path", parts.target.as_bytes());
        }
        if let Some(protocol) = parts.protocol {
            field(b":protocol", protocol.as_bytes());
        }
        write_fields(parts.headers, false, &mut field);
        // Only a method that expects content says that there is none (RFC 9110 section 8.6).
        let expects_content = matches!(self.method, Method::Post | Method::Put | Method::Patch);
        if let Some(length) = self.length.filter(|&length| length > 0 || expects_content) {
            field(b"content-length", decimal(length, &mut [0; 20]));
        }
    }
}

fn check(
    parts: &RequestParts<'_>,
    method: Method,
    authority: &[u8],
    extended_connect: bool,
) -> Result<(), SendError> {
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
        Some(_) if !extended_connect => return Err(SendError::Upgrade),
        _ => {}
    }
    let is_http = matches!(parts.scheme, "http" | "https");
    if !is_scheme(parts.scheme.as_bytes()) || is_http && authority::has_no_host(authority) {
        return Err(SendError::Authority);
    }
    // The target of an Extended CONNECT is like that of any other method.
    let method = if is_connect { Method::Get } else { method };
    match target::parse(method, parts.target.as_bytes()) {
        Some(Target::Origin { .. } | Target::Asterisk) => Ok(()),
        _ => Err(SendError::Target),
    }
}
