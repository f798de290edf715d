//! Masking (RFC 6455 section 5.3).

/// How much is masked at a time: the key is spread over as many bytes, so that the compiler does it in its widest registers.
const BLOCK: usize = 64;

/// Appends the payload, masked, or unmasked, which is the same. The key's first byte is for the payload's first.
#[inline]
pub(super) fn append_masked(to: &mut Vec<u8>, payload: &[u8], key: [u8; 4]) {
    to.reserve(payload.len());
    let (blocks, rest) = payload.as_chunks::<BLOCK>();
    if !blocks.is_empty() {
        let keys = spread(key);
        for block in blocks {
            to.extend(block.iter().zip(&keys).map(|(byte, key)| byte ^ key));
        }
    }
    let start = to.len();
    to.extend_from_slice(rest);
    mask_short(to.get_mut(start..).unwrap_or_default(), key);
}

/// Masks the payload in its place.
pub(super) fn mask(payload: &mut [u8], key: [u8; 4]) {
    let keys = spread(key);
    let (blocks, rest) = payload.as_chunks_mut::<BLOCK>();
    for block in blocks {
        block.iter_mut().zip(&keys).for_each(|(byte, key)| *byte ^= key);
    }
    mask_short(rest, key);
}

/// The same for what is less than a block.
#[inline]
fn mask_short(payload: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let twice = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ twice).to_ne_bytes();
    }
    rest.iter_mut().zip([a, b, c, d, a, b, c]).for_each(|(byte, key)| *byte ^= key);
}

#[inline]
fn spread(key: [u8; 4]) -> [u8; BLOCK] {
    let mut keys = [0; BLOCK];
    for place in keys.as_chunks_mut::<4>().0 {
        *place = key;
    }
    keys
}

/// The key for what comes behind so many bytes.
#[inline]
pub(super) fn key_behind(key: [u8; 4], count: usize) -> [u8; 4] {
    let mut key = key;
    key.rotate_left(count % 4);
    key
}

#[cfg(test)]
mod tests {
    use super::{append_masked, key_behind, mask};

    #[test]
    fn each_length_is_that_of_the_rfc() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let payload: Vec<u8> = (0..300).map(|number| (number * 7) as u8).collect();
        for length in 0..payload.len() {
            let mut masked = vec![9];
            append_masked(&mut masked, &payload[..length], key);
            let expected = payload[..length].iter().enumerate().map(|(index, byte)| byte ^ key[index % 4]);
            assert!(masked[1..].iter().copied().eq(expected), "{length}");
            mask(&mut masked[1..], key);
            assert_eq!(masked[1..], payload[..length]);
        }
    }

    #[test]
    fn a_key_goes_on_behind_a_piece() {
        let key = [1, 2, 3, 4];
        let payload = [0; 11];
        for at in 0..payload.len() {
            let (mut whole, mut pieces) = (Vec::new(), Vec::new());
            append_masked(&mut whole, &payload, key);
            append_masked(&mut pieces, &payload[..at], key);
            append_masked(&mut pieces, &payload[at..], key_behind(key, at));
            assert_eq!(whole, pieces);
        }
    }
}
