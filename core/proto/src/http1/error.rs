//! What can be wrong with a message that was received.

use std::fmt;

/// Why a message was refused. The connection cannot be used for another message: answer, if there is something to answer,
/// and close.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Error(Kind);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Syntax,
    LineEnd,
    Version,
    VersionNotSupported,
    MethodTooLong,
    Target,
    TargetTooLong,
    Host,
    HeadTooLarge,
    ContentLength,
    TransferEncoding,
    UnknownCoding,
    BothLengths,
    Expectation,
    Chunk,
    ChunkLineTooLong,
    Trailer,
    TrailersTooLarge,
    UnexpectedUpgrade,
    EndOfInput,
    Order,
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Error(kind)
    }
}

impl Error {
    /// The status a server answers: 400, 414, 417, 431, 501 or 505. To a client it tells what kind of fault it was.
    pub fn status(self) -> u16 {
        match self.0 {
            Kind::TargetTooLong => 414,
            Kind::Expectation => 417,
            Kind::HeadTooLarge | Kind::TrailersTooLarge => 431,
            Kind::MethodTooLong | Kind::UnknownCoding => 501,
            Kind::VersionNotSupported => 505,
            _ => 400,
        }
    }

    /// What was wrong, in fixed words: nothing of the message is repeated.
    pub fn reason(self) -> &'static str {
        match self.0 {
            Kind::Syntax => "malformed head",
            Kind::LineEnd => "a line does not end with CRLF",
            Kind::Version => "malformed HTTP version",
            Kind::VersionNotSupported => "HTTP version not supported",
            Kind::MethodTooLong => "method too long",
            Kind::Target => "malformed request target",
            Kind::TargetTooLong => "request target too long",
            Kind::Host => "missing, repeated or malformed Host",
            Kind::HeadTooLarge => "head too large",
            Kind::ContentLength => "malformed or repeated Content-Length",
            Kind::TransferEncoding => "malformed Transfer-Encoding",
            Kind::UnknownCoding => "transfer coding not implemented",
            Kind::BothLengths => "both Content-Length and Transfer-Encoding",
            Kind::Expectation => "unknown expectation",
            Kind::Chunk => "malformed chunk",
            Kind::ChunkLineTooLong => "chunk extensions too long",
            Kind::Trailer => "malformed trailer",
            Kind::TrailersTooLarge => "trailer section too large",
            Kind::UnexpectedUpgrade => "protocol switch nobody asked for",
            Kind::EndOfInput => "connection closed within a message",
            Kind::Order => "the connection is not at this point of a message",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Error {}
