//! HTTP/3 as its two connections show it: no test here looks inside.
// A failed unwrap is a failed test; the lint's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod answers;
mod attacks;
mod clients;
mod control;
mod datagrams;
mod feeding;
mod joined;
// Not all of it is used here.
#[allow(dead_code)]
#[path = "../http1/random.rs"]
mod random;
mod requests;
mod wire;
