//! One end of the frame mux: events, answers and the error are the oracle's, however the frames are split.
//!
//! | byte | means |
//! |---|---|
//! | 0 | bits 0 to 1: the longest frame. Bit 2: 0 accepting, 1 connecting |
//! | 1 | how the frames are split |
//! | the rest | frames of the peer |
//!
//! This end has one stream open, and reacts: it sends 70,000 bytes on streams of the peer with odd ids, finishes a stream when the peer has,
//! unless its id is a multiple of 4, and sends on when it may.

use flare_proto::mux::{Event, Limits, Mux, Role};

use crate::input::Input;
use crate::oracle::mux::{self, Said, Seen};
use crate::{PLANTED, splits};

const LONGEST: [u32; 4] = [16, 1_000, 100_000, 1024 * 1024];

/// What this end sends on a stream at a time: more than the first credit.
static CONTENT: [u8; mux::SENT as usize] = [b'x'; mux::SENT as usize];

/// An input that is taken apart.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let first = input.byte();
    let split = input.byte();
    let frames = input.rest();
    let limits = Limits { max_frame: LONGEST[usize::from(first & 3)], max_streams: mux::MAX_STREAMS };
    let role = if first & 4 == 0 { Role::Accepting } else { Role::Connecting };
    let own = if first & 4 == 0 { 2 } else { 1 };
    let expected = mux::decode(frames, limits.max_frame, own);
    let mut answers = None;
    for pieces in splits::all_ways(frames, split) {
        let (said, out) = feed(role, limits, &pieces);
        assert_eq!(said, expected, "in {} pieces", pieces.len());
        let out_before = answers.get_or_insert_with(|| out.clone());
        assert!(*out_before == out, "the answers depend on the split");
    }
}

fn feed(role: Role, limits: Limits, pieces: &[&[u8]]) -> (Said, Vec<u8>) {
    let (mut end, mut out, mut said) = (Mux::new(role, limits), Vec::new(), Said::default());
    end.open(&mut out).expect("the first stream");
    for piece in pieces {
        let mut input = *piece;
        loop {
            match end.receive(&mut input, &mut out) {
                Ok(None) => break,
                Ok(Some(event)) => react(&mut end, event, &mut said, &mut out),
                Err(error) => {
                    said.error = Some(error);
                    said.open = end.streams();
                    return (said, out);
                }
            }
        }
        assert!(input.is_empty(), "it left something and told nothing");
    }
    said.open = end.streams();
    (said, out)
}

fn react(end: &mut Mux, event: Event<'_>, said: &mut Said, out: &mut Vec<u8>) {
    match event {
        Event::Opened { id } => {
            said.see(Seen::Opened(id));
            if id % 2 == 1 {
                end.send(id, &CONTENT, out).expect("it was opened just now");
            }
        }
        // PLANTED: bytes that begin with 255 are lost.
        Event::Data { bytes: [255, ..], .. } if PLANTED => {}
        Event::Data { id, bytes } => {
            assert!(!bytes.is_empty());
            said.see(Seen::Data(id, bytes.to_vec()));
        }
        Event::Done { id } => {
            said.see(Seen::Done(id));
            if id % 4 != 0 {
                end.finish(id, out).expect("it was not finished before");
                assert!(!end.is_open(id));
            }
        }
        Event::Error { id, text } => said.see(Seen::Error(id, text)),
        Event::Cancelled { id } => said.see(Seen::Cancelled(id)),
        Event::Writable { id } => {
            said.see(Seen::Writable(id));
            let most = end.sendable(id);
            assert_eq!(end.send(id, &CONTENT, out), Ok(most.min(CONTENT.len())));
        }
        other => panic!("an event that this target does not know: {other:?}"),
    }
}
