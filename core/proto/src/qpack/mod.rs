//! QPACK, the header compression of HTTP/3 (RFC 9204).
//!
//! A connection has a [`Decoder`], which reads the peer's encoder stream and field sections, and an [`Encoder`], which writes this end's and reads the
//! peer's decoder stream. Streams come in any order, so a section may name fields that have not come yet: it is blocked then, and its bytes
//! stay with the owner until [`Decoder::next_unblocked`] tells its stream. Tables, texts and limits are those of [`hpack`](crate::hpack).

mod acknowledged;
mod decoder;
mod encoder;
mod error;
mod instructions;
mod last_lines;
mod static_table;

pub use crate::field_coding::budget::SectionLimits;
pub use decoder::{Begun, Decoder, SectionPrefix};
pub use encoder::Encoder;
pub use error::{Error, ErrorCode, Fault};

/// The most that a table may be set to: what is larger is taken as this.
const MOST_TABLE: u32 = 1 << 24;
