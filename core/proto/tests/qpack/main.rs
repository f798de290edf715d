//! QPACK as its public types show it.
// A failed unwrap is a failed test; the lint's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod encoder;
mod examples;
mod instructions;
mod joined;
// Not all of it is used here.
#[allow(dead_code)]
#[path = "../http1/random.rs"]
mod random;
mod sections;

use flare_proto::qpack::{Begun, Decoder, Error, SectionLimits};

/// A name and a value.
pub type Field = (Vec<u8>, Vec<u8>);

/// More than any test needs.
pub const PLENTY: SectionLimits = SectionLimits { bytes: 1 << 20, fields: 10_000 };

/// A field of two texts.
pub fn field(name: &str, value: &str) -> Field {
    (name.as_bytes().to_vec(), value.as_bytes().to_vec())
}

/// All fields of a section that is not blocked.
pub fn decode(decoder: &mut Decoder, stream: u64, mut section: &[u8]) -> Result<Vec<Field>, Error> {
    let Begun::Ready(prefix) = decoder.begin(stream, &mut section)? else {
        panic!("the section is blocked");
    };
    let mut fields = Vec::new();
    let whole = decoder.decode(stream, prefix, PLENTY, section, |name, value, _| {
        fields.push((name.to_vec(), value.to_vec()));
    })?;
    assert!(whole);
    Ok(fields)
}

/// What waits to be sent on the decoder stream, which is taken as sent.
pub fn sent(out: &mut Vec<u8>) -> Vec<u8> {
    std::mem::take(out)
}
