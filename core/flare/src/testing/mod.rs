//! Tests without a port: a client that talks to a router in the same thread.
//!
//! ```
//! use flare::prelude::*;
//! use flare::testing::TestClient;
//!
//! let mut router = Router::new();
//! router.get("/hi/:name", |request: &Request| format!("hi, {}", request.param("name").unwrap_or("you")))?;
//! let mut client = TestClient::new(router);
//! let answer = client.get("/hi/ann");
//! assert_eq!((answer.status, answer.text()), (200, "hi, ann"));
//! # Ok::<(), flare::RouteError>(())
//! ```
//!
//! The bytes take the same way as on a socket: only the socket is missing. So limits, framing and errors are the server's own.

mod client;
mod connection;
pub(crate) mod inbox;

pub use client::{TestClient, TestRequest, TestResponse};
pub use connection::TestConnection;

pub use crate::websocket::client::test_socket::TestSocket;
