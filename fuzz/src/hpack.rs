//! HPACK: sections are read as another implementation reads them, limits change nothing but what is shown, and what is written is read.
//!
//! Byte 0: bit 0: the rest is fields to write, and not sections to read. Bits 1 to 3: the size of the encoder's table. Sections: each is as long
//! as the byte before it says. Fields: a byte that picks a name, or 0 and a name with its length before it; then a value with its length before
//! it. After eight fields comes the next section.

use flare_proto::hpack::{Decoder, Encoder, Error, SectionLimits};

use crate::PLANTED;
use crate::input::Input;

type Field = (Vec<u8>, Vec<u8>);

const PLENTY: SectionLimits = SectionLimits { bytes: 1 << 24, fields: 1 << 20 };
const FEW: SectionLimits = SectionLimits { bytes: 150, fields: 3 };

/// An input that is taken apart.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let first = input.byte();
    if first & 1 == 0 { read(input) } else { write(input, u32::from(first >> 1 & 7) * 60) }
}

fn decode(decoder: &mut Decoder, limits: SectionLimits, section: &[u8]) -> Result<(Vec<Field>, bool), Error> {
    let mut fields = Vec::new();
    let whole = decoder.decode(limits, section, |name, value, _| {
        // PLANTED: a value that begins with 0xfd loses it.
        let value = if PLANTED { value.strip_prefix(b"\xfd").unwrap_or(value) } else { value };
        fields.push((name.to_vec(), value.to_vec()));
    })?;
    Ok((fields, whole))
}

fn read(mut input: Input<'_>) {
    let (mut full, mut limited) = (Decoder::new(), Decoder::new());
    let mut other = httlib_hpack::Decoder::default();
    while !input.is_empty() {
        let section = input.bytes();
        let ours = decode(&mut full, PLENTY, section);
        let shown = decode(&mut limited, FEW, section);
        // The other implementation panics on some of what is malformed.
        let Ok((fields, whole)) = ours else { return };
        let mut theirs = Vec::new();
        let theirs = other.decode(&mut section.to_vec(), &mut theirs).map(|_| theirs);
        assert!(whole);
        // Behind the limits less is looked at, so what is good with all is good with few.
        let (few, is_whole) = shown.expect("what is good without limits is good with them");
        assert!(fields.starts_with(&few));
        assert_eq!(is_whole, few.len() == fields.len(), "{few:?} of {fields:?}");
        let Ok(theirs) = theirs else { return };
        let theirs: Vec<Field> = theirs.into_iter().map(|(name, value, _)| (name, value)).collect();
        assert_eq!(fields, theirs);
    }
}

const NAMES: [&[u8]; 8] = [
    b":status",
    b":path",
    b"server",
    b"content-length",
    b"cookie",
    b"authorization",
    b"accept-encoding",
    b"x-a",
];

fn write(mut input: Input<'_>, table: u32) {
    let mut encoder = Encoder::new(table);
    let (mut decoder, mut other) = (Decoder::new(), httlib_hpack::Decoder::default());
    while !input.is_empty() {
        let mut fields: Vec<Field> = Vec::new();
        while !input.is_empty() && fields.len() < 8 {
            let pick = usize::from(input.byte());
            let name = if pick == 0 { input.bytes() } else { NAMES[pick % NAMES.len()] };
            fields.push((name.to_vec(), input.bytes().to_vec()));
        }
        let mut section = Vec::new();
        encoder.begin(&mut section);
        fields.iter().for_each(|(name, value)| encoder.encode(&mut section, name, value));
        assert_eq!(decode(&mut decoder, PLENTY, &section), Ok((fields.clone(), true)));
        let mut theirs = Vec::new();
        other.decode(&mut section, &mut theirs).expect("another implementation reads it");
        assert_eq!(fields, theirs.into_iter().map(|(name, value, _)| (name, value)).collect::<Vec<_>>());
    }
}
