//! Feeding an end, whole and in pieces, and what comes of it.

use std::sync::Arc;

use flare_proto::websocket::{
    CloseCode, Connection, ConnectionError, Event, Input, Limits, MaskKeys, Opcode, Role,
};

/// An event that owns its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

/// What an end saw and sent, and how it ended.
pub type Outcome = (Vec<Seen>, Vec<u8>, Result<(), ConnectionError>);

pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
pub const FIN: u8 = 0x80;

/// A frame, masked as a client does.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, Some(KEY), payload)
}

/// A frame, as a server sends it.
pub fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, None, payload)
}

/// A frame by the letter of the RFC, whether it is allowed or not.
pub fn frame(first: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mask = if key.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(mask | length as u8),
        length @ 126..=0xffff => {
            bytes.push(mask | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(mask | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(key.into_iter().flatten());
    bytes.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ key.map_or(0, |key| key[index % 4])));
    bytes
}

/// A Close as a server sends it.
pub fn plain_close(code: u16, reason: &str) -> Vec<u8> {
    plain(FIN | 8, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

pub fn server() -> Connection {
    server_with(Limits::default())
}

pub fn server_with(limits: Limits) -> Connection {
    Connection::new(Role::Server, Arc::new(limits), None)
}

pub fn client() -> Connection {
    client_with(Limits::default())
}

pub fn client_with(limits: Limits) -> Connection {
    Connection::new(Role::Client(MaskKeys::new(|| KEY)), Arc::new(limits), None)
}

/// Feeds one piece and adds what came of it to `seen`.
pub fn feed(
    end: &mut Connection,
    input: &[u8],
    out: &mut Vec<u8>,
    seen: &mut Vec<Seen>,
) -> Result<(), ConnectionError> {
    feed_any(end, input, out, seen)
}

fn feed_any<'i>(
    end: &mut Connection,
    mut input: impl Input<'i>,
    out: &mut Vec<u8>,
    seen: &mut Vec<Seen>,
) -> Result<(), ConnectionError> {
    while let Some(event) = end.receive(&mut input, out)? {
        seen.push(match event {
            Event::Message { opcode: Opcode::Text, bytes } => {
                Seen::Text(String::from_utf8(bytes.to_vec()).unwrap())
            }
            Event::Message { opcode: Opcode::Binary, bytes } => Seen::Binary(bytes.to_vec()),
            Event::Ping { payload } => Seen::Ping(payload.to_vec()),
            Event::Pong { payload } => Seen::Pong(payload.to_vec()),
            Event::Close { code, reason } => Seen::Close(code.map(CloseCode::number), reason.to_owned()),
        });
    }
    assert!(input.is_empty());
    Ok(())
}

/// What comes of these pieces.
pub fn run(end: &mut Connection, pieces: &[&[u8]]) -> Outcome {
    let (mut seen, mut out) = (Vec::new(), Vec::new());
    let result = pieces.iter().try_for_each(|piece| feed(end, piece, &mut out, &mut seen));
    (seen, out, result)
}

/// The same, of pieces that may be changed where they lie.
pub fn run_in_place(end: &mut Connection, pieces: &[&[u8]]) -> Outcome {
    let (mut seen, mut out) = (Vec::new(), Vec::new());
    let result =
        pieces.iter().try_for_each(|piece| feed_any(end, &mut piece.to_vec()[..], &mut out, &mut seen));
    (seen, out, result)
}

/// Feeds everything to an end that is made anew for each way to split it: whole, in single bytes, and in two at every byte, lent and to be changed
/// where it lies. All of them must see, answer and say the same. Gives that.
pub fn at_every_split(make: impl Fn() -> Connection, input: &[u8]) -> Outcome {
    let whole = run(&mut make(), &[input]);
    assert_eq!(run_in_place(&mut make(), &[input]), whole, "in place");
    let single: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(run(&mut make(), &single), whole, "in single bytes");
    for at in 0..=input.len() {
        let (one, other) = input.split_at(at);
        assert_eq!(run(&mut make(), &[one, other]), whole, "split at {at}");
        assert_eq!(run_in_place(&mut make(), &[one, other]), whole, "split at {at}, in place");
    }
    whole
}

/// The server refuses this with such a code, however it is split, after it saw so much.
pub fn refused(make: impl Fn() -> Connection, input: &[u8], code: CloseCode, seen: &[Seen]) {
    let (saw, _, result) = at_every_split(make, input);
    let error = result.unwrap_err();
    assert_eq!(error.code, code, "{error}");
    assert_eq!(saw, seen);
}
