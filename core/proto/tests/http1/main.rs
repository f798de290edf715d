//! HTTP/1 as its two connections show it: no test here looks inside.
// A failed unwrap is a failed test; the lint's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod answers;
mod client;
mod exchanges;
mod feeding;
mod other_parser;
mod random;
mod random_input;
mod request_bodies;
mod request_heads;
