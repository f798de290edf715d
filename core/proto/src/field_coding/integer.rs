//! Integers with a prefix of some bits of a byte (RFC 7541 section 5.1).

/// Why an integer could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum IntegerError {
    /// The input ends within it.
    Truncated,
    /// It does not fit 32 bits, or is written in more bytes than such a number needs.
    TooLarge,
}

/// The most continuation bytes of a number of 32 bits.
const MOST_BYTES: u32 = 5;

/// Reads an integer. The low `prefix` bits (1 to 8) of `first`, which was taken off the input before, are its prefix.
#[inline]
pub(crate) fn decode(first: u8, prefix: u32, input: &mut &[u8]) -> Result<u32, IntegerError> {
    let full = u32::from(u8::MAX) >> (8 - prefix);
    let value = u32::from(first) & full;
    if value < full { Ok(value) } else { decode_rest(full, input) }
}

fn decode_rest(prefix: u32, input: &mut &[u8]) -> Result<u32, IntegerError> {
    let mut value = u64::from(prefix);
    for place in 0..MOST_BYTES {
        let (&byte, rest) = input.split_first().ok_or(IntegerError::Truncated)?;
        *input = rest;
        // At most 35 bits and a carry: no overflow.
        value += u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return u32::try_from(value).map_err(|_| IntegerError::TooLarge);
        }
    }
    Err(IntegerError::TooLarge)
}

/// The most continuation bytes of a number of 62 bits.
const MOST_BYTES_LONG: u32 = 9;

/// The largest number that [`decode_long`] takes: those of QUIC have 62 bits (RFC 9204 section 4.1.1).
const MOST_LONG: u64 = (1 << 62) - 1;

/// Reads an integer as [`decode`] does, which may have 62 bits.
pub(crate) fn decode_long(first: u8, prefix: u32, input: &mut &[u8]) -> Result<u64, IntegerError> {
    let full = u64::from(u8::MAX) >> (8 - prefix);
    let mut value = u64::from(first) & full;
    if value < full {
        return Ok(value);
    }
    for place in 0..MOST_BYTES_LONG {
        let (&byte, rest) = input.split_first().ok_or(IntegerError::Truncated)?;
        *input = rest;
        // At most 63 bits and a carry: no overflow.
        value += u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return if value <= MOST_LONG { Ok(value) } else { Err(IntegerError::TooLarge) };
        }
    }
    Err(IntegerError::TooLarge)
}

/// Writes an integer behind a prefix of so many bits (1 to 8), whose byte holds `flags` in its other bits.
#[inline]
pub(crate) fn encode(out: &mut Vec<u8>, flags: u8, prefix: u32, value: u32) {
    encode_long(out, flags, prefix, u64::from(value));
}

/// The same for an integer that may have 62 bits.
#[inline]
pub(crate) fn encode_long(out: &mut Vec<u8>, flags: u8, prefix: u32, value: u64) {
    let full = u64::from(u8::MAX) >> (8 - prefix);
    if value < full {
        out.push(flags | value as u8);
        return;
    }
    out.push(flags | full as u8);
    let mut rest = value - full;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut bytes: &[u8], prefix: u32) -> Result<(u32, usize), IntegerError> {
        let (&first, rest) = bytes.split_first().unwrap();
        bytes = rest;
        decode(first, prefix, &mut bytes).map(|value| (value, bytes.len()))
    }

    #[test]
    fn the_examples_of_the_rfc() {
        assert_eq!(read(&[0b1110_1010], 5), Ok((10, 0)));
        assert_eq!(read(&[0x1f, 0x9a, 0x0a], 5), Ok((1337, 0)));
        assert_eq!(read(&[42], 8), Ok((42, 0)));
    }

    #[test]
    fn what_is_written_is_read() {
        for prefix in 1..=8 {
            for value in (0..600).chain([16_383, 16_384, 1 << 24, u32::MAX - 300, u32::MAX - 1, u32::MAX]) {
                let mut out = Vec::new();
                encode(&mut out, 0, prefix, value);
                assert_eq!(read(&out, prefix), Ok((value, 0)), "{value} with {prefix}");
                for cut in 1..out.len() {
                    assert_eq!(read(&out[..cut], prefix), Err(IntegerError::Truncated));
                }
                let mut rest = &out[1..];
                assert_eq!(decode_long(out[0], prefix, &mut rest), Ok(u64::from(value)));
                assert!(rest.is_empty());
            }
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        assert_eq!(read(&[0xff, 0x80, 0xfe, 0xff, 0xff, 0x0f], 8), Ok((u32::MAX, 0)));
        assert_eq!(read(&[0xff, 0x81, 0xfe, 0xff, 0xff, 0x0f], 8), Err(IntegerError::TooLarge));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], 8), Err(IntegerError::TooLarge));
        // Zeros that add nothing: allowed up to a length.
        assert_eq!(read(&[0xff, 0x80, 0x80, 0x80, 0x80, 0x00], 8), Ok((255, 0)));
        assert_eq!(read(&[0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], 8), Err(IntegerError::TooLarge));
    }

    #[test]
    fn long_integers() {
        for prefix in 1..=8 {
            for value in [0, 127, u64::from(u32::MAX) + 1, MOST_LONG - 1, MOST_LONG, MOST_LONG + 1] {
                let mut out = Vec::new();
                encode_long(&mut out, 0, prefix, value);
                let read = decode_long(out[0], prefix, &mut &out[1..]);
                assert_eq!(read, if value > MOST_LONG { Err(IntegerError::TooLarge) } else { Ok(value) });
                for cut in 1..out.len() {
                    let cut = decode_long(out[0], prefix, &mut &out[1..cut]);
                    assert_eq!(cut, Err(IntegerError::Truncated));
                }
            }
        }
        let endless = [0xff; 20];
        assert_eq!(decode_long(0xff, 8, &mut &endless[..]), Err(IntegerError::TooLarge));
    }
}
