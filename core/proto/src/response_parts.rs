//! The head of an answer that is to be sent, the same for every wire.

use crate::{Headers, OriginFields};

/// What the sender of a message knows of the length of its body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContentLength {
    /// There is no body.
    None,
    /// So many bytes.
    Known(u64),
    /// Not known before its end.
    Unknown,
}

/// The head of an answer.
#[derive(Clone, Copy, Debug)]
pub struct ResponseParts<'a> {
    /// 200..=999, or 101 for a protocol switch of HTTP/1.
    pub status: u16,
    /// The fields. Content-Length has to agree with `body`; Transfer-Encoding is refused. On HTTP/1 `Connection: close` closes, and Keep-Alive
    /// is ignored; elsewhere both are, as are Upgrade and Proxy-Connection. The connection adds what it needs.
    pub headers: &'a Headers,
    /// The length of the body, also for an answer to HEAD: that of the body a GET would get.
    pub body: ContentLength,
    /// Server and Date, each unless `headers` has it.
    pub origin: Option<&'a OriginFields>,
}
