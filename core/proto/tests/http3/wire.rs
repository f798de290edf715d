//! Frames, written by hand and shown as text.

use flare_proto::qpack::{Begun, Decoder, SectionLimits};

pub const DATA: u64 = 0x00;
pub const HEADERS: u64 = 0x01;
pub const CANCEL_PUSH: u64 = 0x03;
pub const SETTINGS: u64 = 0x04;
pub const PUSH_PROMISE: u64 = 0x05;
pub const GOAWAY: u64 = 0x07;
pub const MAX_PUSH_ID: u64 = 0x0d;
pub const PRIORITY_UPDATE: u64 = 0x0f_0700;

/// The first bytes of the client's unidirectional streams in these tests, and of the server's behind them.
pub const CLIENT_CONTROL: u64 = 2;
pub const CLIENT_ENCODER: u64 = 6;
pub const CLIENT_DECODER: u64 = 10;
pub const SERVER_CONTROL: u64 = 3;
pub const SERVER_ENCODER: u64 = 7;

pub fn varint(value: u64) -> Vec<u8> {
    match value {
        0..0x40 => vec![value as u8],
        0x40..0x4000 => (value as u16 | 0x4000).to_be_bytes().to_vec(),
        0x4000..0x4000_0000 => (value as u32 | 0x8000_0000).to_be_bytes().to_vec(),
        _ => (value | 0xc000_0000_0000_0000).to_be_bytes().to_vec(),
    }
}

pub fn take_varint(input: &mut &[u8]) -> u64 {
    let length = 1 << (input[0] >> 6);
    let (bytes, rest) = input.split_at(length);
    *input = rest;
    bytes
        .iter()
        .enumerate()
        .fold(0, |value, (at, &byte)| value << 8 | u64::from(if at == 0 { byte & 0x3f } else { byte }))
}

pub fn frame(kind: u64, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    [varint(kind), varint(payload.len() as u64), payload.to_vec()].concat()
}

/// An integer behind a prefix.
fn integer(out: &mut Vec<u8>, flags: u8, prefix: u32, value: usize) {
    let full = 0xff_usize >> (8 - prefix);
    if value < full {
        return out.push(flags | value as u8);
    }
    out.push(flags | full as u8);
    let mut rest = value - full;
    while rest >= 128 {
        out.push(rest as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// A field section of literals.
pub fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut section = vec![0, 0];
    for (name, value) in fields {
        integer(&mut section, 0x20, 3, name.len());
        section.extend_from_slice(name.as_bytes());
        integer(&mut section, 0, 7, value.len());
        section.extend_from_slice(value.as_bytes());
    }
    section
}

pub fn headers(list: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, fields(list))
}

/// The pseudo-fields of `GET /`.
pub const GET: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/")];
/// The pseudo-fields of `POST /`.
pub const POST: [(&str, &str); 4] =
    [(":method", "POST"), (":scheme", "https"), (":authority", "a"), (":path", "/")];

pub fn with(pseudo: &[(&'static str, &'static str)], more: &[(&'static str, &'static str)]) -> Vec<u8> {
    headers(&[pseudo, more].concat())
}

/// What a control stream begins with: its kind, and SETTINGS.
pub fn control(settings: &[(u64, u64)]) -> Vec<u8> {
    let payload: Vec<u8> =
        settings.iter().flat_map(|&(id, value)| [varint(id), varint(value)].concat()).collect();
    [vec![0], frame(SETTINGS, payload)].concat()
}

/// Frames of a request stream as text; `decoder` reads their sections.
pub fn shown(mut bytes: &[u8], decoder: &mut Decoder) -> Vec<String> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let kind = take_varint(&mut bytes);
        let length = take_varint(&mut bytes) as usize;
        let (mut payload, rest) = bytes.split_at(length);
        bytes = rest;
        frames.push(match kind {
            DATA => format!("DATA {}", payload.escape_ascii()),
            HEADERS => {
                let Begun::Ready(prefix) = decoder.begin(0, &mut payload).unwrap() else { panic!() };
                let mut text = "HEADERS".to_owned();
                let limits = SectionLimits { bytes: 1 << 20, fields: 1000 };
                decoder
                    .decode(0, prefix, limits, payload, |name, value, _| {
                        text.push_str(&format!(" {}={}", name.escape_ascii(), value.escape_ascii()));
                    })
                    .unwrap();
                text
            }
            _ => format!("{kind:#x} {}", payload.escape_ascii()),
        });
    }
    frames
}
