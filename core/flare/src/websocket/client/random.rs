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
