//! Writing field sections.

use super::{INITIAL_SIZE, static_table};
use crate::field_coding::encoder_table::{EncoderTable, hash};
use crate::field_coding::indexing::{self, Indexing};
use crate::field_coding::{integer, text};

/// Writes the field sections of one connection. What it writes depends on nothing but what it was given before.
///
/// Fields that are likely to be the same again (`server`, `content-type`, ...) are put into the table; others only when the same field has
/// been there lately; those whose values differ each time (`content-length`, `etag`, ...) never. Credentials are marked so that nobody
/// puts them into a table (RFC 7541 section 7.1.3).
#[derive(Debug)]
pub struct Encoder {
    table: EncoderTable,
    /// The most this side wants to hold.
    own_limit: u32,
    /// The smallest size that the table has had since the other side was told one.
    untold: Option<u32>,
}

/// What becomes of fields whose names are in the static table, by the index of the name.
static BY_NAME_INDEX: [Indexing; static_table::COUNT as usize + 1] = by_name_index();

const fn by_name_index() -> [Indexing; static_table::COUNT as usize + 1] {
    let mut table = [Indexing::WhenRepeated; static_table::COUNT as usize + 1];
    let mut index = 1;
    while index < table.len() {
        table[index] = indexing::by_name(static_table::FIELDS[index - 1].name());
        index += 1;
    }
    table
}

#[inline]
fn indexing(name_index: u8, name: &[u8], value: &[u8]) -> Indexing {
    let by_name = BY_NAME_INDEX.get(usize::from(name_index)).copied();
    Indexing::of(by_name.unwrap_or(Indexing::WhenRepeated), name, value)
}

impl Encoder {
    /// An encoder whose table holds at most so many bytes, as RFC 7541 section 4.1 counts them. Does not allocate.
    pub const fn new(table_bytes: u32) -> Self {
        let most = if table_bytes < INITIAL_SIZE { table_bytes } else { INITIAL_SIZE };
        Encoder {
            table: EncoderTable::new(most),
            own_limit: table_bytes,
            untold: if most == INITIAL_SIZE { None } else { Some(most) },
        }
    }

    /// The other side's SETTINGS_HEADER_TABLE_SIZE.
    pub fn set_table_limit(&mut self, bytes: u32) {
        let most = bytes.min(self.own_limit);
        if most == self.table.entries().most() {
            return;
        }
        self.untold = Some(self.untold.map_or(most, |smallest| smallest.min(most)));
        self.table.set_most(most);
    }

    /// Begins a section: says how large the table is, if that has changed (RFC 7541 section 4.2).
    #[inline]
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        if let Some(smallest) = self.untold.take() {
            integer::encode(out, 0x20, 5, smallest);
            if smallest != self.table.entries().most() {
                integer::encode(out, 0x20, 5, self.table.entries().most());
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
                if let Some(place) = self.table.find(hash, name, value) {
                    integer::encode(out, 0x80, 7, static_table::COUNT + 1 + place);
                } else if indexing == Indexing::AtOnce || self.table.was_seen(hash) {
                    write_literal(out, 0x40, 6, name_index, name, value);
                    self.table.insert(hash, name, value);
                } else {
                    write_literal(out, 0x00, 4, name_index, name, value);
                }
            }
        }
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
        text::write(out, 0, 7, name);
    }
    text::write(out, 0, 7, value);
}
