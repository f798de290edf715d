//! Reading field sections (RFC 9204 section 4.5).

use super::error::{Error, ErrorCode, Fault};
use super::instructions::InsertedFields;
use super::{MOST_TABLE, static_table};
use crate::field_coding::budget::{Budget, SectionLimits};
use crate::field_coding::decoded_field::DecodedField;
use crate::field_coding::dynamic_table::OVERHEAD;
use crate::field_coding::field_kind::FieldKind;
use crate::field_coding::field_source::FieldSource;
use crate::field_coding::integer::{self, IntegerError};
use crate::field_coding::text::{self, TextError};

/// Reads the encoder stream and the field sections of one connection, and writes its decoder stream.
#[derive(Debug)]
pub struct Decoder {
    inserted: InsertedFields,
    /// The streams whose sections wait, each with the count of insertions that it waits for. No more than were allowed.
    blocked: Vec<(u64, u64)>,
    blocked_limit: u16,
    /// How many insertions the peer knows to have come.
    known: u64,
    /// What waits to be sent on the decoder stream.
    out: Vec<u8>,
}

/// What a section begins with: how many insertions it needs, and where its indices count from (RFC 9204 section 4.5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SectionPrefix {
    required: u64,
    base: u64,
}

/// Whether a section can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begun {
    /// It can.
    Ready(SectionPrefix),
    /// Not before [`Decoder::next_unblocked`] tells its stream.
    Blocked(SectionPrefix),
}

const fn fault(fault: Fault) -> Error {
    Error { code: ErrorCode::DecompressionFailed, fault }
}

impl Decoder {
    /// A decoder whose table holds at most so many bytes (SETTINGS_QPACK_MAX_TABLE_CAPACITY; 16 MiB at most), and which lets so many streams wait
    /// (SETTINGS_QPACK_BLOCKED_STREAMS). Does not allocate.
    #[must_use]
    pub const fn new(table_bytes: u32, blocked_streams: u16) -> Self {
        let limit = if table_bytes < MOST_TABLE { table_bytes } else { MOST_TABLE };
        Decoder {
            inserted: InsertedFields::new(limit),
            blocked: Vec::new(),
            blocked_limit: blocked_streams,
            known: 0,
            out: Vec::new(),
        }
    }

    /// Takes what came on the peer's encoder stream, in pieces of any size. How many instructions were followed.
    ///
    /// # Errors
    /// An instruction can't be followed. The decoder must not be used again.
    pub fn receive(&mut self, input: &[u8]) -> Result<u32, Error> {
        self.inserted.receive(input)
    }

    /// How many fields the peer has inserted.
    #[must_use]
    pub fn inserted(&self) -> u64 {
        self.inserted.inserted
    }

    /// A stream whose section can be read now; it is not told again.
    pub fn next_unblocked(&mut self) -> Option<u64> {
        let at = self.blocked.iter().position(|&(_, required)| required <= self.inserted.inserted)?;
        Some(self.blocked.swap_remove(at).0)
    }

    /// How many streams wait.
    #[must_use]
    pub fn blocked(&self) -> usize {
        self.blocked.len()
    }

    /// Takes the prefix off a section that came on this stream. A stream must not begin another one while it is blocked.
    ///
    /// # Errors
    /// The prefix is malformed, or too many streams wait. The decoder must not be used again.
    pub fn begin(&mut self, stream: u64, section: &mut &[u8]) -> Result<Begun, Error> {
        let prefix = self.prefix(section)?;
        if prefix.required <= self.inserted.inserted {
            return Ok(Begun::Ready(prefix));
        }
        if self.blocked.len() >= usize::from(self.blocked_limit) {
            return Err(fault(Fault::Blocked));
        }
        self.blocked.push((stream, prefix.required));
        Ok(Begun::Blocked(prefix))
    }

    /// Reads the rest of a section that is not blocked, shows each field (name, value, and whether it must never be indexed), and acknowledges it.
    /// False: there were more fields than the limits allow, and the rest was not looked at.
    ///
    /// # Errors
    /// The section is malformed. Fields before that place were shown. The decoder must not be used again.
    pub fn decode(
        &mut self,
        stream: u64,
        prefix: SectionPrefix,
        limits: SectionLimits,
        lines: &[u8],
        mut each: impl FnMut(&[u8], &[u8], bool),
    ) -> Result<bool, Error> {
        let (mut budget, mut text) = (Budget::new(limits), Vec::new());
        let mut lines = self.lines(prefix, lines);
        while let Some(field) = lines.next(&mut budget, &mut text)? {
            let name = text.get(field.start as usize..field.name_end as usize).unwrap_or_default();
            let value = text.get(field.name_end as usize + 1..field.value_end as usize).unwrap_or_default();
            each(name, value, field.never_indexed);
            text.clear();
        }
        self.acknowledge(stream, prefix);
        Ok(!budget.exceeded())
    }

    /// The fields of a section behind its prefix.
    pub(crate) fn lines<'s>(&'s self, prefix: SectionPrefix, rest: &'s [u8]) -> FieldLines<'s> {
        FieldLines { inserted: &self.inserted, prefix, rest }
    }

    /// A section was read, or will not be read further (RFC 9204 section 4.4.1).
    pub(crate) fn acknowledge(&mut self, stream: u64, prefix: SectionPrefix) {
        if prefix.required > 0 {
            integer::encode_long(&mut self.out, 0x80, 7, stream);
            self.known = self.known.max(prefix.required);
        }
    }

    /// A stream is not read further: its sections, of which some may be on their way, need no entries any more (RFC 9204 section 4.4.2).
    pub fn cancel(&mut self, stream: u64) {
        self.blocked.retain(|&(blocked, _)| blocked != stream);
        // Without a table nothing refers to it.
        if self.inserted.limit > 0 {
            integer::encode_long(&mut self.out, 0x40, 6, stream);
        }
    }

    /// What waits to be sent on the decoder stream. Whoever has sent some of it takes it off the front.
    pub fn output(&mut self) -> &mut Vec<u8> {
        let news = self.inserted.inserted - self.known;
        if news > 0 {
            integer::encode_long(&mut self.out, 0x00, 6, news);
            self.known = self.inserted.inserted;
        }
        &mut self.out
    }

    /// How many bytes wait for the decoder stream.
    pub(crate) fn waiting(&self) -> usize {
        self.out.len()
    }

    /// RFC 9204 section 4.5.1.
    fn prefix(&self, section: &mut &[u8]) -> Result<SectionPrefix, Error> {
        let (&first, rest) = section.split_first().ok_or(fault(Fault::Truncated))?;
        *section = rest;
        let coded = integer::decode(first, 8, section)?;
        let required = self.required_insert_count(u64::from(coded))?;
        let (&first, rest) = section.split_first().ok_or(fault(Fault::Truncated))?;
        *section = rest;
        let delta = integer::decode_long(first, 7, section)?;
        let base = if first & 0x80 == 0 {
            // Both are below 2^63.
            required + delta
        } else {
            required.checked_sub(delta + 1).ok_or(fault(Fault::Base))?
        };
        Ok(SectionPrefix { required, base })
    }

    /// RFC 9204 section 4.5.1.1. It is sent modulo twice the most entries that the table can have.
    fn required_insert_count(&self, coded: u64) -> Result<u64, Error> {
        if coded == 0 {
            return Ok(0);
        }
        const WRONG: Error = fault(Fault::RequiredInsertCount);
        let most_entries = u64::from(self.inserted.limit / OVERHEAD);
        let full_range = 2 * most_entries;
        if coded > full_range {
            return Err(WRONG);
        }
        let most = self.inserted.inserted + most_entries;
        let required = most / full_range * full_range + coded - 1;
        let required = match required {
            _ if required <= most => required,
            _ => required.checked_sub(full_range).ok_or(WRONG)?,
        };
        if required == 0 { Err(WRONG) } else { Ok(required) }
    }
}

/// The fields of one section, one after another.
#[derive(Debug)]
pub(crate) struct FieldLines<'s> {
    inserted: &'s InsertedFields,
    prefix: SectionPrefix,
    rest: &'s [u8],
}

/// Where a name is taken from.
#[derive(Clone, Copy)]
enum Reference {
    Static(u32),
    /// Counted back from the Base.
    Relative(u32),
    /// Counted up from the Base.
    PostBase(u32),
}

impl FieldSource for FieldLines<'_> {
    type Error = Error;

    #[inline]
    fn next(&mut self, budget: &mut Budget, text: &mut Vec<u8>) -> Result<Option<DecodedField>, Error> {
        let Some((&first, rest)) = self.rest.split_first().filter(|_| !budget.exceeded()) else {
            return Ok(None);
        };
        self.rest = rest;
        match first {
            0x80.. => {
                let index = integer::decode(first, 6, &mut self.rest)?;
                let is_static = first & 0x40 != 0;
                let of = if is_static { Reference::Static(index) } else { Reference::Relative(index) };
                self.indexed(of, budget, text)
            }
            0x40.. => {
                let index = integer::decode(first, 4, &mut self.rest)?;
                let is_static = first & 0x10 != 0;
                let of = if is_static { Reference::Static(index) } else { Reference::Relative(index) };
                self.literal(Some(of), first, first & 0x20 != 0, budget, text)
            }
            0x20.. => self.literal(None, first, first & 0x10 != 0, budget, text),
            0x10.. => {
                let index = integer::decode(first, 4, &mut self.rest)?;
                self.indexed(Reference::PostBase(index), budget, text)
            }
            _ => {
                let index = integer::decode(first, 3, &mut self.rest)?;
                self.literal(Some(Reference::PostBase(index)), first, first & 0x08 != 0, budget, text)
            }
        }
    }

    fn skip(&mut self, budget: &mut Budget) -> Result<(), Error> {
        budget.exhaust();
        Ok(())
    }
}

impl FieldLines<'_> {
    /// The field that is referred to: its text, the length of its name, its kind, and whether its value is good.
    #[inline]
    fn look_up(&self, of: Reference) -> Result<(&[u8], u32, FieldKind, bool), Error> {
        const NONE: Error = fault(Fault::Index);
        let absolute = match of {
            Reference::Static(index) => {
                let field = static_table::FIELDS.get(index as usize).ok_or(NONE)?;
                return Ok((field.text, field.name_len, field.kind, field.is_good));
            }
            Reference::Relative(index) => self.prefix.base.checked_sub(u64::from(index) + 1).ok_or(NONE)?,
            Reference::PostBase(index) => self.prefix.base + u64::from(index),
        };
        if absolute >= self.prefix.required {
            return Err(NONE);
        }
        // What is required was inserted.
        let place = self.inserted.inserted.checked_sub(absolute + 1).ok_or(NONE)?;
        let place = u32::try_from(place).map_err(|_| NONE)?;
        let entry = self.inserted.table.get(place).ok_or(NONE)?;
        Ok((self.inserted.table.text_of(entry), entry.name_len(), entry.kind, entry.is_good))
    }

    /// RFC 9204 sections 4.5.2 and 4.5.3.
    #[inline]
    fn indexed(
        &self,
        of: Reference,
        budget: &mut Budget,
        text: &mut Vec<u8>,
    ) -> Result<Option<DecodedField>, Error> {
        let (field, name_len, kind, is_good) = self.look_up(of)?;
        // Two NULs are in the text that do not count.
        if !budget.take(field.len() as u32 - 2 + OVERHEAD) {
            return Ok(None);
        }
        let start = text.len() as u32;
        text.extend_from_slice(field);
        Ok(Some(DecodedField {
            start,
            name_end: start + name_len,
            value_end: text.len() as u32 - 1,
            kind,
            is_good,
            never_indexed: false,
        }))
    }

    /// RFC 9204 sections 4.5.4 to 4.5.6.
    fn literal(
        &mut self,
        of: Option<Reference>,
        first: u8,
        never_indexed: bool,
        budget: &mut Budget,
        text: &mut Vec<u8>,
    ) -> Result<Option<DecodedField>, Error> {
        let room = budget.room();
        let start = text.len();
        let kind = match of {
            Some(of) => {
                let (field, name_len, kind, _) = self.look_up(of)?;
                text.extend_from_slice(field.get(..name_len as usize).unwrap_or_default());
                Some(kind)
            }
            None => {
                if !text::read(first, 3, &mut self.rest, room, text)? {
                    budget.exhaust();
                    return Ok(None);
                }
                None
            }
        };
        let name_end = text.len();
        text.push(0);
        let (&first, rest) = self.rest.split_first().ok_or(fault(Fault::Truncated))?;
        self.rest = rest;
        let is_whole = match room.checked_sub(name_end - start) {
            Some(room) => text::read(first, 7, &mut self.rest, room, text)?,
            None => false,
        };
        let value_end = text.len();
        if !is_whole || !budget.take((value_end - start - 1) as u32 + OVERHEAD) {
            text.truncate(start);
            budget.exhaust();
            return Ok(None);
        }
        text.push(0);
        let name = text.get(start..name_end).unwrap_or_default();
        let kind = kind.unwrap_or_else(|| FieldKind::of(name));
        Ok(Some(DecodedField {
            start: start as u32,
            name_end: name_end as u32,
            value_end: value_end as u32,
            kind,
            is_good: kind.takes(text.get(name_end + 1..value_end).unwrap_or_default()),
            never_indexed,
        }))
    }
}

impl From<IntegerError> for Error {
    fn from(error: IntegerError) -> Self {
        fault(match error {
            IntegerError::Truncated => Fault::Truncated,
            IntegerError::TooLarge => Fault::Integer,
        })
    }
}

impl From<TextError> for Error {
    fn from(error: TextError) -> Self {
        fault(match error {
            TextError::Truncated => Fault::Truncated,
            TextError::TooLarge => Fault::Integer,
            TextError::Huffman => Fault::Huffman,
        })
    }
}
