//! Frames (RFC 9114 section 7): a kind and a length, both as variable-length integers.

use crate::varint;

/// The kinds of frames that mean something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameKind {
    /// DATA
    Data,
    /// HEADERS
    Headers,
    /// CANCEL_PUSH
    CancelPush,
    /// SETTINGS
    Settings,
    /// PUSH_PROMISE
    PushPromise,
    /// GOAWAY
    Goaway,
    /// MAX_PUSH_ID
    MaxPushId,
    /// PRIORITY_UPDATE of a request (RFC 9218 section 7.2)
    PriorityUpdate,
    /// PRIORITY_UPDATE of a push
    PriorityUpdatePush,
    /// A kind of HTTP/2 that has no meaning here, and must not come (RFC 9114 section 7.2.8).
    OfHttp2,
    /// Any other, which is ignored.
    Unknown,
}

impl FrameKind {
    /// The kind with this number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        match number {
            0x00 => FrameKind::Data,
            0x01 => FrameKind::Headers,
            0x03 => FrameKind::CancelPush,
            0x04 => FrameKind::Settings,
            0x05 => FrameKind::PushPromise,
            0x07 => FrameKind::Goaway,
            0x0d => FrameKind::MaxPushId,
            0x0f_0700 => FrameKind::PriorityUpdate,
            0x0f_0701 => FrameKind::PriorityUpdatePush,
            0x02 | 0x06 | 0x08 | 0x09 => FrameKind::OfHttp2,
            _ => FrameKind::Unknown,
        }
    }
}

/// DATA
pub(super) const DATA: u64 = 0x00;
/// HEADERS
pub(super) const HEADERS: u64 = 0x01;
/// SETTINGS
pub(super) const SETTINGS: u64 = 0x04;
/// GOAWAY
pub(super) const GOAWAY: u64 = 0x07;
/// PRIORITY_UPDATE
pub(super) const PRIORITY_UPDATE: u64 = 0x0f_0700;

/// What a frame begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FrameHeader {
    pub(super) kind: FrameKind,
    pub(super) length: u64,
}

/// The longest head of a frame.
const LONGEST: usize = 2 * varint::LONGEST;

/// The head of a frame, of which a part may be there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PartialHeader {
    bytes: [u8; LONGEST],
    have: u8,
}

impl PartialHeader {
    /// Whether nothing of a frame came yet.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.have == 0
    }

    /// Takes the head of a frame off the input. `None`: all of it was taken, and the rest did not come yet.
    #[inline]
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Option<FrameHeader> {
        if self.have == 0
            && let Some(header) = parse(input)
        {
            return Some(header);
        }
        self.fill(input)
    }

    #[cold]
    fn fill(&mut self, input: &mut &[u8]) -> Option<FrameHeader> {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            // It is whole before the array is full.
            *self.bytes.get_mut(usize::from(self.have))? = byte;
            self.have += 1;
            let mut have = self.bytes.get(..usize::from(self.have))?;
            if let Some(header) = parse(&mut have) {
                self.have = 0;
                return Some(header);
            }
        }
        None
    }
}

/// Takes a head that is whole.
#[inline]
fn parse(input: &mut &[u8]) -> Option<FrameHeader> {
    let mut rest = *input;
    let kind = varint::take(&mut rest)?;
    let length = varint::take(&mut rest)?;
    *input = rest;
    Some(FrameHeader { kind: FrameKind::from_number(kind), length })
}

/// Writes the head of a frame.
#[inline]
pub(super) fn write_header(out: &mut Vec<u8>, kind: u64, length: usize) {
    varint::write(out, kind);
    varint::write(out, length as u64);
}
