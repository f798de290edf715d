//! A field of a section that was read.

use super::field_kind::FieldKind;
use crate::headers::Span;

/// A field that was read: where it is in the text that it was appended to, as name, NUL, value, NUL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecodedField {
    pub(crate) start: u32,
    pub(crate) name_end: u32,
    /// The value begins behind the name's NUL.
    pub(crate) value_end: u32,
    pub(crate) kind: FieldKind,
    /// Whether a field of this kind may have this value.
    pub(crate) is_good: bool,
    /// It must not be put into a table by whoever sends it on (RFC 7541 section 7.1.3, RFC 9204 section 7.1.3).
    pub(crate) never_indexed: bool,
}

impl DecodedField {
    /// Where its name is.
    #[inline]
    pub(crate) fn name(&self) -> Span {
        Span { start: self.start, end: self.name_end }
    }

    /// Where its value is.
    #[inline]
    pub(crate) fn value(&self) -> Span {
        Span { start: self.name_end + 1, end: self.value_end }
    }
}
