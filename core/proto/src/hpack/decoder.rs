//! Reading field sections.

use super::error::Error;
use super::{INITIAL_SIZE, static_table};
use crate::field_coding::budget::{Budget, SectionLimits};
use crate::field_coding::decoded_field::DecodedField;
use crate::field_coding::dynamic_table::{DynamicTable, OVERHEAD};
use crate::field_coding::field_kind::FieldKind;
use crate::field_coding::field_source::FieldSource;
use crate::field_coding::integer::{self, IntegerError};
use crate::field_coding::text::{self, TextError};

/// Reads the field sections of one connection, in the order in which they came.
#[derive(Debug)]
pub struct Decoder {
    table: DynamicTable,
    /// The most that the other side may make of the table.
    limit: u32,
    /// The limit fell below the table's size: the next section has to begin with a smaller one (RFC 7541 section 4.2).
    is_update_due: bool,
}

/// How a literal is to be kept (RFC 7541 section 6.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Literal {
    Indexed,
    NotIndexed,
    NeverIndexed,
}

impl Decoder {
    /// A decoder with an empty table of 4,096 bytes, as both sides begin. Does not allocate.
    pub const fn new() -> Self {
        Decoder { table: DynamicTable::new(INITIAL_SIZE), limit: INITIAL_SIZE, is_update_due: false }
    }

    /// The other side has acknowledged the SETTINGS_HEADER_TABLE_SIZE it was sent.
    pub fn set_table_limit(&mut self, bytes: u32) {
        self.limit = bytes;
        self.is_update_due = self.table.most() > bytes;
    }

    /// Reads a whole section, and shows each field: name, value, and whether it must never be indexed. False: there were more fields than
    /// the limits allow; some of them were not shown.
    ///
    /// # Errors
    /// The section is malformed. Fields before that place were shown. The decoder must not be used again.
    pub fn decode(
        &mut self,
        limits: SectionLimits,
        section: &[u8],
        mut each: impl FnMut(&[u8], &[u8], bool),
    ) -> Result<bool, Error> {
        let (mut budget, mut input, mut text) = (Budget::new(limits), section, Vec::new());
        while let Some(field) = self.next(&mut input, &mut budget, &mut text)? {
            let name = text.get(field.start as usize..field.name_end as usize).unwrap_or_default();
            let value = text.get(field.name_end as usize + 1..field.value_end as usize).unwrap_or_default();
            each(name, value, field.never_indexed);
            text.clear();
        }
        Ok(!budget.exceeded())
    }

    /// Reads the next field of a section that is taken, and appends it to `text`, which has to stay below 4 GiB. `None`: that was all.
    #[inline]
    fn next(
        &mut self,
        input: &mut &[u8],
        budget: &mut Budget,
        text: &mut Vec<u8>,
    ) -> Result<Option<DecodedField>, Error> {
        while let Some((&first, rest)) = input.split_first() {
            *input = rest;
            if first & 0xe0 == 0x20 {
                self.update_size(first, input, budget)?;
                continue;
            }
            if !budget.begun {
                budget.begun = true;
                if self.is_update_due {
                    return Err(Error::TableSize);
                }
            }
            let found = if first & 0x80 != 0 {
                let index = integer::decode(first, 7, input)?;
                self.indexed(index, budget, text)?
            } else {
                self.literal(first, input, budget, text)?
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// RFC 7541 section 6.3.
    #[cold]
    fn update_size(&mut self, first: u8, input: &mut &[u8], budget: &Budget) -> Result<(), Error> {
        let size = integer::decode(first, 5, input)?;
        if budget.begun || size > self.limit {
            return Err(Error::TableSize);
        }
        self.is_update_due = false;
        self.table.set_most(size);
        Ok(())
    }

    /// RFC 7541 section 6.1.
    #[inline]
    fn indexed(
        &mut self,
        index: u32,
        budget: &mut Budget,
        text: &mut Vec<u8>,
    ) -> Result<Option<DecodedField>, Error> {
        let (field, name_len, kind, is_good) = self.look_up(index)?;
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

    /// The field with this index: its text, the length of its name, its kind, and whether its value is good.
    #[inline]
    fn look_up(&self, index: u32) -> Result<(&[u8], u32, FieldKind, bool), Error> {
        let place = index.checked_sub(1).ok_or(Error::Index)?;
        match static_table::FIELDS.get(place as usize) {
            Some(field) => Ok((field.text, field.name_len, field.kind, field.is_good)),
            None => {
                let entry = self.table.get(place - static_table::COUNT).ok_or(Error::Index)?;
                Ok((self.table.text_of(entry), entry.name_len(), entry.kind, entry.is_good))
            }
        }
    }

    /// RFC 7541 section 6.2.
    fn literal(
        &mut self,
        first: u8,
        input: &mut &[u8],
        budget: &mut Budget,
        text: &mut Vec<u8>,
    ) -> Result<Option<DecodedField>, Error> {
        let (literal, prefix) = match first {
            0x40.. => (Literal::Indexed, 6),
            0x10.. => (Literal::NeverIndexed, 4),
            _ => (Literal::NotIndexed, 4),
        };
        let index = integer::decode(first, prefix, input)?;
        let mut room = budget.room();
        if literal == Literal::Indexed {
            // It has to be read for the table, even if it is not taken.
            room = room.max(self.table.most() as usize);
        }
        let start = text.len();
        let name = match index {
            0 => read_text(input, room, text)?.then_some(None),
            _ => {
                let (field, name_len, kind, _) = self.look_up(index)?;
                let name = field.get(..name_len as usize).unwrap_or_default();
                let fits = name.len() <= room;
                if fits {
                    text.extend_from_slice(name);
                }
                fits.then_some(Some(kind))
            }
        };
        let name_end = text.len();
        text.push(0);
        // Without a name that fits, the value is only skipped.
        let room = if name.is_some() { room.saturating_sub(name_end - start) } else { 0 };
        let is_whole = read_text(input, room, text)? && name.is_some();
        if !is_whole {
            text.truncate(start);
            budget.exhaust();
            if literal == Literal::Indexed {
                // Larger than the table, which is empty then.
                self.table.make_room(u32::MAX);
            }
            return Ok(None);
        }
        let value_end = text.len();
        text.push(0);
        let name_text = text.get(start..name_end).unwrap_or_default();
        let kind = name.flatten().unwrap_or_else(|| FieldKind::of(name_text));
        let is_good = kind.takes(text.get(name_end + 1..value_end).unwrap_or_default());
        if literal == Literal::Indexed {
            let field = text.get(start..).unwrap_or_default();
            self.table.insert(field, (name_end - start) as u32, kind, is_good);
        }
        if !budget.take((value_end - start - 1) as u32 + OVERHEAD) {
            text.truncate(start);
            return Ok(None);
        }
        Ok(Some(DecodedField {
            start: start as u32,
            name_end: name_end as u32,
            value_end: value_end as u32,
            kind,
            is_good,
            never_indexed: literal == Literal::NeverIndexed,
        }))
    }
}

/// The fields of one section, one after another.
#[derive(Debug)]
pub(crate) struct FieldLines<'s> {
    decoder: &'s mut Decoder,
    rest: &'s [u8],
}

impl Decoder {
    /// The fields of a section.
    #[inline]
    pub(crate) fn lines<'s>(&'s mut self, section: &'s [u8]) -> FieldLines<'s> {
        FieldLines { decoder: self, rest: section }
    }

    /// Reads a section that nobody wants, for the table's sake.
    pub(crate) fn skip(&mut self, section: &[u8]) -> Result<(), Error> {
        self.lines(section).skip(&mut Budget::new(SectionLimits { bytes: 0, fields: 0 }))
    }
}

impl FieldSource for FieldLines<'_> {
    type Error = Error;

    #[inline]
    fn next(&mut self, budget: &mut Budget, text: &mut Vec<u8>) -> Result<Option<DecodedField>, Error> {
        self.decoder.next(&mut self.rest, budget, text)
    }

    fn skip(&mut self, budget: &mut Budget) -> Result<(), Error> {
        budget.exhaust();
        let mut text = Vec::new();
        while self.next(budget, &mut text)?.is_some() {}
        Ok(())
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl From<IntegerError> for Error {
    fn from(error: IntegerError) -> Self {
        match error {
            IntegerError::Truncated => Error::Truncated,
            IntegerError::TooLarge => Error::Integer,
        }
    }
}

impl From<TextError> for Error {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Truncated => Error::Truncated,
            TextError::TooLarge => Error::Integer,
            TextError::Huffman => Error::Huffman,
        }
    }
}

/// Takes a text off the input and appends it, if it has at most `room` bytes; otherwise says false.
fn read_text(input: &mut &[u8], room: usize, text: &mut Vec<u8>) -> Result<bool, Error> {
    let (&first, rest) = input.split_first().ok_or(Error::Truncated)?;
    *input = rest;
    Ok(text::read(first, 7, input, room, text)?)
}
