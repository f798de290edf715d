//! Quick looks at the texts of a head, which are short and many.

use crate::block::{Block, behind, has_none};

/// Whether the text is of the letters `a` to `z` and `-` alone, as nearly every field name in lower case is.
#[inline]
pub(crate) fn is_plain_name(text: &[u8]) -> bool {
    has_none(text, |block| (block.within(b'a', b'z') | block.is(b'-')).others())
}

/// What is left behind letters, of either case, and `-`: nearly every field name is of these alone.
#[inline(always)]
pub(crate) fn plain_name_behind(text: &[u8]) -> &[u8] {
    behind(text, |block| (block.in_lower_case().within(b'a', b'z') | block.is(b'-')).others())
}

/// What is left behind characters that may stand in every path without a closer look: letters, digits and most signs.
#[inline(always)]
pub(crate) fn plain_path_behind(text: &[u8]) -> &[u8] {
    behind(text, |block| {
        (block.within(b'&', b';') | block.within(b'@', b'[') | block.within(b'a', b'z')).others()
    })
}

/// The same for queries.
#[inline(always)]
pub(crate) fn plain_query_behind(text: &[u8]) -> &[u8] {
    behind(text, |block| (block.within(b'&', b';') | block.is(b'=') | block.within(b'?', b'~')).others())
}

/// The same for hosts: letters, digits, `.` and `-`.
#[inline(always)]
pub(crate) fn plain_host_behind(text: &[u8]) -> &[u8] {
    behind(text, |block| {
        let letters = block.in_lower_case().within(b'a', b'z');
        (letters | block.within(b'0', b'9') | block.within(b'-', b'.')).others()
    })
}

/// What is left behind visible ASCII.
#[inline(always)]
pub(crate) fn visible_behind(text: &[u8]) -> &[u8] {
    behind(text, |block| block.within(b'!', b'~').others())
}

/// The bytes that are below SP, or DEL.
#[inline(always)]
fn controls(block: Block) -> u32 {
    (block.within(0, 0x1f) | block.is(0x7f)).bits()
}

/// Whether the text has no byte below SP and no DEL. What a field value may hold besides, HTAB, is rare.
#[inline]
pub(crate) fn has_no_control(text: &[u8]) -> bool {
    has_none(text, controls)
}

/// What is left behind bytes that are no controls.
#[inline(always)]
pub(crate) fn no_control_behind(text: &[u8]) -> &[u8] {
    behind(text, controls)
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
}
