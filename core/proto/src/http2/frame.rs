//! The head of a frame, and writing frames (RFC 9113 section 4.1).

/// The length of the head of each frame, in bytes.
pub const FRAME_HEADER_LENGTH: usize = 9;

/// The largest id of a stream, and the largest window.
pub(super) const MAX_31_BITS: u32 = 0x7fff_ffff;

/// What a frame does (RFC 9113 section 6, RFC 9218 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// Content of a message.
    Data = 0,
    /// A field section, or its start.
    Headers = 1,
    /// A priority of RFC 7540: checked, and without effect.
    Priority = 2,
    /// Ends a stream at once.
    RstStream = 3,
    /// What the sender can take.
    Settings = 4,
    /// Not used: push is never allowed.
    PushPromise = 5,
    /// Measures, and tells that the peer lives.
    Ping = 6,
    /// No new streams are taken.
    Goaway = 7,
    /// The receiver may send more.
    WindowUpdate = 8,
    /// More of a field section.
    Continuation = 9,
    /// The priority of a stream (RFC 9218).
    PriorityUpdate = 16,
}

impl FrameKind {
    /// The kind with this number, if it is known. Frames of other kinds are ignored.
    #[must_use]
    #[inline]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Data,
            1 => Self::Headers,
            2 => Self::Priority,
            3 => Self::RstStream,
            4 => Self::Settings,
            5 => Self::PushPromise,
            6 => Self::Ping,
            7 => Self::Goaway,
            8 => Self::WindowUpdate,
            9 => Self::Continuation,
            16 => Self::PriorityUpdate,
            _ => return None,
        })
    }
}

/// The flags of frames. What one means depends on the kind.
pub mod flag {
    /// SETTINGS and PING: an answer.
    pub const ACK: u8 = 0x1;
    /// DATA and HEADERS: the last of this sender on the stream.
    pub const END_STREAM: u8 = 0x1;
    /// HEADERS and CONTINUATION: the field section ends here.
    pub const END_HEADERS: u8 = 0x4;
    /// DATA and HEADERS: the first byte says how many bytes of padding stand at the end.
    pub const PADDED: u8 = 0x8;
    /// HEADERS: a priority of RFC 7540 stands before the fields.
    pub const PRIORITY: u8 = 0x20;
}

/// The head of a frame, as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// How many bytes of payload follow: 24 bits.
    pub length: u32,
    /// The number of the kind, which may be none.
    pub kind: u8,
    /// The flags, of which some mean nothing.
    pub flags: u8,
    /// The stream, 0 for the connection: 31 bits.
    pub stream: u32,
}

impl FrameHeader {
    /// Reads a head. Any bytes are one.
    #[must_use]
    #[inline]
    pub const fn decode(bytes: [u8; FRAME_HEADER_LENGTH]) -> Self {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = bytes;
        Self {
            length: u32::from_be_bytes([0, l0, l1, l2]),
            kind,
            flags,
            stream: u32::from_be_bytes([s0, s1, s2, s3]) & MAX_31_BITS,
        }
    }

    /// The head as it is on the wire.
    #[must_use]
    #[inline]
    pub const fn bytes(&self) -> [u8; FRAME_HEADER_LENGTH] {
        let [_, l0, l1, l2] = self.length.to_be_bytes();
        let [s0, s1, s2, s3] = self.stream.to_be_bytes();
        [l0, l1, l2, self.kind, self.flags, s0, s1, s2, s3]
    }

    /// Appends the head.
    #[inline]
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes());
    }

    #[inline]
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Appends the head of a frame.
#[inline]
pub(super) fn write_header(out: &mut Vec<u8>, kind: FrameKind, flags: u8, stream: u32, length: usize) {
    // No frame that is written is as long as 16 MiB.
    FrameHeader { length: length as u32, kind: kind as u8, flags, stream }.encode(out);
}

/// Appends a frame.
pub(super) fn write(out: &mut Vec<u8>, kind: FrameKind, flags: u8, stream: u32, payload: &[u8]) {
    write_header(out, kind, flags, stream, payload.len());
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_big_endian() {
        let mut out = Vec::new();
        write(&mut out, FrameKind::Ping, flag::ACK, 0x0102_0304, &[9, 8]);
        assert_eq!(out, [0, 0, 2, 6, 1, 1, 2, 3, 4, 9, 8]);
        let head = FrameHeader::decode(out[..FRAME_HEADER_LENGTH].try_into().unwrap());
        assert_eq!(head, FrameHeader { length: 2, kind: 6, flags: 1, stream: 0x0102_0304 });
        assert_eq!(FrameHeader::decode([0xff; 9]).stream, MAX_31_BITS);
        assert_eq!(FrameHeader::decode([0xff; 9]).length, 0x00ff_ffff);
    }

    #[test]
    fn kinds_and_their_numbers_agree() {
        for number in 0..=u8::MAX {
            match FrameKind::from_number(number) {
                Some(kind) => assert_eq!(kind as u8, number),
                None => assert!(number > 9 && number != 16),
            }
        }
    }
}
