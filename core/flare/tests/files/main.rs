//! Static files: what is served and what is not, conditionals, ranges, and the wire.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod conditionals;
mod fields;
mod paths;
mod precompressed;
mod ranges;
mod tree;
mod wire;
