//! Content whose every byte says whose it is and where it stands, so that one that is lost, doubled, moved or changed shows.

use std::sync::OnceLock;

use crate::random::Random;

/// A prime, so that places of different contents do not fall together.
const TABLE: usize = 65_521;

fn table() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let mut random = Random::new(1);
        // Twice, so that a piece is a slice of it.
        let once: Vec<u8> = (0..TABLE).map(|_| random.next() as u8).collect();
        once.repeat(2)
    })
}

fn start(owner: u64, from: usize) -> usize {
    ((owner.wrapping_mul(7919) % TABLE as u64) as usize + from) % TABLE
}

/// `length` bytes of the content of `owner`, from the place `from` on.
pub fn content(owner: u64, from: usize, length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length);
    while out.len() < length {
        let at = start(owner, from + out.len());
        let piece = (length - out.len()).min(TABLE);
        out.extend_from_slice(&table()[at..at + piece]);
    }
    out
}

/// Whether these bytes are the content of `owner` from the place `from` on.
pub fn is_content(owner: u64, from: usize, bytes: &[u8]) -> bool {
    let mut checked = 0;
    while checked < bytes.len() {
        let at = start(owner, from + checked);
        let piece = (bytes.len() - checked).min(TABLE);
        if table()[at..at + piece] != bytes[checked..checked + piece] {
            return false;
        }
        checked += piece;
    }
    true
}
