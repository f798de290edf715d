//! Sockets to others, over real connections: to a server of flare on each wire, and to peers that do not do what they should.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test wants to fail here")]

#[path = "../common/mod.rs"]
mod common;

mod again;
mod closing;
mod looping;
mod messages;
mod opening;
mod peer;
mod refusals;
mod server;
