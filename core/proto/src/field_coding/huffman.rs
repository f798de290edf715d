//! Text in the Huffman code (RFC 7541 section 5.2), both ways.

use super::huffman_code::{BY_LENGTH, CODES, END, IN_ORDER, LENGTHS, LONGEST, SHORT};

/// Why a text could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HuffmanError {
    /// It holds the symbol that is never sent, or its padding is longer than seven bits or is not of ones.
    Malformed,
    /// It would be longer than allowed.
    TooLong,
}

/// The shortest code has so many bits: that bounds what a text can become.
const SHORTEST: usize = 5;

/// Appends the text that `coded` stands for, which may have at most `most` bytes. After an error `out` may hold a part of it.
pub(crate) fn decode(coded: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), HuffmanError> {
    let end = out.len().saturating_add(most);
    out.reserve((coded.len() * 8 / SHORTEST).min(most));
    // The bits that were read and not used, from the top down, and how many they are.
    let (mut bits, mut have) = (0_u64, 0_usize);
    let mut rest = coded;
    loop {
        while have <= 56
            && let Some((&byte, others)) = rest.split_first()
        {
            bits |= u64::from(byte) << (56 - have);
            have += 8;
            rest = others;
        }
        if have < 32 {
            // Nothing is left to read, or there would be more.
            return decode_end(bits, have, end, out);
        }
        if out.len() >= end {
            return Err(HuffmanError::TooLong);
        }
        let (symbol, length) = next(bits)?;
        out.push(symbol);
        bits <<= length;
        have -= length;
        // Short codes need no more bits for a while.
        while have >= 8 {
            let (symbol, length) = short(bits);
            if length == 0 {
                break;
            }
            if out.len() >= end {
                return Err(HuffmanError::TooLong);
            }
            out.push(symbol);
            bits <<= length;
            have -= length;
        }
    }
}

/// The last bits: less than the longest code.
fn decode_end(mut bits: u64, mut have: usize, end: usize, out: &mut Vec<u8>) -> Result<(), HuffmanError> {
    while have > 0 {
        // Ones behind the end: what is left then of padding alone is the start of the longest code.
        let padded = bits | u64::MAX >> have;
        if have < 8 && padded == u64::MAX {
            return Ok(());
        }
        let (symbol, length) = next(padded)?;
        if length > have {
            return Err(HuffmanError::Malformed);
        }
        if out.len() >= end {
            return Err(HuffmanError::TooLong);
        }
        out.push(symbol);
        bits <<= length;
        have -= length;
    }
    Ok(())
}

#[inline(always)]
fn short(bits: u64) -> (u8, usize) {
    let (symbol, length) = SHORT.get((bits >> 56) as usize).copied().unwrap_or_default();
    (symbol, usize::from(length))
}

/// The first symbol of the bits, and how many of them are its code.
#[inline]
fn next(bits: u64) -> Result<(u8, usize), HuffmanError> {
    match short(bits) {
        (_, 0) => long(bits),
        found => Ok(found),
    }
}

fn long(bits: u64) -> Result<(u8, usize), HuffmanError> {
    for (length, row) in BY_LENGTH.iter().enumerate().skip(9) {
        let behind = ((bits >> (64 - length)) as u32).wrapping_sub(row.first);
        if behind < row.count {
            let symbol = IN_ORDER.get((row.place + behind) as usize).copied().unwrap_or(END as u16);
            let symbol = u8::try_from(symbol).map_err(|_| HuffmanError::Malformed)?;
            return Ok((symbol, length));
        }
    }
    debug_assert!(false, "no bits are without a code of up to {LONGEST}");
    Err(HuffmanError::Malformed)
}

/// How many bytes the text has in the code.
pub(crate) fn encoded_len(text: &[u8]) -> usize {
    text.iter().map(|&byte| usize::from(LENGTHS[usize::from(byte)])).sum::<usize>().div_ceil(8)
}

/// Appends the text in the code.
pub(crate) fn encode(text: &[u8], out: &mut Vec<u8>) {
    let (mut bits, mut have) = (0_u64, 0_u32);
    for &byte in text {
        let symbol = usize::from(byte);
        let length = u32::from(LENGTHS[symbol]);
        bits = bits << length | u64::from(CODES[symbol]);
        have += length;
        if have >= 32 {
            have -= 32;
            out.extend_from_slice(&((bits >> have) as u32).to_be_bytes());
        }
    }
    // Ones behind the end, up to a whole byte.
    let padding = have.wrapping_neg() % 8;
    bits = bits << padding | ((1 << padding) - 1);
    have += padding;
    while have > 0 {
        have -= 8;
        out.push((bits >> have) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(coded: &[u8]) -> Result<Vec<u8>, HuffmanError> {
        let mut out = Vec::new();
        decode(coded, 10_000, &mut out).map(|()| out)
    }

    fn written(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(text, &mut out);
        assert_eq!(out.len(), encoded_len(text));
        out
    }

    #[test]
    fn the_examples_of_the_rfc() {
        let coded = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(read(&coded).unwrap(), b"www.example.com");
        assert_eq!(written(b"www.example.com"), coded);
        assert_eq!(written(b"no-cache"), [0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf]);
        assert_eq!(read(b"").unwrap(), b"");
    }

    #[test]
    fn every_byte_at_every_bit() {
        for before in 0..8 {
            for byte in 0..=255_u8 {
                let mut text = vec![b'0'; before];
                text.extend_from_slice(&[byte, b'a', byte, 255, byte]);
                assert_eq!(read(&written(&text)).unwrap(), text);
            }
        }
        let every: Vec<u8> = (0..=255).cycle().take(2_000).collect();
        assert_eq!(read(&written(&every)).unwrap(), every);
    }

    #[test]
    fn bad_padding_and_the_end_symbol_are_refused() {
        for bad in [
            &[0xff][..],               // eight bits of padding
            &[0xff, 0xff, 0xff, 0xff], // the end symbol
            &[0xff, 0xff, 0xff, 0xfc], // the end symbol and its neighbours, cut
            &[0b0000_0000],            // padding of zeros
            &[0b0001_1000],            // "a", and padding that is not all ones
            &[0b0001_1111, 0xff],      // one bit and a byte too many
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(read(bad), Err(HuffmanError::Malformed), "{bad:x?}");
        }
        assert_eq!(read(&[0b0001_1111]).unwrap(), b"a");
        // The end symbol within a text.
        let mut bits = 0_u64;
        for (code, length) in [(0x3_u64, 5), (0x3fff_ffff, 30), (0x3, 5)] {
            bits = bits << length | code;
        }
        assert_eq!(read(&bits.to_be_bytes()[3..]), Err(HuffmanError::Malformed));
    }

    #[test]
    fn the_limit_is_exact() {
        for text in [&b"aaaaaaaaaaaaaaaaaaaaaaa"[..], b"a\x01b\x02\xff\xff\xff\xff\xff", b"{}{}{}{}{}a"] {
            let coded = written(text);
            for most in 0..text.len() {
                let mut out = Vec::new();
                assert_eq!(decode(&coded, most, &mut out), Err(HuffmanError::TooLong), "{most}");
                assert!(out.len() <= most);
            }
            let mut out = b"before".to_vec();
            assert_eq!(decode(&coded, text.len(), &mut out), Ok(()));
            assert_eq!(&out[6..], text);
        }
    }
}
