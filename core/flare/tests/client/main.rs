//! The client's side of a connection, joined with the server's in memory: the same requests on each wire.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test wants to fail here")]

mod ends;
mod joined;
#[path = "../common/memory.rs"]
mod memory;
mod programs;
mod resets;
