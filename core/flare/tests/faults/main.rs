//! Faults under a real server: what was promised is kept, and what is lost is lost alone.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "a part of it is used")]
#[path = "../tls/support.rs"]
mod support;

mod descriptors;
mod disk;
mod drain;
mod memory;
mod panics;
mod quic_ends;
mod replacement;
mod resets;
mod stopped;
mod tls_resets;
mod wires;
