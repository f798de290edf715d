//! Connections to others, and those that are being made.

use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use flare::client::{Client, ConnectingHttp3};
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

    /// Begins to connect, and does not wait. `version`: 2 or 3, when the server is known to speak it; 0 leaves it to ALPN, and is HTTP/1.1
    /// without.
    fn begin(&self, py: Python<'_>, target: &str, version: u8) -> PyResult<PyConnecting> {
        let begun = if version == 3 {
            Client::begin_http3(&self.connector, target).map(Making::Http3)
        } else {
            self.connector.begin(target).map(|connecting| Making::Stream(Box::new(connecting), version == 2))
        };
        let making = begun.map_err(|error| from_connect(py, &error))?;
        Ok(PyConnecting { making })
    }
}

/// A connection that is being made. Letting it go gives it up.
#[pyclass(name = "Connecting", module = "flare._flare", frozen)]
pub(crate) struct PyConnecting {
    making: Making,
}

enum Making {
    /// Over TCP or a Unix socket, and whether HTTP/2 is known to be spoken.
    Stream(Box<Connecting>, bool),
    Http3(ConnectingHttp3),
}

impl Making {
    fn made(&self, made: Result<Option<Connection>, ConnectError>) -> Result<Option<Client>, ConnectError> {
        let http2 = matches!(self, Self::Stream(_, true));
        Ok(made?.map(|made| if http2 { Client::http2(made) } else { Client::new(made) }))
    }

    fn poll(&self) -> Result<Option<Client>, ConnectError> {
        match self {
            Self::Stream(connecting, _) => self.made(connecting.poll()),
            Self::Http3(connecting) => connecting.poll(),
        }
    }

    fn wait(&self, timeout: Duration) -> Result<Option<Client>, ConnectError> {
        match self {
            Self::Stream(connecting, _) => self.made(connecting.wait(Some(timeout))),
            Self::Http3(connecting) => connecting.wait(Some(timeout)),
        }
    }
}

#[pymethods]
impl PyConnecting {
    /// Readable when there is something to do.
    fn fileno(&self) -> RawFd {
        match &self.making {
            Making::Stream(connecting, _) => connecting.as_raw_fd(),
            Making::Http3(connecting) => connecting.as_raw_fd(),
        }
    }

    /// Does what there is, and never waits. None: it is not done.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<PyLink>> {
        let made = self.making.poll().map_err(|error| from_connect(py, &error))?;
        Ok(made.map(PyLink::new))
    }

    /// Waits until it is done.
    fn wait(&self, py: Python<'_>) -> PyResult<PyLink> {
        loop {
            let made = py.detach(|| self.making.wait(config::BREATH));
            if let Some(client) = made.map_err(|error| from_connect(py, &error))? {
                return Ok(PyLink::new(client));
            }
            py.check_signals()?;
        }
    }

    /// Gives up, from any thread.
    fn cancel(&self) {
        match &self.making {
            Making::Stream(connecting, _) => connecting.cancel(),
            Making::Http3(connecting) => connecting.cancel(),
        }
    }
}
