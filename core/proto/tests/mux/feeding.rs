//! Feeding an end, whole and in pieces, and what comes of it.

use flare_proto::mux::{Event, FrameHeader, FrameKind, Limits, Mux, ProtocolError, Role};

/// An event that owns its bytes. Data events that follow each other are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Opened(u64),
    Data(u64, Vec<u8>),
    Done(u64),
    Error(u64, String),
    Cancelled(u64),
    Writable(u64),
}

pub fn frame(kind: FrameKind, id: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    FrameHeader { length: payload.len() as u32, id, kind: kind as u8 }.encode(&mut bytes);
    bytes.extend_from_slice(payload);
    bytes
}

pub fn small() -> Limits {
    Limits { max_frame: 100_000, max_streams: 2 }
}

pub fn accepting() -> Mux {
    Mux::new(Role::Accepting, small())
}

pub fn connecting() -> Mux {
    Mux::new(Role::Connecting, small())
}

/// Feeds one piece and adds what came of it to `seen`.
pub fn feed(
    mux: &mut Mux,
    mut input: &[u8],
    out: &mut Vec<u8>,
    seen: &mut Vec<Seen>,
) -> Result<(), ProtocolError> {
    while let Some(event) = mux.receive(&mut input, out)? {
        let event = match event {
            Event::Opened { id } => Seen::Opened(id),
            Event::Data { id, bytes } => {
                assert!(!bytes.is_empty());
                match seen.last_mut() {
                    Some(Seen::Data(last, all)) if *last == id => {
                        all.extend_from_slice(bytes);
                        continue;
                    }
                    _ => Seen::Data(id, bytes.to_vec()),
                }
            }
            Event::Done { id } => Seen::Done(id),
            Event::Error { id, text } => Seen::Error(id, text),
            Event::Cancelled { id } => Seen::Cancelled(id),
            Event::Writable { id } => Seen::Writable(id),
            other => panic!("{other:?}"),
        };
        seen.push(event);
    }
    assert!(input.is_empty());
    Ok(())
}

/// Feeds everything to an end that is made anew for each way to split it: whole, in single bytes, and in two at every byte. All of them
/// must see, answer and say the same. Gives that.
pub fn at_every_split(
    make: impl Fn() -> Mux,
    input: &[u8],
) -> (Vec<Seen>, Vec<u8>, Result<(), ProtocolError>) {
    let run = |pieces: &[&[u8]]| {
        let (mut mux, mut seen, mut out) = (make(), Vec::new(), Vec::new());
        let result = pieces.iter().try_for_each(|piece| feed(&mut mux, piece, &mut out, &mut seen));
        (seen, out, result)
    };
    let whole = run(&[input]);
    let single: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(run(&single), whole, "in single bytes");
    for at in 0..=input.len() {
        let (one, other) = input.split_at(at);
        assert_eq!(run(&[one, other]), whole, "split at {at}");
    }
    whole
}
