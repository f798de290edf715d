//! One end of an HTTP/3 connection that is given the streams of its peer: what `http3` and `http3_client` have in common.
//!
//! Byte 0: bit 0: small limits. Bits 1 and 2: the SETTINGS that come first: 0 empty ones, 1 those that allow everything, 2 none, they are in the
//! input. Then parts, in the order in which they come: a byte and some bytes with their length before them. The low four bits of the byte pick the stream
//! ([`Fed::STREAMS`]; 15: the bytes are a datagram), the others say what is behind the bytes: bit 7: the stream ends. Bit 6: it is reset. Bit 5: the
//! peer wants no more of the other direction. Bit 4: with the code H3_NO_ERROR, and not H3_REQUEST_CANCELLED.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use flare_proto::Headers;
use flare_proto::http3::{Connection, ErrorCode, Event, Limits, Rate, Role, Unidirectional};

use crate::PLANTED;
use crate::input::Input;

/// What differs between the ends.
pub(crate) trait Fed: Role<Head: Debug + Default, Info: Debug> {
    /// The streams that a part can pick: four requests, six streams of the peer's that go one way, and some that no such peer can use.
    const STREAMS: [u64; 12];

    /// How many streams may be open.
    fn most_open(limits: &Limits) -> usize;

    /// What the end does before the first part.
    fn begin(end: &mut Connection<Self>, out: &mut Out);

    /// What it does when a head has come.
    fn react(end: &mut Connection<Self>, stream: u64, head: &Self::Head, out: &mut Vec<u8>);
}

/// What an end sends on each stream of a request.
pub(crate) type Out = BTreeMap<u64, Vec<u8>>;

const REQUESTS: usize = 4;
/// The peer's control stream.
const CONTROL: usize = 4;
/// The bytes are a datagram.
const DATAGRAM: u8 = 15;
const SETTINGS: [&[u8]; 4] =
    [b"\0\x04\0", b"\0\x04\x09\x01\x50\x00\x07\x10\x08\x01\x33\x01", b"", b"\0\x04\0"];

/// What came of an input.
#[derive(Debug, Default, PartialEq)]
struct Said {
    /// Of each stream, as which may go on first after both have waited depends on the split.
    events: BTreeMap<u64, Vec<String>>,
    content: BTreeMap<u64, Vec<u8>>,
    error: String,
    open: usize,
}

/// What an end sends. Its acknowledgements are not there: how many it makes one of depends on the split.
#[derive(Debug, Default, PartialEq)]
struct Answered {
    out: Out,
    control: Vec<u8>,
    encoder: Vec<u8>,
}

/// What was told of a request.
#[derive(Default)]
struct Told {
    head: bool,
    /// The peer's message is over.
    ended: bool,
    /// The stream is over.
    gone: bool,
}

struct Feeder<R: Fed> {
    end: Connection<R>,
    head: R::Head,
    trailers: Headers,
    told: BTreeMap<u64, Told>,
    said: Said,
    answered: Answered,
    /// What came on a stream and was not taken, because it waits; and whether it ends behind that.
    left: BTreeMap<u64, (Vec<u8>, bool)>,
    /// Whether a stream ever had to wait.
    waited: bool,
    by_byte: bool,
}

/// An input that is taken apart.
pub(crate) fn run<R: Fed>(data: &[u8]) {
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
    let [whole, split] = [false, true].map(|by_byte| {
        let mut feeder = Feeder {
            end: Connection::<R>::new(Arc::clone(&limits)),
            head: R::Head::default(),
            trailers: Headers::new(),
            told: BTreeMap::new(),
            said: Said::default(),
            answered: Answered::default(),
            left: BTreeMap::new(),
            waited: false,
            by_byte,
        };
        feeder.feed(data);
        feeder
    });
    let waited = whole.waited || split.waited;
    let (whole, split) = ((whole.said, whole.answered), (split.said, split.answered));
    // What ends the connection may come before or behind the place where what waited goes on. And an entry that a request waits for may be gone by then,
    // if all that came is taken first: its peer may not do that, and is told so or not.
    let ends = [&whole, &split].map(|(said, _)| !said.error.is_empty());
    let is_qpack = [&whole, &split].iter().any(|(said, _)| said.error.starts_with("QPACK"));
    if waited && (ends == [true; 2] || is_qpack) {
        return;
    }
    assert_eq!(whole.0, split.0, "it depends on the split");
    // Those that have waited are answered in another order, so that other fields may be in the table by then.
    assert!(waited || whole.1 == split.1, "{:?} or {:?}: it depends on the split", whole.1, split.1);
}

impl<R: Fed> Feeder<R> {
    fn feed(&mut self, data: &[u8]) {
        let mut input = Input::new(data);
        let settings = SETTINGS[usize::from(input.byte() >> 1 & 3)];
        let mut ended = Vec::new();
        if !self.give(R::STREAMS[CONTROL], settings, false) {
            return;
        }
        R::begin(&mut self.end, &mut self.answered.out);
        while !input.is_empty() {
            let pick = input.byte();
            let bytes = input.bytes();
            if pick & 15 == DATAGRAM {
                match self.end.receive_datagram(bytes) {
                    Ok(event) => self.note_other(event),
                    Err(error) => return self.over(error.code),
                }
                continue;
            }
            let id = R::STREAMS[usize::from(pick & 15) % R::STREAMS.len()];
            if !self.part(id, pick, bytes, &mut ended) {
                return;
            }
        }
        self.said.open = self.end.streams();
        assert!(self.said.open <= R::most_open(self.end.limits()));
        for stream in [Unidirectional::Control, Unidirectional::Encoder, Unidirectional::Decoder] {
            assert!(self.end.output(stream).len() <= 66 * 1024);
        }
        self.answered.control.clone_from(self.end.output(Unidirectional::Control));
        self.answered.encoder.clone_from(self.end.output(Unidirectional::Encoder));
    }

    /// False: the connection is over.
    fn part(&mut self, id: u64, pick: u8, bytes: &[u8], ended: &mut Vec<u64>) -> bool {
        let (fin, reset, stop) = (pick & 0x80 != 0, pick & 0x40 != 0, pick & 0x20 != 0);
        let code = if pick & 0x10 != 0 { ErrorCode::NoError } else { ErrorCode::RequestCancelled };
        // The transport tells nothing of a stream behind its end.
        if !ended.contains(&id) {
            if !self.give(id, bytes, fin) {
                return false;
            }
            if reset && !fin {
                self.left.remove(&id);
                match self.end.receive_reset(id, code.number()) {
                    Ok(event) => self.note_other(event),
                    Err(error) => {
                        self.over(error.code);
                        return false;
                    }
                }
            }
            if fin || reset {
                ended.push(id);
            }
        }
        if stop {
            match self.end.receive_stop(id, code.number()) {
                Ok(event) => self.note_other(event),
                Err(error) => {
                    self.over(error.code);
                    return false;
                }
            }
        }
        true
    }

    fn over(&mut self, code: ErrorCode) {
        self.said.error = code.to_string();
        assert!(self.end.error().is_some_and(|error| error.code == code) && self.end.streams() == 0);
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
                    self.over(error.code);
                    return false;
                }
            };
            self.check_order(&event);
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
                    let out = self.answered.out.entry(stream).or_default();
                    R::react(&mut self.end, stream, &self.head, out);
                    self.update_order(stream);
                }
                Event::Interim { stream } => {
                    note(&mut self.said, stream, format!("{event:?} {:?}", self.head));
                }
                Event::End { stream, has_trailers: true } => {
                    note(&mut self.said, stream, format!("{event:?} {:?}", self.trailers));
                }
                _ => note(&mut self.said, stream_of(&event).unwrap_or(id), format!("{event:?}")),
            }
        }
        assert!(input.is_empty() || self.end.is_blocked(id), "it left something and told nothing");
        if !input.is_empty() || self.end.is_blocked(id) {
            self.waited = true;
            self.left.insert(id, (input.to_vec(), fin));
        }
        unblocked.into_iter().all(|stream| self.piece(stream, &[], false))
    }

    /// What comes of anything but bytes of a stream.
    fn note_other(&mut self, event: Option<Event<'_, R::Info>>) {
        let Some(event) = event else { return };
        self.check_order(&event);
        let stream = stream_of(&event).expect("it is about a request");
        note(&mut self.said, stream, format!("{event:?}"));
    }

    /// Whether this may be told now.
    fn check_order(&mut self, event: &Event<'_, R::Info>) {
        let Some(stream) = stream_of(event) else { return };
        assert!(R::STREAMS[..REQUESTS].contains(&stream), "{event:?} of what is no request");
        let told = self.told.entry(stream).or_default();
        assert!(!told.gone, "{event:?} behind the end of the stream");
        match event {
            Event::Head { .. } | Event::Refused { .. } => {
                assert!(!told.head, "{event:?} twice");
                told.head = true;
            }
            Event::Interim { .. } | Event::Rejected { .. } => assert!(!told.head, "{event:?} behind a head"),
            Event::Data { .. } | Event::End { .. } => {
                assert!(told.head && !told.ended, "{event:?} outside of a message");
            }
            _ => {}
        }
        if matches!(event, Event::Reset { .. } | Event::Rejected { .. }) {
            assert!(!self.end.is_open(stream));
        }
        self.update_order(stream);
    }

    fn update_order(&mut self, stream: u64) {
        let told = self.told.entry(stream).or_default();
        (told.ended, told.gone) = (self.end.has_received_all(stream), !self.end.is_open(stream));
    }
}

/// The request that is meant.
fn stream_of<I>(event: &Event<'_, I>) -> Option<u64> {
    match *event {
        Event::Settings | Event::Goaway { .. } | Event::UnknownStream { .. } => None,
        Event::Head { stream, .. }
        | Event::Interim { stream }
        | Event::Refused { stream, .. }
        | Event::Rejected { stream, .. }
        | Event::Data { stream, .. }
        | Event::End { stream, .. }
        | Event::Reset { stream, .. }
        | Event::Stopped { stream, .. }
        | Event::Unblocked { stream }
        | Event::Priority { stream, .. }
        | Event::Datagram { stream, .. } => Some(stream),
    }
}

fn note(said: &mut Said, stream: u64, event: String) {
    said.events.entry(stream).or_default().push(event);
}
