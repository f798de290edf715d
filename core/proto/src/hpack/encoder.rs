//! Writing field sections.

use std::collections::VecDeque;

use super::dynamic_table::{DynamicTable, INITIAL_SIZE};
use super::static_table;
use crate::field_coding::field_kind::FieldKind;
use crate::field_coding::{huffman, integer};

/// Writes the field sections of one connection. What it writes depends on nothing but what it was given before.
///
/// Fields that are likely to be the same again (`server`, `content-type`, ...) are put into the table; others only when the same field has
/// been there lately; those whose values differ each time (`content-length`, `etag`, ...) never. Credentials are marked so that nobody
/// puts them into a table (RFC 7541 section 7.1.3).
#[derive(Debug)]
pub struct Encoder {
    table: DynamicTable,
    /// A hash of each entry of the table, the oldest first.
    hashes: VecDeque<u32>,
    /// The most this side wants to hold.
    own_limit: u32,
    /// The smallest size that the table has had since the other side was told one.
    untold: Option<u32>,
    /// Hashes of fields that were not put into the table, in turns.
    seen: [u32; SEEN],
    next_seen: u8,
}

/// So many of the last fields are remembered.
const SEEN: usize = 16;

/// What becomes of a field that is in no table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Indexing {
    /// It is put into the table.
    AtOnce,
    /// It is put into the table the second time.
    WhenRepeated,
    /// It is not.
    No,
    /// And nobody else may.
    Never,
}

/// A cookie that is shorter can be guessed (RFC 7541 section 7.1.3).
const GUESSABLE: usize = 20;

/// What becomes of fields whose names are in the static table, by the index of the name.
static BY_NAME_INDEX: [Indexing; static_table::COUNT as usize + 1] = by_name_index();

const fn by_name_index() -> [Indexing; static_table::COUNT as usize + 1] {
    let mut table = [Indexing::WhenRepeated; static_table::COUNT as usize + 1];
    let mut index = 1;
    while index < table.len() {
        table[index] = by_name(static_table::FIELDS[index - 1].name());
        index += 1;
    }
    table
}

const fn by_name(name: &[u8]) -> Indexing {
    match name {
        b"authorization" | b"proxy-authorization" | b"set-cookie" => Indexing::Never,
        b":path"
        | b"age"
        | b"content-length"
        | b"content-range"
        | b"content-disposition"
        | b"etag"
        | b"expires"
        | b"if-match"
        | b"if-modified-since"
        | b"if-none-match"
        | b"if-range"
        | b"if-unmodified-since"
        | b"last-modified"
        | b"location"
        | b"range"
        | b"retry-after" => Indexing::No,
        b":authority"
        | b"accept"
        | b"accept-encoding"
        | b"accept-language"
        | b"accept-ranges"
        | b"access-control-allow-origin"
        | b"cache-control"
        | b"content-encoding"
        | b"content-type"
        | b"date"
        | b"server"
        | b"strict-transport-security"
        | b"user-agent"
        | b"vary" => Indexing::AtOnce,
        _ => Indexing::WhenRepeated,
    }
}

#[inline]
fn indexing(name_index: u8, name: &[u8], value: &[u8]) -> Indexing {
    match BY_NAME_INDEX.get(usize::from(name_index)) {
        Some(Indexing::WhenRepeated) if name == b"cookie" && value.len() < GUESSABLE => Indexing::Never,
        Some(&indexing) => indexing,
        None => Indexing::WhenRepeated,
    }
}

impl Encoder {
    /// An encoder whose table holds at most so many bytes, as RFC 7541 section 4.1 counts them. Does not allocate.
    pub const fn new(table_bytes: u32) -> Self {
        let most = if table_bytes < INITIAL_SIZE { table_bytes } else { INITIAL_SIZE };
        Encoder {
            table: DynamicTable::new(most),
            hashes: VecDeque::new(),
            own_limit: table_bytes,
            untold: if most == INITIAL_SIZE { None } else { Some(most) },
            seen: [0; SEEN],
            next_seen: 0,
        }
    }

    /// The other side's SETTINGS_HEADER_TABLE_SIZE.
    pub fn set_table_limit(&mut self, bytes: u32) {
        let most = bytes.min(self.own_limit);
        if most == self.table.most() {
            return;
        }
        self.untold = Some(self.untold.map_or(most, |smallest| smallest.min(most)));
        self.table.set_most(most);
        self.forget_hashes();
    }

    /// Begins a section: says how large the table is, if that has changed (RFC 7541 section 4.2).
    #[inline]
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        if let Some(smallest) = self.untold.take() {
            integer::encode(out, 0x20, 5, smallest);
            if smallest != self.table.most() {
                integer::encode(out, 0x20, 5, self.table.most());
            }
        }
    }

    /// Writes a `:status`, 100..=999.
    #[inline]
    pub fn encode_status(&mut self, out: &mut Vec<u8>, status: u16) {
        let index = match status {
            200 => 8,
            204 => 9,
            206 => 10,
            304 => 11,
            400 => 12,
            404 => 13,
            500 => 14,
            _ => {
                let digit = |place: u16| b'0' + (status / place % 10) as u8;
                return self.encode(out, b":status", &[digit(100), digit(10), digit(1)]);
            }
        };
        out.push(0x80 | index);
    }

    /// Writes a field. The name is in lower case; nothing is checked. A name and a value have to be shorter than 4 GiB.
    #[inline]
    pub fn encode(&mut self, out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
        let name_index = static_table::index_of_name(name);
        if let Some(index) = static_index(name_index, name, value) {
            out.push(0x80 | index);
            return;
        }
        let indexing = indexing(name_index, name, value);
        match indexing {
            Indexing::No => write_literal(out, 0x00, 4, name_index, name, value),
            Indexing::Never => write_literal(out, 0x10, 4, name_index, name, value),
            Indexing::AtOnce | Indexing::WhenRepeated => {
                let hash = hash(name, value);
                if let Some(place) = self.find(hash, name, value) {
                    integer::encode(out, 0x80, 7, static_table::COUNT + 1 + place);
                } else if indexing == Indexing::AtOnce || self.was_seen(hash) {
                    write_literal(out, 0x40, 6, name_index, name, value);
                    self.insert(hash, name, value);
                } else {
                    write_literal(out, 0x00, 4, name_index, name, value);
                }
            }
        }
    }

    /// The place of this field in the table, from the newest.
    #[inline]
    fn find(&self, hash: u32, name: &[u8], value: &[u8]) -> Option<u32> {
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

    #[cold]
    fn insert(&mut self, hash: u32, name: &[u8], value: &[u8]) {
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
    fn was_seen(&mut self, hash: u32) -> bool {
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

/// The index of a field that is whole in the static table.
#[inline]
fn static_index(name_index: u8, name: &[u8], value: &[u8]) -> Option<u8> {
    let fields = static_table::FIELDS.get(usize::from(name_index.checked_sub(1)?)..)?;
    // Only a few names have values there, and all of these but one are pseudo-fields.
    if name.first() != Some(&b':') && name != b"accept-encoding" {
        return None;
    }
    for (field, index) in fields.iter().zip(name_index..) {
        if field.name() != name {
            break;
        }
        if field.value() == value && !value.is_empty() {
            return Some(index);
        }
    }
    None
}

/// A literal (RFC 7541 section 6.2): the bits that say which, and how many are left for the index.
fn write_literal(out: &mut Vec<u8>, flags: u8, prefix: u32, name_index: u8, name: &[u8], value: &[u8]) {
    integer::encode(out, flags, prefix, u32::from(name_index));
    if name_index == 0 {
        write_text(out, name);
    }
    write_text(out, value);
}

/// In the Huffman code, if that is shorter.
fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    let coded = huffman::encoded_len(text);
    if coded < text.len() {
        integer::encode(out, 0x80, 7, coded as u32);
        huffman::encode(text, out);
    } else {
        integer::encode(out, 0, 7, text.len() as u32);
        out.extend_from_slice(text);
    }
}

/// A hash of a field. Who makes two fields with the same loses some compression.
#[inline]
fn hash(name: &[u8], value: &[u8]) -> u32 {
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
