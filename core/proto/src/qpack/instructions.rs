//! Instructions of the peer's encoder, which fill the decoder's table (RFC 9204 section 4.3).

use super::error::{Error, ErrorCode, Fault};
use super::static_table;
use crate::field_coding::dynamic_table::{DynamicTable, OVERHEAD};
use crate::field_coding::field_kind::FieldKind;
use crate::field_coding::integer::{self, IntegerError};
use crate::field_coding::text::{self, TextError};

/// The decoder's table, and what came of an instruction that is not whole.
#[derive(Debug)]
pub(super) struct InsertedFields {
    pub(super) table: DynamicTable,
    /// How many entries were ever inserted.
    pub(super) inserted: u64,
    /// The most that the peer may set the table's capacity to.
    pub(super) limit: u32,
    /// The start of an instruction. An instruction whose texts could not fit the table is refused as soon as their lengths are known.
    partial: Vec<u8>,
    /// The field that is inserted: name, NUL, value, NUL.
    field: Vec<u8>,
}

/// What came of the input.
enum Step {
    /// An instruction, which was followed. Whether it was an insertion.
    Whole(bool),
    /// The end of an instruction is missing.
    Partial,
}

const fn fault(fault: Fault) -> Error {
    Error { code: ErrorCode::EncoderStream, fault }
}

impl InsertedFields {
    pub(super) const fn new(limit: u32) -> Self {
        InsertedFields {
            table: DynamicTable::new(0),
            inserted: 0,
            limit,
            partial: Vec::new(),
            field: Vec::new(),
        }
    }

    /// Follows what came on the encoder stream. How many instructions were followed.
    pub(super) fn receive(&mut self, input: &[u8]) -> Result<u32, Error> {
        if self.partial.is_empty() {
            let mut rest = input;
            let count = self.follow(&mut rest)?;
            self.partial.extend_from_slice(rest);
            return Ok(count);
        }
        let mut all = std::mem::take(&mut self.partial);
        all.extend_from_slice(input);
        let mut rest = &all[..];
        let count = self.follow(&mut rest)?;
        let done = all.len() - rest.len();
        all.drain(..done);
        if !all.is_empty() {
            self.partial = all;
        }
        Ok(count)
    }

    fn follow(&mut self, input: &mut &[u8]) -> Result<u32, Error> {
        let mut count = 0;
        while let Some((&first, rest)) = input.split_first() {
            let mut rest = rest;
            match self.instruction(first, &mut rest)? {
                Step::Whole(inserted) => {
                    *input = rest;
                    // No input is that long.
                    count += 1;
                    self.inserted += u64::from(inserted);
                }
                Step::Partial => break,
            }
        }
        Ok(count)
    }

    /// Follows one instruction, if it is whole.
    fn instruction(&mut self, first: u8, input: &mut &[u8]) -> Result<Step, Error> {
        let prefix = match first {
            0x80.. => 6,
            _ => 5,
        };
        let number = match integer::decode(first, prefix, input) {
            Ok(number) => number,
            Err(IntegerError::Truncated) => return Ok(Step::Partial),
            Err(IntegerError::TooLarge) => return Err(fault(Fault::Integer)),
        };
        match first {
            0x80.. => self.insert_with_name(first & 0x40 != 0, number, input),
            0x40.. => self.insert_literal(first, number, input),
            0x20.. => self.set_capacity(number),
            _ => self.duplicate(number),
        }
    }

    /// RFC 9204 section 4.3.2.
    fn insert_with_name(&mut self, is_static: bool, index: u32, input: &mut &[u8]) -> Result<Step, Error> {
        let room = self.room();
        let Some(len) = whole_text(input, room)? else { return Ok(Step::Partial) };
        let (name, kind) = if is_static {
            let field = static_table::FIELDS.get(index as usize).ok_or(fault(Fault::Index))?;
            (field.name(), field.kind)
        } else {
            let entry = self.table.get(index).ok_or(fault(Fault::Index))?;
            let name = self.table.text_of(entry).get(..entry.name_len() as usize).unwrap_or_default();
            (name, entry.kind)
        };
        self.field.clear();
        self.field.extend_from_slice(name);
        let room = room.checked_sub(name.len()).ok_or(fault(Fault::TooLarge))?;
        self.insert_value(len, room, Some(kind), input)
    }

    /// RFC 9204 section 4.3.3.
    fn insert_literal(&mut self, first: u8, name_len: u32, input: &mut &[u8]) -> Result<Step, Error> {
        let room = self.room();
        check_length(first & 0x20 != 0, name_len as usize, room)?;
        let Some((name, mut rest)) = input.split_at_checked(name_len as usize) else {
            return Ok(Step::Partial);
        };
        let Some(len) = whole_text(&rest, room)? else { return Ok(Step::Partial) };
        self.field.clear();
        // The length was looked at, so what is read is the text alone.
        read_text(first & 0x20 != 0, name, room, &mut self.field)?;
        let room = room.saturating_sub(self.field.len());
        let step = self.insert_value(len, room, None, &mut rest)?;
        *input = rest;
        Ok(step)
    }

    /// Reads the value behind the name, and inserts the field. The value is whole.
    fn insert_value(
        &mut self,
        len: Text,
        room: usize,
        kind: Option<FieldKind>,
        input: &mut &[u8],
    ) -> Result<Step, Error> {
        let (head, value) = input.split_at_checked(len.head).unwrap_or_default();
        let (value, rest) = value.split_at_checked(len.length).unwrap_or_default();
        debug_assert_eq!((head.len(), value.len()), (len.head, len.length));
        *input = rest;
        let name_len = self.field.len();
        self.field.push(0);
        read_text(len.is_coded, value, room, &mut self.field)?;
        let name = self.field.get(..name_len).unwrap_or_default();
        let kind = kind.unwrap_or_else(|| FieldKind::of(name));
        let is_good = kind.takes(self.field.get(name_len + 1..).unwrap_or_default());
        self.field.push(0);
        self.table.insert(&self.field, name_len as u32, kind, is_good);
        Ok(Step::Whole(true))
    }

    /// RFC 9204 section 4.3.4.
    fn duplicate(&mut self, index: u32) -> Result<Step, Error> {
        let entry = self.table.get(index).ok_or(fault(Fault::Index))?;
        self.field.clear();
        self.field.extend_from_slice(self.table.text_of(entry));
        self.table.insert(&self.field, entry.name_len(), entry.kind, entry.is_good);
        Ok(Step::Whole(true))
    }

    /// RFC 9204 section 4.3.1.
    fn set_capacity(&mut self, capacity: u32) -> Result<Step, Error> {
        if capacity > self.limit {
            return Err(fault(Fault::Capacity));
        }
        self.table.set_most(capacity);
        Ok(Step::Whole(false))
    }

    /// How long a name and a value may be together.
    fn room(&self) -> usize {
        self.table.most().saturating_sub(OVERHEAD) as usize
    }
}

/// A text that is whole.
#[derive(Clone, Copy)]
struct Text {
    /// How many bytes say its length.
    head: usize,
    length: usize,
    is_coded: bool,
}

/// The text at the start of the input. `None`: its end did not come yet.
fn whole_text(input: &&[u8], room: usize) -> Result<Option<Text>, Error> {
    let Some((&first, rest)) = input.split_first() else { return Ok(None) };
    let mut rest = rest;
    let length = match integer::decode(first, 7, &mut rest) {
        Ok(length) => length as usize,
        Err(IntegerError::Truncated) => return Ok(None),
        Err(IntegerError::TooLarge) => return Err(fault(Fault::Integer)),
    };
    let is_coded = first & 0x80 != 0;
    check_length(is_coded, length, room)?;
    let head = input.len() - rest.len();
    Ok((rest.len() >= length).then_some(Text { head, length, is_coded }))
}

/// Refuses what can't fit by the length that it says.
fn check_length(is_coded: bool, length: usize, room: usize) -> Result<(), Error> {
    let most = if is_coded { text::longest_coded(room) } else { room };
    if length > most { Err(fault(Fault::TooLarge)) } else { Ok(()) }
}

fn read_text(is_coded: bool, coded: &[u8], room: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    match text::read_all(is_coded, coded, room, out) {
        Ok(true) => Ok(()),
        Ok(false) => Err(fault(Fault::TooLarge)),
        Err(TextError::Huffman) => Err(fault(Fault::Huffman)),
        Err(TextError::TooLarge | TextError::Truncated) => Err(fault(Fault::Integer)),
    }
}
