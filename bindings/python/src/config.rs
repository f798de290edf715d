//! Settings of a server, from the names and units of Python.

use std::time::Duration;

use flare::ServerConfig;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// How long a wait goes on before Python may look for signals.
pub(crate) const BREATH: Duration = Duration::from_millis(200);

/// How long to wait of so many seconds, before Python may look for signals.
pub(crate) fn breath(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, BREATH.as_secs_f64()))
}

/// Whether nothing was wrong but that nothing happened in time.
pub(crate) fn is_patience(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// Settings by name. Those that end with `_timeout` are in seconds.
pub(crate) fn from_dict(settings: &Bound<'_, PyDict>) -> PyResult<ServerConfig> {
    let mut config = ServerConfig { workers: 1, ..ServerConfig::default() };
    for (name, value) in settings {
        let name = name.cast::<PyString>()?.to_str()?.to_owned();
        let set = if let Ok(text) = value.cast::<PyString>() {
            config.set_text(&name, text.to_str()?)
        } else if name.ends_with("_timeout") {
            config.set_number(&format!("{name}_ms"), milliseconds(&name, value.extract()?)?)
        } else {
            config.set_number(&name, value.extract()?)
        };
        set.map_err(|error| PyValueError::new_err(error.to_string()))?;
    }
    config.validate().map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(config)
}

/// Whole milliseconds of some seconds, rounded up.
pub(crate) fn milliseconds(name: &str, seconds: f64) -> PyResult<i64> {
    if (0.0..1e9).contains(&seconds) {
        Ok((seconds * 1000.0).ceil() as i64)
    } else {
        Err(PyValueError::new_err(format!("{name}: {seconds} is no number of seconds from 0 to 1e9")))
    }
}
