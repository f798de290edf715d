//! Why a connection does not begin with a PROXY header.

use std::fmt;

/// Why bytes are no valid header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// They begin like neither version.
    NoHeader,
    /// A header of version 1 has no CRLF within its 107 bytes.
    LineTooLong,
    /// The line of version 1 is not what section 2.1 says: this part of it is wrong.
    MalformedLine(&'static str),
    /// A version other than 2 stands behind the signature of version 2.
    UnknownVersion(u8),
    /// A command that does not exist.
    UnknownCommand(u8),
    /// An address family or transport that does not exist.
    UnknownFamily(u8),
    /// Version 2 is too short for the addresses of its family: so many bytes follow.
    TooShort(u16),
    /// A TLV is longer than what holds it, or not as long as its type demands.
    MalformedTlv(u8),
    /// The CRC32C does not fit, or there are two.
    WrongChecksum,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHeader => f.write_str("no PROXY header"),
            Self::LineTooLong => f.write_str("the PROXY line does not end within 107 bytes"),
            Self::MalformedLine(part) => write!(f, "the PROXY line has a malformed {part}"),
            Self::UnknownVersion(version) => write!(f, "there is no PROXY protocol of version {version}"),
            Self::UnknownCommand(command) => write!(f, "there is no PROXY command {command}"),
            Self::UnknownFamily(family) => {
                write!(f, "there is no PROXY address family and transport 0x{family:02x}")
            }
            Self::TooShort(length) => {
                write!(f, "a PROXY header is too short for its addresses: {length} bytes")
            }
            Self::MalformedTlv(kind) => write!(f, "a PROXY TLV of type 0x{kind:02x} is malformed"),
            Self::WrongChecksum => f.write_str("the checksum of a PROXY header is wrong"),
        }
    }
}

impl std::error::Error for HeaderError {}
