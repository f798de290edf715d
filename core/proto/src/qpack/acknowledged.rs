//! What the peer's decoder has said that it has (RFC 9204 sections 2.1 and 4.4).

use std::collections::VecDeque;

use super::error::Fault;
use crate::field_coding::integer::{self, IntegerError};

/// No more sections than this may wait for an acknowledgement; those behind name no entry.
const MOST_SECTIONS: usize = 256;

/// Insertions that came, and sections that were not acknowledged.
#[derive(Debug)]
pub(super) struct Acknowledged {
    /// How many insertions the peer is known to have.
    count: u64,
    /// In the order in which they were sent.
    sections: VecDeque<Sent>,
    /// The start of an instruction.
    partial: Vec<u8>,
}

/// A section that names entries.
#[derive(Clone, Copy, Debug)]
struct Sent {
    stream: u64,
    /// The highest entry that it names, and 1.
    required: u64,
    /// The lowest.
    lowest: u64,
}

impl Acknowledged {
    pub(super) const fn new() -> Self {
        Acknowledged { count: 0, sections: VecDeque::new(), partial: Vec::new() }
    }

    /// How many insertions the peer is known to have.
    #[inline]
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The lowest entry that a section names which was not acknowledged.
    pub(super) fn lowest(&self) -> u64 {
        self.sections.iter().map(|sent| sent.lowest).min().unwrap_or(u64::MAX)
    }

    /// Whether another section may name entries.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.sections.len() < MOST_SECTIONS
    }

    /// Whether this stream may be blocked, when so many may be.
    pub(super) fn may_block(&self, stream: u64, limit: u16) -> bool {
        let mut blocking = self.sections.iter().filter(|sent| sent.required > self.count).peekable();
        if limit == 0 || blocking.peek().is_none() {
            return limit > 0;
        }
        let mut streams: Vec<u64> = blocking.map(|sent| sent.stream).collect();
        streams.sort_unstable();
        streams.dedup();
        streams.len() < usize::from(limit) || streams.contains(&stream)
    }

    /// A section was sent.
    pub(super) fn await_section(&mut self, stream: u64, required: u64, lowest: u64) {
        self.sections.push_back(Sent { stream, required, lowest });
    }

    /// Takes what came on the decoder stream, and says how many instructions that were. So many entries were inserted.
    pub(super) fn receive(&mut self, input: &[u8], inserted: u64) -> Result<u32, Fault> {
        let mut count = 0;
        // Rarely more than a few bytes.
        let mut all = std::mem::take(&mut self.partial);
        all.extend_from_slice(input);
        let mut rest = &all[..];
        while let Some((&first, behind)) = rest.split_first() {
            let mut behind = behind;
            let prefix = if first & 0x80 != 0 { 7 } else { 6 };
            match integer::decode_long(first, prefix, &mut behind) {
                Ok(number) => self.instruction(first, number, inserted)?,
                Err(IntegerError::Truncated) => break,
                Err(IntegerError::TooLarge) => return Err(Fault::Integer),
            }
            rest = behind;
            count += 1;
        }
        let done = all.len() - rest.len();
        all.drain(..done);
        self.partial = all;
        Ok(count)
    }

    fn instruction(&mut self, first: u8, number: u64, inserted: u64) -> Result<(), Fault> {
        match first {
            // Section Acknowledgement
            0x80.. => {
                let at = self.sections.iter().position(|sent| sent.stream == number);
                let sent = at.and_then(|at| self.sections.remove(at)).ok_or(Fault::Acknowledgement)?;
                self.count = self.count.max(sent.required);
            }
            // Stream Cancellation
            0x40.. => self.sections.retain(|sent| sent.stream != number),
            // Insert Count Increment
            _ => {
                // Both are below 2^63.
                let count = self.count + number;
                if number == 0 || count > inserted {
                    return Err(Fault::Increment);
                }
                self.count = count;
            }
        }
        Ok(())
    }
}
