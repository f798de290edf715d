//! JSON, by Python's own module.

use pyo3::exceptions::PyUnicodeDecodeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::names;

/// The text of a value.
pub(crate) fn write<'py>(py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    Ok(names::ENCODE.get(py)?.call1((value,))?.cast_into::<PyString>()?)
}

/// The value of a text, which is UTF-8 (RFC 8259, 8.1).
pub(crate) fn read<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    match std::str::from_utf8(text) {
        Ok(text) => names::DECODE.get(py)?.call1((text,)),
        Err(error) => Err(PyUnicodeDecodeError::new_err_from_utf8(py, text, error)),
    }
}
