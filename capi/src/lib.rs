//! flare behind a C ABI: `libflare.so` and `libflare.a`.
//!
//! This crate translates and nothing else: C text and pointers in, handles, status codes and messages out.
//!
//! | module | holds |
//! |---|---|
//! | [`handle`] | handles as checked tokens, never addresses |
//! | [`status`] | the status codes and their names |
//! | [`last_error`] | the message of a thread's last failure |
//! | [`mod@guard`] | what every function runs inside: failures and panics become codes |
//! | [`text`] | reading text, bytes and user data that come from C |
//! | [`config`], [`router`], [`route_options`], [`server`], [`queue`] | the functions of each handle |
//! | [`connector`], [`connection`] | connections to others |
//! | [`client`] | requests to others, on such a connection |
//! | [`request_write`], [`response_read`] | the two faces of an exchange, from the client's side |
//! | [`mux`], [`mux_stream`] | many streams on one connection |
//! | [`files`] | static files as a handler of flare's own |
//! | [`request`], [`response`] | the two faces of an exchange |
//! | [`request_stream`], [`response_stream`] | the same, when content flows |
//! | [`host`] | servers in the loop of their host |
//! | [`relay`] | answers that come from an upstream |
//! | [`handler`], [`layer`] | C callbacks as handlers and as middleware |
//! | [`middleware`] | the middleware that comes with flare |
//! | [`tls`] | certificates, keys and settings of TLS |
//! | [`websocket`], [`websocket_options`] | sockets that were accepted, their callbacks and settings |
//! | [`websocket_opener`], [`websocket_client`] | sockets to others: what opens them, and what happens to them |
//! | [`version`] | the version of the ABI, of the library, and its features |
// A C ABI is raw pointers: this is one of the crates that may hold unsafe code. Each block says why it is sound.
#![allow(unsafe_code)]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("flare's handles are 64-bit tokens in a pointer: the target needs 64-bit pointers");

mod asked;
pub mod client;
mod client_state;
pub mod config;
pub mod connection;
pub mod connector;
pub mod datagrams;
pub mod files;
pub mod guard;
pub mod handle;
pub mod handler;
pub mod host;
pub mod last_error;
pub mod layer;
mod life;
pub mod middleware;
pub mod mux;
pub mod mux_stream;
mod object;
pub mod prepared;
pub mod queue;
pub mod relay;
pub mod request;
pub mod request_stream;
pub mod request_write;
pub mod response;
pub mod response_read;
pub mod response_stream;
pub mod route_options;
pub mod router;
pub mod server;
pub mod status;
pub mod text;
pub mod tls;
pub mod version;
pub mod websocket;
pub mod websocket_client;
pub mod websocket_opener;
pub mod websocket_options;

pub use client::*;
pub use config::*;
pub use connection::*;
pub use connector::*;
pub use datagrams::*;
pub use files::flare_router_add_files;
pub use guard::{Failure, guard, guard_or};
pub use handler::{flare_destroy, flare_handler};
pub use host::*;
pub use last_error::flare_last_error;
pub use layer::{FLARE_DONE, flare_response_proceed, flare_route_options_add_layer, flare_router_add_layer};
pub use middleware::*;
pub use mux::*;
pub use mux_stream::*;
pub use prepared::flare_router_add_prepared;
pub use queue::*;
pub use relay::*;
pub use request::*;
pub use request_stream::*;
pub use request_write::*;
pub use response::*;
pub use response_read::*;
pub use response_stream::*;
pub use route_options::*;
pub use router::*;
pub use server::*;
pub use status::*;
pub use text::UserData;
pub use tls::*;
pub use version::{FLARE_ABI_VERSION, flare_abi_version, flare_has_feature, flare_version};
pub use websocket::*;
pub use websocket_client::*;
pub use websocket_opener::*;
pub use websocket_options::*;
