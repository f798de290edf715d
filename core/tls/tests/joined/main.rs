//! Both sides of a connection, joined in memory.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod client_certificates;
mod data;
mod early_data;
mod failures;
mod handshake;
mod identities;
mod old_peers;
mod resumption;
