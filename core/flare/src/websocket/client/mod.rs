//! The client's side of WebSocket: sockets that are opened to others, on HTTP/1.1 and HTTP/2.
//!
//! An [`Opener`] has the settings. It blocks ([`Opener::open`]), or gives an [`Opening`] that is polled from a loop ([`Opener::begin`]). Either
//! way there is a [`Socket`] in the end, or an [`OpenError`] that says why not. Lost sockets are opened again by the same calls with a
//! [`Backoff`].
//!
//! ```
//! use flare::prelude::*;
//! use flare::websocket::client::{Event, Opener, Options};
//! use flare::websocket::{Message, WebSocket};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut router = Router::new();
//! router.ws("/echo", |_: &Request| {
//!     |socket: &WebSocket, message: Message<'_>| {
//!         let _ = socket.send(message);
//!     }
//! })?;
//! let server = Server::new(router).listen("127.0.0.1:0")?.bind()?.start()?;
//!
//! let socket = Opener::new(Options::default())?.open(&format!("ws://{}/echo", server.addresses()[0]))?;
//! socket.send_text("hello")?;
//! match socket.receive(None)? {
//!     Event::Text(text) => assert_eq!(text, "hello"),
//!     other => panic!("{other:?}"),
//! }
//! assert_eq!(socket.close_and_wait(1000, "")?.code, 1000);
//! # Ok(())
//! # }
//! ```
//!
//! # Threads
//!
//! Any thread may call anything, at the same time: one may receive while others send. A thread that waits holds up none of them: it waits
//! without a lock, and whoever sends writes to the socket himself. Two threads that receive at once each get some of the events.
//!
//! # Somebody has to receive
//!
//! A socket has no thread of its own. Pings are answered, the server's silence is noticed and a Close is seen by whoever receives, or polls;
//! and while nobody does, the server is stopped by backpressure once 256 KiB have come.
//!
//! # Which HTTP
//!
//! `ws:` is HTTP/1.1. `wss:` offers HTTP/2 and HTTP/1.1 (ALPN). With HTTP/2 the socket is an extended CONNECT if the server's first SETTINGS
//! allow it (RFC 8441, 3). If they don't, the connection is closed, another is made that offers HTTP/1.1 alone, and the [`Opener`] remembers
//! that for this host and port, so it costs once. [`Wire`] says otherwise.

mod asking;
mod backoff;
mod error;
mod event;
mod handshake;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test wants to fail here")]
mod joined_tests;
mod link;
mod opener;
mod opening;
mod options;
mod place;
mod random;
mod session;
mod socket;
pub(crate) mod test_socket;

pub use backoff::Backoff;
pub use error::{OpenError, OpenFailure, Refusal};
pub use event::{Closed, Event};
pub use opener::Opener;
pub use opening::Opening;
pub use options::{Options, Wire};
pub use socket::Socket;
