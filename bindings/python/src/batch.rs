//! What a worker's turn brought for Python.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use flare::Exchange;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

use crate::call::Call;
use crate::websocket::Line;

/// Something that waits for the GIL.
pub(crate) enum Item {
    /// An exchange for its handler.
    Call(Arc<Call>, Exchange),
    /// Something that was waited for has happened: this is called without arguments.
    Tell(Py<PyAny>),
    /// Something happened to a WebSocket.
    Socket(Arc<Line>),
    /// An error that no handler may swallow.
    Raise(PyErr),
}

/// What a worker's turn brought for Python, in order. The worker fills it without the GIL; [`Batch::run`] empties it with the GIL
/// taken once for all.
#[derive(Default)]
pub(crate) struct Batch {
    items: Mutex<Vec<Item>>,
    /// Starts a coroutine: `spawn(request, coroutine)`. Set where a loop runs.
    spawn: OnceLock<Py<PyAny>>,
}

impl Batch {
    fn items(&self) -> MutexGuard<'_, Vec<Item>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, item: Item) {
        self.items().push(item);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items().is_empty()
    }

    /// Where coroutines are started. False: that was said before.
    pub(crate) fn set_spawn(&self, spawn: Py<PyAny>) -> bool {
        self.spawn.set(spawn).is_ok()
    }

    pub(crate) fn spawn<'py>(&self, py: Python<'py>) -> Option<&Bound<'py, PyAny>> {
        self.spawn.get().map(|spawn| spawn.bind(py))
    }

    /// Runs all that is there. What it adds waits for the next time. An error is one that no handler may swallow, such as
    /// `KeyboardInterrupt`; what is left then waits too.
    pub(crate) fn run(self: &Arc<Self>, py: Python<'_>) -> PyResult<()> {
        let items = std::mem::take(&mut *self.items());
        let mut left = items.into_iter();
        while let Some(item) = left.next() {
            let done = match item {
                Item::Call(call, exchange) => call.run(py, exchange, self),
                Item::Tell(waiting) => tell(waiting.bind(py)),
                Item::Socket(line) => line.run(py),
                Item::Raise(error) => Err(error),
            };
            if let Err(error) = done {
                self.items().splice(..0, left);
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Tells who waited. That it fails, as when its loop was closed, concerns nobody else.
pub(crate) fn tell(waiting: &Bound<'_, PyAny>) -> PyResult<()> {
    match waiting.call0() {
        Err(error) if error.is_instance_of::<PyException>(waiting.py()) => {
            error.write_unraisable(waiting.py(), Some(waiting));
            Ok(())
        }
        other => other.map(drop),
    }
}
