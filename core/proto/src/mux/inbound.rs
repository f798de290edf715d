//! Where in a frame the input is.

use super::frame::HEADER_LENGTH;

/// What the next byte belongs to.
#[derive(Debug)]
pub(super) enum Inbound {
    /// The head of a frame, of which so many bytes are there.
    Head { bytes: [u8; HEADER_LENGTH], have: usize },
    /// Bytes of a stream: so many to come, and whether DONE comes behind them.
    Data { id: u64, left: u32, done: bool },
    /// The text of an ERROR.
    Error { id: u64, left: u32, text: Vec<u8> },
    /// The number of a CREDIT.
    Credit { id: u64, bytes: [u8; 4], have: usize },
    /// Nothing that anybody wants.
    Skipped { left: u32 },
}

impl Inbound {
    /// Before a frame.
    pub(super) const START: Self = Self::Head { bytes: [0; HEADER_LENGTH], have: 0 };
}

/// Takes at most `left` bytes from the front of the input, and counts them off.
pub(super) fn take<'a>(input: &mut &'a [u8], left: &mut u32) -> &'a [u8] {
    let count = input.len().min(*left as usize);
    let (taken, rest) = input.split_at(count);
    *input = rest;
    // Not more than `left`, which is a u32.
    *left -= count as u32;
    taken
}

/// Fills an array from the front of the input. True when it is full.
pub(super) fn fill(input: &mut &[u8], array: &mut [u8], have: &mut usize) -> bool {
    let room = array.get_mut(*have..).unwrap_or_default();
    let count = input.len().min(room.len());
    let (taken, rest) = input.split_at(count);
    for (place, byte) in room.iter_mut().zip(taken) {
        *place = *byte;
    }
    *input = rest;
    *have += count;
    *have >= array.len()
}
