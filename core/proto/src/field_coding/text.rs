//! Texts: a length, and the bytes as they are or in the Huffman code (RFC 7541 section 5.2, RFC 9204 section 4.1.2).

use super::huffman::{self, HuffmanError};
use super::integer::{self, IntegerError};

/// Why a text could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TextError {
    /// The input ends within it.
    Truncated,
    /// Its length is too large.
    TooLarge,
    /// It is not in the Huffman code.
    Huffman,
}

impl From<IntegerError> for TextError {
    fn from(error: IntegerError) -> Self {
        match error {
            IntegerError::Truncated => TextError::Truncated,
            IntegerError::TooLarge => TextError::TooLarge,
        }
    }
}

/// Takes a text off the input and appends it, if it has at most `room` bytes; otherwise says false. What is too long by the length it says is not
/// looked at. The low `prefix` bits (1 to 7) of `first`, which was taken off the input before, are the prefix of its length; the bit above says
/// whether it is in the Huffman code.
pub(crate) fn read(
    first: u8,
    prefix: u32,
    input: &mut &[u8],
    room: usize,
    out: &mut Vec<u8>,
) -> Result<bool, TextError> {
    let len = integer::decode(first, prefix, input)? as usize;
    let (coded, rest) = input.split_at_checked(len).ok_or(TextError::Truncated)?;
    *input = rest;
    read_all(first & 1 << prefix != 0, coded, room, out)
}

/// The same for a text that was taken off the input. `is_coded`: it is in the Huffman code.
pub(crate) fn read_all(
    is_coded: bool,
    coded: &[u8],
    room: usize,
    out: &mut Vec<u8>,
) -> Result<bool, TextError> {
    if !is_coded {
        if coded.len() > room {
            return Ok(false);
        }
        out.extend_from_slice(coded);
        return Ok(true);
    }
    if coded.len() > longest_coded(room) {
        return Ok(false);
    }
    let start = out.len();
    match huffman::decode(coded, room, out) {
        Ok(()) => Ok(true),
        Err(HuffmanError::Malformed) => Err(TextError::Huffman),
        Err(HuffmanError::TooLong) => {
            out.truncate(start);
            Ok(false)
        }
    }
}

/// The most bytes that a text of so many takes in the Huffman code: no code has more than 30 bits, and up to seven are padding.
pub(crate) fn longest_coded(len: usize) -> usize {
    len.saturating_mul(30).saturating_add(7) / 8
}

/// Appends a text behind a prefix of so many bits (1 to 7), in the Huffman code if that is shorter. `flags` are the bits above the one that says
/// which.
pub(crate) fn write(out: &mut Vec<u8>, flags: u8, prefix: u32, text: &[u8]) {
    let coded = huffman::encoded_len(text);
    if coded < text.len() {
        integer::encode(out, flags | 1 << prefix, prefix, coded as u32);
        huffman::encode(text, coded, out);
    } else {
        integer::encode(out, flags, prefix, text.len() as u32);
        out.extend_from_slice(text);
    }
}
