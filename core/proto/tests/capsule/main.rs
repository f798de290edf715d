//! Streams of capsules (RFC 9297) as their reader shows them: no test here looks inside.
// A failed unwrap is a failed test; the lint's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod datagrams;
mod parts;
// Not all of it is used here.
#[allow(dead_code)]
#[path = "../http1/random.rs"]
mod random;
