//! Many streams on one connection, for programs on one machine: a frame mux for sidecars.
//!
//! There is no RFC. This is the wire, all integers big-endian:
//!
//! ```text
//! | u32 payload length | u64 stream id | u8 kind | payload |
//! ```
//!
//! | kind | | payload |
//! |---|---|---|
//! | 0 | OPEN | the first bytes, usually none |
//! | 1 | CHUNK | bytes |
//! | 2 | DONE | the last bytes, usually none; this end sends no more |
//! | 3 | ERROR | a text; the stream is over in both directions |
//! | 4 | CANCEL | ignored; the stream is over in both directions |
//! | 5 | CREDIT | u32: so many more bytes may be sent on this stream |
//!
//! Each end may open streams: the connecting end with odd ids, the accepting end with even ones. A peer's stream may have any id that is
//! not open, because older peers count 1, 2, 3.
//!
//! Each direction of each stream starts with a credit of [`INITIAL_CREDIT`] bytes of payload in OPEN, CHUNK and DONE. The receiver gives
//! more as its reader takes what came. So a slow reader stops its own stream and no other. A peer that knows no CREDIT works up to the
//! initial credit. Who sends more than its credit loses that stream: it ends with ERROR.
//!
//! Frames of a stream that is not open are skipped: they were on their way when it ended.
//!
//! [`Mux`] is one end of a connection, as a value: bytes and commands in, bytes and events out.

mod error;
mod event;
mod frame;
mod inbound;
mod limits;
mod machine;
mod stream;

pub use error::{CommandError, ProtocolError};
pub use event::Event;
pub use frame::{FrameHeader, FrameKind, HEADER_LENGTH};
pub use limits::{INITIAL_CREDIT, Limits, MAX_CREDIT, MAX_ERROR_TEXT};
pub use machine::{Mux, Role};
