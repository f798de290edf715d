//! Whether texts are UTF-8, as soon as it can be said.

/// Whether these bytes are UTF-8, as a text has to be.
#[must_use]
pub fn is_utf8(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok()
}

/// How many of these bytes are whole characters, if what follows them can still become one. `None`: it is not UTF-8, whatever comes.
pub(super) fn whole_characters(bytes: &[u8]) -> Option<usize> {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(_) => Some(bytes.len()),
        Err(error) if error.error_len().is_none() => Some(error.valid_up_to()),
        Err(_) => None,
    }
}
