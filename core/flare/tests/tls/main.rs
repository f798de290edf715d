//! HTTPS over real sockets, with clients of rustls.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../common/mod.rs"]
mod common;

mod client;
mod closing;
mod connecting;
mod early_data;
mod half_close;
mod handshakes;
#[cfg(feature = "http3")]
mod http3_client;
#[cfg(feature = "http3")]
mod http3_connecting;
mod reload;
mod support;
mod traffic;
