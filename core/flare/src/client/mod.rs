//! The client's side: requests go out, answers come in, on any wire.
//!
//! A [`Session`] is one connection as a value: bytes, time and commands in; bytes and events out. It touches no socket and no clock, so a thread
//! that blocks, a host's loop, a test and a fuzzer drive the same value. A request on it is an exchange, named by an [`ExchangeId`]:
//! HTTP/2 runs many at a time, HTTP/1.1 one after another.

mod event;
mod http1;
mod http2;
mod request;
mod session;

pub use event::{Event, ExchangeId, Failure, Response};
pub use flare_proto::http1::ContentLength;
pub use request::{Request, RequestError};
pub use session::{Limits, Session};
