//! Looking at text eight bytes at a time: the texts of a head are short, and there are many of them.

/// Each byte 1.
const EACH: u64 = u64::from_ne_bytes([1; 8]);
/// The top bit of each byte. A test answers with it, for each byte by itself: no carry goes from one byte into the next.
const TOP: u64 = 0x80 * EACH;

/// Whether no word of the text fails. `fails` gives 0 for a word of good bytes; which place a byte has must not matter.
#[inline(always)]
fn none_fails(text: &[u8], fails: impl Fn(u64) -> u64) -> bool {
    if let Some(last) = text.last_chunk() {
        // The last word may overlap bytes that were looked at; the words before it are whole.
        let mut found = fails(u64::from_ne_bytes(*last));
        for chunk in text.as_chunks().0 {
            found |= fails(u64::from_ne_bytes(*chunk));
        }
        return found == 0;
    }
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        // As above, with halves of a word.
        let (first, last) = (u32::from_ne_bytes(*first), u32::from_ne_bytes(*last));
        return fails(u64::from(first) << 32 | u64::from(last)) == 0;
    }
    match text {
        [] => true,
        [first, ..] => {
            let mut bytes = [*first; 8];
            bytes.iter_mut().zip(text).for_each(|(byte, &of)| *byte = of);
            fails(u64::from_ne_bytes(bytes)) == 0
        }
    }
}

/// The top bit of each byte that is within the range, which has to be of ASCII.
#[inline(always)]
const fn within(word: u64, low: u8, high: u8) -> u64 {
    let bits = word & !TOP;
    let from_low = bits + (0x80 - low as u64) * EACH;
    let above_high = bits + (0x7f - high as u64) * EACH;
    (from_low ^ above_high) & !word & TOP
}

/// Whether the text is of the letters `a` to `z` and `-` alone, as nearly every field name in lower case is.
#[inline]
pub(crate) fn is_plain_name(text: &[u8]) -> bool {
    none_fails(text, |word| TOP & !(within(word, b'a', b'z') | within(word, b'-', b'-')))
}

/// Whether the text has no byte below SP and no DEL. What a field value may hold besides, HTAB, is rare.
#[inline]
pub(crate) fn has_no_control(text: &[u8]) -> bool {
    none_fails(text, |word| {
        let bits = word & !TOP;
        let from_space = bits + 0x60 * EACH;
        let delete = bits + EACH;
        (!from_space | delete) & !word & TOP
    })
}

/// Puts ASCII letters into lower case.
#[inline]
pub(crate) fn make_lower_case(name: &mut [u8]) {
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
            *chunk = lower_case_of_four(*chunk);
        }
        if let Some(chunk) = name.last_chunk_mut() {
            *chunk = lower_case_of_four(*chunk);
        }
    } else {
        name.make_ascii_lowercase();
    }
}

#[inline(always)]
fn lower_case_of_four([a, b, c, d]: [u8; 4]) -> [u8; 4] {
    let [a, b, c, d, ..] = lower_case([a, b, c, d, 0, 0, 0, 0]);
    [a, b, c, d]
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

    /// Each byte at each place of texts of each length, between neighbours that could carry into it.
    fn everywhere(check: impl Fn(&[u8], u8)) {
        for len in 1..20 {
            for at in 0..len {
                for byte in 0..=255 {
                    let mut text = vec![b'a'; len];
                    text[at] = byte;
                    check(&text, byte);
                }
            }
        }
    }

    #[test]
    fn plain_names() {
        assert!(is_plain_name(b""));
        everywhere(|text, byte| {
            let good = byte.is_ascii_lowercase() || byte == b'-';
            assert_eq!(is_plain_name(text), good, "{text:?}");
        });
        assert!(is_plain_name(b"zzaa--zz-a-z"));
        assert!(!is_plain_name(b"--,,--,,"));
    }

    #[test]
    fn controls() {
        assert!(has_no_control(b""));
        everywhere(|text, byte| {
            assert_eq!(has_no_control(text), !byte.is_ascii_control(), "{text:?}");
        });
        assert!(has_no_control(b" ~\x80\xff \xff~ \x80 "));
    }

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
}
