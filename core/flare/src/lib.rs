//! flare: an HTTP server and client library.
//!
//! A [`Router`] holds handlers, a [`Server`] runs it. Each request is an [`Exchange`], which a [`Handler`] answers now or later.
//!
//! ```no_run
//! use flare::prelude::*;
//!
//! fn main() -> Result<(), flare::Error> {
//!     let mut router = Router::new();
//!     router.get("/hi/:name", |request: &Request| format!("hi, {}\n", request.param("name").unwrap_or("you")))?;
//!     flare::serve(router, "127.0.0.1:8080")?;
//!     Ok(())
//! }
//! ```
#![forbid(unsafe_code)]
// Sessions can always be told of TLS; without it nobody does.
#![cfg_attr(not(feature = "tls"), allow(dead_code, unused_imports))]

pub mod client;
pub mod connect;
pub mod embed;
mod error;
mod exchange;
pub mod files;
mod handler;
pub mod log;
pub mod message;
pub mod middleware;
pub mod mux;
mod networks;
mod router;
pub mod routing;
pub mod server;
pub mod testing;
pub mod websocket;

/// TLS: settings of servers and clients, certificates and keys.
#[cfg(feature = "tls")]
pub mod tls {
    #[cfg(feature = "http3")]
    pub use flare_quic::{Congestion, QuicSettings, Retry};
    pub use flare_tls::{
        Choice, ClientAuth, ClientTls, ConfigError, EarlyData, Hello, Identity, LoadedIdentity, Place,
        Resolver, Resumption, ServerTls, Source, Trust, Version,
    };
}

pub use error::Error;
pub use exchange::{
    AnswerError, CancelReason, DatagramError, Event, Exchange, Flow, Read, Upstream, check_trailer,
};
pub use flare_net::Address;
pub use handler::{Handler, later};
pub use message::{
    Body, Headers, IntoResponse, InvalidField, Json, Method, Peer, Request, Response, TlsSession, Version,
};
pub use networks::{Networks, NoNetwork};
pub use router::{RouteOptions, Router};
pub use routing::RouteError;
pub use server::{Server, ServerConfig, ServerHandle, serve};

/// What most programs use.
pub mod prelude {
    pub use crate::{
        Body, Exchange, Handler, Headers, IntoResponse, Json, Method, Request, Response, Router, Server,
        ServerConfig,
    };
}
