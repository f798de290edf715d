//! HTTP/2 (RFC 9113), for servers and clients.
//!
//! A connection is a value that is fed the bytes that came in, tells one event at a time, and appends the frames to send to a `Vec<u8>`. Content
//! stays with its owner in both directions: what comes in is lent, and what goes out is written right behind nine bytes that the connection
//! writes when it is the stream's turn. `docs/architecture.md` shows how an owner goes about it.
//!
//! Push is not used. Priorities are those of RFC 9218; those of RFC 7540 are read and have no effect. What costs this end and brings it nothing has
//! budgets: see [`Limits`].

mod client;
mod connection;
mod content;
mod control;
mod drain;
mod error;
mod event;
mod flood;
mod frame;
mod headers;
mod inbound;
mod limits;
mod receive;
mod role;
mod scheduler;
mod send;
mod server;
mod settings;
mod stream;
mod streams;
mod turns;
mod window;

pub use crate::rate::Rate;
pub use crate::section::info::{RequestInfo, ResponseInfo};
pub use crate::section::priority::Priority;
pub use crate::section::request_parts::RequestParts;
pub use connection::Connection;
pub use error::{ConnectionError, ErrorCode};
pub use event::Event;
pub use frame::{FRAME_HEADER_LENGTH, FrameHeader, FrameKind, flag};
pub use limits::Limits;
pub use role::{Client, Role, Server};
pub use settings::PeerSettings;
pub use stream::StreamKey;
pub use turns::{Stall, Turn};

/// The server's side of a connection.
pub type ServerConnection = Connection<Server>;

/// The client's side of a connection.
pub type ClientConnection = Connection<Client>;

/// What a client sends first (RFC 9113 section 3.4). A server that takes HTTP/1 on the same port knows HTTP/2 by it.
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
