//! From an exchange to a function of Python, and back.

use std::sync::Arc;

use flare::embed::Queue;
use flare::{Exchange, Handler};
use pyo3::exceptions::{PyException, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;

use crate::answer::{self, Rest};
use crate::batch::{Batch, Item};
use crate::errors::{self, Fault};
use crate::inside::Inside;
use crate::request::PyRequest;
use crate::stream::Pump;
use crate::{forked, names};

/// The function behind a route, with its middleware around it.
pub(crate) struct Call {
    target: Py<PyAny>,
    /// The function gives a coroutine.
    is_async: bool,
    /// Content comes while the handler runs.
    pub(crate) streaming: bool,
}

impl Call {
    pub(crate) fn new(target: Py<PyAny>, is_async: bool, streaming: bool) -> Self {
        Self { target, is_async, streaming }
    }

    /// Calls the function and answers with what it gives. An error is one that must not be swallowed.
    pub(crate) fn run(&self, py: Python<'_>, exchange: Exchange, batch: &Arc<Batch>) -> PyResult<()> {
        let request = Bound::new(py, PyRequest::new(exchange, batch, self.streaming))?;
        match self.call(&request)? {
            Ok(coroutine) if self.is_async => spawn(&request, &coroutine),
            Ok(value) => take(&request, &value),
            Err(error) => fail(&request, error),
        }
    }

    /// What the function gave or raised.
    fn call<'py>(&self, request: &Bound<'py, PyRequest>) -> PyResult<PyResult<Bound<'py, PyAny>>> {
        let py = request.py();
        let generation = forked::generation();
        let result = self.target.bind(py).call1((request,));
        if forked::generation() != generation {
            forked::leave(py, result)?;
            return Err(PyRuntimeError::new_err("a forked process did not end"));
        }
        Ok(result)
    }

    /// The same on a thread that may block.
    fn run_blocking(&self, py: Python<'_>, exchange: Exchange, batch: &Arc<Batch>) -> PyResult<()> {
        let request = Bound::new(py, PyRequest::new(exchange, batch, self.streaming))?;
        let value = match self.call(&request)? {
            Ok(value) => value,
            Err(error) => return fail(&request, error),
        };
        match answer::give(&request, &value) {
            Ok(Rest::Pieces { iterator, bare, is_async: false }) => {
                Pump::new(&request, &iterator, bare)?.run_blocking(py)
            }
            Ok(Rest::Later(future)) => later(&request, &future),
            Ok(Rest::Nothing) => Ok(()),
            Ok(_) => fail(&request, PyTypeError::new_err("a blocking route can't answer asynchronously")),
            Err(fault) => failed(&request, fault),
        }
    }
}

/// Answers with what a handler returned.
fn take(request: &Bound<'_, PyRequest>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    match answer::give(request, value) {
        Ok(Rest::Nothing) => Ok(()),
        Ok(Rest::Pieces { iterator, bare, is_async: false }) => {
            Pump::start(Py::new(request.py(), Pump::new(request, &iterator, bare)?)?.bind(request.py()))
        }
        Ok(Rest::Pieces { iterator, bare, is_async: true }) => {
            request.get().mark_deferred();
            let pump = names::PUMP.get(request.py())?.call1((request, iterator, bare))?;
            spawn(request, &pump)
        }
        Ok(Rest::Await(awaitable)) => spawn(request, &awaitable),
        Ok(Rest::Later(future)) => later(request, &future),
        Err(fault) => failed(request, fault),
    }
}

/// Leaves an awaitable to the loop.
fn spawn(request: &Bound<'_, PyRequest>, awaitable: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = request.py();
    let Some(spawn) = request.get().batch().spawn(py) else {
        let text = "this server runs without a loop: it can't wait for a coroutine (declare the handler async, or run it with loop=\"asyncio\")";
        let closed = awaitable.call_method0("close");
        drop(closed);
        return fail(request, PyRuntimeError::new_err(text));
    };
    match spawn.call1((request, awaitable)) {
        Ok(_) => Ok(()),
        Err(error) => fail(request, error),
    }
}

/// Answers when a `concurrent.futures.Future` is done.
fn later(request: &Bound<'_, PyRequest>, future: &Bound<'_, PyAny>) -> PyResult<()> {
    let exchange = request.get().defer_from(request)?;
    match names::WHEN_DONE.get(request.py())?.call1((exchange, future)) {
        Ok(_) => Ok(()),
        Err(error) => fail(request, error),
    }
}

/// An answer could not be given. That the client is gone is no failure.
pub(crate) fn failed(request: &Bound<'_, PyRequest>, fault: Fault) -> PyResult<()> {
    match fault {
        Fault::Answer(flare::AnswerError::Cancelled(_)) => Ok(()),
        Fault::Answer(error) => fail(request, errors::from_answer(error)),
        Fault::Python(error) => fail(request, error),
    }
}

/// A handler failed: the client learns nothing but that (500, or a cut when the answer was begun), the log everything.
pub(crate) fn fail(request: &Bound<'_, PyRequest>, error: PyErr) -> PyResult<()> {
    let py = request.py();
    let exchange = request.get().exchange()?;
    let gone = error.is_instance_of::<errors::Disconnected>(py)
        && (exchange.is_started() || exchange.request().cancelled().is_some());
    if exchange.is_started() {
        exchange.reset();
    } else {
        // Err: it was answered, or is over: then the log is all that is left to tell it.
        let _ = exchange.answer(500);
    }
    if gone {
        return Ok(());
    }
    names::FAILED.get(py)?.call1((request, error.clone_ref(py).into_value(py)))?;
    if error.is_instance_of::<PyException>(py) { Ok(()) } else { Err(error) }
}

/// Puts exchanges into the batch.
pub(crate) struct Collected {
    pub(crate) call: Arc<Call>,
    pub(crate) batch: Arc<Batch>,
}

impl Handler for Collected {
    fn handle(&self, exchange: Exchange) {
        self.batch.push(Item::Call(Arc::clone(&self.call), exchange));
    }
}

/// Calls the function at once, on a thread of the core's pool.
pub(crate) struct Blocking {
    pub(crate) call: Arc<Call>,
    pub(crate) batch: Arc<Batch>,
}

impl Handler for Blocking {
    fn handle(&self, exchange: Exchange) {
        let _inside = Inside::enter();
        // None: Python is about to end. The exchange is dropped, which answers 500.
        Python::try_attach(|py| {
            if let Err(error) = self.call.run_blocking(py, exchange, &self.batch) {
                error.write_unraisable(py, None);
            }
        });
    }
}

/// Puts exchanges into a queue that threads of the program pull from.
pub(crate) struct Queued {
    pub(crate) queue: Queue<Waiting>,
    pub(crate) batch: Arc<Batch>,
    pub(crate) route: Arc<str>,
    pub(crate) streaming: bool,
}

/// An exchange in a queue.
pub(crate) struct Waiting {
    pub(crate) exchange: Exchange,
    pub(crate) batch: Arc<Batch>,
    pub(crate) route: Arc<str>,
    pub(crate) streaming: bool,
}

impl Handler for Queued {
    fn handle(&self, exchange: Exchange) {
        let waiting = Waiting {
            exchange,
            batch: Arc::clone(&self.batch),
            route: Arc::clone(&self.route),
            streaming: self.streaming,
        };
        // Err: the queue is closed. The exchange is dropped, which answers 500.
        drop(self.queue.push(waiting));
    }
}

/// The same as [`take`], in a task: what needs a loop is left to it.
pub(crate) fn take_async(
    request: &Bound<'_, PyRequest>,
    value: &Bound<'_, PyAny>,
) -> PyResult<Option<(Py<PyAny>, bool)>> {
    match answer::give(request, value) {
        Ok(Rest::Nothing) => Ok(None),
        Ok(Rest::Pieces { iterator, bare, .. }) => Ok(Some((iterator.unbind(), bare))),
        Ok(Rest::Later(future)) => later(request, &future).map(|()| None),
        Ok(Rest::Await(_)) => {
            let error = PyTypeError::new_err("an async handler returned an awaitable: it must await it");
            fail(request, error).map(|()| None)
        }
        Err(fault) => failed(request, fault).map(|()| None),
    }
}
