//! Text between Python and HTTP, whose fields are bytes.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// The value of a field as `str`: each byte is a character, as everywhere in Python (ISO 8859-1), so that nothing is lost.
pub(crate) fn from_field<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => PyString::new(py, text),
        _ => PyString::new(py, &bytes.iter().map(|byte| char::from(*byte)).collect::<String>()),
    }
}

/// Calls `then` with the bytes of a field's value, which is `str` or `bytes`.
pub(crate) fn with_field<T>(value: &Bound<'_, PyAny>, then: impl FnOnce(&[u8]) -> T) -> PyResult<T> {
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_str()?;
        if text.is_ascii() {
            return Ok(then(text.as_bytes()));
        }
        let bytes: Result<Vec<u8>, _> = text.chars().map(|char| u8::try_from(u32::from(char))).collect();
        return match bytes {
            Ok(bytes) => Ok(then(&bytes)),
            Err(_) => Err(PyValueError::new_err(format!(
                "a field can't hold {text:?}: only characters up to U+00FF; encode it, or give bytes"
            ))),
        };
    }
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(then(bytes.as_bytes()));
    }
    Err(PyTypeError::new_err(format!("a field is str or bytes, not {}", value.get_type().name()?)))
}
