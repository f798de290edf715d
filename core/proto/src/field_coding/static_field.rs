//! A field of a static table.

use super::field_kind::FieldKind;

/// A field as it lies in a head: name, NUL, value, NUL.
#[derive(Clone, Copy)]
pub(crate) struct StaticField {
    pub(crate) text: &'static [u8],
    pub(crate) name_len: u32,
    pub(crate) kind: FieldKind,
    /// Whether a field of this kind may have this value.
    pub(crate) is_good: bool,
}

/// A field, from name, NUL, value, NUL.
pub(crate) const fn field(text: &'static [u8]) -> StaticField {
    let mut name_len = 0;
    while text[name_len] != 0 {
        name_len += 1;
    }
    let kind = match FieldKind::known(text.split_at(name_len).0) {
        Some(kind) => kind,
        None => FieldKind::Other,
    };
    // Of these an empty value, or any, is malformed.
    let is_good = match kind {
        FieldKind::ContentLength => text.len() > name_len + 2,
        FieldKind::Connection => false,
        _ => true,
    };
    StaticField { text, name_len: name_len as u32, kind, is_good }
}

impl StaticField {
    /// The name.
    #[inline]
    pub(crate) const fn name(&self) -> &'static [u8] {
        self.text.split_at(self.name_len as usize).0
    }

    /// The value, which is empty for most.
    #[inline]
    pub(crate) fn value(&self) -> &'static [u8] {
        self.text.get(self.name_len as usize + 1..self.text.len() - 1).unwrap_or_default()
    }
}
