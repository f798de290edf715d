//! The frame mux as its two ends show it: no test here looks inside.
// A failed unwrap is a failed test; the lint's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod feeding;
mod joined;
#[path = "../http1/random.rs"]
mod random;
mod rules;
