//! Where foreign code runs: its panic ends its exchange, not its worker.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::log::Level;
use crate::server::environment::Environment;

/// Runs code of the application. `None`: it panicked, which is counted and told.
pub(crate) fn unwinding<T>(env: &Environment, kind: &'static str, code: impl FnOnce() -> T) -> Option<T> {
    // What the code had in its hands after a panic is its own concern; ours is behind atomics and locks that expect it.
    let result = catch_unwind(AssertUnwindSafe(code));
    if result.is_err() {
        env.counters.panics.add(1);
        env.service.log.tell(Level::Error, kind, || "see the panic message above".to_owned());
    }
    result.ok()
}
