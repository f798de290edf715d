//! Faults under a real server: what was promised is kept, and what is lost is lost alone.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod descriptors;
mod disk;
mod panics;
mod replacement;
mod resets;
