//! The client's side: requests go out, answers come in, on any wire.
//!
//! A [`Session`] is one connection as a value: bytes, time and commands in; bytes and events out. It touches no socket and no clock, so a thread
//! that blocks, a host's loop, a test and a fuzzer drive the same value. A request on it is an exchange, named by an [`ExchangeId`]:
//! HTTP/2 runs many at a time, HTTP/1.1 one after another.
//!
//! A [`Client`] is a session on a connection that a [`Connector`](crate::connect::Connector) made, for a thread that blocks or a loop that polls.
//! There is no pool: whoever opens a connection owns it.
//!
//! ```
//! use flare::client::{Client, Request};
//! use flare::connect::Connector;
//! use flare::prelude::{Request as Asked, Router, Server};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut router = Router::new();
//! router.get("/hi/:name", |request: &Asked| format!("hi, {}", request.param("name").unwrap_or("you")))?;
//! let server = Server::new(router).listen("127.0.0.1:0")?.bind()?.start()?;
//! let address = server.addresses()[0].to_string();
//!
//! let mut client = Client::http2(Connector::default().connect(&address)?);
//! let answer = client.fetch(&Request::new("GET", "example.org", "/hi/there"), b"")?;
//! assert_eq!((answer.head.status, &answer.content[..]), (200, &b"hi, there"[..]));
//! # Ok(())
//! # }
//! ```

mod by_name;
mod carrier;
#[cfg(feature = "http3")]
mod connecting_http3;
mod connection;
mod datagrams;
mod error;
mod event;
mod http1;
mod http2;
#[cfg(feature = "http3")]
mod http3;
#[cfg(feature = "http3")]
mod on_quic;
mod on_stream;
mod request;
mod session;

#[cfg(feature = "http3")]
pub use connecting_http3::ConnectingHttp3;
pub use connection::{Answer, Client};
pub use error::ClientError;
pub use event::{Event, ExchangeId, Failure, Response};
pub use flare_proto::http1::ContentLength;
pub use request::{Request, RequestError};
pub use session::{Limits, Session};

/// Content of an exchange waits up to this many bytes, for the server or for the owner, before no more is taken.
const HIGH: usize = 256 * 1024;
/// And is taken again below this.
const LOW: usize = 64 * 1024;
