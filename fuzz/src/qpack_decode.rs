//! The decoder of QPACK: what it makes of an encoder stream does not depend on how that is split, limits change nothing but what is shown, and what waits
//! goes on when its entries are there.
//!
//! Byte 0: the size of the table, 64 times the low four bits. Then parts: a byte (even: a part of the encoder stream; odd: a section, on the next
//! stream), and bytes with their length before them.

use flare_proto::qpack::{Begun, Decoder, Error, ErrorCode, SectionLimits, SectionPrefix};

use crate::PLANTED;
use crate::input::Input;

type Field = (Vec<u8>, Vec<u8>);

const PLENTY: SectionLimits = SectionLimits { bytes: 1 << 24, fields: 1 << 20 };
const FEW: SectionLimits = SectionLimits { bytes: 150, fields: 3 };
const BLOCKED: u16 = 3;

/// A decoder, and the sections that wait.
struct Side {
    decoder: Decoder,
    limits: SectionLimits,
    waiting: Vec<(u64, SectionPrefix, Vec<u8>)>,
    read: Vec<(u64, Vec<Field>, bool)>,
}

impl Side {
    fn new(table: u32, limits: SectionLimits) -> Self {
        Side { decoder: Decoder::new(table, BLOCKED), limits, waiting: Vec::new(), read: Vec::new() }
    }

    fn section(&mut self, stream: u64, mut section: &[u8]) -> Result<(), Error> {
        match self.decoder.begin(stream, &mut section)? {
            Begun::Ready(prefix) => self.decode(stream, prefix, section),
            Begun::Blocked(prefix) => {
                self.waiting.push((stream, prefix, section.to_vec()));
                assert!(self.waiting.len() <= usize::from(BLOCKED));
                Ok(())
            }
        }
    }

    fn decode(&mut self, stream: u64, prefix: SectionPrefix, lines: &[u8]) -> Result<(), Error> {
        let mut fields = Vec::new();
        let whole = self.decoder.decode(stream, prefix, self.limits, lines, |name, value, _| {
            // PLANTED: a value that begins with 0xfd loses it, if there is plenty of room.
            let is_planted = PLANTED && self.limits == PLENTY;
            let value = if is_planted { value.strip_prefix(b"\xfd").unwrap_or(value) } else { value };
            fields.push((name.to_vec(), value.to_vec()));
        })?;
        self.read.push((stream, fields, whole));
        Ok(())
    }

    fn instructions(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.decoder.receive(bytes)?;
        while let Some(stream) = self.decoder.next_unblocked() {
            let at = self.waiting.iter().position(|waiting| waiting.0 == stream).expect("it waited");
            let (stream, prefix, lines) = self.waiting.remove(at);
            self.decode(stream, prefix, &lines)?;
        }
        assert_eq!(self.decoder.blocked(), self.waiting.len());
        Ok(())
    }
}

/// An input that is taken apart.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let table = 64 * u32::from(input.byte() & 15);
    let mut whole = Side::new(table, PLENTY);
    let mut split = Side::new(table, PLENTY);
    let mut limited = Side::new(table, FEW);
    let mut stream = 0;
    while !input.is_empty() {
        let is_section = input.byte() & 1 == 1;
        let bytes = input.bytes();
        if is_section {
            stream += 4;
            let result = whole.section(stream, bytes);
            assert_eq!(result, split.section(stream, bytes));
            let few = limited.section(stream, bytes);
            if result.is_err() {
                return;
            }
            few.expect("what is good without limits is good with them");
        } else {
            let result = whole.instructions(bytes);
            // What unblocks, and in which order, is seen at another time.
            let by_byte = bytes.iter().try_for_each(|byte| split.instructions(&[*byte]));
            let few = limited.instructions(bytes);
            if result.is_err() || by_byte.is_err() {
                // A peer that lets an entry go for which a section waits may do so before or behind the place where that goes on.
                let is_late = |result: &Result<(), Error>| {
                    result.is_err_and(|error| error.code == ErrorCode::DecompressionFailed)
                };
                let is_same = result.is_err() == by_byte.is_err();
                assert!(is_same || is_late(&result) || is_late(&by_byte), "{result:?} and {by_byte:?}");
                return;
            }
            few.expect("what is good without limits is good with them");
        }
        assert_eq!(whole.decoder.inserted(), split.decoder.inserted());
    }
    for side in [&mut whole, &mut split, &mut limited] {
        side.read.sort();
    }
    assert!(whole.read.len() == split.read.len() && whole.read.len() == limited.read.len());
    for ((all, same), few) in whole.read.iter().zip(&split.read).zip(&limited.read) {
        assert_eq!(all, same);
        assert!(all.2 && all.1.starts_with(&few.1), "{few:?} of {all:?}");
        assert_eq!(few.2, few.1.len() == all.1.len());
    }
}
