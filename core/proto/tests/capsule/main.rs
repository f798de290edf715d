//! Streams of capsules (RFC 9297) as their reader shows them: no test here looks inside.
// A failed unwrap is a failed test; the lint's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod datagrams;
mod parts;
// Not all of it is used here.
#[allow(dead_code)]
#[path = "../http1/random.rs"]
mod random;

/// Calls for the bytes whole, cut in two at each place, and one by one.
fn each_split(bytes: &[u8], check: impl Fn(&[&[u8]])) {
    for at in 0..bytes.len() {
        let (first, second) = bytes.split_at(at);
        check(&[first, second]);
    }
    check(&[bytes]);
    check(&bytes.chunks(1).collect::<Vec<_>>());
}
