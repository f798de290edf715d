//! JSON, by Python's own module.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyString};

/// The text of a value. Shortest form, text as it is (UTF-8), no NaN (RFC 8259).
pub(crate) fn write<'py>(py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    static ENCODE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let encode = ENCODE.get_or_try_init(py, || {
        let options = [("ensure_ascii", false), ("allow_nan", false)].into_py_dict(py)?;
        options.set_item("separators", (",", ":"))?;
        let encoder = py.import("json")?.getattr("JSONEncoder")?.call((), Some(&options))?;
        encoder.getattr("encode").map(Bound::unbind)
    })?;
    Ok(encode.bind(py).call1((value,))?.cast_into::<PyString>()?)
}

/// The value of a text.
pub(crate) fn read<'py>(py: Python<'py>, text: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    LOADS
        .get_or_try_init(py, || py.import("json")?.getattr("loads").map(Bound::unbind))?
        .bind(py)
        .call1((text,))
}
