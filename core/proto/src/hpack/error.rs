//! What can be wrong with a compressed field section.

use std::fmt;

/// Why a field section could not be read. What follows on the connection cannot be read either (RFC 7541 section 2.2): it has to close.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The section ends within a field.
    Truncated,
    /// An integer does not fit 32 bits, or is longer than it needs to be.
    Integer,
    /// A text is not in the Huffman code.
    Huffman,
    /// There is no field with this index.
    Index,
    /// A change of the table's size that is too large, missing, or not at the start.
    TableSize,
}

impl Error {
    /// What was wrong, in fixed words: nothing of the section is repeated.
    pub fn reason(self) -> &'static str {
        match self {
            Error::Truncated => "field section ends within a field",
            Error::Integer => "integer in a field section too large",
            Error::Huffman => "malformed Huffman code",
            Error::Index => "no field has this index",
            Error::TableSize => "change of the table size not allowed",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Error {}
