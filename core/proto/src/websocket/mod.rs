//! WebSocket (RFC 6455), for servers and clients.
//!
//! A [`Connection`] is what the stream of bytes is that both ends agreed on: bytes in, messages out, and frames to send appended to a `Vec<u8>`.
//! It knows nothing of HTTP; [`handshake`] has the functions that both sides of a handshake need.
//!
//! ```
//! use std::sync::Arc;
//! use flare_proto::websocket::{Connection, Event, Limits, MaskKeys, Opcode, Role};
//!
//! let limits = Arc::new(Limits::default());
//! let mut server = Connection::new(Role::Server, limits.clone(), None);
//! let keys = MaskKeys::new(|| [1, 2, 3, 4]); // A program takes them from the system's random numbers.
//! let mut client = Connection::new(Role::Client(keys), limits, None);
//!
//! let (mut sent, mut answer) = (Vec::new(), Vec::new());
//! client.send(Opcode::Text, b"hello", &mut sent)?;
//! let mut input = &sent[..];
//! while let Some(event) = server.receive(&mut input, &mut answer)? {
//!     assert_eq!(event, Event::Message { opcode: Opcode::Text, bytes: b"hello" });
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod close;
mod connection;
mod deflate;
mod error;
mod event;
mod frame;
pub mod handshake;
mod inflating;
mod input;
mod limits;
mod mask;
mod receive;
mod role;
mod send;
mod sender;
mod utf8;

pub use close::CloseCode;
pub use connection::Connection;
pub use deflate::{Contexts, Deflate, DeflateConfig};
pub use error::{ConnectionError, SendError};
pub use event::{Event, Opcode};
pub use input::Input;
pub use limits::Limits;
pub use role::{MaskKeys, Role};
pub use send::{encode, encode_head};
pub use sender::Sender;
pub use utf8::{as_text, is_utf8};

pub use crate::rate::Rate;
