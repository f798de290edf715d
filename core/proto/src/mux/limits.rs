//! How much a peer may ask of one connection.

/// The credit that each direction of each stream starts with, in bytes of payload: 64 KiB. A part of the protocol, so not a setting.
pub const INITIAL_CREDIT: u32 = 64 * 1024;

/// The most credit that a direction of a stream may have at a time, in bytes: 2^31 - 1.
pub const MAX_CREDIT: u32 = i32::MAX as u32;

/// The most bytes of the text of an ERROR that are kept or sent; the rest is cut.
pub const MAX_ERROR_TEXT: usize = 1024;

/// The limits of one end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest payload of a frame, in bytes, both ways. A longer one ends the connection. At least 1. Default 1 MiB.
    pub max_frame: u32,
    /// How many streams each end may have open at a time. A stream of the peer beyond that is answered with ERROR. Default 1024.
    pub max_streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_frame: 1024 * 1024, max_streams: 1024 }
    }
}
