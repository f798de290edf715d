//! What goes wrong in the core, as exceptions.

use std::io;

use flare::{AnswerError, Error, InvalidField};
use pyo3::create_exception;
use pyo3::exceptions::{PyConnectionError, PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

create_exception!(
    flare,
    Disconnected,
    PyConnectionError,
    "The exchange is over: the client is gone, a deadline passed, or the server ended. Its text says which."
);

/// Why a server could not be made.
pub(crate) fn from_core(error: Error) -> PyErr {
    match error {
        Error::Config(_) | Error::Tls(_) | Error::Route(_) | Error::Address { .. } => {
            PyValueError::new_err(error.to_string())
        }
        Error::Bind { error: ref cause, .. } => os_error(cause, error.to_string()),
        Error::Io(error) => error.into(),
        _ => PyRuntimeError::new_err(error.to_string()),
    }
}

/// An `OSError` with its number, so that Python makes the right class of it, and our words.
pub(crate) fn os_error(cause: &io::Error, text: String) -> PyErr {
    match cause.raw_os_error() {
        Some(number) => PyOSError::new_err((number, text)),
        None => PyOSError::new_err(text),
    }
}

/// Why an answer was not taken.
pub(crate) fn from_answer(error: AnswerError) -> PyErr {
    match error {
        AnswerError::Cancelled(reason) => Disconnected::new_err(reason.to_string()),
        other => PyRuntimeError::new_err(other.to_string()),
    }
}

/// A field that can't be sent.
pub(crate) fn from_field(name: &str, error: &InvalidField) -> PyErr {
    PyValueError::new_err(format!("field {name:?}: {error}"))
}

/// What can stop an answer: the exchange, or Python.
pub(crate) enum Fault {
    Answer(AnswerError),
    Python(PyErr),
}

impl From<AnswerError> for Fault {
    fn from(error: AnswerError) -> Self {
        Self::Answer(error)
    }
}

impl From<PyErr> for Fault {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Fault> for PyErr {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Answer(error) => from_answer(error),
            Fault::Python(error) => error,
        }
    }
}
