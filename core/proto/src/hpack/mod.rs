//! HPACK, the header compression of HTTP/2 (RFC 7541).
//!
//! A connection has a [`Decoder`] and an [`Encoder`], which keep what was sent before. A field is copied out of its table in one piece, as it
//! lies in [`Headers`](crate::Headers); what its name means and whether its value is one is found when it enters the table.

mod decoder;
mod dynamic_table;
mod encoder;
mod error;
mod static_table;

pub(crate) use decoder::{Budget, DecodedField};
pub use decoder::{Decoder, SectionLimits};
pub use encoder::Encoder;
pub use error::Error;
