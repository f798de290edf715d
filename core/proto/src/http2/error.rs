//! What can go wrong, for a connection and for a stream (RFC 9113 section 5.4).

use std::fmt;

/// Why a stream or a connection ended (RFC 9113 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// Nothing is wrong: a stream is not needed any more, or the connection ends in peace.
    NoError,
    /// The protocol was broken.
    Protocol,
    /// The sender made a mistake, or gave up.
    Internal,
    /// More was sent than the window allows.
    FlowControl,
    /// SETTINGS were not acknowledged in time.
    SettingsTimeout,
    /// A frame came on a stream that has ended.
    StreamClosed,
    /// A frame has a length that it can't have.
    FrameSize,
    /// The stream was refused before anything was done: it can be tried again.
    RefusedStream,
    /// The stream is not wanted any more.
    Cancel,
    /// A field section can't be read.
    Compression,
    /// The connection of a CONNECT failed.
    Connect,
    /// The peer costs too much.
    EnhanceYourCalm,
    /// The transport is not good enough.
    InadequateSecurity,
    /// HTTP/1.1 has to be used.
    Http11Required,
    /// A number that is not registered.
    Other(u32),
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            ErrorCode::NoError => 0,
            ErrorCode::Protocol => 1,
            ErrorCode::Internal => 2,
            ErrorCode::FlowControl => 3,
            ErrorCode::SettingsTimeout => 4,
            ErrorCode::StreamClosed => 5,
            ErrorCode::FrameSize => 6,
            ErrorCode::RefusedStream => 7,
            ErrorCode::Cancel => 8,
            ErrorCode::Compression => 9,
            ErrorCode::Connect => 10,
            ErrorCode::EnhanceYourCalm => 11,
            ErrorCode::InadequateSecurity => 12,
            ErrorCode::Http11Required => 13,
            ErrorCode::Other(number) => number,
        }
    }

    /// The code with this number.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        match number {
            0 => ErrorCode::NoError,
            1 => ErrorCode::Protocol,
            2 => ErrorCode::Internal,
            3 => ErrorCode::FlowControl,
            4 => ErrorCode::SettingsTimeout,
            5 => ErrorCode::StreamClosed,
            6 => ErrorCode::FrameSize,
            7 => ErrorCode::RefusedStream,
            8 => ErrorCode::Cancel,
            9 => ErrorCode::Compression,
            10 => ErrorCode::Connect,
            11 => ErrorCode::EnhanceYourCalm,
            12 => ErrorCode::InadequateSecurity,
            13 => ErrorCode::Http11Required,
            _ => ErrorCode::Other(number),
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ErrorCode::NoError => "NO_ERROR",
            ErrorCode::Protocol => "PROTOCOL_ERROR",
            ErrorCode::Internal => "INTERNAL_ERROR",
            ErrorCode::FlowControl => "FLOW_CONTROL_ERROR",
            ErrorCode::SettingsTimeout => "SETTINGS_TIMEOUT",
            ErrorCode::StreamClosed => "STREAM_CLOSED",
            ErrorCode::FrameSize => "FRAME_SIZE_ERROR",
            ErrorCode::RefusedStream => "REFUSED_STREAM",
            ErrorCode::Cancel => "CANCEL",
            ErrorCode::Compression => "COMPRESSION_ERROR",
            ErrorCode::Connect => "CONNECT_ERROR",
            ErrorCode::EnhanceYourCalm => "ENHANCE_YOUR_CALM",
            ErrorCode::InadequateSecurity => "INADEQUATE_SECURITY",
            ErrorCode::Http11Required => "HTTP_1_1_REQUIRED",
            ErrorCode::Other(number) => return write!(f, "error {number}"),
        })
    }
}

/// The peer broke the protocol, or costs too much. The connection is over; a GOAWAY that says so was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionError {
    /// What the peer is told.
    pub code: ErrorCode,
    /// What was wrong, in fixed words: nothing of the peer's is repeated. The peer is told this too.
    pub reason: &'static str,
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.reason)
    }
}

impl std::error::Error for ConnectionError {}

impl ConnectionError {
    pub(super) const fn protocol(reason: &'static str) -> Self {
        ConnectionError { code: ErrorCode::Protocol, reason }
    }

    pub(super) const fn frame_size(reason: &'static str) -> Self {
        ConnectionError { code: ErrorCode::FrameSize, reason }
    }

    pub(super) const fn flow_control(reason: &'static str) -> Self {
        ConnectionError { code: ErrorCode::FlowControl, reason }
    }

    pub(super) const fn calm(reason: &'static str) -> Self {
        ConnectionError { code: ErrorCode::EnhanceYourCalm, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;

    #[test]
    fn numbers_come_back() {
        for number in 0..20 {
            assert_eq!(ErrorCode::from_number(number).number(), number);
        }
        assert_eq!(ErrorCode::from_number(99).to_string(), "error 99");
    }
}
