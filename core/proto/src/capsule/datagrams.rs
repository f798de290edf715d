//! The datagrams in a stream of capsules (RFC 9297 section 3.5).

use super::parts::{Capsules, DATAGRAM, Part};

/// What was found in a stream of capsules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found<'a> {
    /// A datagram, whole. Borrowed until the next call.
    Datagram(&'a [u8]),
    /// One begins that is longer than the limit. It is left out: who sends datagrams bears that some are lost.
    TooLong {
        /// Its length.
        length: u64,
    },
}

/// Finds the datagrams in capsules, which come in pieces of any size. What lies whole in one piece is lent from there.
#[derive(Debug)]
pub struct Datagrams {
    capsules: Capsules,
    /// The longest that is taken, in bytes.
    most: usize,
    /// A datagram is being read, of this length.
    reading: Option<usize>,
    /// What has come of it, if it did not come in one piece.
    kept: Vec<u8>,
}

impl Datagrams {
    /// Before the first capsule. Datagrams of more than `most` bytes are left out.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { capsules: Capsules::new(), most, reading: None, kept: Vec::new() }
    }

    /// Takes bytes off the input, up to the next datagram. `None`: all of them were taken.
    pub fn next<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Option<Found<'s>> {
        if self.reading.is_none() {
            // What was lent from it is not needed any more, and a stream may be idle for long.
            self.kept = Vec::new();
        }
        while let Some(part) = self.capsules.next(input) {
            match (part, self.reading) {
                (Part::Begin { kind: DATAGRAM, length }, _) => match usize::try_from(length) {
                    Ok(length) if length <= self.most => self.reading = Some(length),
                    _ => return Some(Found::TooLong { length }),
                },
                (Part::Value(value), Some(length)) if value.len() == length => {
                    // Behind the whole value there is nothing but its end.
                    self.capsules.next(input);
                    self.reading = None;
                    return Some(Found::Datagram(value));
                }
                (Part::Value(value), Some(_)) => self.kept.extend_from_slice(value),
                (Part::End, Some(_)) => {
                    self.reading = None;
                    return Some(Found::Datagram(&self.kept));
                }
                (Part::Begin { .. } | Part::Value(_) | Part::End, _) => {}
            }
        }
        None
    }

    /// Whether the stream may end here; a message that ends elsewhere is malformed.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.capsules.is_between()
    }
}
