//! Both roles, joined in memory.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod certificates;
mod endpoint;
mod handshake;
mod life;
mod moved;
mod noise;
mod other;
mod resumption;
mod streams;
