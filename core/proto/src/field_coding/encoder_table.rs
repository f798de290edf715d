//! The dynamic table of the side that writes, in which fields are found.

use std::collections::VecDeque;

use super::dynamic_table::DynamicTable;
use super::field_kind::FieldKind;

/// A dynamic table, and hashes of its entries and of fields that were seen lately.
#[derive(Debug)]
pub(crate) struct EncoderTable {
    table: DynamicTable,
    /// A hash of each entry of the table, the oldest first.
    hashes: VecDeque<u32>,
    /// Hashes of fields that were not put into the table, in turns.
    seen: [u32; SEEN],
    next_seen: u8,
}

/// So many of the last fields are remembered.
const SEEN: usize = 16;

impl EncoderTable {
    /// An empty table of so many bytes. Does not allocate.
    pub(crate) const fn new(most: u32) -> Self {
        EncoderTable {
            table: DynamicTable::new(most),
            hashes: VecDeque::new(),
            seen: [0; SEEN],
            next_seen: 0,
        }
    }

    /// The entries.
    #[inline]
    pub(crate) fn entries(&self) -> &DynamicTable {
        &self.table
    }

    /// Changes the most it may hold. What is too much then goes.
    pub(crate) fn set_most(&mut self, most: u32) {
        self.table.set_most(most);
        self.forget_hashes();
    }

    /// The place of this field in the table, from the newest.
    #[inline]
    pub(crate) fn find(&self, hash: u32, name: &[u8], value: &[u8]) -> Option<u32> {
        let newest = self.hashes.len().checked_sub(1)?;
        let (first, second) = self.hashes.as_slices();
        for (at, &other) in first.iter().chain(second).enumerate() {
            if other == hash {
                let place = (newest - at) as u32;
                let entry = self.table.get(place)?;
                let text = self.table.text_of(entry);
                let (found, rest) = text.split_at_checked(entry.name_len() as usize)?;
                if found == name && rest.get(1..rest.len() - 1) == Some(value) {
                    return Some(place);
                }
            }
        }
        None
    }

    /// Adds a field. What no longer fits goes.
    #[cold]
    pub(crate) fn insert(&mut self, hash: u32, name: &[u8], value: &[u8]) {
        let mut text = Vec::with_capacity(name.len() + value.len() + 2);
        text.extend_from_slice(name);
        text.push(0);
        text.extend_from_slice(value);
        text.push(0);
        // What a field means matters to who reads it.
        self.table.insert(&text, name.len() as u32, FieldKind::Other, true);
        self.hashes.push_back(hash);
        self.forget_hashes();
    }

    /// Forgets the hashes of entries that are gone.
    fn forget_hashes(&mut self) {
        let gone = self.hashes.len().saturating_sub(self.table.len());
        self.hashes.drain(..gone);
    }

    /// Whether this field was here lately. If not, it is remembered.
    pub(crate) fn was_seen(&mut self, hash: u32) -> bool {
        if self.seen.contains(&hash) {
            return true;
        }
        if let Some(place) = self.seen.get_mut(usize::from(self.next_seen)) {
            *place = hash;
        }
        self.next_seen = (self.next_seen + 1) % SEEN as u8;
        false
    }
}

/// A hash of a field. Who makes two fields with the same loses some compression.
#[inline]
pub(crate) fn hash(name: &[u8], value: &[u8]) -> u32 {
    let mut state = name.len() as u64;
    for text in [name, value] {
        let (chunks, rest) = text.as_chunks::<8>();
        for chunk in chunks {
            state = mix(state, u64::from_le_bytes(*chunk));
        }
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(byte, &of)| *byte = of);
        state = mix(state, u64::from_le_bytes(last));
    }
    (state ^ state >> 32) as u32
}

#[inline(always)]
fn mix(state: u64, word: u64) -> u64 {
    (state ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}
