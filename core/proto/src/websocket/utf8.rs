//! Whether texts are UTF-8, as soon as it can be said.

/// Whether these bytes are UTF-8, as a text has to be.
#[must_use]
pub fn is_utf8(bytes: &[u8]) -> bool {
    as_text(bytes).is_some()
}

/// These bytes as text, if they are UTF-8. Much faster for long texts than the standard library.
#[must_use]
pub fn as_text(bytes: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(bytes).ok()
}

/// How many of these bytes are whole characters, if what follows them can still become one. `None`: it is not UTF-8, whatever comes.
pub(super) fn whole_characters(bytes: &[u8]) -> Option<usize> {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(_) => Some(bytes.len()),
        Err(error) if error.error_len().is_none() => Some(error.valid_up_to()),
        Err(_) => None,
    }
}
