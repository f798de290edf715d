//! The methods a path has, as `Allow` lists them.

use std::fmt;

/// The most methods a table tells apart: one bit each.
pub(super) const MAX_METHODS: usize = 64;

/// The methods of one table, in the order in which they came.
#[derive(Debug, Clone, Copy)]
pub(super) enum Names<'t> {
    Owned(&'t [Box<str>]),
    Static(&'t [&'static str]),
}

impl<'t> Names<'t> {
    fn get(self, index: usize) -> Option<&'t str> {
        match self {
            Self::Owned(names) => names.get(index).map(|name| &**name),
            Self::Static(names) => names.get(index).copied(),
        }
    }

    fn len(self) -> usize {
        match self {
            Self::Owned(names) => names.len(),
            Self::Static(names) => names.len(),
        }
    }

    fn bit(self, name: &[u8]) -> u64 {
        let index = match self {
            Self::Owned(names) => names.iter().position(|own| own.as_bytes() == name),
            Self::Static(names) => names.iter().position(|own| own.as_bytes() == name),
        };
        index.map_or(0, bit)
    }
}

/// The bit of the method at `index`.
pub(super) const fn bit(index: usize) -> u64 {
    1 << (index % MAX_METHODS)
}

/// What a search looks for, and what it learns on its way about the patterns that match but lack the method.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query {
    /// The bit of the request's method; 0 if the table does not have it.
    pub method: u64,
    /// The bit of GET if the method is HEAD, else 0.
    pub fallback: u64,
    /// The methods of the patterns that matched so far.
    pub seen: u64,
    /// Whether a pattern matched.
    pub known: bool,
}

impl Query {
    pub(super) fn new(method: &[u8], names: Names<'_>) -> Self {
        let fallback = if method == b"HEAD" { names.bit(b"GET") } else { 0 };
        Self { method: names.bit(method), fallback, seen: 0, known: false }
    }
}

/// The methods of a path, for the `Allow` field (RFC 9110 section 10.2.1). `Display` writes `GET, HEAD, OPTIONS`: sorted
/// by bytes, HEAD wherever GET is, OPTIONS always. Borrowed from the table; nothing is allocated.
///
/// A route for any method (`*`) adds nothing: it has no list.
#[derive(Clone, Copy)]
pub struct Allow<'t> {
    names: Names<'t>,
    set: u64,
}

impl<'t> Allow<'t> {
    pub(super) fn new(names: Names<'t>, set: u64) -> Self {
        Self { names, set }
    }

    pub(super) fn all(names: Names<'t>) -> Self {
        Self { names, set: u64::MAX }
    }

    /// The methods, sorted, each once.
    pub fn iter(&self) -> AllowIter<'t> {
        AllowIter { allow: *self, last: "" }
    }

    /// The methods in the set, and the two that come by themselves; not sorted, perhaps twice.
    fn candidates(&self) -> impl Iterator<Item = &'t str> {
        let allow = *self;
        let named = move |index: &usize| allow.set & bit(*index) != 0;
        let own = (0..allow.names.len()).filter(named).filter_map(move |index| allow.names.get(index));
        let head = (allow.set & allow.names.bit(b"GET") != 0).then_some("HEAD");
        own.chain(head).chain(["OPTIONS"])
    }
}

/// The methods of an [`Allow`], sorted, each once.
#[derive(Debug, Clone)]
pub struct AllowIter<'t> {
    allow: Allow<'t>,
    last: &'t str,
}

impl<'t> Iterator for AllowIter<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        // Looking for the next larger name needs no memory for sorting, and the lists are short.
        self.last = self.allow.candidates().filter(|name| *name > self.last).min()?;
        Some(self.last)
    }
}

impl<'t> IntoIterator for Allow<'t> {
    type Item = &'t str;
    type IntoIter = AllowIter<'t>;

    fn into_iter(self) -> AllowIter<'t> {
        self.iter()
    }
}

impl fmt::Display for Allow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Allow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl PartialEq for Allow<'_> {
    fn eq(&self, other: &Allow<'_>) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Allow<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["PUT", "GET", "OPTIONS", "DELETE", "HEAD"];

    fn text(names: &[&'static str], set: u64) -> String {
        Allow::new(Names::Static(names), set).to_string()
    }

    #[test]
    fn sorts_and_completes() {
        assert_eq!(text(&NAMES, 0), "OPTIONS");
        assert_eq!(text(&NAMES, 0b00001), "OPTIONS, PUT");
        assert_eq!(text(&NAMES, 0b00010), "GET, HEAD, OPTIONS");
        assert_eq!(text(&NAMES, 0b10110), "GET, HEAD, OPTIONS");
        assert_eq!(text(&NAMES, 0b10000), "HEAD, OPTIONS");
        assert_eq!(text(&NAMES, u64::MAX), "DELETE, GET, HEAD, OPTIONS, PUT");
        assert_eq!(text(&[], u64::MAX), "OPTIONS");
    }

    #[test]
    fn compares_as_lists() {
        let owned: [Box<str>; 1] = ["GET".into()];
        assert_eq!(Allow::new(Names::Owned(&owned), 1), Allow::new(Names::Static(&NAMES), 2));
        assert_ne!(Allow::new(Names::Owned(&owned), 0), Allow::new(Names::Static(&NAMES), 2));
    }
}
