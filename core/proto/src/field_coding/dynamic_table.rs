//! The dynamic table of either side (RFC 7541 section 2.3.2, RFC 9204 section 3.2).

use std::collections::VecDeque;

use super::field_kind::FieldKind;

/// What each entry counts beside its name and its value, in bytes (RFC 7541 section 4.1, RFC 9204 section 3.2.1).
pub(crate) const OVERHEAD: u32 = 32;

/// Fields that were sent before, the newest first. Does not allocate before the first.
#[derive(Debug)]
pub(crate) struct DynamicTable {
    /// The entries' texts, as they lie in a head: name, NUL, value, NUL. Those of entries that are gone stand before the first.
    text: Vec<u8>,
    /// The oldest first.
    entries: VecDeque<Entry>,
    /// The sum of the entries' sizes, as RFC 7541 counts them. Never more than `most`.
    size: u32,
    most: u32,
}

/// An entry: where its text is, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    start: u32,
    name_len: u32,
    value_len: u32,
    pub(crate) kind: FieldKind,
    /// Whether a field of this kind may have this value.
    pub(crate) is_good: bool,
}

impl Entry {
    #[inline]
    pub(crate) fn name_len(&self) -> u32 {
        self.name_len
    }

    /// As RFC 7541 section 4.1 counts, also for the size of a field section.
    #[inline]
    pub(crate) fn size(&self) -> u32 {
        self.name_len + self.value_len + OVERHEAD
    }
}

impl DynamicTable {
    pub(crate) const fn new(most: u32) -> Self {
        DynamicTable { text: Vec::new(), entries: VecDeque::new(), size: 0, most }
    }

    /// The number of entries.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The most it may hold, in bytes.
    #[inline]
    pub(crate) fn most(&self) -> u32 {
        self.most
    }

    /// The sum of the entries' sizes.
    #[inline]
    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    /// The entry at this place, counted from the newest, 0.
    #[inline]
    pub(crate) fn get(&self, place: u32) -> Option<Entry> {
        let index = self.entries.len().checked_sub(place as usize + 1)?;
        self.entries.get(index).copied()
    }

    /// The text of an entry: name, NUL, value, NUL.
    #[inline]
    pub(crate) fn text_of(&self, entry: Entry) -> &[u8] {
        let start = entry.start as usize;
        self.text.get(start..start + (entry.name_len + entry.value_len) as usize + 2).unwrap_or_default()
    }

    /// Changes the most it may hold. What is too much then goes, the oldest first (RFC 7541 section 4.3).
    pub(crate) fn set_most(&mut self, most: u32) {
        self.most = most;
        self.make_room(0);
    }

    /// Adds a field: `name`, NUL, `value`, NUL. One that is larger than the table empties it (RFC 7541 section 4.4).
    pub(crate) fn insert(&mut self, text: &[u8], name_len: u32, kind: FieldKind, is_good: bool) {
        let value_len = (text.len() as u32).saturating_sub(name_len + 2);
        let mut entry = Entry { start: 0, name_len, value_len, kind, is_good };
        self.make_room(entry.size());
        if entry.size() > self.most {
            return;
        }
        self.make_space(text.len());
        entry.start = self.text.len() as u32;
        self.text.extend_from_slice(text);
        self.entries.push_back(entry);
        self.size += entry.size();
    }

    /// Removes the oldest entries until one of this size fits, or none is left.
    pub(crate) fn make_room(&mut self, size: u32) {
        while self.size.saturating_add(size) > self.most {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.size -= oldest.size();
        }
    }

    /// Sees to it that so many bytes can be put behind the text, which stays below 5/4 of what the table may hold.
    fn make_space(&mut self, len: usize) {
        let Some(oldest) = self.entries.front().map(|oldest| oldest.start) else {
            self.text.clear();
            return self.grow(len);
        };
        let longest = (self.most + self.most / 4) as usize;
        if self.text.len() + len > longest {
            self.text.drain(..oldest as usize);
            for entry in &mut self.entries {
                entry.start -= oldest;
            }
        }
        self.grow(len);
    }

    fn grow(&mut self, len: usize) {
        let needed = self.text.len() + len;
        if needed > self.text.capacity() {
            let longest = (self.most + self.most / 4) as usize;
            let wanted = needed.max(2 * self.text.capacity()).min(longest.max(needed)).max(128);
            self.text.reserve_exact(wanted - self.text.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(table: &mut DynamicTable, name: &str, value: &str) {
        let text = format!("{name}\0{value}\0");
        table.insert(text.as_bytes(), name.len() as u32, FieldKind::Other, true);
    }

    #[test]
    fn the_oldest_go_first() {
        let mut table = DynamicTable::new(100);
        insert(&mut table, "a", "1");
        insert(&mut table, "b", "2");
        assert_eq!((table.len(), table.size), (2, 68));
        insert(&mut table, "c", "3");
        assert_eq!((table.len(), table.size), (2, 68));
        assert_eq!(table.text_of(table.get(0).unwrap()), b"c\x003\0");
        assert_eq!(table.text_of(table.get(1).unwrap()), b"b\x002\0");
        assert!(table.get(2).is_none());
        table.set_most(40);
        assert_eq!(table.len(), 1);
        insert(&mut table, "name", "that is too long");
        assert_eq!((table.len(), table.size), (0, 0));
    }

    #[test]
    fn the_text_stays_small_and_right() {
        let mut table = DynamicTable::new(500);
        for round in 0..2_000_u32 {
            let value = "v".repeat(round as usize % 90);
            insert(&mut table, &format!("n{round}"), &value);
            assert!(
                table.text.len() <= 625 && table.text.capacity() <= 625 + 100,
                "{}",
                table.text.capacity()
            );
            assert!(table.size <= 500);
            for place in 0..table.len() as u32 {
                let entry = table.get(place).unwrap();
                let expected = format!("n{}\0{}\0", round - place, "v".repeat((round - place) as usize % 90));
                assert_eq!(table.text_of(entry), expected.as_bytes());
            }
        }
    }
}
