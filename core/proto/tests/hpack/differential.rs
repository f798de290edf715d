//! Against another implementation: what one writes, the other reads, and both say of random sections that they are good or bad.

use flare_proto::hpack::{Decoder, Encoder};

use crate::random::Random;
use crate::{Field, decode};

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

fn field(random: &mut Random) -> Field {
    let name = random.pick(&NAMES).as_bytes().to_vec();
    let value = match random.below(4) {
        0 => random.pick(&["200", "404", "GET", "/", "text/html", "gzip, deflate", ""]).as_bytes().to_vec(),
        1 => random.below(1_000).to_string().into_bytes(),
        2 => {
            let len = random.below(300);
            random.bytes(len)
        }
        _ => format!("value {}", random.below(5)).into_bytes(),
    };
    (name, value)
}

#[test]
fn the_other_reads_what_this_writes() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut encoder = Encoder::new(*random.pick(&[0, 100, 1_000, 4_096]));
        let (mut other, mut own) = (httlib_hpack::Decoder::default(), Decoder::new());
        for _ in 0..60 {
            if random.one_in(8) {
                let size = *random.pick(&[0, 50, 500, 4_096]);
                encoder.set_table_limit(size);
                other.set_max_dynamic_size(size);
                own.set_table_limit(size);
            }
            let fields: Vec<Field> = (0..random.below(12)).map(|_| field(&mut random)).collect();
            let mut section = Vec::new();
            encoder.begin(&mut section);
            fields.iter().for_each(|(name, value)| encoder.encode(&mut section, name, value));
            assert_eq!(decode(&mut own, &section).unwrap(), fields, "seed {seed}");
            let mut found = Vec::new();
            other.decode(&mut section.clone(), &mut found).unwrap();
            let found: Vec<Field> = found.into_iter().map(|(name, value, _)| (name, value)).collect();
            assert_eq!(found, fields, "seed {seed}");
        }
    }
}

#[test]
fn this_reads_what_the_other_writes() {
    use httlib_hpack::Encoder as Other;
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut other = Other::default();
        let mut decoder = Decoder::new();
        for _ in 0..60 {
            let fields: Vec<Field> = (0..1 + random.below(12)).map(|_| field(&mut random)).collect();
            let mut section = Vec::new();
            for (name, value) in fields.clone() {
                let flags = *random.pick(&[
                    Other::BEST_FORMAT,
                    Other::WITH_INDEXING,
                    Other::WITH_INDEXING | Other::HUFFMAN_VALUE,
                    Other::NEVER_INDEXED | Other::HUFFMAN_NAME,
                    Other::BEST_FORMAT | Other::HUFFMAN_NAME | Other::HUFFMAN_VALUE,
                ]);
                other.encode((name, value, flags), &mut section).unwrap();
            }
            assert_eq!(decode(&mut decoder, &section).unwrap(), fields, "seed {seed}");
        }
    }
}
