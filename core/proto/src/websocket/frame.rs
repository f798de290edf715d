//! Frames: how their heads are read and written (RFC 6455 section 5.2).

use super::error::ConnectionError;
use super::event::Opcode;

/// The longest head of a frame.
pub(super) const LONGEST_HEAD: usize = 14;
/// The longest payload of a control frame.
pub(super) const LONGEST_CONTROL: usize = 125;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const OTHER_RSV: u8 = 0x30;
const MASK: u8 = 0x80;

/// The kind of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FrameKind {
    Continuation,
    Message(Opcode),
    Close,
    Ping,
    Pong,
}

impl FrameKind {
    fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => FrameKind::Continuation,
            1 => FrameKind::Message(Opcode::Text),
            2 => FrameKind::Message(Opcode::Binary),
            8 => FrameKind::Close,
            9 => FrameKind::Ping,
            10 => FrameKind::Pong,
            _ => return None,
        })
    }

    fn number(self) -> u8 {
        match self {
            FrameKind::Continuation => 0,
            FrameKind::Message(Opcode::Text) => 1,
            FrameKind::Message(Opcode::Binary) => 2,
            FrameKind::Close => 8,
            FrameKind::Ping => 9,
            FrameKind::Pong => 10,
        }
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, FrameKind::Close | FrameKind::Ping | FrameKind::Pong)
    }
}

/// The head of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FrameHead {
    pub(super) is_last: bool,
    /// RSV1: the message is compressed (RFC 7692 section 6).
    pub(super) is_compressed: bool,
    pub(super) kind: FrameKind,
    pub(super) key: Option<[u8; 4]>,
    pub(super) length: u64,
}

impl FrameHead {
    /// Reads the head at the start of `bytes`, and how long it is. `None`: not all of it is there.
    pub(super) fn decode(bytes: &[u8]) -> Result<Option<(FrameHead, usize)>, ConnectionError> {
        let Some((&[first, second], rest)) = bytes.split_first_chunk::<2>() else { return Ok(None) };
        let Some((length, rest)) = length(second & !MASK, rest)? else { return Ok(None) };
        let (key, rest) = if second & MASK == 0 {
            (None, rest)
        } else {
            let Some((key, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
            (Some(*key), rest)
        };
        if first & OTHER_RSV != 0 {
            return Err(ConnectionError::protocol("a reserved bit is set"));
        }
        let kind = FrameKind::from_number(first & 0x0f)
            .ok_or(ConnectionError::protocol("a frame of a reserved opcode"))?;
        let head =
            FrameHead { is_last: first & FIN != 0, is_compressed: first & RSV1 != 0, kind, key, length };
        if kind.is_control() {
            head.check_control()?;
        }
        Ok(Some((head, bytes.len() - rest.len())))
    }

    fn check_control(&self) -> Result<(), ConnectionError> {
        if !self.is_last {
            return Err(ConnectionError::protocol("a control frame was fragmented"));
        }
        if self.length > LONGEST_CONTROL as u64 {
            return Err(ConnectionError::protocol("a control frame is too long"));
        }
        if self.is_compressed {
            return Err(ConnectionError::protocol("a control frame can't be compressed"));
        }
        Ok(())
    }

    /// The head as bytes, and how many of them there are.
    pub(super) fn encode(&self) -> ([u8; LONGEST_HEAD], usize) {
        let mut bytes = [0; LONGEST_HEAD];
        let mut at = 0;
        let mut put = |more: &[u8]| {
            // Ten bytes and a key are all there is, so it fits.
            if let Some(place) = bytes.get_mut(at..at + more.len()) {
                place.copy_from_slice(more);
            }
            at += more.len();
        };
        let mut first = self.kind.number();
        if self.is_last {
            first |= FIN;
        }
        if self.is_compressed {
            first |= RSV1;
        }
        let mask = if self.key.is_some() { MASK } else { 0 };
        match self.length {
            0..126 => put(&[first, mask | self.length as u8]),
            126..0x1_0000 => {
                put(&[first, mask | 126]);
                put(&(self.length as u16).to_be_bytes());
            }
            _ => {
                put(&[first, mask | 127]);
                put(&self.length.to_be_bytes());
            }
        }
        if let Some(key) = self.key {
            put(&key);
        }
        (bytes, at)
    }
}

/// The length that begins with these seven bits, and what is behind it.
fn length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, ConnectionError> {
    let (length, least, rest) = match short {
        126 => match rest.split_first_chunk::<2>() {
            Some((bytes, rest)) => (u64::from(u16::from_be_bytes(*bytes)), 126, rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk::<8>() {
            Some((bytes, rest)) => (u64::from_be_bytes(*bytes), 0x1_0000, rest),
            None => return Ok(None),
        },
        short => (u64::from(short), 0, rest),
    };
    if length < least {
        return Err(ConnectionError::protocol("a length takes more bytes than it needs"));
    }
    if length > i64::MAX as u64 {
        return Err(ConnectionError::protocol("a length of more than 63 bits"));
    }
    Ok(Some((length, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_come_back() {
        for kind in (0..16).filter_map(FrameKind::from_number) {
            for length in [0, 1, 125, 126, 127, 0xffff, 0x1_0000, i64::MAX as u64] {
                for key in [None, Some([1, 2, 3, 4])] {
                    let is_control = kind.is_control();
                    if is_control && length > 125 {
                        continue;
                    }
                    let head = FrameHead { is_last: true, is_compressed: !is_control, kind, key, length };
                    let (bytes, count) = head.encode();
                    assert_eq!(FrameHead::decode(&bytes[..count]), Ok(Some((head, count))));
                    for cut in 0..count {
                        assert_eq!(FrameHead::decode(&bytes[..cut]), Ok(None));
                    }
                }
            }
        }
    }
}
