//! Integers of variable length (RFC 9000, 16).

/// The integer, and what lies behind it. `None`: it is cut off.
pub(crate) fn read(bytes: &[u8]) -> Option<(u64, &[u8])> {
    // The two highest bits are the width.
    let width = 1_usize << (bytes.first()? >> 6);
    let (number, rest) = bytes.split_at_checked(width)?;
    let value = number.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    Some((value & (u64::MAX >> (64 - 8 * width + 2)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_are_read() {
        // RFC 9000, A.1.
        for (bytes, value) in [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
            (&[0x40, 0x25], 37),
        ] {
            assert_eq!(read(bytes), Some((value, &[][..])));
            assert_eq!(read(&[bytes, &[1]].concat()), Some((value, &[1][..])));
            assert_eq!(read(&bytes[..bytes.len() - 1]), None);
        }
    }
}
