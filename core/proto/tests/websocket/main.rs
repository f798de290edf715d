//! WebSocket as its two ends show it: no test here looks inside.
// A failed unwrap is a failed test; the lint's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod closing;
mod deflate;
mod feeding;
mod frames;
mod joined;
mod limits;
mod negotiation;
#[path = "../http1/random.rs"]
mod random;
mod speed;
mod texts;
