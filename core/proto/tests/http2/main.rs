//! HTTP/2 as its two connections show it: no test here looks inside.
// A failed unwrap is a failed test; the lint's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod answers;
mod attacks;
mod clients;
mod content;
mod drains;
mod feeding;
mod frames;
mod joined;
mod memory;
#[path = "../http1/random.rs"]
mod random;
mod requests;
mod turns;
mod wire;
