//! Frames, written by hand and shown as text.

use flare_proto::hpack::{Decoder, SectionLimits};
use flare_proto::http2::{ErrorCode, FRAME_HEADER_LENGTH, FrameHeader, FrameKind, PREFACE, flag};

pub fn frame(kind: FrameKind, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut bytes = Vec::new();
    FrameHeader { length: payload.len() as u32, kind: kind as u8, flags, stream }.encode(&mut bytes);
    bytes.extend_from_slice(payload);
    bytes
}

/// A field section of literals that are not indexed.
pub fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut section = Vec::new();
    for (name, value) in fields {
        section.push(0);
        for text in [name, value] {
            if text.len() < 127 {
                section.push(text.len() as u8);
            } else {
                section.push(127);
                let mut rest = text.len() - 127;
                while rest >= 128 {
                    section.push(rest as u8 | 128);
                    rest >>= 7;
                }
                section.push(rest as u8);
            }
            section.extend_from_slice(text.as_bytes());
        }
    }
    section
}

/// The pseudo-fields of `GET /`.
pub const GET: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")];
/// The pseudo-fields of `POST /`.
pub const POST: [(&str, &str); 4] =
    [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", "/")];

/// HEADERS with these fields, in one frame.
pub fn headers(stream: u32, ends: bool, list: &[(&str, &str)]) -> Vec<u8> {
    let flags = flag::END_HEADERS | if ends { flag::END_STREAM } else { 0 };
    frame(FrameKind::Headers, flags, stream, fields(list))
}

/// A whole `GET /`.
pub fn get(stream: u32) -> Vec<u8> {
    headers(stream, true, &GET)
}

/// The head of a `POST /` whose content follows.
pub fn post(stream: u32) -> Vec<u8> {
    headers(stream, false, &POST)
}

pub fn data(stream: u32, ends: bool, content: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FrameKind::Data, if ends { flag::END_STREAM } else { 0 }, stream, content)
}

pub fn window_update(stream: u32, bytes: u32) -> Vec<u8> {
    frame(FrameKind::WindowUpdate, 0, stream, bytes.to_be_bytes())
}

pub fn rst(stream: u32, code: ErrorCode) -> Vec<u8> {
    frame(FrameKind::RstStream, 0, stream, code.number().to_be_bytes())
}

pub fn settings(list: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (number, value) in list {
        payload.extend_from_slice(&number.to_be_bytes());
        payload.extend_from_slice(&value.to_be_bytes());
    }
    frame(FrameKind::Settings, 0, 0, payload)
}

/// What a client sends before its first request.
pub fn hello() -> Vec<u8> {
    [PREFACE, &settings(&[])[..]].concat()
}

/// What a client sends, from its preface on.
pub fn client(frames: &[Vec<u8>]) -> Vec<u8> {
    [hello(), frames.concat()].concat()
}

/// The frames that an end wrote, as text. Sections are decoded by one decoder.
pub fn shown(mut out: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new();
    let mut all = Vec::new();
    while let Some((head, rest)) = out.split_first_chunk::<FRAME_HEADER_LENGTH>() {
        let header = FrameHeader::decode(*head);
        let (payload, rest) = rest.split_at(header.length as usize);
        all.push(show(&mut decoder, header, payload));
        out = rest;
    }
    assert!(out.is_empty(), "a frame was cut short");
    all
}

fn show(decoder: &mut Decoder, header: FrameHeader, payload: &[u8]) -> String {
    let number = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
    let code = |at: usize| ErrorCode::from_number(number(at));
    let FrameHeader { flags, stream, .. } = header;
    let end = if flags & flag::END_STREAM != 0 { " end" } else { "" };
    match FrameKind::from_number(header.kind).unwrap() {
        FrameKind::Data => format!("DATA {stream} {}{end}", payload.len()),
        FrameKind::Headers if flags & flag::END_HEADERS == 0 => format!("HEADERS {stream} part{end}"),
        FrameKind::Headers => {
            let mut text = format!("HEADERS {stream}{end}");
            let limits = SectionLimits { bytes: 1 << 20, fields: 1000 };
            decoder
                .decode(limits, payload, |name, value, _| {
                    let (name, value) = (name.escape_ascii(), value.escape_ascii());
                    text.push_str(&format!(" {name}={value}"));
                })
                .unwrap();
            text
        }
        FrameKind::RstStream => format!("RST {stream} {}", code(0)),
        FrameKind::Settings if flags & flag::ACK != 0 => "SETTINGS ack".into(),
        FrameKind::Settings => "SETTINGS".into(),
        FrameKind::Ping if flags & flag::ACK != 0 => format!("PING ack {}", payload.escape_ascii()),
        FrameKind::Ping => format!("PING {}", payload.escape_ascii()),
        FrameKind::Goaway => {
            format!("GOAWAY {} {} {}", number(0), code(4), String::from_utf8_lossy(&payload[8..]))
                .trim_end()
                .into()
        }
        FrameKind::WindowUpdate => format!("WINDOW_UPDATE {stream} {}", number(0)),
        FrameKind::Continuation => format!("CONTINUATION {stream} {}", payload.len()),
        other => panic!("{other:?} is never sent"),
    }
}
