//! Variable-length integers of QUIC and HTTP/3 (RFC 9000 section 16): two bits that say how long they are, and 6 to 62 that count.

/// The largest number.
pub(crate) const MOST: u64 = (1 << 62) - 1;

/// The longest form, in bytes.
pub(crate) const LONGEST: usize = 8;

/// Takes a number off the input. `None`: its end did not come yet, and nothing was taken.
#[inline]
pub(crate) fn take(input: &mut &[u8]) -> Option<u64> {
    let &first = input.first()?;
    let (bytes, rest) = input.split_at_checked(length_by(first))?;
    *input = rest;
    let first = u64::from(first & 0x3f);
    Some(bytes.iter().skip(1).fold(first, |value, &byte| value << 8 | u64::from(byte)))
}

/// How long a number is that begins with this byte: 1, 2, 4 or 8.
#[inline]
pub(crate) fn length_by(first: u8) -> usize {
    1 << (first >> 6)
}

/// How long the shortest form of a number is.
#[inline]
pub(crate) fn length_of(value: u64) -> usize {
    match value {
        0..=0x3f => 1,
        0x40..=0x3fff => 2,
        0x4000..=0x3fff_ffff => 4,
        _ => 8,
    }
}

/// Appends a number in its shortest form. It has to be at most [`MOST`].
#[inline]
pub(crate) fn write(out: &mut Vec<u8>, value: u64) {
    debug_assert!(value <= MOST);
    match length_of(value) {
        1 => out.push(value as u8),
        2 => out.extend_from_slice(&(value as u16 | 0x4000).to_be_bytes()),
        4 => out.extend_from_slice(&(value as u32 | 0x8000_0000).to_be_bytes()),
        _ => out.extend_from_slice(&(value | 0xc000_0000_0000_0000).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc() {
        for (bytes, value) in [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
            (&[0x40, 0x25], 37),
        ] {
            let mut input = bytes;
            assert_eq!(take(&mut input), Some(value));
            assert!(input.is_empty());
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for bits in 0..=62 {
            for value in [(1_u64 << bits) - 1, 1 << bits, (1 << bits) + 1] {
                let value = value.min(MOST);
                let mut out = Vec::new();
                write(&mut out, value);
                assert_eq!((out.len(), length_by(out[0])), (length_of(value), out.len()));
                for cut in 0..out.len() {
                    let mut input = &out[..cut];
                    assert_eq!((take(&mut input), input.len()), (None, cut));
                }
                out.push(7);
                let mut input = &out[..];
                assert_eq!((take(&mut input), input), (Some(value), &[7][..]));
            }
        }
    }
}
