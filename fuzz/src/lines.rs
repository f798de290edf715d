//! Fields of a message, as lines of an input: a letter, which stands for the name, and the value.

use crate::oracle::{is_value, trim};

/// More say nothing new, and a server takes only so many.
const MOST: usize = 40;

/// The lines of a text whose values can be those of fields, without white space at their ends.
pub(crate) fn read(text: &[u8]) -> Vec<(u8, &[u8])> {
    let lines = text.split(|byte| *byte == b'\n').take(MOST).filter_map(|line| line.split_first());
    lines.filter(|(_, value)| is_value(value)).map(|(letter, value)| (*letter, trim(value))).collect()
}

/// All values behind this letter.
pub(crate) fn of<'a>(lines: &[(u8, &'a [u8])], letter: u8) -> Vec<&'a [u8]> {
    lines.iter().filter(|line| line.0 == letter).map(|line| line.1).collect()
}
