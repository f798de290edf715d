//! How much of a field section is taken.

use super::dynamic_table::OVERHEAD;

/// How much of a field section is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SectionLimits {
    /// Names, values, and 32 bytes for each field (RFC 9113 section 6.5.2, RFC 9114 section 4.2.2).
    pub bytes: u32,
    /// The number of fields.
    pub fields: u32,
}

/// What may still come of a section. Once it is used up, fields are only taken into the table: those that need not be read for that are
/// not, and none is copied.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: u32,
    fields: u32,
    exceeded: bool,
    /// A field was seen, so the table's size may not change any more (RFC 7541 section 4.2).
    pub(crate) begun: bool,
}

impl Budget {
    pub(crate) fn new(limits: SectionLimits) -> Self {
        Budget { bytes: limits.bytes, fields: limits.fields, exceeded: false, begun: false }
    }

    /// Whether there was more than may be taken.
    pub(crate) fn exceeded(&self) -> bool {
        self.exceeded
    }

    /// Skips the rest of the section: what it holds does not matter any more.
    pub(crate) fn exhaust(&mut self) {
        self.exceeded = true;
    }

    /// Whether a field of this size (with its 32 bytes) is taken.
    #[inline]
    pub(crate) fn take(&mut self, size: u32) -> bool {
        match (self.bytes.checked_sub(size), self.fields.checked_sub(1)) {
            (Some(bytes), Some(fields)) if !self.exceeded => {
                self.bytes = bytes;
                self.fields = fields;
                true
            }
            _ => {
                self.exceeded = true;
                false
            }
        }
    }

    /// How long a name and a value may be together.
    pub(crate) fn room(&self) -> usize {
        if self.exceeded || self.fields == 0 { 0 } else { self.bytes.saturating_sub(OVERHEAD) as usize }
    }
}
