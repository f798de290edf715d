//! What can go wrong, for a connection and for a stream (RFC 9114 section 8).

use std::fmt;

use crate::qpack;

/// Why a stream or a connection ended (RFC 9114 section 8.1, RFC 9204 section 6, RFC 9297 section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// A datagram can't be read.
    Datagram,
    /// Nothing is wrong: a stream is not needed any more, or the connection ends in peace.
    NoError,
    /// The protocol was broken in a way that has no other code.
    GeneralProtocol,
    /// The sender made a mistake, or gave up.
    Internal,
    /// A stream that may not be there.
    StreamCreation,
    /// A stream that has to stay open was closed.
    ClosedCriticalStream,
    /// A frame that may not come here, or not now.
    FrameUnexpected,
    /// A frame that is malformed, or was cut.
    Frame,
    /// The peer costs too much.
    ExcessiveLoad,
    /// An id that can't be.
    Id,
    /// SETTINGS that can't be.
    Settings,
    /// The control stream does not begin with SETTINGS.
    MissingSettings,
    /// The request was refused before anything was done: it can be tried again.
    RequestRejected,
    /// The request, or its answer, is not wanted any more.
    RequestCancelled,
    /// The request ended before it was whole.
    RequestIncomplete,
    /// A message is malformed.
    Message,
    /// The connection of a CONNECT failed.
    Connect,
    /// HTTP/1.1 has to be used.
    VersionFallback,
    /// A code of QPACK.
    Qpack(qpack::ErrorCode),
    /// A number that is not registered.
    Other(u64),
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            ErrorCode::Datagram => 0x33,
            ErrorCode::NoError => 0x100,
            ErrorCode::GeneralProtocol => 0x101,
            ErrorCode::Internal => 0x102,
            ErrorCode::StreamCreation => 0x103,
            ErrorCode::ClosedCriticalStream => 0x104,
            ErrorCode::FrameUnexpected => 0x105,
            ErrorCode::Frame => 0x106,
            ErrorCode::ExcessiveLoad => 0x107,
            ErrorCode::Id => 0x108,
            ErrorCode::Settings => 0x109,
            ErrorCode::MissingSettings => 0x10a,
            ErrorCode::RequestRejected => 0x10b,
            ErrorCode::RequestCancelled => 0x10c,
            ErrorCode::RequestIncomplete => 0x10d,
            ErrorCode::Message => 0x10e,
            ErrorCode::Connect => 0x10f,
            ErrorCode::VersionFallback => 0x110,
            ErrorCode::Qpack(code) => code.number(),
            ErrorCode::Other(number) => number,
        }
    }

    /// The code with this number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        match number {
            0x33 => ErrorCode::Datagram,
            0x100 => ErrorCode::NoError,
            0x101 => ErrorCode::GeneralProtocol,
            0x102 => ErrorCode::Internal,
            0x103 => ErrorCode::StreamCreation,
            0x104 => ErrorCode::ClosedCriticalStream,
            0x105 => ErrorCode::FrameUnexpected,
            0x106 => ErrorCode::Frame,
            0x107 => ErrorCode::ExcessiveLoad,
            0x108 => ErrorCode::Id,
            0x109 => ErrorCode::Settings,
            0x10a => ErrorCode::MissingSettings,
            0x10b => ErrorCode::RequestRejected,
            0x10c => ErrorCode::RequestCancelled,
            0x10d => ErrorCode::RequestIncomplete,
            0x10e => ErrorCode::Message,
            0x10f => ErrorCode::Connect,
            0x110 => ErrorCode::VersionFallback,
            0x200 => ErrorCode::Qpack(qpack::ErrorCode::DecompressionFailed),
            0x201 => ErrorCode::Qpack(qpack::ErrorCode::EncoderStream),
            0x202 => ErrorCode::Qpack(qpack::ErrorCode::DecoderStream),
            _ => ErrorCode::Other(number),
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ErrorCode::Datagram => "H3_DATAGRAM_ERROR",
            ErrorCode::NoError => "H3_NO_ERROR",
            ErrorCode::GeneralProtocol => "H3_GENERAL_PROTOCOL_ERROR",
            ErrorCode::Internal => "H3_INTERNAL_ERROR",
            ErrorCode::StreamCreation => "H3_STREAM_CREATION_ERROR",
            ErrorCode::ClosedCriticalStream => "H3_CLOSED_CRITICAL_STREAM",
            ErrorCode::FrameUnexpected => "H3_FRAME_UNEXPECTED",
            ErrorCode::Frame => "H3_FRAME_ERROR",
            ErrorCode::ExcessiveLoad => "H3_EXCESSIVE_LOAD",
            ErrorCode::Id => "H3_ID_ERROR",
            ErrorCode::Settings => "H3_SETTINGS_ERROR",
            ErrorCode::MissingSettings => "H3_MISSING_SETTINGS",
            ErrorCode::RequestRejected => "H3_REQUEST_REJECTED",
            ErrorCode::RequestCancelled => "H3_REQUEST_CANCELLED",
            ErrorCode::RequestIncomplete => "H3_REQUEST_INCOMPLETE",
            ErrorCode::Message => "H3_MESSAGE_ERROR",
            ErrorCode::Connect => "H3_CONNECT_ERROR",
            ErrorCode::VersionFallback => "H3_VERSION_FALLBACK",
            ErrorCode::Qpack(qpack::ErrorCode::DecompressionFailed) => "QPACK_DECOMPRESSION_FAILED",
            ErrorCode::Qpack(qpack::ErrorCode::EncoderStream) => "QPACK_ENCODER_STREAM_ERROR",
            ErrorCode::Qpack(qpack::ErrorCode::DecoderStream) => "QPACK_DECODER_STREAM_ERROR",
            ErrorCode::Other(number) => return write!(f, "error {number:#x}"),
        })
    }
}

/// The peer broke the protocol, or costs too much. The connection is over: the owner closes the transport's with this code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionError {
    /// What the peer is told.
    pub code: ErrorCode,
    /// What was wrong, in fixed words: nothing of the peer's is repeated. The peer may be told this too.
    pub reason: &'static str,
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.reason)
    }
}

impl std::error::Error for ConnectionError {}

impl From<qpack::Error> for ConnectionError {
    fn from(error: qpack::Error) -> Self {
        ConnectionError { code: ErrorCode::Qpack(error.code), reason: error.reason() }
    }
}

impl ConnectionError {
    pub(super) const fn new(code: ErrorCode, reason: &'static str) -> Self {
        ConnectionError { code, reason }
    }

    pub(super) const fn unexpected(reason: &'static str) -> Self {
        ConnectionError { code: ErrorCode::FrameUnexpected, reason }
    }

    pub(super) const fn frame(reason: &'static str) -> Self {
        ConnectionError { code: ErrorCode::Frame, reason }
    }

    pub(super) const fn id(reason: &'static str) -> Self {
        ConnectionError { code: ErrorCode::Id, reason }
    }

    pub(super) const fn load(reason: &'static str) -> Self {
        ConnectionError { code: ErrorCode::ExcessiveLoad, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;

    #[test]
    fn numbers_come_back() {
        for number in (0..0x300).chain([u64::from(u32::MAX) + 1]) {
            assert_eq!(ErrorCode::from_number(number).number(), number);
        }
        assert_eq!(ErrorCode::from_number(0x99).to_string(), "error 0x99");
        assert_eq!(ErrorCode::from_number(0x106).to_string(), "H3_FRAME_ERROR");
    }
}
