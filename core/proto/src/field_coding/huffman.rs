//! Text in the Huffman code (RFC 7541 section 5.2), both ways.

use std::slice::IterMut;

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

/// Appends the text that `coded` stands for, which may have at most `most` bytes. After an error `out` holds a part of it.
pub(crate) fn decode(coded: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), HuffmanError> {
    let start = out.len();
    // Room for all that it can become, so that no byte has to look for some.
    out.resize(start + (coded.len() * 8 / SHORTEST).min(most), 0);
    let mut room = out.get_mut(start..).unwrap_or_default().iter_mut();
    let decoded = decode_into(coded, &mut room);
    let unused = room.len();
    out.truncate(out.len() - unused);
    decoded
}

fn decode_into(coded: &[u8], room: &mut IterMut<'_, u8>) -> Result<(), HuffmanError> {
    let mut input = Bits { bits: 0, have: 0, rest: coded };
    loop {
        input.refill();
        // With eight bits a short code is whole.
        while input.have >= 8 {
            let (symbol, length) = short(input.bits);
            if length == 0 {
                break;
            }
            put(room, symbol)?;
            input.skip(length);
        }
        if input.have >= LONGEST as u32 {
            let (symbol, length) = long(input.bits)?;
            put(room, symbol)?;
            input.skip(length);
        } else if input.rest.is_empty() {
            return decode_end(input, room);
        }
    }
}

/// The last bits: less than the longest code.
fn decode_end(mut input: Bits<'_>, room: &mut IterMut<'_, u8>) -> Result<(), HuffmanError> {
    while input.have > 0 {
        // Ones behind the end: what is left then of padding alone is the start of the longest code.
        let padded = input.bits | u64::MAX >> input.have;
        if input.have < 8 && padded == u64::MAX {
            return Ok(());
        }
        let (symbol, length) = match short(padded) {
            (_, 0) => long(padded)?,
            found => found,
        };
        if length > input.have {
            return Err(HuffmanError::Malformed);
        }
        put(room, symbol)?;
        input.skip(length);
    }
    Ok(())
}

#[inline(always)]
fn put(room: &mut IterMut<'_, u8>, symbol: u8) -> Result<(), HuffmanError> {
    *room.next().ok_or(HuffmanError::TooLong)? = symbol;
    Ok(())
}

/// Input that is taken bit by bit.
struct Bits<'a> {
    /// What comes next, from the top down. Below the bits that were read there are zeros, or what will be read there.
    bits: u64,
    /// How many were read.
    have: u32,
    rest: &'a [u8],
}

impl Bits<'_> {
    /// Reads until there are more than 56 bits, or nothing is left.
    #[inline(always)]
    fn refill(&mut self) {
        if let Some(word) = self.rest.first_chunk::<8>() {
            self.bits |= u64::from_be_bytes(*word) >> self.have;
            let bytes = (63 - self.have) / 8;
            self.have += bytes * 8;
            self.rest = self.rest.get(bytes as usize..).unwrap_or_default();
            return;
        }
        while self.have <= 56
            && let Some((&byte, others)) = self.rest.split_first()
        {
            self.bits |= u64::from(byte) << (56 - self.have);
            self.have += 8;
            self.rest = others;
        }
    }

    #[inline(always)]
    fn skip(&mut self, count: u32) {
        self.bits <<= count;
        self.have -= count;
    }
}

/// The symbol that comes first if its code has up to eight bits, and that length, which is else 0.
#[inline(always)]
fn short(bits: u64) -> (u8, u32) {
    let (symbol, length) = SHORT.get((bits >> 56) as usize).copied().unwrap_or_default();
    (symbol, u32::from(length))
}

/// The same for a longer code.
fn long(bits: u64) -> Result<(u8, u32), HuffmanError> {
    for (length, row) in BY_LENGTH.iter().enumerate().skip(9) {
        let behind = ((bits >> (64 - length)) as u32).wrapping_sub(row.first);
        if behind < row.count {
            let symbol = IN_ORDER.get((row.place + behind) as usize).copied().unwrap_or(END as u16);
            let symbol = u8::try_from(symbol).map_err(|_| HuffmanError::Malformed)?;
            return Ok((symbol, length as u32));
        }
    }
    debug_assert!(false, "no bits are without a code of up to {LONGEST}");
    Err(HuffmanError::Malformed)
}

/// How many bytes the text has in the code.
pub(crate) fn encoded_len(text: &[u8]) -> usize {
    text.iter().map(|&byte| usize::from(LENGTHS[usize::from(byte)])).sum::<usize>().div_ceil(8)
}

/// Appends the text in the code, which has so many bytes.
pub(crate) fn encode(text: &[u8], len: usize, out: &mut Vec<u8>) {
    debug_assert_eq!(len, encoded_len(text));
    let start = out.len();
    out.resize(start + len, 0);
    let mut room = out.get_mut(start..).unwrap_or_default();
    let (mut bits, mut have) = (0_u64, 0_u32);
    for &byte in text {
        let (code, length) = CODES[usize::from(byte)];
        bits = bits << length | u64::from(code);
        have += u32::from(length);
        if have >= 32 {
            have -= 32;
            // There is room by the length.
            let Some((word, behind)) = room.split_first_chunk_mut() else { return };
            *word = ((bits >> have) as u32).to_be_bytes();
            room = behind;
        }
    }
    // Ones behind the end, up to a whole byte.
    let last = (bits << (32 - have) | u64::from(u32::MAX >> have)) as u32;
    for (place, byte) in room.iter_mut().zip(last.to_be_bytes()) {
        *place = byte;
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
        encode(text, encoded_len(text), &mut out);
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
        for before in 0..20 {
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
