//! Looking at text sixteen bytes at a time: the texts of a head are short, and there are many of them.

use std::ops::BitOr;

use wide::{CmpGt, i8x16};

/// Sixteen bytes of a text.
#[derive(Clone, Copy)]
pub(crate) struct Block(i8x16);

/// Which bytes of a block are of some kind.
#[derive(Clone, Copy)]
pub(crate) struct Found(i8x16);

impl Block {
    #[inline(always)]
    fn of(bytes: &[u8; 16]) -> Block {
        Block(i8x16::new(bytes.map(u8::cast_signed)))
    }

    /// Two halves, which need not be neighbours.
    #[inline(always)]
    fn of_halves([a, b, c, d, e, f, g, h]: [u8; 8], [i, j, k, l, m, n, o, p]: [u8; 8]) -> Block {
        Block::of(&[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
    }

    /// With all letters in lower case. Other bytes change too, but none becomes a letter.
    #[inline(always)]
    pub(crate) fn in_lower_case(self) -> Block {
        Block(self.0 | i8x16::splat(0x20))
    }

    /// The bytes that are within a range of ASCII.
    #[inline(always)]
    pub(crate) fn within(self, low: u8, high: u8) -> Found {
        // Processors compare bytes as numbers with a sign. So the range is moved to the highest of them.
        let moved = self.0 + i8x16::splat(0x7f - high.cast_signed());
        Found(moved.cmp_gt(i8x16::splat(0x7e - (high - low).cast_signed())))
    }

    /// The bytes that are this one, of ASCII.
    #[inline(always)]
    pub(crate) fn is(self, byte: u8) -> Found {
        self.within(byte, byte)
    }
}

impl BitOr for Found {
    type Output = Found;

    #[inline(always)]
    fn bitor(self, other: Found) -> Found {
        Found(self.0 | other.0)
    }
}

impl Found {
    /// One bit for each byte that was found, the first byte's lowest.
    #[inline(always)]
    pub(crate) fn bits(self) -> u32 {
        self.0.move_mask().cast_unsigned()
    }

    /// One bit for each byte that was not found.
    #[inline(always)]
    pub(crate) fn others(self) -> u32 {
        self.bits() ^ 0xffff
    }
}

/// What is left of the text from the first byte on that is sought. `sought` says which bytes of a block are; their places must not
/// matter.
#[inline(always)]
pub(crate) fn behind(text: &[u8], sought: impl Fn(Block) -> u32) -> &[u8] {
    let mut rest = text;
    while let Some((bytes, next)) = rest.split_first_chunk() {
        let found = sought(Block::of(bytes));
        if found != 0 {
            return rest.get(found.trailing_zeros() as usize..).unwrap_or_default();
        }
        rest = next;
    }
    short_behind(rest, sought)
}

/// The same, for less than sixteen bytes. The halves of the block overlap, which changes nothing: what the first has, the last need
/// not have.
#[inline(never)]
fn short_behind(text: &[u8], sought: impl Fn(Block) -> u32) -> &[u8] {
    let (half, found) = if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        (8, sought(Block::of_halves(*first, *last)))
    } else if let (Some([a, b, c, d]), Some([e, f, g, h])) = (text.first_chunk(), text.last_chunk()) {
        let eight = [*a, *b, *c, *d, *e, *f, *g, *h];
        (4, sought(Block::of_halves(eight, eight)) & 0xff)
    } else {
        let mut eight = [0; 8];
        eight.iter_mut().zip(text).for_each(|(byte, &of)| *byte = of);
        let found = sought(Block::of_halves(eight, eight));
        return text.get(found.trailing_zeros() as usize..).unwrap_or_default();
    };
    let at = found.trailing_zeros() as usize;
    let at = if at < half { at } else { (at + text.len()).saturating_sub(2 * half) };
    text.get(at..).unwrap_or_default()
}

/// Whether no byte is sought.
#[inline(always)]
pub(crate) fn has_none(text: &[u8], sought: impl Fn(Block) -> u32) -> bool {
    if let (Some(first), Some(last), 8..=16) = (text.first_chunk(), text.last_chunk(), text.len()) {
        return sought(Block::of_halves(*first, *last)) == 0;
    }
    behind(text, sought).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_says_what_a_loop_says() {
        for (low, high) in [(0, 0x1f), (0x7f, 0x7f), (b'a', b'z'), (b'&', b';'), (0, 0x7f), (b':', b':')] {
            let is = |byte: u8| (low..=high).contains(&byte) || (b'a'..=b'f').contains(&(byte | 0x20));
            for at in 0..16 {
                for byte in 0..=255 {
                    let mut bytes = [b'm'; 16];
                    bytes[at] = byte;
                    bytes[15 - at] ^= byte & 1;
                    let block = Block::of(&bytes);
                    let found = block.within(low, high) | block.in_lower_case().within(b'a', b'f');
                    let expected = (0..16).fold(0, |bits, at| bits | u32::from(is(bytes[at])) << at);
                    assert_eq!((found.bits(), found.others()), (expected, expected ^ 0xffff), "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn the_first_of_several_is_found_in_texts_of_each_length() {
        let colon = |block: Block| block.is(b':').bits();
        for len in 0..70 {
            let text = vec![b'a'; len];
            assert_eq!(behind(&text, colon), b"");
            assert!(has_none(&text, colon));
            for at in 0..len {
                for other in at..len {
                    let mut text = text.clone();
                    (text[at], text[other]) = (b':', b':');
                    assert_eq!(behind(&text, colon).len(), len - at, "{other}");
                    assert!(!has_none(&text, colon));
                }
            }
        }
    }
}
