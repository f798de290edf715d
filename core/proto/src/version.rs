//! Protocol versions (RFC 9110 section 2.5).

/// The version of HTTP a message was received with, or is sent with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Version {
    /// HTTP/1.0 (RFC 1945)
    Http10,
    /// HTTP/1.1 (RFC 9112). A higher minor version of HTTP/1 is treated as this one.
    Http11,
    /// HTTP/2 (RFC 9113)
    Http2,
    /// HTTP/3 (RFC 9114)
    Http3,
}

impl Version {
    /// The usual name: `HTTP/1.0`, `HTTP/1.1`, `HTTP/2` or `HTTP/3`.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
            Version::Http2 => "HTTP/2",
            Version::Http3 => "HTTP/3",
        }
    }
}
