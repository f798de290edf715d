//! QPACK both ways, over streams that deliver when they please: what is written is read, and nothing waits for ever.
//!
//! | byte | means |
//! |---|---|
//! | 0 | the tables: 64 times the low four bits for the encoder's, the high ones for the decoder's |
//! | 1 | how many streams may be blocked: three bits for each side |
//! | the rest | steps: 0 a section (how many fields; for each a byte that picks a name, and a value with its length before it), 1 the next section comes, 2 some of the encoder stream, 3 some of the decoder stream. The upper bits choose the stream, and how much |

use std::collections::{BTreeMap, VecDeque};

use flare_proto::qpack::{Begun, Decoder, Encoder, SectionLimits, SectionPrefix};

use crate::PLANTED;
use crate::input::Input;

type Field = (Vec<u8>, Vec<u8>);

const PLENTY: SectionLimits = SectionLimits { bytes: 1 << 24, fields: 1 << 20 };

const NAMES: [&[u8]; 10] = [
    b":status",
    b":path",
    b"server",
    b"content-length",
    b"cookie",
    b"authorization",
    b"accept-encoding",
    b"x-a",
    b"x-another",
    b"vary",
];

/// Sections on their way on one stream, with what they hold; and the first, if it waits.
#[derive(Default)]
struct Stream {
    sections: VecDeque<(Vec<u8>, Vec<Field>)>,
    waits: Option<SectionPrefix>,
}

struct Joined {
    encoder: Encoder,
    decoder: Decoder,
    streams: BTreeMap<u64, Stream>,
}

impl Joined {
    fn send(&mut self, id: u64, fields: Vec<Field>) {
        let mut section = Vec::new();
        self.encoder.begin(id);
        fields.iter().for_each(|(name, value)| self.encoder.encode(name, value));
        self.encoder.end(&mut section);
        self.streams.entry(id).or_default().sections.push_back((section, fields));
    }

    fn deliver(&mut self, id: u64) {
        let Some(stream) = self.streams.get_mut(&id).filter(|stream| stream.waits.is_none()) else { return };
        let Some((section, fields)) = stream.sections.front() else { return };
        let mut lines = &section[..];
        match self.decoder.begin(id, &mut lines).expect("what the encoder writes") {
            Begun::Ready(prefix) => {
                check(&mut self.decoder, id, prefix, lines, fields);
                stream.sections.pop_front();
            }
            Begun::Blocked(prefix) => {
                // Only what is behind the prefix is needed from here on.
                let lines = lines.to_vec();
                if let Some(first) = stream.sections.front_mut() {
                    first.0 = lines;
                }
                stream.waits = Some(prefix);
            }
        }
    }

    fn encoder_stream(&mut self, count: usize) {
        let out = self.encoder.output();
        let came: Vec<u8> = out.drain(..count.min(out.len())).collect();
        self.decoder.receive(&came).expect("what the encoder writes");
        while let Some(id) = self.decoder.next_unblocked() {
            let stream = self.streams.get_mut(&id).expect("it waited");
            let prefix = stream.waits.take().expect("it waited");
            let (lines, fields) = stream.sections.pop_front().expect("it waited");
            check(&mut self.decoder, id, prefix, &lines, &fields);
        }
    }

    fn decoder_stream(&mut self, count: usize) {
        let out = self.decoder.output();
        let came: Vec<u8> = out.drain(..count.min(out.len())).collect();
        self.encoder.receive(&came).expect("what the decoder writes");
    }
}

fn check(decoder: &mut Decoder, id: u64, prefix: SectionPrefix, lines: &[u8], expected: &[Field]) {
    let mut fields: Vec<Field> = Vec::new();
    let whole = decoder.decode(id, prefix, PLENTY, lines, |name, value, _| {
        // PLANTED: a value that begins with 0xfd loses it.
        let value = if PLANTED { value.strip_prefix(b"\xfd").unwrap_or(value) } else { value };
        fields.push((name.to_vec(), value.to_vec()));
    });
    assert_eq!((whole, &fields[..]), (Ok(true), expected));
}

/// An input that is taken apart.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (tables, blocked) = (u32::from(input.byte()), u16::from(input.byte()));
    let (own, peer) = (64 * (tables & 15), 64 * (tables >> 4));
    let mut joined = Joined {
        encoder: Encoder::new(own, blocked & 7),
        decoder: Decoder::new(peer, blocked >> 3 & 7),
        streams: BTreeMap::new(),
    };
    joined.encoder.set_peer_limits(u64::from(peer), u64::from(blocked >> 3 & 7));
    while !input.is_empty() {
        let step = input.byte();
        let id = 4 * u64::from(step >> 2 & 7);
        match step & 3 {
            0 => {
                let count = input.byte() & 7;
                let fields = (0..count).map(|_| (input.pick(&NAMES).to_vec(), input.bytes().to_vec()));
                let fields = fields.collect();
                joined.send(id, fields);
            }
            1 => joined.deliver(id),
            2 => joined.encoder_stream(usize::from(step >> 2)),
            _ => joined.decoder_stream(usize::from(step >> 2)),
        }
    }
    joined.encoder_stream(usize::MAX);
    let ids: Vec<u64> = joined.streams.keys().copied().collect();
    for id in ids {
        while !joined.streams[&id].sections.is_empty() {
            assert!(joined.streams[&id].waits.is_none(), "it waits for ever");
            joined.deliver(id);
        }
    }
    joined.decoder_stream(usize::MAX);
}
