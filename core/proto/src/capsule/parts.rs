//! A stream of capsules, part by part.

use crate::varint;

/// The kind of a capsule that is a datagram.
pub const DATAGRAM: u64 = 0x00;

/// A part of a stream of capsules. Values are borrowed from the input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part<'a> {
    /// A capsule begins. One of an unknown kind is to be ignored.
    Begin {
        /// Its kind.
        kind: u64,
        /// The length of its value, which follows in pieces.
        length: u64,
    },
    /// A piece of its value: at least one byte.
    Value(&'a [u8]),
    /// It is whole.
    End,
}

/// Reads capsules, which come in pieces of any size. Keeps nothing but where it is.
#[derive(Debug, Default)]
pub struct Capsules {
    /// The start of a capsule, of which so many bytes are there.
    head: [u8; 2 * varint::LONGEST],
    have: u8,
    /// What is left of the value.
    left: Option<u64>,
}

impl Capsules {
    /// Before the first capsule.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes off the input, up to the next part. `None`: all of them were taken.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Option<Part<'a>> {
        if let Some(left) = self.left {
            if left == 0 {
                self.left = None;
                return Some(Part::End);
            }
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
            let (value, rest) = input.split_at(count);
            *input = rest;
            self.left = Some(left - count as u64);
            return (!value.is_empty()).then_some(Part::Value(value));
        }
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            // It is whole before the array is full.
            *self.head.get_mut(usize::from(self.have))? = byte;
            self.have += 1;
            let mut head = self.head.get(..usize::from(self.have))?;
            if let Some(kind) = varint::take(&mut head)
                && let Some(length) = varint::take(&mut head)
            {
                self.have = 0;
                self.left = Some(length);
                return Some(Part::Begin { kind, length });
            }
        }
        None
    }

    /// Whether the stream may end here; a message that ends elsewhere is malformed.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.have == 0 && self.left.is_none()
    }
}

/// Writes the head of a capsule, behind which its value goes.
pub fn write_header(out: &mut Vec<u8>, kind: u64, length: usize) {
    varint::write(out, kind.min(varint::MOST));
    varint::write(out, length as u64);
}

/// Writes a datagram as a capsule.
pub fn write_datagram(out: &mut Vec<u8>, datagram: &[u8]) {
    write_header(out, DATAGRAM, datagram.len());
    out.extend_from_slice(datagram);
}
