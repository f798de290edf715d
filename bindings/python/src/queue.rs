//! Exchanges that threads of the program pull.

use std::time::Duration;

use flare::embed::{Closed, Queue};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::call::Waiting;
use crate::config::{self, BREATH};
use crate::exchange::PyExchange;
use crate::request::PyRequest;

/// A queue from a server to threads of the program that pull.
///
/// Given to a route instead of a handler: `app.queue("/upper", queue, ["POST"])`. Each exchange goes to one thread, which answers it:
///
///     for exchange in queue:
///         exchange.respond(exchange.request.text().upper())
///
/// The loop ends when the queue is closed and empty. It holds at most the exchanges in flight, which have a limit (`max_exchanges`).
#[pyclass(name = "Queue", module = "flare", frozen, weakref)]
pub(crate) struct PyQueue {
    pub(crate) queue: Queue<Waiting>,
}

impl PyQueue {
    fn take(py: Python<'_>, waiting: Waiting) -> PyResult<Py<PyExchange>> {
        let Waiting { exchange, batch, route, streaming } = waiting;
        let right = exchange.hand_over();
        let right = right.ok_or_else(|| PyRuntimeError::new_err("the exchange went elsewhere"))?;
        let request = Py::new(py, PyRequest::new(exchange, &batch, streaming))?;
        Py::new(py, PyExchange::new(right, request, Some(route)))
    }
}

#[pymethods]
impl PyQueue {
    #[new]
    fn new() -> Self {
        Self { queue: Queue::new() }
    }

    /// The next exchange; waits for it. None: the queue is closed and empty. TimeoutError when nothing came in time.
    #[pyo3(signature = (timeout = None))]
    fn get(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Py<PyExchange>>> {
        let mut left = match timeout {
            Some(seconds) => {
                Some(Duration::from_millis(config::milliseconds("timeout", seconds)?.unsigned_abs()))
            }
            None => None,
        };
        loop {
            let wait = left.map_or(BREATH, |left| left.min(BREATH));
            match py.detach(|| self.queue.next(Some(wait))) {
                Ok(Some(waiting)) => return Self::take(py, waiting).map(Some),
                Err(Closed) => return Ok(None),
                Ok(None) => {}
            }
            py.check_signals()?;
            if let Some(left) = &mut left {
                *left = left.saturating_sub(wait);
                if left.is_zero() {
                    return Err(pyo3::exceptions::PyTimeoutError::new_err("nothing came in time"));
                }
            }
        }
    }

    /// No more exchanges are taken; they are answered with 500. What is in it can still be pulled.
    fn close(&self) {
        self.queue.close();
    }

    fn __len__(&self) -> usize {
        self.queue.len()
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyExchange>>> {
        self.get(py, None)
    }
}
