//! The head of a request: method, target, version and header fields.

use std::fmt;
use std::ops::Range;

use crate::headers::Span;
use crate::target::{self, Target};
use crate::{Headers, InvalidField, Method, Version, authority, grammar};

/// The head of a request, the same for every version of HTTP.
///
/// All its text is in one buffer, which a new head uses again. A head that came over HTTP/1 was copied into it in one piece.
#[derive(Clone)]
pub struct RequestHead {
    headers: Headers,
    method: Method,
    version: Version,
    method_name: Span,
    scheme: Option<Span>,
    authority: Option<Span>,
    path: Option<Span>,
    query: Option<Span>,
    protocol: Option<Span>,
}

/// Why a request could not be built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvalidRequest {
    /// The method is not a token (RFC 9110 section 9.1).
    Method,
    /// The scheme is not one (RFC 3986 section 3.1).
    Scheme,
    /// The authority is not a host with an optional port (RFC 9110 section 7.2).
    Authority,
    /// The target is malformed, or its form does not go with the method (RFC 9112 section 3.2).
    Target,
    /// The head would grow beyond 4 GiB.
    TooLong,
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidRequest::Method => "invalid method",
            InvalidRequest::Scheme => "invalid scheme",
            InvalidRequest::Authority => "invalid authority",
            InvalidRequest::Target => "invalid target",
            InvalidRequest::TooLong => "request head too long",
        })
    }
}

impl std::error::Error for InvalidRequest {}

impl From<InvalidField> for InvalidRequest {
    /// Text of a start line can only be refused for its length.
    fn from(_: InvalidField) -> Self {
        InvalidRequest::TooLong
    }
}

impl RequestHead {
    /// An empty head: method GET, an empty path, HTTP/1.1, no fields. Does not allocate.
    pub const fn new() -> Self {
        RequestHead {
            headers: Headers::new(),
            method: Method::Get,
            version: Version::Http11,
            method_name: Span { start: 0, end: 0 },
            scheme: None,
            authority: None,
            path: None,
            query: None,
            protocol: None,
        }
    }

    /// Back to an empty head, keeping the capacity.
    pub fn clear(&mut self) {
        self.headers.clear();
        self.method = Method::Get;
        self.version = Version::Http11;
        self.method_name = Span::default();
        self.scheme = None;
        self.authority = None;
        self.path = None;
        self.query = None;
        self.protocol = None;
    }

    /// The method.
    #[inline]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The method as it was written; of an empty head, the empty text.
    pub fn method_str(&self) -> &str {
        self.str_of(self.method_name)
    }

    /// As [`RequestHead::method_str`], without the check that makes bytes text.
    #[inline]
    pub fn method_bytes(&self) -> &[u8] {
        self.method_name.of(&self.headers.text)
    }

    /// The path, still percent-encoded. It begins with `/`, or is `*` (`OPTIONS *`), or is empty (CONNECT).
    #[inline]
    pub fn path(&self) -> &str {
        self.path.map_or("", |span| self.str_of(span))
    }

    /// As [`RequestHead::path`], without the check that makes bytes text.
    #[inline]
    pub fn path_bytes(&self) -> &[u8] {
        self.path.map_or(b"", |span| span.of(&self.headers.text))
    }

    /// What follows the first `?` of the target, still percent-encoded; `None` without a `?`.
    pub fn query(&self) -> Option<&str> {
        self.query.map(|span| self.str_of(span))
    }

    /// Host and port the request is for, as they were written: from an absolute target or a CONNECT, else from the Host field
    /// (RFC 9112 section 3.3). May be empty.
    pub fn authority(&self) -> &str {
        self.authority.map_or("", |span| self.str_of(span))
    }

    /// The scheme in lower case. On HTTP/1 there is one only in an absolute target.
    pub fn scheme(&self) -> Option<&str> {
        self.scheme.map(|span| self.str_of(span))
    }

    /// The protocol that an Extended CONNECT asks for, such as `websocket` (RFC 8441 section 4). Such a request has a path. `None` on HTTP/1.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.map(|span| self.str_of(span))
    }

    /// The version of the message.
    #[inline]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The header fields.
    #[inline]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// As [`RequestHead::method_str`], with its final NUL.
    pub fn method_with_nul(&self) -> &[u8] {
        self.method_name.with_nul_of(&self.headers.text)
    }

    /// As [`RequestHead::path`], with its final NUL.
    pub fn path_with_nul(&self) -> &[u8] {
        self.path.map_or(b"\0", |span| span.with_nul_of(&self.headers.text))
    }

    /// As [`RequestHead::authority`], with its final NUL.
    pub fn authority_with_nul(&self) -> &[u8] {
        self.authority.map_or(b"\0", |span| span.with_nul_of(&self.headers.text))
    }

    /// As [`RequestHead::query`], with its final NUL.
    pub fn query_with_nul(&self) -> Option<&[u8]> {
        self.query.map(|span| span.with_nul_of(&self.headers.text))
    }

    /// The protocol of an Extended CONNECT, and a NUL behind it.
    pub fn protocol_with_nul(&self) -> Option<&[u8]> {
        self.protocol.map(|span| span.with_nul_of(&self.headers.text))
    }

    /// Makes this the head of another request, without fields. For wires that send the parts of a request apart, and tests.
    ///
    /// `authority` may be empty, but for CONNECT. `target` is `/path?query`, or `*` with OPTIONS; with CONNECT it is ignored.
    ///
    /// # Errors
    /// A part is malformed; the head is empty then.
    pub fn build(
        &mut self,
        method: &str,
        scheme: Option<&str>,
        authority: &str,
        target: &str,
        version: Version,
    ) -> Result<(), InvalidRequest> {
        self.clear();
        let built = self.build_parts(method, scheme, authority, target, version);
        if built.is_err() {
            self.clear();
        }
        built
    }

    fn build_parts(
        &mut self,
        method_name: &str,
        scheme: Option<&str>,
        authority: &str,
        target: &str,
        version: Version,
    ) -> Result<(), InvalidRequest> {
        if !grammar::is_token(method_name.as_bytes()) {
            return Err(InvalidRequest::Method);
        }
        if authority::parse(authority.as_bytes()).is_none() {
            return Err(InvalidRequest::Authority);
        }
        let method = Method::from_bytes(method_name.as_bytes());
        let (path, query) = match method {
            Method::Connect => {
                target::parse(method, authority.as_bytes()).ok_or(InvalidRequest::Authority)?;
                (None, None)
            }
            _ => match target::parse(method, target.as_bytes()) {
                Some(Target::Asterisk) => (Some("*"), None),
                Some(Target::Origin { .. }) => match target.split_once('?') {
                    Some((path, query)) => (Some(path), Some(query)),
                    None => (Some(target), None),
                },
                _ => return Err(InvalidRequest::Target),
            },
        };
        self.method = method;
        self.version = version;
        self.method_name = self.headers.append_text(method_name.as_bytes())?;
        if let Some(scheme) = scheme {
            if !grammar::is_scheme(scheme.as_bytes()) {
                return Err(InvalidRequest::Scheme);
            }
            self.scheme = Some(self.headers.append_text(scheme.to_ascii_lowercase().as_bytes())?);
        }
        self.authority = Some(self.headers.append_text(authority.as_bytes())?);
        self.path = path.map(|path| self.headers.append_text(path.as_bytes())).transpose()?;
        self.query = query.map(|query| self.headers.append_text(query.as_bytes())).transpose()?;
        Ok(())
    }

    /// Adds a header field. See [`Headers::append`].
    ///
    /// # Errors
    /// As [`Headers::append`].
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        self.headers.append(name, value)
    }

    /// Forgets the fields, so that those of another head can be pushed.
    #[inline]
    pub(crate) fn begin_fields(&mut self) {
        self.headers.clear();
    }

    /// Adds the field that tells the authority on HTTP/1, so that whoever looks for it finds it on every wire.
    pub(crate) fn add_host(&mut self) {
        if let Some(authority) = self.authority
            && let Ok(name) = self.headers.append_text(b"host")
        {
            self.headers.push_in_place(name, authority);
        }
    }

    /// Adds a field of the head that [`RequestHead::fill`] will copy, by its places there.
    #[inline]
    pub(crate) fn push_field(&mut self, name: Span, value: Span) {
        self.headers.push(name, value);
    }

    /// Copies a whole head of HTTP/1, whose fields were pushed, and cuts it up in place. The spans lie in `raw`, with one more byte behind
    /// each of them; `raw` is shorter than 4 GiB. `is_plain`: names are of letters and `-` alone. `host` is the Host field's value, for
    /// a target without an authority.
    #[inline]
    pub(crate) fn fill(&mut self, raw: &[u8], is_plain: bool, line: &RequestLine, host: Option<Span>) {
        self.headers.fill(raw, is_plain);
        self.method = line.method;
        self.version = line.version;
        self.method_name = self.terminated(0..line.method_len);
        self.scheme = None;
        self.authority = host;
        self.query = None;
        self.protocol = None;
        match &line.form {
            None => self.path = Some(self.terminated(line.method_len + 1..line.target_end)),
            Some(form) => self.fill_target(line.method_len + 1..line.target_end, form),
        }
    }

    #[inline(never)]
    fn fill_target(&mut self, target: Range<usize>, form: &Target) {
        self.path = None;
        let start = target.start;
        match form {
            Target::Origin { path_end } => self.set_path_and_query(start..start + path_end, target.end),
            Target::Asterisk => self.path = Some(self.terminated(target)),
            Target::Authority => self.authority = Some(self.terminated(target)),
            Target::Absolute { scheme_end, authority, path_end } => {
                if let Some(scheme) = self.headers.text.get_mut(start..start + scheme_end) {
                    scheme.make_ascii_lowercase();
                }
                // The authority touches the path, so there is no room for its NUL, nor for the path "/" that stands for an
                // empty one. It moves over the two slashes before it and makes that room.
                let authority = start + authority.start..start + authority.end;
                self.headers.text.copy_within(authority.clone(), authority.start - 2);
                self.authority = Some(self.terminated(authority.start - 2..authority.end - 2));
                let mut path = authority.end..start + path_end;
                if path.is_empty() {
                    path.start -= 1;
                    if let Some(byte) = self.headers.text.get_mut(path.start) {
                        *byte = b'/';
                    }
                }
                self.set_path_and_query(path, target.end);
                self.scheme = Some(self.terminated(start..start + scheme_end));
            }
        }
    }

    #[inline]
    fn set_path_and_query(&mut self, path: Range<usize>, target_end: usize) {
        if path.end < target_end {
            self.query = Some(self.terminated(path.end + 1..target_end));
        }
        self.path = Some(self.terminated(path));
    }

    /// Puts a NUL behind the range.
    #[inline]
    fn terminated(&mut self, range: Range<usize>) -> Span {
        if let Some(behind) = self.headers.text.get_mut(range.end) {
            *behind = 0;
        }
        Span { start: range.start as u32, end: range.end as u32 }
    }

    /// Begins the head of another request, whose parts come one by one: text is appended to [`RequestHead::text_mut`], with a NUL behind
    /// each part, and the part is then said to be something.
    #[inline]
    pub(crate) fn begin(&mut self, version: Version) {
        self.clear();
        self.version = version;
    }

    #[inline]
    pub(crate) fn text_mut(&mut self) -> &mut Vec<u8> {
        &mut self.headers.text
    }

    #[inline]
    pub(crate) fn text_of(&self, span: Span) -> &[u8] {
        span.of(&self.headers.text)
    }

    /// A token. False: there is a method already.
    #[inline]
    pub(crate) fn set_method(&mut self, span: Span) -> bool {
        let is_first = self.method_name.end == 0;
        self.method = Method::from_bytes(span.of(&self.headers.text));
        self.method_name = span;
        is_first
    }

    /// A scheme in any case. False: there is one already.
    #[inline]
    pub(crate) fn set_scheme(&mut self, span: Span) -> bool {
        if let Some(scheme) = self.headers.text.get_mut(span.start as usize..span.end as usize) {
            scheme.make_ascii_lowercase();
        }
        self.scheme.replace(span).is_none()
    }

    /// A host with an optional port. False: there is one already, which stays.
    #[inline]
    pub(crate) fn set_authority(&mut self, span: Span) -> bool {
        let is_first = self.authority.is_none();
        self.authority.get_or_insert(span);
        is_first
    }

    /// `/path?query`, or `*`. False: there is a path already.
    #[inline]
    pub(crate) fn set_target(&mut self, span: Span) -> bool {
        let mut path = span;
        if let Some(mark) = memchr::memchr(b'?', span.of(&self.headers.text)) {
            path.end = span.start + mark as u32;
            if let Some(behind) = self.headers.text.get_mut(path.end as usize) {
                *behind = 0;
            }
            self.query = Some(Span { start: path.end + 1, end: span.end });
        }
        self.path.replace(path).is_none()
    }

    /// A token. False: there is one already.
    pub(crate) fn set_protocol(&mut self, span: Span) -> bool {
        self.protocol.replace(span).is_none()
    }

    /// Whether there is no authority, or one without a host.
    #[inline]
    pub(crate) fn has_no_host(&self) -> bool {
        self.authority.is_none_or(|span| authority::has_no_host(span.of(&self.headers.text)))
    }

    /// Whether the authority is this one, however it is written.
    pub(crate) fn authority_is(&self, span: Span) -> bool {
        self.authority().as_bytes().eq_ignore_ascii_case(span.of(&self.headers.text))
    }

    /// Whether the authority names a host and a port, as CONNECT needs.
    pub(crate) fn has_reachable_authority(&self) -> bool {
        target::parse(Method::Connect, self.authority().as_bytes()).is_some()
    }

    /// Makes one field of all cookies (RFC 9113 section 8.2.3). False: the text would grow beyond 4 GiB.
    pub(crate) fn join_cookies(&mut self) -> bool {
        self.headers.join(b"cookie", b"; ")
    }

    /// Every start line is checked to be ASCII before it comes here, so nothing is lost.
    #[inline]
    fn str_of(&self, span: Span) -> &str {
        std::str::from_utf8(span.of(&self.headers.text)).unwrap_or_default()
    }
}

/// A request line of HTTP/1 that was checked (RFC 9112 section 3). Offsets into the head, which begins with the method.
pub(crate) struct RequestLine {
    pub(crate) method: Method,
    pub(crate) method_len: usize,
    /// It begins behind the space behind the method.
    pub(crate) target_end: usize,
    /// `None`: a path and nothing else.
    pub(crate) form: Option<Target>,
    pub(crate) version: Version,
}

impl Default for RequestHead {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method_str())
            .field("scheme", &self.scheme())
            .field("authority", &self.authority())
            .field("path", &self.path())
            .field("query", &self.query())
            .field("protocol", &self.protocol())
            .field("version", &self.version)
            .field("headers", &self.headers)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_from_parts() {
        let mut head = RequestHead::new();
        head.build("GET", Some("HTTPS"), "a.invalid:1", "/p%20q?x=1?", Version::Http2).unwrap();
        head.append("X-A", "b").unwrap();
        assert_eq!((head.method(), head.method_str(), head.version()), (Method::Get, "GET", Version::Http2));
        assert_eq!((head.scheme(), head.authority()), (Some("https"), "a.invalid:1"));
        assert_eq!((head.path(), head.query()), ("/p%20q", Some("x=1?")));
        assert_eq!(head.method_with_nul(), b"GET\0");
        assert_eq!(head.authority_with_nul(), b"a.invalid:1\0");
        assert_eq!(head.path_with_nul(), b"/p%20q\0");
        assert_eq!(head.query_with_nul(), Some(&b"x=1?\0"[..]));
        assert_eq!(head.headers().get("x-a"), Some(&b"b"[..]));
    }

    #[test]
    fn builds_connect_and_asterisk() {
        let mut head = RequestHead::new();
        head.build("CONNECT", None, "a:443", "", Version::Http2).unwrap();
        assert_eq!((head.path(), head.path_with_nul(), head.authority()), ("", &b"\0"[..], "a:443"));
        head.build("OPTIONS", None, "", "*", Version::Http11).unwrap();
        assert_eq!((head.path(), head.authority(), head.authority_with_nul()), ("*", "", &b"\0"[..]));
    }

    #[test]
    fn refuses_bad_parts_and_is_empty_then() {
        let mut head = RequestHead::new();
        let version = Version::Http11;
        assert_eq!(head.build("G T", None, "", "/", version), Err(InvalidRequest::Method));
        assert_eq!(head.build("GET", Some("1"), "", "/", version), Err(InvalidRequest::Scheme));
        assert_eq!(head.build("GET", None, "u@a", "/", version), Err(InvalidRequest::Authority));
        assert_eq!(head.build("CONNECT", None, "a", "", version), Err(InvalidRequest::Authority));
        assert_eq!(head.build("GET", None, "a", "*", version), Err(InvalidRequest::Target));
        assert_eq!(head.build("GET", None, "a", "http://a/", version), Err(InvalidRequest::Target));
        assert_eq!((head.method_str(), head.path(), head.authority()), ("", "", ""));
    }
}
