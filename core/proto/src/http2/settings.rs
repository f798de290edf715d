//! SETTINGS: what each side can take (RFC 9113 section 6.5).

use super::error::ConnectionError;
use super::frame::{FRAME_HEADER_LENGTH, FrameKind, MAX_31_BITS, write_header};
use super::limits::{INITIAL_WINDOW, LEAST_FRAME, Limits, MOST_FRAME};

/// The numbers of settings.
mod number {
    pub(super) const HEADER_TABLE_SIZE: u16 = 1;
    pub(super) const ENABLE_PUSH: u16 = 2;
    pub(super) const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub(super) const INITIAL_WINDOW_SIZE: u16 = 4;
    pub(super) const MAX_FRAME_SIZE: u16 = 5;
    pub(super) const MAX_HEADER_LIST_SIZE: u16 = 6;
    /// RFC 8441 section 3.
    pub(super) const ENABLE_CONNECT_PROTOCOL: u16 = 8;
    /// RFC 9218 section 2.1.
    pub(super) const NO_RFC7540_PRIORITIES: u16 = 9;
}

/// The length of one setting, in bytes.
pub(super) const SETTING_LENGTH: usize = 6;

/// What the peer can take. It begins with the values of RFC 9113 section 6.5.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerSettings {
    /// The most its compression table holds, in bytes.
    pub header_table_bytes: u32,
    /// Whether it takes pushed answers. They are never sent.
    pub enable_push: bool,
    /// How many streams it takes at a time.
    pub streams: u32,
    /// The window of a new stream, in bytes.
    pub stream_window: u32,
    /// The longest payload of a frame, in bytes.
    pub frame_bytes: u32,
    /// The largest field section it wants to see, in bytes: advice.
    pub head_bytes: u32,
    /// Whether it takes Extended CONNECT (RFC 8441).
    pub extended_connect: bool,
}

impl PeerSettings {
    pub(super) const INITIAL: PeerSettings = PeerSettings {
        header_table_bytes: 4096,
        enable_push: true,
        streams: u32::MAX,
        stream_window: INITIAL_WINDOW,
        frame_bytes: LEAST_FRAME,
        head_bytes: u32::MAX,
        extended_connect: false,
    };

    /// Takes the settings of a payload, in order. Those that are not known are ignored.
    pub(super) fn apply(&mut self, payload: &[u8], is_server: bool) -> Result<(), ConnectionError> {
        for &[n0, n1, v0, v1, v2, v3] in payload.as_chunks::<SETTING_LENGTH>().0 {
            let value = u32::from_be_bytes([v0, v1, v2, v3]);
            match u16::from_be_bytes([n0, n1]) {
                number::HEADER_TABLE_SIZE => self.header_table_bytes = value,
                number::ENABLE_PUSH => match value {
                    0 => self.enable_push = false,
                    1 if is_server => self.enable_push = true,
                    _ => return Err(ConnectionError::protocol("invalid ENABLE_PUSH")),
                },
                number::MAX_CONCURRENT_STREAMS => self.streams = value,
                number::INITIAL_WINDOW_SIZE if value > MAX_31_BITS => {
                    return Err(ConnectionError::flow_control("INITIAL_WINDOW_SIZE too large"));
                }
                number::INITIAL_WINDOW_SIZE => self.stream_window = value,
                number::MAX_FRAME_SIZE => match value {
                    LEAST_FRAME..=MOST_FRAME => self.frame_bytes = value,
                    _ => return Err(ConnectionError::protocol("invalid MAX_FRAME_SIZE")),
                },
                number::MAX_HEADER_LIST_SIZE => self.head_bytes = value,
                number::ENABLE_CONNECT_PROTOCOL => match value {
                    0 if !self.extended_connect => {}
                    1 => self.extended_connect = true,
                    _ => return Err(ConnectionError::protocol("invalid ENABLE_CONNECT_PROTOCOL")),
                },
                number::NO_RFC7540_PRIORITIES if value > 1 => {
                    return Err(ConnectionError::protocol("invalid NO_RFC7540_PRIORITIES"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Writes this end's settings.
pub(super) fn write(out: &mut Vec<u8>, limits: &Limits, is_server: bool) {
    let start = out.len();
    write_header(out, FrameKind::Settings, 0, 0, 0);
    write_payload(out, limits, is_server);
    let length = out.len() - start - FRAME_HEADER_LENGTH;
    // At most eight settings: one byte says how long they are.
    if let Some(low) = out.get_mut(start + 2) {
        *low = length as u8;
    }
}

fn write_payload(out: &mut Vec<u8>, limits: &Limits, is_server: bool) {
    let all = [
        (
            number::HEADER_TABLE_SIZE,
            (limits.decoder_table_bytes != 4096).then_some(limits.decoder_table_bytes),
        ),
        (number::ENABLE_PUSH, (!is_server).then_some(0)),
        (number::MAX_CONCURRENT_STREAMS, is_server.then_some(limits.streams)),
        (number::INITIAL_WINDOW_SIZE, Some(limits.stream_window())),
        (number::MAX_FRAME_SIZE, Some(limits.frame_limit()).filter(|&bytes| bytes != LEAST_FRAME)),
        (number::MAX_HEADER_LIST_SIZE, Some(limits.head_bytes)),
        (number::ENABLE_CONNECT_PROTOCOL, (is_server && limits.extended_connect).then_some(1)),
        (number::NO_RFC7540_PRIORITIES, Some(1)),
    ];
    for (number, value) in all.iter().filter_map(|&(number, value)| Some((number, value?))) {
        out.extend_from_slice(&number.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// The payload of SETTINGS that an HTTP2-Settings field holds: base64url without padding (RFC 7540 section 3.2.1). `None`: it holds none.
pub(super) fn from_field(value: &[u8]) -> Option<Vec<u8>> {
    let mut payload = Vec::with_capacity(value.len() * 3 / 4);
    for group in value.chunks(4) {
        let mut bits = 0_u32;
        for &byte in group {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'-' => 62,
                b'_' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(digit);
        }
        let [_, first, second, third] = match group.len() {
            4 => bits.to_be_bytes(),
            3 => (bits << 6).to_be_bytes(),
            2 => (bits << 12).to_be_bytes(),
            _ => return None,
        };
        let bytes = [first, second, third];
        payload.extend_from_slice(bytes.get(..group.len() - 1)?);
    }
    payload.len().is_multiple_of(SETTING_LENGTH).then_some(payload)
}

/// The HTTP2-Settings field of a client with these limits: see [`from_field`].
pub(super) fn to_field(limits: &Limits) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut payload = Vec::new();
    write_payload(&mut payload, limits, false);
    let mut field = String::new();
    // A setting has six bytes, so there are whole groups of three.
    for &[first, second, third] in payload.as_chunks().0 {
        let bits = u32::from_be_bytes([0, first, second, third]);
        for place in [18, 12, 6, 0] {
            field.push(char::from(DIGITS[(bits >> place & 63) as usize]));
        }
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(settings: &[(u16, u32)], is_server: bool) -> Result<PeerSettings, ConnectionError> {
        let mut payload = Vec::new();
        for (number, value) in settings {
            payload.extend_from_slice(&number.to_be_bytes());
            payload.extend_from_slice(&value.to_be_bytes());
        }
        let mut peer = PeerSettings::INITIAL;
        peer.apply(&payload, is_server).map(|()| peer)
    }

    #[test]
    fn each_setting() {
        let all =
            [(1, 5), (2, 0), (3, 7), (4, 8), (5, 1 << 20), (6, 9), (8, 1), (9, 1), (0x1a1a, 3), (4, 10)];
        let expected = PeerSettings {
            header_table_bytes: 5,
            enable_push: false,
            streams: 7,
            stream_window: 10,
            frame_bytes: 1 << 20,
            head_bytes: 9,
            extended_connect: true,
        };
        assert_eq!(applied(&all, true), Ok(expected));
        assert_eq!(applied(&[], true), Ok(PeerSettings::INITIAL));
        assert!(applied(&[(2, 1)], true).unwrap().enable_push);
    }

    #[test]
    fn values_that_may_not_be() {
        for (setting, is_server, code) in [
            ((2, 2), true, 1),
            ((2, 1), false, 1),
            ((4, 1 << 31), true, 3),
            ((5, (1 << 14) - 1), true, 1),
            ((5, 1 << 24), true, 1),
            ((8, 2), false, 1),
            ((9, 2), true, 1),
        ] {
            assert_eq!(applied(&[setting], is_server).unwrap_err().code.number(), code, "{setting:?}");
        }
        assert!(applied(&[(8, 1), (8, 0)], false).is_err());
    }

    #[test]
    fn what_is_written_is_read() {
        let limits = Limits { frame_bytes: 1, stream_window: u32::MAX, streams: 9, ..Limits::default() };
        for is_server in [true, false] {
            let mut out = Vec::new();
            write(&mut out, &limits, is_server);
            let mut peer = PeerSettings::INITIAL;
            peer.apply(&out[9..], !is_server).unwrap();
            assert_eq!(peer.streams, if is_server { 9 } else { u32::MAX });
            assert_eq!((peer.frame_bytes, peer.stream_window), (1 << 14, (1 << 31) - 1));
            assert_eq!(peer.enable_push, is_server);
        }
    }

    #[test]
    fn the_field_of_an_upgrade() {
        let limits = Limits { stream_window: 99, ..Limits::default() };
        let mut peer = PeerSettings::INITIAL;
        peer.apply(&from_field(to_field(&limits).as_bytes()).unwrap(), true).unwrap();
        assert_eq!((peer.stream_window, peer.enable_push), (99, false));
        assert_eq!(from_field(b"").unwrap(), []);
        assert_eq!(from_field(b"AAMAAABkAAQAAP__").unwrap(), [0, 3, 0, 0, 0, 100, 0, 4, 0, 0, 255, 255]);
        assert_eq!(from_field(b"AAMAAABk").unwrap(), [0, 3, 0, 0, 0, 100]);
        for bad in ["AAMAAAB", "A", "AAMAAABk=", "AAMAAAB+", "AAMA", "AAMAAABkAA"] {
            assert_eq!(from_field(bad.as_bytes()), None, "{bad}");
        }
    }
}
