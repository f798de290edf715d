//! The head of a response: status, version and header fields.

use std::fmt;

use crate::headers::Span;
use crate::{Headers, InvalidField, Version};

/// The head of a response, the same for every version of HTTP. Its buffer is used again by the next head.
#[derive(Clone)]
pub struct ResponseHead {
    headers: Headers,
    status: u16,
    version: Version,
    reason: Option<Span>,
}

/// A status outside of 100..=999.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidStatus;

impl fmt::Display for InvalidStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid status code")
    }
}

impl std::error::Error for InvalidStatus {}

impl ResponseHead {
    /// An empty head: status 0, HTTP/1.1, no fields. Does not allocate.
    pub const fn new() -> Self {
        ResponseHead { headers: Headers::new(), status: 0, version: Version::Http11, reason: None }
    }

    /// Back to an empty head, keeping the capacity.
    pub fn clear(&mut self) {
        self.headers.clear();
        self.status = 0;
        self.version = Version::Http11;
        self.reason = None;
    }

    /// The status code, 100..=999; 0 of an empty head. A client treats a code above 599 as 500 (RFC 9110 section 15).
    #[inline]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The version of the message.
    #[inline]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The reason phrase of HTTP/1; empty elsewhere. It has no meaning (RFC 9112 section 4).
    pub fn reason(&self) -> &[u8] {
        self.reason.map_or(b"", |span| span.of(&self.headers.text))
    }

    /// The header fields.
    #[inline]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Makes this the head of another response, without fields. For HTTP/2, HTTP/3 and tests.
    ///
    /// # Errors
    /// The status is not 100..=999; the head is empty then.
    pub fn build(&mut self, status: u16, version: Version) -> Result<(), InvalidStatus> {
        self.clear();
        if !(100..=999).contains(&status) {
            return Err(InvalidStatus);
        }
        self.status = status;
        self.version = version;
        Ok(())
    }

    /// Adds a header field. See [`Headers::append`].
    ///
    /// # Errors
    /// As [`Headers::append`].
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        self.headers.append(name, value)
    }

    /// Begins another head, whose parts come one by one: see [`RequestHead::begin`](crate::RequestHead).
    pub(crate) fn begin(&mut self, version: Version) {
        self.clear();
        self.version = version;
    }

    pub(crate) fn text_mut(&mut self) -> &mut Vec<u8> {
        &mut self.headers.text
    }

    pub(crate) fn text_of(&self, span: Span) -> &[u8] {
        span.of(&self.headers.text)
    }

    pub(crate) fn push_field(&mut self, name: Span, value: Span) {
        self.headers.push(name, value);
    }

    /// Three digits. False: there is a status already.
    pub(crate) fn set_status(&mut self, span: Span) -> bool {
        let is_first = self.status == 0;
        let digits = span.of(&self.headers.text).iter();
        self.status = digits.fold(0, |number: u16, digit| {
            number.wrapping_mul(10).wrapping_add(u16::from(digit.wrapping_sub(b'0')))
        });
        is_first
    }

    /// Copies a whole head of HTTP/1. The reason lies in `raw`; `raw` is shorter than 4 GiB.
    pub(crate) fn fill(&mut self, raw: &[u8], status: u16, version: Version, reason: Span) {
        self.headers.clear();
        self.headers.text.extend_from_slice(raw);
        self.status = status;
        self.version = version;
        self.reason = Some(reason);
    }

    /// Makes a field of a line of the copied head. A folded line is joined by spaces (RFC 9112 section 5.2).
    pub(crate) fn push_in_place(&mut self, name: Span, value: Span) -> (&[u8], &[u8]) {
        if let Some(value) = self.headers.text.get_mut(value.start as usize..value.end as usize) {
            for byte in value {
                if matches!(byte, b'\r' | b'\n') {
                    *byte = b' ';
                }
            }
        }
        self.headers.push_in_place(name, value)
    }
}

impl Default for ResponseHead {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
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
        let mut head = ResponseHead::new();
        head.build(204, Version::Http2).unwrap();
        head.append("X-A", "b").unwrap();
        assert_eq!((head.status(), head.version(), head.reason()), (204, Version::Http2, &b""[..]));
        assert_eq!(head.headers().get("x-a"), Some(&b"b"[..]));
        assert_eq!(head.build(99, Version::Http2), Err(InvalidStatus));
        assert!(head.headers().is_empty());
    }
}
