//! The parameters of a matched path.

use std::fmt;
use std::str;

/// The names and values that a pattern took from a path, in the order of the pattern.
///
/// Values are percent-decoded bytes and never hold a NUL. All of it lies in one text, each name and each value followed
/// by a NUL, so that C can read it in place. Names are copied with the values: pointing at the route instead would cost
/// a reference count that all workers share.
///
/// Kept and used again, it allocates nothing once it has seen paths of that length.
#[derive(Clone, Default)]
pub struct Params {
    text: Vec<u8>,
    places: Vec<Place>,
}

/// Where a parameter lies in the text: `name NUL value NUL`.
#[derive(Clone, Copy)]
struct Place {
    name: usize,
    value: usize,
    end: usize,
}

impl Params {
    /// No parameters, no allocation.
    pub const fn new() -> Self {
        Self { text: Vec::new(), places: Vec::new() }
    }

    /// Forgets the parameters and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
    }

    /// How many parameters there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The value of `name`, without its NUL. `None` if the pattern has no such name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.place(name).and_then(|place| self.text.get(place.value..place.end))
    }

    /// The value of `name` as text. `None` if the pattern has no such name, or the value is not UTF-8.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| str::from_utf8(value).ok())
    }

    /// The value of `name`, with one NUL at its end and none before.
    pub fn get_with_nul(&self, name: &str) -> Option<&[u8]> {
        self.place(name).and_then(|place| self.text.get(place.value..=place.end))
    }

    /// The name at `index`, from 0 to `len() - 1` in the order of the pattern.
    pub fn name_at(&self, index: usize) -> Option<&str> {
        // Names are ASCII, so the check never fails.
        self.name_with_nul_at(index).and_then(|name| str::from_utf8(name.split_last()?.1).ok())
    }

    /// The name at `index`, with one NUL at its end.
    pub fn name_with_nul_at(&self, index: usize) -> Option<&[u8]> {
        self.places.get(index).and_then(|place| self.text.get(place.name..place.value))
    }

    /// The value at `index`, without its NUL.
    pub fn value_at(&self, index: usize) -> Option<&[u8]> {
        self.places.get(index).and_then(|place| self.text.get(place.value..place.end))
    }

    /// The value at `index`, with one NUL at its end and none before.
    pub fn value_with_nul_at(&self, index: usize) -> Option<&[u8]> {
        self.places.get(index).and_then(|place| self.text.get(place.value..=place.end))
    }

    /// Names and values in the order of the pattern.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        (0..self.len()).filter_map(|index| Some((self.name_at(index)?, self.value_at(index)?)))
    }

    fn place(&self, name: &str) -> Option<&Place> {
        // `value` is behind the NUL of the name.
        self.places.iter().find(|place| {
            self.text.get(place.name..place.value - 1).is_some_and(|stored| stored == name.as_bytes())
        })
    }

    /// Adds a parameter. `write` appends the value, which must not hold a NUL.
    pub(super) fn push(&mut self, name: &[u8], write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.text.len();
        self.text.extend_from_slice(name);
        self.text.push(0);
        let value = self.text.len();
        write(&mut self.text);
        let end = self.text.len();
        self.text.push(0);
        self.places.push(Place { name: start, value, end });
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (name, value.escape_ascii().to_string())))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Params {
        let mut params = Params::new();
        params.push(b"id", |out| out.extend_from_slice(b"42"));
        params.push(b"rest", |_| {});
        params.push(b"raw", |out| out.extend_from_slice(b"\xff"));
        params
    }

    #[test]
    fn reads_by_name() {
        let params = sample();
        assert_eq!(params.len(), 3);
        assert!(!params.is_empty());
        assert_eq!(params.get("id"), Some(&b"42"[..]));
        assert_eq!(params.get_str("id"), Some("42"));
        assert_eq!(params.get_with_nul("id"), Some(&b"42\0"[..]));
        assert_eq!(params.get("rest"), Some(&b""[..]));
        assert_eq!(params.get_with_nul("rest"), Some(&b"\0"[..]));
        assert_eq!(params.get("raw"), Some(&b"\xff"[..]));
        assert_eq!(params.get_str("raw"), None);
        for absent in ["", "i", "idd", "ID", "42", "id\0"] {
            assert_eq!(params.get(absent), None, "{absent:?}");
            assert_eq!(params.get_with_nul(absent), None, "{absent:?}");
        }
    }

    #[test]
    fn reads_by_index() {
        let params = sample();
        assert_eq!(params.name_at(1), Some("rest"));
        assert_eq!(params.name_with_nul_at(1), Some(&b"rest\0"[..]));
        assert_eq!(params.value_at(0), Some(&b"42"[..]));
        assert_eq!(params.value_with_nul_at(0), Some(&b"42\0"[..]));
        assert_eq!(params.name_at(3), None);
        assert_eq!(params.value_at(3), None);
        let all: Vec<_> = params.iter().collect();
        assert_eq!(all, [("id", &b"42"[..]), ("rest", b""), ("raw", b"\xff")]);
        assert_eq!(format!("{params:?}"), r#"{"id": "42", "rest": "", "raw": "\\xff"}"#);
    }

    #[test]
    fn clear_keeps_the_memory() {
        let mut params = sample();
        let (text, places) = (params.text.capacity(), params.places.capacity());
        params.clear();
        assert!(params.is_empty());
        assert_eq!(params.get("id"), None);
        assert_eq!((params.text.capacity(), params.places.capacity()), (text, places));
    }

    #[test]
    fn stays_small() {
        assert!(size_of::<Params>() <= 56);
    }
}
