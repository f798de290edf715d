//! HTTP/3 (RFC 9114), for servers and clients, above a transport that this end's owner has (QUIC, RFC 9000).
//!
//! A connection is a value that is told what came on which stream, and tells one event at a time. The frames of a request stream are appended to a
//! `Vec<u8>` by the commands that make them, and content stays with its owner in both directions: what comes in is lent, and what goes out is
//! written right behind the head of a frame. What this end's three unidirectional streams have to send waits in [`Connection::output`]. Order, flow control
//! and the ends of streams are the transport's: the owner closes a stream behind what ends a message, and resets it when an event says so.
//!
//! Push is not used. Priorities are those of RFC 9218. Extended CONNECT is RFC 9220, and datagrams are RFC 9297, with [`capsule`](crate::capsule)s for streams of
//! them. What costs this end and brings it nothing has budgets: see [`Limits`].

mod client;
mod connection;
mod content;
mod control;
mod datagram;
mod drain;
mod error;
mod event;
mod flood;
mod frame;
mod headers;
mod limits;
mod receive;
mod role;
mod send;
mod server;
mod settings;
mod stream;
mod streams;
mod unidirectional;

pub use crate::rate::Rate;
pub use crate::section::info::{RequestInfo, ResponseInfo};
pub use crate::section::priority::Priority;
pub use crate::section::request_parts::RequestParts;
pub use connection::{Connection, Unidirectional};
pub use error::{ConnectionError, ErrorCode};
pub use event::Event;
pub use frame::FrameKind;
pub use limits::Limits;
pub use role::{Client, Role, Server};
pub use settings::PeerSettings;
pub use streams::{IdHasher, StreamMap};

/// The server's side of a connection.
pub type ServerConnection = Connection<Server>;

/// The client's side of a connection.
pub type ClientConnection = Connection<Client>;
