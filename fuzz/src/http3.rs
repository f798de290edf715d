//! The server's end of an HTTP/3 connection: what it tells does not depend on how the streams are split; streams and output are bounded.
//!
//! Byte 0: bit 0: small limits. Then parts, in the order in which they come: a byte that picks the stream (bits 0 to 3: four requests, and six
//! unidirectional streams of which the first begins with SETTINGS) and whether it ends (bit 7) or is reset (bit 6) behind it; and bytes with their length
//! before them.
//!
//! The end reacts: it answers each request with 300 bytes, and resets every fourth stream.

use std::collections::BTreeMap;
use std::sync::Arc;

use flare_proto::http3::{Event, Limits, Rate, ServerConnection, Unidirectional};
use flare_proto::{ContentLength, Headers, RequestHead, ResponseParts};

use crate::PLANTED;
use crate::input::Input;

const STREAMS: [u64; 10] = [0, 4, 8, 12, 2, 6, 10, 14, 18, 22];

/// What came of an input.
#[derive(PartialEq, Debug, Default)]
struct Said {
    /// Of each stream, as which may go on first after both have waited depends on the split.
    events: BTreeMap<u64, Vec<String>>,
    content: BTreeMap<u64, Vec<u8>>,
    out: BTreeMap<u64, Vec<u8>>,
    error: String,
    open: usize,
}

/// What came on a stream and was not taken, because it waits; and whether it ends behind that.
type Left = BTreeMap<u64, (Vec<u8>, bool)>;

struct Feeder {
    end: ServerConnection,
    head: RequestHead,
    trailers: Headers,
    said: Said,
    left: Left,
    /// Whether a stream ever had to wait.
    waited: bool,
    by_byte: bool,
}

/// An input that is taken apart.
pub fn run(data: &[u8]) {
    let first = Input::new(data).byte();
    let mut limits = Limits { extended_connect: true, datagrams: true, ..Limits::default() };
    if first & 1 != 0 {
        let few = Rate { burst: 10, per_second: 0 };
        limits = Limits {
            head_bytes: 200,
            header_count: 8,
            section_bytes: 400,
            streams: 3,
            blocked_streams: 1,
            resets: few,
            idle_frames: few,
            ..limits
        };
    }
    let limits = Arc::new(limits);
    let mut waited = false;
    let [whole, split] = [false, true].map(|by_byte| {
        let mut feeder = Feeder {
            end: ServerConnection::new(Arc::clone(&limits)),
            head: RequestHead::new(),
            trailers: Headers::new(),
            said: Said::default(),
            left: Left::new(),
            waited: false,
            by_byte,
        };
        feeder.feed(data);
        waited |= feeder.waited;
        feeder.said
    });
    assert!(whole.open <= limits.streams as usize);
    // A peer that breaks QPACK, or ends its stream, may do so before or behind the place where what waited goes on.
    let ends_with = |error: &str| [&whole, &split].iter().any(|said| said.error.starts_with(error));
    // And the first of several that waited may end the connection before the others have gone on.
    let ends_amid = waited && [&whole, &split].iter().all(|said| !said.error.is_empty());
    if !ends_amid && !ends_with("QPACK") && !ends_with("H3_CLOSED_CRITICAL_STREAM") {
        assert_eq!(whole, split, "it depends on the split");
    }
}

impl Feeder {
    fn feed(&mut self, data: &[u8]) {
        let mut input = Input::new(data);
        input.byte();
        let mut ended = Vec::new();
        if !self.give(STREAMS[4], b"\0\x04\0", false) {
            return;
        }
        while !input.is_empty() {
            let pick = input.byte();
            let id = STREAMS[usize::from(pick & 15) % STREAMS.len()];
            let bytes = input.bytes();
            // The transport tells nothing of a stream behind its end.
            if ended.contains(&id) {
                continue;
            }
            let fin = pick & 0x80 != 0;
            if !self.give(id, bytes, fin) {
                return;
            }
            if pick & 0x40 != 0 && !fin {
                let event = self.end.receive_reset(id, 0x10c);
                match event {
                    Ok(Some(event)) => note(&mut self.said, id, format!("{event:?}")),
                    Ok(None) => {}
                    Err(error) => return self.over(error.to_string()),
                }
                self.left.remove(&id);
            }
            if fin || pick & 0x40 != 0 {
                ended.push(id);
            }
        }
        self.said.open = self.end.streams();
        for stream in [Unidirectional::Control, Unidirectional::Encoder, Unidirectional::Decoder] {
            assert!(self.end.output(stream).len() <= 66 * 1024);
        }
    }

    fn over(&mut self, error: String) {
        self.said.error = error;
        assert!(self.end.error().is_some() && self.end.streams() == 0);
    }

    /// Gives what came on a stream, whole or by the byte. False: the connection is over.
    fn give(&mut self, id: u64, bytes: &[u8], fin: bool) -> bool {
        if !self.by_byte || bytes.is_empty() {
            return self.piece(id, bytes, fin);
        }
        let last = bytes.len() - 1;
        bytes.iter().enumerate().all(|(at, byte)| self.piece(id, &[*byte], fin && at == last))
    }

    fn piece(&mut self, id: u64, bytes: &[u8], fin: bool) -> bool {
        let (mut pending, was_fin) = self.left.remove(&id).unwrap_or_default();
        pending.extend_from_slice(bytes);
        let fin = fin || was_fin;
        let mut input = &pending[..];
        let mut unblocked = Vec::new();
        loop {
            let event = match self.end.receive(id, &mut input, fin, &mut self.head, &mut self.trailers) {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(error) => {
                    self.over(error.code.to_string());
                    return false;
                }
            };
            match event {
                // PLANTED: content that begins with 255 is lost.
                Event::Data { bytes: [255, ..], .. } if PLANTED => {}
                Event::Data { stream, bytes } => {
                    assert!(!bytes.is_empty() && stream == id);
                    self.said.content.entry(stream).or_default().extend_from_slice(bytes);
                }
                Event::Unblocked { stream } => unblocked.push(stream),
                Event::Head { stream, .. } | Event::Refused { stream, .. } => {
                    note(&mut self.said, stream, format!("{event:?} {:?}", self.head));
                    self.react(stream);
                }
                Event::Rejected { stream, .. } | Event::Reset { stream, .. } => {
                    assert!(!self.end.is_open(stream));
                    note(&mut self.said, stream, format!("{event:?}"));
                }
                _ => note(&mut self.said, id, format!("{event:?}")),
            }
        }
        assert!(input.is_empty() || self.end.is_blocked(id), "it left something and told nothing");
        if !input.is_empty() || self.end.is_blocked(id) {
            self.waited = true;
            self.left.insert(id, (input.to_vec(), fin));
        }
        unblocked.into_iter().all(|stream| self.piece(stream, &[], false))
    }

    fn react(&mut self, stream: u64) {
        if stream == 12 {
            return self.end.reset(stream);
        }
        let body = ContentLength::Known(300);
        let parts = ResponseParts { status: 200, headers: &Headers::new(), body, origin: None };
        let out = self.said.out.entry(stream).or_default();
        if self.end.send_head(stream, &parts, out) == Ok(true) {
            self.end.send_data(stream, &[b'x'; 300], true, out).expect("as long as was said");
        }
    }
}

fn note(said: &mut Said, stream: u64, event: String) {
    said.events.entry(stream).or_default().push(event);
}
