//! What the core tells about itself, as records of `logging`.

use flare::log::{Level, Log};
use pyo3::prelude::*;

use crate::names;

/// A log whose events go to the logger `flare`. `level` is one of Python's numbers.
pub(crate) fn to_logging(level: u32) -> Log {
    let level = match level {
        0..=10 => Level::Debug,
        11..=20 => Level::Info,
        21..=30 => Level::Warn,
        _ => Level::Error,
    };
    Log::new(level, |level, text| {
        let number = match level {
            Level::Error => 40,
            Level::Warn => 30,
            Level::Info => 20,
            Level::Debug => 10,
        };
        // None: Python is about to end, and its logging with it.
        Python::try_attach(|py| {
            if let Err(error) = names::EVENT.get(py).and_then(|event| event.call1((number, text))) {
                error.write_unraisable(py, None);
            }
        });
    })
}
