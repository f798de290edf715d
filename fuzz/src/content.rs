//! Content of which each byte tells whose it is, and its place: for the targets that join two ends.

/// A message has so many times this many bytes.
pub(crate) const UNIT: usize = 97;
/// The longest content of a message.
const MOST: usize = UNIT * u8::MAX as usize;
/// What contents are pieces of.
static PATTERN: [u8; 256 + MOST] = {
    let mut pattern = [0; 256 + MOST];
    let mut at = 0;
    while at < pattern.len() {
        pattern[at] = (at * 7) as u8;
        at += 1;
    }
    pattern
};

/// Content of the message on a stream, from a place on. A slice, so that it is compared at once.
pub(crate) fn content(id: u64, place: usize, len: usize) -> &'static [u8] {
    let start = (id as usize * 31 + place) % 256;
    &PATTERN[start..start + len]
}
