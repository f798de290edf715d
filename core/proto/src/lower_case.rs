//! ASCII letters into lower case, eight bytes at a time.

/// Each byte 1.
const EACH: u64 = u64::from_ne_bytes([1; 8]);
/// The top bit of each byte. A test answers with it, for each byte by itself: no carry goes from one byte into the next.
const TOP: u64 = 0x80 * EACH;

/// The top bit of each byte that is within the range, which has to be of ASCII.
#[inline(always)]
const fn within(word: u64, low: u8, high: u8) -> u64 {
    let bits = word & !TOP;
    let from_low = bits + (0x80 - low as u64) * EACH;
    let above_high = bits + (0x7f - high as u64) * EACH;
    (from_low ^ above_high) & !word & TOP
}

/// Puts ASCII letters into lower case.
pub(crate) fn make_lower_case(name: &mut [u8]) {
    word_by_word(name, lower_case);
}

/// Puts text into lower case that is of letters and `-` alone: they differ in one bit, which `-` has.
#[inline(always)]
pub(crate) fn make_plain_lower_case(name: &mut [u8]) {
    word_by_word(name, |bytes| (u64::from_ne_bytes(bytes) | (0x20 * EACH)).to_ne_bytes());
}

#[inline(always)]
fn word_by_word(name: &mut [u8], lower_case: impl Fn([u8; 8]) -> [u8; 8]) {
    let of_four = |[a, b, c, d]: [u8; 4]| {
        let [a, b, c, d, ..] = lower_case([a, b, c, d, 0, 0, 0, 0]);
        [a, b, c, d]
    };
    // In each case the last word may overlap bytes that are done, which changes nothing in them.
    if name.len() >= 8 {
        for chunk in name.as_chunks_mut().0 {
            *chunk = lower_case(*chunk);
        }
        if let Some(chunk) = name.last_chunk_mut() {
            *chunk = lower_case(*chunk);
        }
    } else if name.len() >= 4 {
        if let Some(chunk) = name.first_chunk_mut() {
            *chunk = of_four(*chunk);
        }
        if let Some(chunk) = name.last_chunk_mut() {
            *chunk = of_four(*chunk);
        }
    } else {
        for byte in name {
            let [lower, ..] = lower_case([*byte; 8]);
            *byte = lower;
        }
    }
}

#[inline(always)]
fn lower_case(bytes: [u8; 8]) -> [u8; 8] {
    let word = u64::from_ne_bytes(bytes);
    // Capital and small letters differ by 0x20.
    (word | within(word, b'A', b'Z') >> 2).to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_case() {
        let every: Vec<u8> = (0..=255).collect();
        for start in 0..every.len() {
            for len in 0..24.min(every.len() - start) {
                let mut text = every[start..start + len].to_vec();
                make_lower_case(&mut text);
                assert_eq!(text, every[start..start + len].to_ascii_lowercase());
            }
        }
    }

    #[test]
    fn lower_case_of_plain_text() {
        let every: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').chain(*b"-").collect();
        for start in 0..every.len() {
            for len in 0..=24.min(every.len() - start) {
                let mut text = every[start..start + len].to_vec();
                make_plain_lower_case(&mut text);
                assert_eq!(text, every[start..start + len].to_ascii_lowercase());
            }
        }
    }
}
