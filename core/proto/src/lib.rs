//! Protocol state machines: bytes in, events out. No sockets, no clock, no threads.
//!
//! The messages ([`RequestHead`], [`ResponseHead`], [`Headers`]) are the same for every wire. Each wire has a module of its
//! own: [`http1`] is HTTP/1.0 and HTTP/1.1 (RFC 9112), for servers and clients;
//! [`http2`] is HTTP/2 (RFC 9113), and [`hpack`] its header compression (RFC 7541). [`http3`] is HTTP/3 (RFC 9114), and [`qpack`] its (RFC 9204). [`websocket`] is what a
//! stream of bytes becomes by RFC 6455, and [`capsule`] what it becomes by RFC 9297. [`mux`] is no HTTP: streams of bytes on one
//! connection. Nor is [`proxy_protocol`]: what a proxy tells in front of a connection.
#![forbid(unsafe_code)]

mod authority;
mod block;
pub mod capsule;
mod field_coding;
mod grammar;
mod headers;
pub mod hpack;
pub mod http1;
pub mod http2;
pub mod http3;
mod known_field;
mod lower_case;
mod method;
pub mod mux;
mod origin_fields;
pub mod proxy_protocol;
pub mod qpack;
mod rate;
mod request_head;
mod response_head;
mod response_parts;
mod section;
mod send_error;
mod status;
mod target;
mod varint;
mod version;
pub mod websocket;
mod words;

pub use headers::{Headers, InvalidField};
pub use method::Method;
pub use origin_fields::OriginFields;
pub use request_head::{InvalidRequest, RequestHead};
pub use response_head::{InvalidStatus, ResponseHead};
pub use response_parts::{ContentLength, ResponseParts};
pub use send_error::SendError;
pub use status::reason;
pub use version::Version;
