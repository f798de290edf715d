//! Frames to an end of a WebSocket connection: events, answers and failures are the oracle's, however the frames are split.
//!
//! | byte | means |
//! |---|---|
//! | 0 | bit 0: 0 server, 1 client. Bits 1 and 2: the longest message. Bits 3 and 4: the longest frame |
//! | 1 | how the frames are split |
//! | the rest | frames of the peer |

use std::sync::Arc;

use flare_proto::websocket::{
    CloseCode, Connection, Event, Input as WireInput, Limits, MaskKeys, Opcode, Rate, Role,
};

use crate::input::Input;
use crate::oracle::websocket::{Said, Seen, decode};
use crate::{PLANTED, splits};

const LONGEST: [usize; 4] = [100_000, 10, 200, usize::MAX];
const BURST: u32 = 12;

/// An input that is taken apart.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let first = input.byte();
    let split = input.byte();
    let frames = input.rest();
    let is_client = first & 1 != 0;
    let most = (LONGEST[usize::from(first >> 1 & 3)], LONGEST[usize::from(first >> 3 & 3)]);
    let expected = decode(frames, is_client, most, BURST);
    let control_frames = Rate { burst: BURST, per_second: 0 };
    let limits = Arc::new(Limits { message_bytes: most.0, frame_bytes: most.1, control_frames });
    for pieces in splits::all_ways(frames, split) {
        let role = || if is_client { Role::Client(MaskKeys::new(|| [0; 4])) } else { Role::Server };
        let mut end = Connection::new(role(), limits.clone(), None);
        let said = feed(&mut end, pieces.iter().copied(), is_client);
        assert_eq!(said, expected, "in {} pieces", pieces.len());
        assert!(end.held_bytes() <= 4 * frames.len() + 128, "{} bytes are held", end.held_bytes());
        // The same, where the bytes may be changed in their place.
        let mut end = Connection::new(role(), limits.clone(), None);
        let mut own: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
        let said = feed(&mut end, own.iter_mut().map(Vec::as_mut_slice), is_client);
        assert_eq!(said, expected, "in place, in {} pieces", pieces.len());
    }
}

fn feed<'i, I: WireInput<'i>>(
    end: &mut Connection,
    pieces: impl Iterator<Item = I>,
    is_client: bool,
) -> Said {
    let mut said = Said::default();
    for mut input in pieces {
        loop {
            let before = said.out.len();
            match end.receive(&mut input, &mut said.out) {
                Ok(None) => break,
                Ok(Some(event)) => note(event, &mut said),
                Err(error) => {
                    let close = said.out.split_off(before);
                    check_close(&close, error.code, is_client);
                    said.error = Some(error.code.number());
                    assert!(end.is_closed() && end.held_bytes() == 0);
                    return said;
                }
            }
        }
        assert!(input.is_empty(), "it left something and told nothing");
    }
    said
}

/// The peer is told why, unless both ends had closed.
fn check_close(out: &[u8], code: CloseCode, is_client: bool) {
    let start = if is_client { 6 } else { 2 };
    // What answered the frames before in the same call is in front.
    let place = out.windows(2).rposition(|two| two[0] == 0x88).expect("a Close");
    let number = &out[place + start..place + start + 2];
    assert_eq!(number, code.number().to_be_bytes());
    assert!(std::str::from_utf8(&out[place + start + 2..]).is_ok());
}

fn note(event: Event<'_>, said: &mut Said) {
    said.seen.push(match event {
        // PLANTED: a text is cut before its byte 7 if that is a control character.
        Event::Message { opcode: Opcode::Text, bytes }
            if PLANTED && bytes.get(7).is_some_and(|byte| *byte < b' ') =>
        {
            Seen::Text(bytes[..7].to_vec())
        }
        Event::Message { opcode: Opcode::Text, bytes } => Seen::Text(bytes.to_vec()),
        Event::Message { opcode: Opcode::Binary, bytes } => Seen::Binary(bytes.to_vec()),
        Event::Ping { payload } => Seen::Ping(payload.to_vec()),
        Event::Pong { payload } => Seen::Pong(payload.to_vec()),
        Event::Close { code, reason } => Seen::Close(code.map(CloseCode::number), reason.as_bytes().to_vec()),
    });
}
