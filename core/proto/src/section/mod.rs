//! Messages as field sections, which HTTP/2 and HTTP/3 have in common (RFC 9113 section 8, RFC 9114 section 4).

pub(crate) mod info;
pub(crate) mod priority;
pub(crate) mod read;
pub(crate) mod request_parts;
pub(crate) mod sent;

/// A content length that is not known.
pub(crate) const UNKNOWN_LENGTH: u64 = u64::MAX;

/// How far one direction of a stream is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// The head is to come.
    Head,
    /// Content, or the end.
    Content,
    /// Nothing follows.
    Ended,
}
