//! The answer of an exchange.

use std::sync::Arc;

use crate::message::{Body, Headers, InvalidField, PreparedParts};

/// The answer of an exchange: a status code, header fields, content and trailers.
///
/// The connection adds `Date`, `Server` and everything about framing (`Content-Length`, `Transfer-Encoding`,
/// `Connection`); a field `connection: close` in the headers closes the connection after the answer (RFC 9112, 9.6).
#[derive(Debug, Default)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Body,
    pub(crate) trailers: Option<Box<Headers>>,
    /// The same, encoded before; then headers and body are empty.
    pub(crate) prepared: Option<Arc<PreparedParts>>,
}

impl Response {
    /// An empty answer with this status code (200 to 599; anything else is sent as 500).
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, headers: Headers::new(), body: Body::Empty, trailers: None, prepared: None }
    }

    /// 200 with UTF-8 text.
    #[must_use]
    pub fn text(text: impl Into<Body>) -> Self {
        Self::new(200).with_content("text/plain; charset=utf-8", text)
    }

    /// 200 with HTML.
    #[must_use]
    pub fn html(text: impl Into<Body>) -> Self {
        Self::new(200).with_content("text/html; charset=utf-8", text)
    }

    /// 200 with JSON that is text already.
    #[must_use]
    pub fn json(text: impl Into<Body>) -> Self {
        Self::new(200).with_content("application/json", text)
    }

    /// 200 with bytes of unknown kind (`application/octet-stream`).
    #[must_use]
    pub fn bytes(bytes: impl Into<Body>) -> Self {
        Self::new(200).with_content("application/octet-stream", bytes)
    }

    /// A redirect: 301, 302, 303, 307 or 308 with `Location`.
    ///
    /// # Errors
    /// When the location can't be a field value.
    pub fn redirect(status: u16, location: &str) -> Result<Self, InvalidField> {
        Self::new(status).with_header("location", location)
    }

    /// A plain answer that names its status, as the server sends it for its own errors.
    #[must_use]
    pub fn status_only(status: u16) -> Self {
        let mut response = Self::default();
        response.set_status_only(status);
        response
    }

    /// Becomes what [`Response::status_only`] makes, in the memory that is here.
    pub(crate) fn set_status_only(&mut self, status: u16) {
        self.clear();
        self.status = status;
        if status != 204 && status != 304 {
            self.set_content_type("text/plain; charset=utf-8");
            self.body = Body::from(flare_proto::reason(status));
        }
    }

    fn with_content(mut self, content_type: &'static str, body: impl Into<Body>) -> Self {
        self.set_content_type(content_type);
        self.body = body.into();
        self
    }

    /// Sets `Content-Type` to a value that is known to be a field value.
    pub(crate) fn set_content_type(&mut self, content_type: &'static str) {
        let set = self.headers.set("content-type", content_type);
        debug_assert!(set.is_ok(), "not a field value: {content_type}");
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Changes the status code.
    pub fn set_status(&mut self, status: u16) {
        self.status = status;
    }

    /// The header fields.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The header fields, to be changed.
    pub fn headers_mut(&mut self) -> &mut Headers {
        &mut self.headers
    }

    /// Adds a header field and gives the answer back.
    ///
    /// # Errors
    /// When the name is no token or the value no field value (RFC 9110, 5.1 and 5.5).
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, InvalidField> {
        self.headers.append(name, value)?;
        Ok(self)
    }

    /// The content.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The content, to be changed.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    /// Sets the content and gives the answer back.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// The content, if it is bytes in memory and nothing follows it.
    pub(crate) fn content_in_memory(&self) -> Option<&[u8]> {
        match &self.body {
            _ if self.trailers.is_some() => None,
            Body::Empty | Body::Owned(_) | Body::Shared(_) => Some(self.body.as_slice()),
            Body::File(_) | Body::Parts(_) | Body::Source(_) => None,
        }
    }

    /// The trailers, if there are any.
    #[must_use]
    pub fn trailers(&self) -> Option<&Headers> {
        self.trailers.as_deref()
    }

    /// The trailers, to be changed; they are sent after the content (RFC 9110, 6.5). HTTP/1.0 clients don't get them.
    pub fn trailers_mut(&mut self) -> &mut Headers {
        self.trailers.get_or_insert_default()
    }

    /// Forgets everything and keeps small memory for the next answer.
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        const KEEP: usize = 4096;
        self.status = 200;
        self.headers.clear();
        self.body.recycle(KEEP);
        self.trailers = None;
        self.prepared = None;
    }
}
