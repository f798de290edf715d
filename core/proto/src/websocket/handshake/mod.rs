//! What both sides of a handshake need (RFC 6455 section 4): functions of the values of its fields, for HTTP/1.1 and for HTTP/2.
//!
//! On HTTP/1.1 a client sends a [key](client_key) and the server answers with its [acceptance](accept_key). On HTTP/2 (RFC 8441) there is neither.

mod deflate;
mod error;
mod extensions;
mod key;
mod subprotocols;

pub use deflate::{accept_deflate, agreed_deflate, offer_deflate};
pub use error::HandshakeError;
pub use key::{accept_key, client_key};
pub use subprotocols::{choose_subprotocol, chosen_subprotocol, offered_subprotocols};

/// The value of `Sec-WebSocket-Version`. A server answers any other one with 426 and this.
pub const VERSION: &str = "13";
