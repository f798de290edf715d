//! HPACK, the header compression of HTTP/2 (RFC 7541).
//!
//! A connection has a [`Decoder`] and an [`Encoder`], which keep what was sent before. A field is copied out of its table in one piece, as it
//! lies in [`Headers`](crate::Headers); what its name means and whether its value is one is found when it enters the table.

mod decoder;
mod encoder;
mod error;
mod static_table;

pub use crate::field_coding::budget::SectionLimits;
pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error::Error;

/// The size of the tables both sides begin with, in bytes (RFC 9113 section 6.5.2).
const INITIAL_SIZE: u32 = 4096;
