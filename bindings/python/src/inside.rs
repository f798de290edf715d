//! Threads of the core that are inside Python.
//!
//! When the interpreter ends it stops them wherever they are, as it does with its own daemon threads; but below them are frames of Rust,
//! which can't be left that way: the process would abort. So the end waits for them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;

use crate::forked;

static COUNT: Mutex<usize> = Mutex::new(0);
static CHANGED: Condvar = Condvar::new();

/// How long the end of the program waits.
const PATIENCE: Duration = Duration::from_secs(10);

fn count() -> MutexGuard<'static, usize> {
    COUNT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This thread is inside Python while it lives.
pub(crate) struct Inside;

impl Inside {
    pub(crate) fn enter() -> Self {
        *count() += 1;
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        *count() -= 1;
        CHANGED.notify_all();
    }
}

/// Waits until no thread of the core is inside Python any more, at most 10 seconds.
#[pyfunction]
fn wait(py: Python<'_>) {
    // A process that was forked has none of the threads that were counted.
    if forked::generation() > 0 {
        return;
    }
    py.detach(|| drop(CHANGED.wait_timeout_while(count(), PATIENCE, |count| *count > 0)));
}

/// Makes the end of the program wait.
pub(crate) fn watch(py: Python<'_>) -> PyResult<()> {
    py.import("atexit")?.call_method1("register", (wrap_pyfunction!(wait, py)?,)).map(drop)
}
