//! Where in a frame the input is.

use super::frame::{FRAME_HEADER_LENGTH, FrameHeader};
use super::stream::StreamKey;

/// What the next byte belongs to.
#[derive(Debug)]
pub(super) enum Inbound {
    /// The preface of a client, of which so many bytes came.
    Preface { have: u8 },
    /// The head of a frame, of which so many bytes are there.
    Head { bytes: [u8; FRAME_HEADER_LENGTH], have: u8 },
    /// A frame that is looked at when it is whole; what came of it is in the connection's buffer. When it began is there too.
    Payload { header: FrameHeader, since: u64 },
    /// The byte that says how much padding a DATA has.
    PadLength { header: FrameHeader, stream: StreamKey },
    /// Content, and the padding behind it.
    Data { stream: StreamKey, left: u32, padding: u8, ends: bool },
    /// Nothing that anybody wants.
    Skipped { left: u32 },
}

impl Inbound {
    /// Before a frame.
    pub(super) const START: Self = Self::Head { bytes: [0; FRAME_HEADER_LENGTH], have: 0 };
}

/// Takes at most `left` bytes from the front of the input, and counts them off.
#[inline]
pub(super) fn take<'a>(input: &mut &'a [u8], left: &mut u32) -> &'a [u8] {
    let count = input.len().min(*left as usize);
    let (taken, rest) = input.split_at(count);
    *input = rest;
    // Not more than `left`, which is a u32.
    *left -= count as u32;
    taken
}

/// Fills an array from the front of the input. True when it is full.
pub(super) fn fill(input: &mut &[u8], array: &mut [u8], have: &mut u8) -> bool {
    let room = array.get_mut(usize::from(*have)..).unwrap_or_default();
    let count = input.len().min(room.len());
    let (taken, rest) = input.split_at(count);
    for (place, byte) in room.iter_mut().zip(taken) {
        *place = *byte;
    }
    *input = rest;
    *have += count as u8;
    usize::from(*have) >= array.len()
}
