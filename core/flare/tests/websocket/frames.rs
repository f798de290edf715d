//! Frames as a client writes and reads them, apart from the library's own code so that both can't be wrong alike.

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;
/// Beside the opcode of a frame that is not the last of its message.
pub const MORE: u8 = 0x40;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A whole message of a client, masked.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode];
    match payload.len() {
        length @ 0..126 => bytes.push(0x80 | length as u8),
        length @ 126..0x1_0000 => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&KEY);
    bytes.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

pub fn text(text: &str) -> Vec<u8> {
    frame(TEXT, text.as_bytes())
}

pub fn close(code: u16, reason: &str) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes()[..], reason.as_bytes()].concat())
}

/// What a server sent, and how much is left that is no whole frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    pub opcode: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn new(opcode: u8, payload: impl AsRef<[u8]>) -> Self {
        Self { opcode, payload: payload.as_ref().to_vec() }
    }

    pub fn close(code: u16, reason: &str) -> Self {
        Self::new(CLOSE, [&code.to_be_bytes()[..], reason.as_bytes()].concat())
    }
}

/// Takes the first frame of a server. `None`: it is not whole.
pub fn take(bytes: &mut Vec<u8>) -> Option<Frame> {
    let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
    assert_eq!(first & 0x70, 0, "without extensions");
    let more = if first & 0x80 == 0 { MORE } else { 0 };
    let (length, rest) = match second {
        126 => rest.split_first_chunk::<2>().map(|(n, rest)| (u64::from(u16::from_be_bytes(*n)), rest))?,
        127 => rest.split_first_chunk::<8>().map(|(n, rest)| (u64::from_be_bytes(*n), rest))?,
        length => {
            assert!(length < 126, "a server does not mask");
            (u64::from(length), rest)
        }
    };
    let payload = rest.get(..usize::try_from(length).unwrap())?.to_vec();
    let used = bytes.len() - rest.len() + payload.len();
    bytes.drain(..used);
    Some(Frame { opcode: more | first & 0xf, payload })
}
