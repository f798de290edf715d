//! Answers whose content comes from an iterator.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use flare::AnswerError;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::batch::Item;
use crate::call;
use crate::ear::Wait;
use crate::errors::Fault;
use crate::request::PyRequest;

/// Takes pieces from an iterator as the client takes them.
#[pyclass(frozen, module = "flare._flare")]
pub(crate) struct Pump {
    request: Py<PyRequest>,
    iterator: Py<PyAny>,
    /// A piece that was refused, and goes first next time.
    refused: Mutex<Option<Bytes>>,
    /// Nobody said what type the content has: the first piece does.
    bare: bool,
}

/// How a run of a pump ended.
enum Run {
    Ended,
    /// The client has to take some first.
    Full,
    /// Others have a right to the loop.
    Tired,
}

/// Pieces that are sent before others get their turn.
const PIECES: usize = 32;

/// A piece of content, from `str` or `bytes`.
pub(crate) fn piece(value: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Bytes::copy_from_slice(bytes.as_bytes()));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Bytes::copy_from_slice(text.to_str()?.as_bytes()));
    }
    match value.extract::<Vec<u8>>() {
        Ok(bytes) if !value.is_instance_of::<pyo3::types::PyList>() => Ok(bytes.into()),
        _ => Err(PyTypeError::new_err(format!(
            "a piece of content is str or bytes, not {}",
            value.get_type().name()?
        ))),
    }
}

/// The type of content that nobody named, by its first piece.
pub(crate) fn name_type(request: &PyRequest, first: &Bound<'_, PyAny>) -> Result<(), Fault> {
    let kind = if first.is_instance_of::<PyString>() {
        "text/plain; charset=utf-8"
    } else {
        "application/octet-stream"
    };
    request.exchange()?.draft(|response| {
        if response.headers().get("content-type").is_none() {
            // Err: never, for these are values of fields.
            let _ = response.headers_mut().append("content-type", kind);
        }
    })?;
    Ok(())
}

impl Pump {
    pub(crate) fn new(
        request: &Bound<'_, PyRequest>,
        iterator: &Bound<'_, PyAny>,
        bare: bool,
    ) -> PyResult<Self> {
        Ok(Self {
            request: request.clone().unbind(),
            iterator: iterator.try_iter()?.into_any().unbind(),
            refused: Mutex::new(None),
            bare,
        })
    }

    /// The next piece, and whether it may be sent now. `None`: there are no more.
    fn next(&self, py: Python<'_>) -> Result<Option<Bytes>, Fault> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).take();
        if refused.is_some() {
            return Ok(refused);
        }
        let Some(value) = self.iterator.bind(py).try_iter()?.next() else { return Ok(None) };
        let value = value?;
        let request = self.request.get();
        if self.bare && !request.exchange()?.is_started() {
            name_type(request, &value)?;
        }
        Ok(Some(piece(&value)?))
    }

    fn send(&self, py: Python<'_>) -> Result<Run, Fault> {
        let exchange = self.request.get().exchange()?;
        for _ in 0..PIECES {
            let Some(piece) = self.next(py)? else {
                self.request.get().finish()?;
                return Ok(Run::Ended);
            };
            match exchange.write(piece.clone()) {
                Err(AnswerError::WouldBlock) => {
                    *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(piece);
                    return Ok(Run::Full);
                }
                other => other?,
            }
        }
        Ok(Run::Tired)
    }

    /// Sends what it can, and comes back for the rest.
    pub(crate) fn start(slf: &Bound<'_, Self>) -> PyResult<()> {
        let own = slf.get();
        let request = own.request.bind(slf.py());
        match own.send(slf.py()) {
            Ok(Run::Ended) => Ok(()),
            Ok(Run::Full) => request.get().when(Wait::Writable, Some(slf.clone().into_any().unbind())),
            Ok(Run::Tired) => {
                request.get().batch().push(Item::Tell(slf.clone().into_any().unbind()));
                Ok(())
            }
            Err(fault) => own.stop(request, fault),
        }
    }

    /// Nobody wants more pieces, or there are none: the iterator ends too.
    fn stop(&self, request: &Bound<'_, PyRequest>, fault: Fault) -> PyResult<()> {
        let iterator = self.iterator.bind(request.py());
        if iterator.hasattr("close")?
            && let Err(error) = iterator.call_method0("close")
        {
            call::fail(request, error)?;
        }
        match fault {
            // Answered: to HEAD, whose content nobody takes.
            Fault::Answer(AnswerError::Cancelled(_) | AnswerError::Answered) => Ok(()),
            other => call::failed(request, other),
        }
    }

    /// Sends all pieces, on a thread that may block.
    pub(crate) fn run_blocking(&self, py: Python<'_>) -> PyResult<()> {
        let exchange = self.request.get().exchange()?;
        let sent = loop {
            match self.next(py) {
                Ok(Some(piece)) => {
                    if let Err(error) = py.detach(|| exchange.write_blocking(piece)) {
                        break Err(error.into());
                    }
                }
                Ok(None) => break self.request.get().finish(),
                Err(fault) => break Err(fault),
            }
        };
        sent.or_else(|fault| self.stop(self.request.bind(py), fault))
    }
}

#[pymethods]
impl Pump {
    fn __call__(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::start(slf)
    }
}
