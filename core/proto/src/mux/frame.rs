//! The head of a frame.

/// The length of the head of each frame, in bytes.
pub const HEADER_LENGTH: usize = 13;

/// What a frame does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// Opens a stream.
    Open = 0,
    /// Carries bytes.
    Chunk = 1,
    /// The sender sends no more on this stream.
    Done = 2,
    /// The stream failed.
    Error = 3,
    /// The sender has no use for the stream any more.
    Cancel = 4,
    /// The receiver may send more.
    Credit = 5,
}

impl FrameKind {
    /// The kind with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Open,
            1 => Self::Chunk,
            2 => Self::Done,
            3 => Self::Error,
            4 => Self::Cancel,
            5 => Self::Credit,
            _ => return None,
        })
    }
}

/// The head of a frame, as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// How many bytes of payload follow.
    pub length: u32,
    /// The stream.
    pub id: u64,
    /// The number of the kind, which may be none.
    pub kind: u8,
}

impl FrameHeader {
    /// Reads a head. Any bytes are one.
    #[must_use]
    pub const fn decode(bytes: [u8; HEADER_LENGTH]) -> Self {
        let [l0, l1, l2, l3, i0, i1, i2, i3, i4, i5, i6, i7, kind] = bytes;
        Self {
            length: u32::from_be_bytes([l0, l1, l2, l3]),
            id: u64::from_be_bytes([i0, i1, i2, i3, i4, i5, i6, i7]),
            kind,
        }
    }

    /// Appends the head.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.length.to_be_bytes());
        out.extend_from_slice(&self.id.to_be_bytes());
        out.push(self.kind);
    }
}

/// Appends a frame. The payload is shorter than 4 GiB: a frame's limit is a `u32`.
pub(super) fn write(kind: FrameKind, id: u64, payload: &[u8], out: &mut Vec<u8>) {
    FrameHeader { length: payload.len() as u32, id, kind: kind as u8 }.encode(out);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_big_endian() {
        let mut out = Vec::new();
        write(FrameKind::Credit, 0x0102_0304_0506_0708, &[9, 8], &mut out);
        assert_eq!(out, [0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 5, 9, 8]);
        let head = FrameHeader::decode(out[..HEADER_LENGTH].try_into().unwrap());
        assert_eq!(head, FrameHeader { length: 2, id: 0x0102_0304_0506_0708, kind: 5 });
    }

    #[test]
    fn kinds_and_their_numbers_agree() {
        for number in 0..=u8::MAX {
            match FrameKind::from_number(number) {
                Some(kind) => assert_eq!(kind as u8, number),
                None => assert!(number > 5),
            }
        }
    }
}
