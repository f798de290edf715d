//! TLS for flare: one configuration model, and TLS connections as values.
//!
//! [`ServerTls`] and [`ClientTls`] are plain data: files or bytes of certificates and keys, and settings. A [`ServerContext`] or
//! [`ClientContext`] is made from them once, and makes a [`Connection`] for each peer: ciphertext in, plaintext and events out, and the
//! other way round. Nothing here knows sockets, threads of ours, or what the plaintext means.
//!
//! [`adapter`] has what another crate needs to give the same settings to another TLS library, as flare's QUIC does.
//!
//! The handshake and the cryptography are those of [rustls](https://docs.rs/rustls). TLS 1.2 and 1.3, forward-secret suites with
//! authenticated encryption, and nothing else.
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
compile_error!("flare-tls needs cryptography: the feature `aws-lc-rs` or `ring`");

mod config;
mod connection;
mod context;
mod error;
mod pem;
mod provider;

/// What an adapter of [`ServerTls`] and [`ClientTls`] to another TLS library needs, so that both mean the same.
pub mod adapter {
    pub use crate::config::Identities;
    pub use crate::connection::Facts;
    pub use crate::context::{Disbelief, Judge, KeyLog, check_server_name};
}

pub use config::{
    Choice, ClientAuth, ClientTls, EarlyData, Hello, Identity, LoadedIdentity, Resolver, Resumption,
    ServerTls, Source, Trust, Version,
};
pub use connection::{Connection, Event, Failure, MAX_RECORD, Session};
pub use context::{ClientContext, ServerContext};
pub use error::{ConfigError, Place};
