//! What can be wrong with what the other side's QPACK sent.

use std::fmt;

/// Which part of the compression failed (RFC 9204 section 6). Each of them ends the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCode {
    /// A field section can't be read.
    DecompressionFailed,
    /// An instruction on the encoder stream can't be followed.
    EncoderStream,
    /// An instruction on the decoder stream can't be followed.
    DecoderStream,
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            ErrorCode::DecompressionFailed => 0x200,
            ErrorCode::EncoderStream => 0x201,
            ErrorCode::DecoderStream => 0x202,
        }
    }
}

/// What was wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The section ends within a field or its prefix.
    Truncated,
    /// An integer is larger than it can be, or longer than it needs to be.
    Integer,
    /// A text is not in the Huffman code.
    Huffman,
    /// There is no field with this index, or there is none any more.
    Index,
    /// A Required Insert Count that can't be (RFC 9204 section 4.5.1.1).
    RequiredInsertCount,
    /// A Base below 0 (RFC 9204 section 4.5.1.2).
    Base,
    /// More streams wait for the encoder stream than were allowed (RFC 9204 section 2.1.2).
    Blocked,
    /// A capacity above the limit (RFC 9204 section 4.3.1).
    Capacity,
    /// An entry that does not fit the table (RFC 9204 section 3.2.2).
    TooLarge,
    /// An acknowledgement of a section that waits for none (RFC 9204 section 4.4.1).
    Acknowledgement,
    /// An Insert Count Increment of 0, or of more than was inserted (RFC 9204 section 4.4.3).
    Increment,
}

/// Why the other side's QPACK could not be followed. The connection has to close with this code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Error {
    /// Where.
    pub code: ErrorCode,
    /// What.
    pub fault: Fault,
}

impl Error {
    /// What was wrong, in fixed words: nothing of the other side's is repeated.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self.fault {
            Fault::Truncated => "field section ends within a field",
            Fault::Integer => "integer of QPACK too large",
            Fault::Huffman => "malformed Huffman code",
            Fault::Index => "no field has this index",
            Fault::RequiredInsertCount => "Required Insert Count that can't be",
            Fault::Base => "Base below 0",
            Fault::Blocked => "too many blocked streams",
            Fault::Capacity => "table capacity above the limit",
            Fault::TooLarge => "entry larger than the table",
            Fault::Acknowledgement => "acknowledgement of no section",
            Fault::Increment => "Insert Count Increment that can't be",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Error {}
