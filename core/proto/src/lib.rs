//! Protocol state machines: bytes in, events out. No sockets, no clock, no threads.
//!
//! The messages ([`RequestHead`], [`ResponseHead`], [`Headers`]) are the same for every wire. Each wire has a module of its
//! own: [`http1`] is HTTP/1.0 and HTTP/1.1 (RFC 9112), for servers and clients. [`mux`] is no HTTP: streams of bytes on one connection.
#![forbid(unsafe_code)]

mod authority;
mod grammar;
mod headers;
pub mod http1;
mod known_field;
mod method;
pub mod mux;
mod request_head;
mod response_head;
mod status;
mod target;
mod version;
mod words;

pub use headers::{Headers, InvalidField};
pub use method::Method;
pub use request_head::{InvalidRequest, RequestHead};
pub use response_head::{InvalidStatus, ResponseHead};
pub use status::reason;
pub use version::Version;
