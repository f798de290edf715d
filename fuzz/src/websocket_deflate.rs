//! Compressed messages to a WebSocket server: however their frames are split they come to the same, which is what another inflater reads, and no more memory
//! is taken than the longest message allows.
//!
//! | byte | means |
//! |---|---|
//! | 0 | bit 0: the window is taken over. Bits 1 and 2: the longest message |
//! | 1 | how the frames are split |
//! | the rest | payloads of messages, the length of each before it |

use std::sync::Arc;

use flare_proto::websocket::handshake::accept_deflate;
use flare_proto::websocket::{Connection, DeflateConfig, Event, Limits, Rate, Role};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use crate::input::Input;
use crate::{PLANTED, splits};

const LONGEST: [usize; 4] = [1_000, 10, 100, 50_000];
/// More messages say nothing new.
const MOST_MESSAGES: usize = 8;
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

#[derive(Debug, Default, PartialEq)]
struct Said {
    messages: Vec<Vec<u8>>,
    error: Option<u16>,
}

/// An input that is taken apart.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let first = input.byte();
    let split = input.byte();
    let mut payloads = Vec::new();
    while !input.is_empty() && payloads.len() < MOST_MESSAGES {
        payloads.push(input.bytes());
    }
    let (takes_over, most) = (first & 1 != 0, LONGEST[usize::from(first >> 1 & 3)]);
    let wire: Vec<u8> = payloads.iter().flat_map(|payload| frames(payload, split)).collect();
    let mut first = None;
    for pieces in splits::all_ways(&wire, split) {
        let said = feed(takes_over, most, &pieces);
        let before = first.get_or_insert_with(|| {
            compare(&said, &payloads, takes_over, most);
            feed(takes_over, most, &[&wire])
        });
        assert_eq!(&said, before, "in {} pieces", pieces.len());
    }
}

/// A message in one frame or two.
fn frames(payload: &[u8], split: u8) -> Vec<u8> {
    let (one, other) = payload.split_at(payload.len() * usize::from(split & 15) / 16);
    let mut wire = Vec::new();
    let mut frame = |first: u8, payload: &[u8]| {
        wire.push(first);
        if payload.len() < 126 {
            wire.push(128 | payload.len() as u8);
        } else {
            wire.extend([128 | 126, 0, payload.len() as u8]);
        }
        wire.extend([0; 4]);
        wire.extend(payload);
    };
    if split & 1 == 0 {
        frame(0xc2, payload);
    } else {
        frame(0x42, one);
        frame(0x80, other);
    }
    wire
}

fn feed(takes_over: bool, most: usize, pieces: &[&[u8]]) -> Said {
    let config =
        DeflateConfig { send_takeover: takes_over, receive_takeover: takes_over, ..DeflateConfig::default() };
    let offer = [&b"permessage-deflate"[..]];
    let (deflate, _) =
        accept_deflate(offer.into_iter(), &config).expect("a good offer").expect("one to take");
    let control_frames = Rate { burst: 20, per_second: 0 };
    let limits = Limits { message_bytes: most, control_frames, ..Limits::default() };
    let mut end = Connection::new(Role::Server, Arc::new(limits), Some(deflate));
    let (mut said, mut out) = (Said::default(), Vec::new());
    for piece in pieces {
        let mut input = *piece;
        loop {
            match end.receive(&mut input, &mut out) {
                Ok(None) => break,
                Ok(Some(Event::Message { bytes, .. })) => {
                    // PLANTED: a message of 12 to 100 bytes loses its last one.
                    let end = bytes.len() - usize::from(PLANTED && (12..=100).contains(&bytes.len()));
                    said.messages.push(bytes[..end].to_vec());
                }
                Ok(Some(other)) => panic!("no such frame was sent: {other:?}"),
                Err(error) => {
                    said.error = Some(error.code.number());
                    assert!(matches!(error.code.number(), 1007..=1009), "{error}");
                    return said;
                }
            }
            assert!(end.held_bytes() <= most.max(127) + 1, "{} bytes are held", end.held_bytes());
        }
        assert!(input.is_empty(), "it left something and told nothing");
    }
    if !takes_over {
        assert_eq!(config.contexts.unused().1, usize::from(!pieces.is_empty() && !said.messages.is_empty()));
    }
    said
}

/// Each message that was taken is what another inflater makes of its payload, and no inflater reads those that were refused as corrupt.
fn compare(said: &Said, payloads: &[&[u8]], takes_over: bool, most: usize) {
    let mut other = Box::<DecompressorOxide>::default();
    let (mut out, mut start) = (Vec::new(), 0);
    for (at, payload) in payloads.iter().enumerate() {
        let mut input = [payload, &TAIL[..]].concat();
        if !takes_over {
            // The stream ends with each message.
            *other = DecompressorOxide::default();
            input.extend([3, 0]);
        }
        out.resize(start + most + 1, 0);
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF | if takes_over { HAS_MORE } else { 0 };
        let (status, taken, written) = decompress(&mut other, &input, &mut out, start, flags);
        let is_over = status == TINFLStatus::Done;
        if is_over && taken < input.len() {
            // A block said that it is the last one, and what follows is another stream.
            return;
        }
        let Some(message) = said.messages.get(at) else { break };
        let end = start + written;
        assert!(
            written <= most && message[..] == out[start..end],
            "another inflater reads another message: {status:?}"
        );
        if takes_over && status == TINFLStatus::Failed {
            // Cut where the code of a block is described, which goes unseen: what follows is not what anybody meant.
            return;
        }
        assert!(is_over || takes_over && status == TINFLStatus::NeedsMoreInput, "{status:?}");
        if takes_over {
            start = end;
        }
    }
}

/// More input will come.
const HAS_MORE: u32 = miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
