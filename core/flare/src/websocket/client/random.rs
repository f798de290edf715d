//! Numbers that nobody foresees, from the system.

use std::io;

use flare_proto::websocket::MaskKeys;

/// 16 bytes for a key.
pub(super) fn nonce() -> io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// A part of one: at least 0, below 1.
pub(super) fn fraction() -> f64 {
    let mut bytes = [0; 4];
    // Err: the system has none, and a delay in the middle is as good as any.
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_ne_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}

/// Keys are asked for in portions, since each portion is a system call.
const PORTION: usize = 128;

/// Masking keys (RFC 6455 section 5.3). Whoever provides what is sent must not foresee them, so they are the system's own, each used once.
pub(super) fn mask_keys() -> io::Result<MaskKeys> {
    let mut keys = [[0; 4]; PORTION];
    getrandom::fill(keys.as_flattened_mut()).map_err(io::Error::other)?;
    let mut used = 0;
    Ok(MaskKeys::new(move || {
        if used == keys.len() {
            used = 0;
            // Err: can't be, it has worked before. Keys that were used once are worse, but no reason to stop.
            let _ = getrandom::fill(keys.as_flattened_mut());
        }
        let key = keys.get(used).copied().unwrap_or_default();
        used += 1;
        key
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test wants to fail here")]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use flare_proto::websocket::{Connection, Limits, Role};

    use super::*;

    #[test]
    fn keys_are_not_repeated() {
        let role = Role::Client(mask_keys().unwrap());
        let mut connection = Connection::new(role, Arc::new(Limits::default()), None);
        let mut out = Vec::new();
        let count = 5 * PORTION;
        (0..count).for_each(|_| connection.ping(b"", &mut out).unwrap());
        let keys: HashSet<&[u8]> = out.chunks(6).filter_map(|frame| frame.get(2..)).collect();
        // Two of them may be the same by chance, but not many.
        assert!(keys.len() > count - 4, "{} of {count}", keys.len());
        assert_ne!(nonce().unwrap(), nonce().unwrap());
        assert!((0..100).all(|_| (0.0..1.0).contains(&fraction())));
    }
}
