//! Connections to others, and those that are being made.

use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use flare::client::Client;
use flare::connect::{ConnectConfig, ConnectError, Connecting, Connection, Connector, Phase};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::client::PyLink;
use crate::tls::GivenClient;
use crate::{config, errors, names};

/// What makes connections, all with the same settings.
#[pyclass(name = "Connector", module = "flare._flare", frozen)]
pub(crate) struct PyConnector {
    connector: Connector,
}

/// Why there is no connection, as an exception.
pub(crate) fn from_connect(py: Python<'_>, error: &ConnectError) -> PyErr {
    let text = error.to_string();
    if error.phase() == Phase::Target {
        return PyValueError::new_err(text);
    }
    let is_timeout = error.kind() == std::io::ErrorKind::TimedOut;
    let made = names::CONNECT_ERROR
        .get(py)
        .and_then(|make| make.call1((text, error.target(), error.phase().name(), is_timeout)));
    made.map_or_else(|error| error, PyErr::from_value)
}

#[pymethods]
impl PyConnector {
    /// `tls`: what `ClientTls._given()` makes; None for plain connections. Times are in seconds.
    #[new]
    fn new(timeout: f64, attempt_delay: f64, tls: Option<GivenClient>) -> PyResult<Self> {
        let time = |name, seconds| -> PyResult<Duration> {
            Ok(Duration::from_millis(config::milliseconds(name, seconds)?.unsigned_abs()))
        };
        let mut config = ConnectConfig::default()
            .with_timeout(time("connect_timeout", timeout)?)
            .with_attempt_delay(time("attempt_delay", attempt_delay)?);
        if let Some(tls) = tls {
            let tls = tls.settings().map_err(|error| errors::from_core(error.into()))?;
            config = config.with_tls(tls);
        }
        Ok(Self { connector: Connector::new(config).map_err(errors::from_core)? })
    }

    /// Begins to connect, and does not wait. `http2`: the server is known to speak it.
    fn begin(&self, py: Python<'_>, target: &str, http2: bool) -> PyResult<PyConnecting> {
        let connecting = self.connector.begin(target).map_err(|error| from_connect(py, &error))?;
        Ok(PyConnecting { connecting, http2 })
    }
}

/// A connection that is being made. Letting it go gives it up.
#[pyclass(name = "Connecting", module = "flare._flare", frozen)]
pub(crate) struct PyConnecting {
    connecting: Connecting,
    http2: bool,
}

impl PyConnecting {
    fn made(
        &self,
        py: Python<'_>,
        made: Result<Option<Connection>, ConnectError>,
    ) -> PyResult<Option<PyLink>> {
        let made = made.map_err(|error| from_connect(py, &error))?;
        Ok(made.map(|made| PyLink::new(if self.http2 { Client::http2(made) } else { Client::new(made) })))
    }
}

#[pymethods]
impl PyConnecting {
    /// Readable when there is something to do.
    fn fileno(&self) -> RawFd {
        self.connecting.as_raw_fd()
    }

    /// Does what there is, and never waits. None: it is not done.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<PyLink>> {
        self.made(py, self.connecting.poll())
    }

    /// Waits until it is done.
    fn wait(&self, py: Python<'_>) -> PyResult<PyLink> {
        loop {
            let made = py.detach(|| self.connecting.wait(Some(config::BREATH)));
            if let Some(link) = self.made(py, made)? {
                return Ok(link);
            }
            py.check_signals()?;
        }
    }

    /// Gives up, from any thread.
    fn cancel(&self) {
        self.connecting.cancel();
    }
}
