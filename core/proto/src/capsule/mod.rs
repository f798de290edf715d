//! Capsules (RFC 9297 section 3): what a stream of bytes behind a CONNECT or an Upgrade may carry, on every wire.
//!
//! [`Capsules`] takes such a stream apart and keeps nothing of it. [`Datagrams`] is for who only wants the datagrams in it: it
//! keeps one that has come in part, up to a limit, and leaves out all other capsules, as section 3.2 demands.

mod datagrams;
mod parts;

pub use datagrams::{Datagrams, Found};
pub use parts::{Capsules, DATAGRAM, Part, write_datagram, write_header};

/// The field that says of a message that its stream is one of capsules (RFC 9297 section 3.4).
pub const FIELD: &str = "capsule-protocol";

/// The value of [`FIELD`]: true, as a structured field.
pub const FIELD_VALUE: &str = "?1";
