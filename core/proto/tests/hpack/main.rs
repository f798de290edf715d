//! HPACK as its public types show it.
// A failed unwrap is a failed test; the lint's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod differential;
// Not all of it is used here.
#[allow(dead_code)]
#[path = "../http1/random.rs"]
mod random;
mod rules;
mod vectors;

use flare_proto::hpack::{Decoder, Error, SectionLimits};

/// A name and a value.
pub type Field = (Vec<u8>, Vec<u8>);

/// More than any test needs.
pub const PLENTY: SectionLimits = SectionLimits { bytes: 1 << 20, fields: 10_000 };

/// All fields of a section.
pub fn decode(decoder: &mut Decoder, section: &[u8]) -> Result<Vec<Field>, Error> {
    let mut fields = Vec::new();
    let whole =
        decoder.decode(PLENTY, section, |name, value, _| fields.push((name.to_vec(), value.to_vec())))?;
    assert!(whole);
    Ok(fields)
}
