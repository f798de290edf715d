//! An exchange that is answered later.

use std::sync::Arc;

use flare::{AnswerError, Exchange};
use pyo3::exceptions::{PyBlockingIOError, PyTypeError};
use pyo3::prelude::*;

use crate::answer::{self, Rest};
use crate::call;
use crate::errors::{self, Fault};
use crate::headers::{self, Own};
use crate::request::{self, PyRequest};
use crate::stream::{self, Pump};

/// The right to answer a request later, from any thread.
///
/// When it is let go without an answer, the client gets 500; in the middle of a streamed answer, a cut connection.
#[pyclass(name = "Exchange", module = "flare", frozen, weakref)]
pub(crate) struct PyExchange {
    exchange: Exchange,
    request: Py<PyRequest>,
    /// The route, for those who pull from a queue.
    route: Option<Arc<str>>,
}

impl PyExchange {
    pub(crate) fn new(exchange: Exchange, request: Py<PyRequest>, route: Option<Arc<str>>) -> Self {
        Self { exchange, request, route }
    }
}

/// Sends a piece of content. False: the client has to take some first.
pub(crate) fn write(exchange: &Exchange, piece: &Bound<'_, PyAny>) -> PyResult<bool> {
    match exchange.write(stream::piece(piece)?) {
        Ok(()) => Ok(true),
        Err(AnswerError::WouldBlock) => Ok(false),
        Err(AnswerError::Answered) => {
            Err(errors::Disconnected::new_err("nobody takes content of this answer"))
        }
        Err(error) => Err(errors::from_answer(error)),
    }
}

#[pymethods]
impl PyExchange {
    /// The request.
    #[getter]
    fn request(&self, py: Python<'_>) -> Py<PyRequest> {
        self.request.clone_ref(py)
    }

    /// The route of an exchange that was pulled from a queue, such as "POST /upper".
    #[getter]
    fn route(&self) -> Option<&str> {
        self.route.as_deref()
    }

    /// Answers with what a handler may return. That the client is gone is no error. Waits while an iterator is sent.
    fn respond(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let request = self.request.bind(value.py());
        match answer::give_to(&self.exchange, request, value) {
            Ok(Rest::Nothing) => Ok(()),
            Ok(Rest::Pieces { iterator, bare, is_async: false }) => {
                let pump = Pump::new(request, &iterator, bare)?;
                if flare::embed::on_worker() {
                    Pump::start(Py::new(value.py(), pump)?.bind(value.py()))
                } else {
                    pump.run_blocking(value.py())
                }
            }
            Ok(_) => Err(PyTypeError::new_err("an exchange is not answered with something to wait for")),
            Err(Fault::Answer(AnswerError::Cancelled(_))) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Answers 500, and logs the error.
    fn fail(&self, error: &Bound<'_, PyAny>) -> PyResult<()> {
        call::fail(self.request.bind(error.py()), PyErr::from_value(error.clone()))
    }

    /// Sends an interim answer, 102 to 199.
    fn inform(&self, status: u16, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        request::inform(&self.exchange, status, headers)
    }

    /// Sends the head of an answer whose content is written piece by piece.
    fn start(&self, response: &Bound<'_, PyAny>) -> PyResult<()> {
        Ok(answer::start(&self.exchange, response)?)
    }

    /// Sends a piece of content, whole or not at all. False: the client has to take some first.
    fn try_write(&self, piece: &Bound<'_, PyAny>) -> PyResult<bool> {
        write(&self.exchange, piece)
    }

    /// Sends a piece of content, and waits while the client has to take some first. Not in the thread of the server's loop.
    fn write(&self, piece: &Bound<'_, PyAny>) -> PyResult<()> {
        let bytes = stream::piece(piece)?;
        let written = piece.py().detach(|| self.exchange.write_blocking(bytes));
        written.map_err(|error| match error {
            AnswerError::Misuse(problem) => PyBlockingIOError::new_err(problem),
            other => errors::from_answer(other),
        })
    }

    /// Ends an answer that was started.
    #[pyo3(signature = (trailers = None))]
    fn finish(&self, trailers: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        if let Some(trailers) = trailers {
            let own = Own::default();
            headers::extend(&own, trailers)?;
            for (name, value) in headers::lock(&own).iter() {
                let added = self.exchange.add_trailer(name, value).map_err(errors::from_answer)?;
                added.map_err(|error| errors::from_field(name, &error))?;
            }
        }
        self.exchange.finish().map_err(errors::from_answer)
    }

    /// Gives the exchange up: the connection is cut.
    fn reset(&self) {
        self.exchange.reset();
    }

    /// Whether nobody waits for an answer any more.
    fn is_disconnected(&self) -> bool {
        self.exchange.request().cancelled().is_some()
    }

    fn __repr__(&self) -> String {
        let request = self.exchange.request();
        format!("<flare.Exchange {} {}>", request.method_str(), request.path())
    }
}
