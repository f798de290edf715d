//! Both ends joined by streams that deliver when they please. Every section comes out as it went in.

use std::collections::{BTreeMap, VecDeque};

use flare_proto::qpack::{Begun, Decoder, Encoder, SectionPrefix};

use crate::random::Random;
use crate::{Field, PLENTY};

const NAMES: [&str; 12] = [
    ":status",
    ":path",
    ":method",
    "content-type",
    "content-length",
    "server",
    "set-cookie",
    "authorization",
    "x-a",
    "x-request-id",
    "accept-encoding",
    "a-name-that-is-rather-long-and-in-no-table",
];

fn random_field(random: &mut Random) -> Field {
    let name = random.pick(&NAMES).as_bytes().to_vec();
    let value = match random.below(4) {
        0 => random.pick(&["200", "404", "GET", "/", "text/html", "gzip, deflate", ""]).as_bytes().to_vec(),
        1 => random.below(1_000).to_string().into_bytes(),
        2 => {
            let len = random.below(60);
            random.bytes(len)
        }
        _ => format!("value {}", random.below(5)).into_bytes(),
    };
    (name, value)
}

/// Sections on their way on one stream, with what they held. One that is blocked is at the front.
#[derive(Default)]
struct Stream {
    sections: VecDeque<(Vec<u8>, Vec<Field>)>,
    blocked: Option<SectionPrefix>,
}

struct Joined {
    encoder: Encoder,
    decoder: Decoder,
    streams: BTreeMap<u64, Stream>,
    read: usize,
    blocked: usize,
    seed: u64,
}

impl Joined {
    /// The next section of a stream comes.
    fn deliver(&mut self, id: u64) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let Some((section, _)) = stream.sections.front().filter(|_| stream.blocked.is_none()) else {
            return;
        };
        let mut rest = &section[..];
        match self.decoder.begin(id, &mut rest).unwrap() {
            Begun::Ready(prefix) => self.read(id, prefix),
            Begun::Blocked(prefix) => {
                stream.blocked = Some(prefix);
                self.blocked += 1;
            }
        }
    }

    fn read(&mut self, id: u64, prefix: SectionPrefix) {
        let (section, expected) = self.streams.get_mut(&id).unwrap().sections.pop_front().unwrap();
        // The prefix is parsed again only to find its end.
        let mut rest = &section[..];
        self.decoder.begin(id, &mut rest).unwrap();
        let mut fields = Vec::new();
        let whole = self.decoder.decode(id, prefix, PLENTY, rest, |name, value, _| {
            fields.push((name.to_vec(), value.to_vec()));
        });
        assert_eq!((whole, fields), (Ok(true), expected), "seed {}", self.seed);
        self.read += 1;
    }

    fn encoder_stream(&mut self, count: usize) {
        let out = self.encoder.output();
        let came: Vec<u8> = out.drain(..count.min(out.len())).collect();
        self.decoder.receive(&came).unwrap();
        while let Some(id) = self.decoder.next_unblocked() {
            let prefix = self.streams.get_mut(&id).unwrap().blocked.take().unwrap();
            self.read(id, prefix);
        }
    }

    fn decoder_stream(&mut self, count: usize) {
        let out = self.decoder.output();
        let came: Vec<u8> = out.drain(..count.min(out.len())).collect();
        self.encoder.receive(&came).unwrap();
    }

    fn send(&mut self, random: &mut Random, id: u64) {
        let fields: Vec<Field> = (0..random.below(12)).map(|_| random_field(random)).collect();
        let mut section = Vec::new();
        self.encoder.begin(id);
        fields.iter().for_each(|(name, value)| self.encoder.encode(name, value));
        self.encoder.end(&mut section);
        self.streams.entry(id).or_default().sections.push_back((section, fields));
    }

    /// The peer does not want to read a stream any further.
    fn cancel(&mut self, id: u64) {
        if self.streams.remove(&id).is_some() {
            self.decoder.cancel(id);
        }
    }
}

#[test]
fn every_section_comes_out_as_it_went_in() {
    let (mut blocked, mut read) = (0, 0);
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let table = *random.pick(&[0, 32, 100, 400, 4_096, 4_096]);
        let streams = *random.pick(&[0, 1, 3, 100, 100]);
        let mut joined = Joined {
            encoder: Encoder::new(*random.pick(&[0, 150, 1_000, 4_096]), *random.pick(&[0, 2, 50])),
            decoder: Decoder::new(table, streams),
            streams: BTreeMap::new(),
            read: 0,
            blocked: 0,
            seed,
        };
        let (mut sent, mut ids) = (0, (0..12).map(|id| 4 * id).collect::<Vec<u64>>());
        for step in 0..400 {
            if step == 20 {
                joined.encoder.set_peer_limits(u64::from(table), u64::from(streams));
            }
            let place = random.below(ids.len());
            let id = ids[place];
            match random.below(10) {
                0..3 => {
                    joined.send(&mut random, id);
                    sent += 1;
                }
                3..7 => joined.deliver(id),
                7 => joined.encoder_stream(random.below(60) / 4),
                8 => joined.decoder_stream(random.below(10)),
                _ if random.one_in(4) => {
                    sent -= joined.streams.get(&id).map_or(0, |stream| stream.sections.len());
                    joined.cancel(id);
                    // Ids are not used again.
                    ids[place] += 4 * ids.len() as u64;
                }
                _ => {}
            }
        }
        joined.encoder_stream(usize::MAX);
        for id in joined.streams.keys().copied().collect::<Vec<_>>() {
            while !joined.streams[&id].sections.is_empty() {
                joined.deliver(id);
            }
        }
        assert_eq!((joined.read, joined.decoder.blocked()), (sent, 0), "seed {seed}");
        joined.decoder_stream(usize::MAX);
        blocked += joined.blocked;
        read += joined.read;
    }
    assert!(blocked > 150 && read > 5_000, "{blocked} of {read}");
}
