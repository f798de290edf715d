//! Processes that were forked while a server runs.

use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::exceptions::PySystemExit;
use pyo3::prelude::*;

/// How often this process was forked from another one since the module is loaded.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Tells processes apart, without a system call.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

#[pyfunction]
fn forked() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Hears of forks from now on.
pub(crate) fn watch(py: Python<'_>) -> PyResult<()> {
    let options = pyo3::types::PyDict::new(py);
    options.set_item("after_in_child", wrap_pyfunction!(forked, py)?)?;
    py.import("os")?.call_method("register_at_fork", (), Some(&options)).map(drop)
}

/// Ends a child that was forked by a handler and came back from it: it is in the middle of a turn of its parent's server, whose
/// connections and loop it must not touch, and there is no way out but this.
pub(crate) fn leave(py: Python<'_>, result: PyResult<Bound<'_, PyAny>>) -> PyResult<()> {
    let code = match result {
        Err(error) if error.is_instance_of::<PySystemExit>(py) => {
            let code = error.value(py).getattr("code")?;
            if code.is_none() { 0 } else { code.extract().unwrap_or(1) }
        }
        Err(error) => {
            error.print(py);
            1
        }
        Ok(_) => 0,
    };
    py.import("os")?.call_method1("_exit", (code,)).map(drop)
}
