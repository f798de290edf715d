//! Field lines that are written again and again where there is no dynamic table.

/// How many are kept. Date and server, or authority and user agent, come with each message.
const PLACES: usize = 4;

/// The longest value that is kept.
const LONGEST: usize = 64;

/// Literal lines as they were written last, by the index of their name in the static table: to code a date once more costs more than all else of a
/// small answer's head. Allocates for the first lines, and else never.
#[derive(Debug)]
pub(super) struct LastLines {
    places: [Line; PLACES],
}

#[derive(Debug)]
struct Line {
    name_index: u8,
    value_len: usize,
    /// The value, and behind it the line.
    bytes: Vec<u8>,
}

impl Line {
    const NONE: Line = Line { name_index: 0, value_len: 0, bytes: Vec::new() };
}

impl LastLines {
    pub(super) const fn new() -> LastLines {
        LastLines { places: [Line::NONE; PLACES] }
    }

    /// Appends the line, if it is here.
    #[inline]
    pub(super) fn write(&self, name_index: u8, value: &[u8], out: &mut Vec<u8>) -> bool {
        let place = &self.places[usize::from(name_index) % PLACES];
        match place.bytes.split_at_checked(place.value_len) {
            Some((before, line)) if place.name_index == name_index && before == value && !line.is_empty() => {
                out.extend_from_slice(line);
                true
            }
            _ => false,
        }
    }

    /// Keeps a line, in place of another one.
    pub(super) fn keep(&mut self, name_index: u8, value: &[u8], line: &[u8]) {
        if value.len() > LONGEST {
            return;
        }
        let place = &mut self.places[usize::from(name_index) % PLACES];
        place.name_index = name_index;
        place.value_len = value.len();
        place.bytes.clear();
        place.bytes.extend_from_slice(value);
        place.bytes.extend_from_slice(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_that_of_its_name_and_value() {
        let mut lines = LastLines::new();
        let mut out = Vec::new();
        assert!(!lines.write(0, b"", &mut out));
        lines.keep(6, b"Mon", b"line");
        // 10 has the same place.
        for (name_index, value) in
            [(6, &b"Tue"[..]), (6, b"Mo"), (6, b"Monl"), (6, b""), (10, b"Mon"), (7, b"Mon")]
        {
            assert!(!lines.write(name_index, value, &mut out), "{name_index} {value:?}");
        }
        assert!(lines.write(6, b"Mon", &mut out));
        assert_eq!(out, b"line");
        lines.keep(10, b"Mon", b"other");
        assert!(!lines.write(6, b"Mon", &mut out));
        assert!(lines.write(10, b"Mon", &mut out));
        assert_eq!(out, b"lineother");
    }

    #[test]
    fn long_values_are_not_kept() {
        let mut lines = LastLines::new();
        let mut out = Vec::new();
        lines.keep(6, &[b'a'; LONGEST + 1], b"line");
        assert!(!lines.write(6, &[b'a'; LONGEST + 1], &mut out));
        lines.keep(6, &[b'a'; LONGEST], b"line");
        assert!(lines.write(6, &[b'a'; LONGEST], &mut out));
    }
}
