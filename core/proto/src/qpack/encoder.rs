//! Writing field sections (RFC 9204 sections 2.1 and 4.5).

use super::error::{Error, ErrorCode};
use super::static_table::{self, Found};
use super::{MOST_TABLE, acknowledged::Acknowledged, last_lines::LastLines};
use crate::field_coding::dynamic_table::OVERHEAD;
use crate::field_coding::encoder_table::{EncoderTable, hash};
use crate::field_coding::indexing::{self, Indexing};
use crate::field_coding::{integer, text};

/// Writes the field sections and the encoder stream of one connection, and reads its decoder stream. What it writes depends on nothing but what it was
/// given before.
///
/// It begins with the static table alone, and fills the dynamic one when the peer has said that it has one, by the rules of
/// [`hpack::Encoder`](crate::hpack::Encoder). A section names a field that the peer may not have yet only as long as so many streams may be blocked.
#[derive(Debug)]
pub struct Encoder {
    table: EncoderTable,
    /// How many entries were ever inserted.
    inserted: u64,
    acknowledged: Acknowledged,
    /// The most this side wants to hold.
    own_limit: u32,
    own_blocked: u16,
    /// How many streams may be blocked.
    blocked_limit: u16,
    /// The most entries that the peer's table can have at all (RFC 9204 section 4.5.1.1).
    most_entries: u64,
    /// What waits to be sent on the encoder stream.
    out: Vec<u8>,
    /// The lines of the section that is being written.
    lines: Vec<u8>,
    last_lines: LastLines,
    section: Section,
}

/// The section that is being written.
#[derive(Debug, Default)]
struct Section {
    stream: u64,
    base: u64,
    /// The highest entry that was named, and 1. 0: none was.
    required: u64,
    /// The lowest entry that was named.
    lowest: u64,
    /// Whether entries may be named at all.
    uses_table: bool,
    /// Whether entries may be named that the peer may not have yet.
    may_block: bool,
}

/// What becomes of fields whose names are in the static table, by the index of the name.
static BY_NAME_INDEX: [Indexing; static_table::COUNT as usize] = by_name_index();

const fn by_name_index() -> [Indexing; static_table::COUNT as usize] {
    let mut table = [Indexing::WhenRepeated; static_table::COUNT as usize];
    let mut index = 0;
    while index < table.len() {
        table[index] = indexing::by_name(static_table::FIELDS[index].name());
        index += 1;
    }
    table
}

impl Encoder {
    /// An encoder whose table holds at most so many bytes (16 MiB at most), and which blocks at most so many streams, if the peer allows it. Does
    /// not allocate.
    #[must_use]
    pub const fn new(table_bytes: u32, blocked_streams: u16) -> Self {
        Encoder {
            table: EncoderTable::new(0),
            inserted: 0,
            acknowledged: Acknowledged::new(),
            own_limit: if table_bytes < MOST_TABLE { table_bytes } else { MOST_TABLE },
            own_blocked: blocked_streams,
            blocked_limit: 0,
            most_entries: 0,
            out: Vec::new(),
            lines: Vec::new(),
            last_lines: LastLines::new(),
            section: Section {
                stream: 0,
                base: 0,
                required: 0,
                lowest: 0,
                uses_table: false,
                may_block: false,
            },
        }
    }

    /// The peer's SETTINGS_QPACK_MAX_TABLE_CAPACITY and SETTINGS_QPACK_BLOCKED_STREAMS. Once, and not within a section.
    pub fn set_peer_limits(&mut self, table_bytes: u64, blocked_streams: u64) {
        self.most_entries = table_bytes / u64::from(OVERHEAD);
        self.blocked_limit = u16::try_from(blocked_streams).unwrap_or(u16::MAX).min(self.own_blocked);
        let most = u32::try_from(table_bytes).unwrap_or(u32::MAX).min(self.own_limit);
        // A smaller one holds no entry.
        if most > OVERHEAD && most != self.table.entries().most() {
            self.table.set_most(most);
            integer::encode(&mut self.out, 0x20, 5, most);
        }
    }

    /// Takes what came on the peer's decoder stream, in pieces of any size. How many instructions were followed.
    ///
    /// # Errors
    /// An instruction can't be followed. The encoder must not be used again.
    pub fn receive(&mut self, input: &[u8]) -> Result<u32, Error> {
        let wrong = |fault| Error { code: ErrorCode::DecoderStream, fault };
        self.acknowledged.receive(input, self.inserted).map_err(wrong)
    }

    /// What waits to be sent on the encoder stream. Whoever has sent some of it takes it off the front.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Begins a section that will be sent on this stream.
    #[inline]
    pub fn begin(&mut self, stream: u64) {
        self.lines.clear();
        let uses_table = self.table.entries().most() > 0 && self.acknowledged.has_room();
        self.section = Section {
            stream,
            base: self.inserted,
            required: 0,
            lowest: u64::MAX,
            uses_table,
            may_block: uses_table && self.acknowledged.may_block(stream, self.blocked_limit),
        };
    }

    /// Writes a `:status`, 100..=999.
    #[inline]
    pub fn encode_status(&mut self, status: u16) {
        let digit = |place: u16| b'0' + (status / place % 10) as u8;
        match status {
            200 => self.lines.push(0xc0 | 25),
            _ => self.encode(b":status", &[digit(100), digit(10), digit(1)]),
        }
    }

    /// Writes a field. The name is in lower case; nothing is checked. A name and a value have to be shorter than 4 GiB.
    #[inline]
    pub fn encode(&mut self, name: &[u8], value: &[u8]) {
        let (name_index, by_name) = match static_table::find(name, value) {
            Found::Whole(index) => return integer::encode(&mut self.lines, 0xc0, 6, u32::from(index)),
            Found::Name(index) => (Some(index), BY_NAME_INDEX.get(usize::from(index)).copied()),
            Found::Nothing => (None, None),
        };
        let indexing = Indexing::of(by_name.unwrap_or(Indexing::WhenRepeated), name, value);
        let is_in_table = match indexing {
            Indexing::No | Indexing::Never => None,
            Indexing::AtOnce | Indexing::WhenRepeated if !self.section.uses_table => None,
            _ => self.entry(indexing, name_index, name, value),
        };
        match (is_in_table, name_index) {
            (Some(entry), _) => self.write_reference(entry),
            (None, Some(index)) if indexing == Indexing::AtOnce => self.write_again(index, value),
            (None, _) => self.write_literal(indexing == Indexing::Never, name_index, name, value),
        }
    }

    /// A field that would be in the table, if it could.
    #[inline]
    fn write_again(&mut self, name_index: u8, value: &[u8]) {
        if self.last_lines.write(name_index, value, &mut self.lines) {
            return;
        }
        let start = self.lines.len();
        self.write_literal(false, Some(name_index), b"", value);
        self.last_lines.keep(name_index, value, self.lines.get(start..).unwrap_or_default());
    }

    /// The entry of a field that may be named in this section, which is made if that pays.
    fn entry(
        &mut self,
        indexing: Indexing,
        name_index: Option<u8>,
        name: &[u8],
        value: &[u8],
    ) -> Option<u64> {
        let hash = hash(name, value);
        let entry = match self.table.find(hash, name, value) {
            Some(place) => self.inserted.checked_sub(u64::from(place) + 1)?,
            None => {
                if indexing != Indexing::AtOnce && !self.table.was_seen(hash) {
                    return None;
                }
                if !self.can_insert(name.len() + value.len() + OVERHEAD as usize) {
                    return None;
                }
                match name_index {
                    Some(index) => integer::encode(&mut self.out, 0xc0, 6, u32::from(index)),
                    None => text::write(&mut self.out, 0x40, 5, name),
                }
                text::write(&mut self.out, 0, 7, value);
                self.table.insert(hash, name, value);
                self.inserted += 1;
                self.inserted - 1
            }
        };
        (self.section.may_block || entry < self.acknowledged.count()).then_some(entry)
    }

    /// Whether an entry of this size can be inserted: no entry has to go that is named by a section that is not acknowledged, or that the peer may not
    /// have yet (RFC 9204 section 2.1.1).
    fn can_insert(&self, size: usize) -> bool {
        let entries = self.table.entries();
        // What the peer does not take waits here.
        if size > entries.most() as usize || self.out.len() > 2 * entries.most() as usize {
            return false;
        }
        let mut room = entries.most() as usize - entries.size() as usize;
        if room >= size {
            return true;
        }
        let kept = self.acknowledged.lowest().min(self.section.lowest).min(self.acknowledged.count());
        let mut oldest = self.inserted - entries.len() as u64;
        while room < size && oldest < kept {
            let place = self.inserted - 1 - oldest;
            let Some(entry) = entries.get(place as u32) else { return false };
            room += entry.size() as usize;
            oldest += 1;
        }
        room >= size
    }

    fn write_reference(&mut self, entry: u64) {
        let section = &mut self.section;
        section.required = section.required.max(entry + 1);
        section.lowest = section.lowest.min(entry);
        match entry.checked_sub(section.base) {
            Some(behind) => integer::encode_long(&mut self.lines, 0x10, 4, behind),
            None => integer::encode_long(&mut self.lines, 0x80, 6, section.base - 1 - entry),
        }
    }

    fn write_literal(&mut self, never_indexed: bool, name_index: Option<u8>, name: &[u8], value: &[u8]) {
        match name_index {
            Some(index) => {
                let flags = if never_indexed { 0x70 } else { 0x50 };
                integer::encode(&mut self.lines, flags, 4, u32::from(index));
            }
            None => text::write(&mut self.lines, if never_indexed { 0x30 } else { 0x20 }, 3, name),
        }
        text::write(&mut self.lines, 0, 7, value);
    }

    /// Ends the section, and appends it.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        self.end_behind(out, |_, _| {});
    }

    /// Ends the section, and appends it behind what `header` writes, which is told its length.
    #[inline]
    pub(crate) fn end_behind(&mut self, out: &mut Vec<u8>, header: impl FnOnce(&mut Vec<u8>, usize)) {
        if self.section.required == 0 {
            header(out, self.lines.len() + 2);
            out.extend_from_slice(&[0, 0]);
            return out.extend_from_slice(&self.lines);
        }
        let Section { stream, base, required, lowest, .. } = self.section;
        // The prefix is written behind the lines, and moved to the front.
        let lines = self.lines.len();
        integer::encode_long(&mut self.lines, 0, 8, required % (2 * self.most_entries) + 1);
        match base.checked_sub(required) {
            Some(above) => integer::encode_long(&mut self.lines, 0, 7, above),
            None => integer::encode_long(&mut self.lines, 0x80, 7, required - base - 1),
        }
        header(out, self.lines.len());
        let (lines, prefix) = self.lines.split_at(lines);
        out.extend_from_slice(prefix);
        out.extend_from_slice(lines);
        self.acknowledged.await_section(stream, required, lowest);
    }
}
