//! Many streams on one connection, for sidecars.

use std::time::Duration;

use flare::mux::{Ended, Mux, MuxError, MuxListener, MuxStream};
use pyo3::create_exception;
use pyo3::exceptions::{PyConnectionError, PyOSError, PyTimeoutError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::{config, errors};

create_exception!(
    flare,
    MuxClosed,
    PyConnectionError,
    "The stream or its connection is over. Its text says why."
);

fn from_mux(error: MuxError) -> PyErr {
    match error {
        MuxError::Timeout => PyTimeoutError::new_err(error.to_string()),
        MuxError::Address(_) => PyValueError::new_err(error.to_string()),
        MuxError::Io(ref cause) => errors::os_error(cause, error.to_string()),
        MuxError::WouldBlock | MuxError::Finished | MuxError::TooManyStreams => {
            PyOSError::new_err(error.to_string())
        }
        _ => MuxClosed::new_err(error.to_string()),
    }
}

fn wait(timeout: Option<f64>) -> PyResult<Option<Duration>> {
    let Some(seconds) = timeout else { return Ok(None) };
    Ok(Some(Duration::from_millis(config::milliseconds("timeout", seconds)?.unsigned_abs())))
}

/// One end of a connection of many streams. Each has its own backpressure. Any thread may use it.
#[pyclass(name = "Mux", module = "flare.mux", frozen, weakref)]
pub(crate) struct PyMux(Mux);

#[pymethods]
impl PyMux {
    /// Connects to `unix:/path`, `127.0.0.1:80` or `name:port`.
    #[classmethod]
    fn connect(cls: &Bound<'_, pyo3::types::PyType>, address: &str) -> PyResult<Self> {
        cls.py().detach(|| Mux::connect(address)).map(Self).map_err(from_mux)
    }

    /// Opens a stream; does not wait for the peer.
    fn open(&self) -> PyResult<PyMuxStream> {
        self.0.open().map(PyMuxStream).map_err(from_mux)
    }

    /// Waits for the next stream of the peer. TimeoutError, MuxClosed.
    #[pyo3(signature = (timeout = None))]
    fn accept(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<PyMuxStream> {
        let timeout = wait(timeout)?;
        py.detach(|| self.0.accept(timeout)).map(PyMuxStream).map_err(from_mux)
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    /// The next stream of the peer; the end when the connection was closed.
    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PyMuxStream>> {
        match py.detach(|| self.0.accept(None)) {
            Ok(stream) => Ok(Some(PyMuxStream(stream))),
            Err(MuxError::Ended(Ended::PeerClosed | Ended::Closed)) => Ok(None),
            Err(error) => Err(from_mux(error)),
        }
    }

    /// Opens and accepts no more streams; the others go on.
    fn close(&self) {
        self.0.close();
    }
}

/// One stream of bytes, both ways. Letting it go cancels it, unless both ends are done.
#[pyclass(name = "MuxStream", module = "flare.mux", frozen, weakref)]
pub(crate) struct PyMuxStream(MuxStream);

#[pymethods]
impl PyMuxStream {
    /// Sends bytes, all or none, and waits until the peer has taken enough of those before.
    #[pyo3(signature = (data, timeout = None))]
    fn send(&self, py: Python<'_>, data: &[u8], timeout: Option<f64>) -> PyResult<()> {
        let timeout = wait(timeout)?;
        py.detach(|| self.0.send(data, timeout)).map_err(from_mux)
    }

    /// Sends bytes without waiting. False: the peer has to take some first.
    fn try_send(&self, data: &[u8]) -> PyResult<bool> {
        match self.0.try_send(data) {
            Ok(()) => Ok(true),
            Err(MuxError::WouldBlock) => Ok(false),
            Err(error) => Err(from_mux(error)),
        }
    }

    /// Waits for bytes, at most 64 KiB. Empty: the peer is done.
    #[pyo3(signature = (timeout = None))]
    fn recv<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyBytes>> {
        let timeout = wait(timeout)?;
        let bytes = py.detach(|| self.0.recv(timeout)).map_err(from_mux)?;
        Ok(PyBytes::new(py, &bytes.unwrap_or_default()))
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let bytes = py.detach(|| self.0.recv(None)).map_err(from_mux)?;
        Ok(bytes.map(|bytes| PyBytes::new(py, &bytes)))
    }

    /// This end sends no more; reading goes on.
    fn finish(&self) -> PyResult<()> {
        self.0.finish().map_err(from_mux)
    }

    /// Ends the stream in both directions, with a text for the peer.
    fn error(&self, text: &str) -> PyResult<()> {
        self.0.error(text).map_err(from_mux)
    }

    /// Ends the stream in both directions.
    fn cancel(&self) -> PyResult<()> {
        self.0.cancel().map_err(from_mux)
    }

    /// Lets go of the stream.
    fn close(&self) {
        self.0.close();
    }
}

/// Listens for connections of many streams.
#[pyclass(name = "MuxListener", module = "flare.mux", frozen, weakref)]
pub(crate) struct PyMuxListener(MuxListener);

#[pymethods]
impl PyMuxListener {
    #[new]
    fn new(address: &str) -> PyResult<Self> {
        MuxListener::bind(address).map(Self).map_err(from_mux)
    }

    /// Where it listens, with the port that was found for port 0.
    #[getter]
    fn address(&self) -> String {
        self.0.address().to_string()
    }

    /// Waits for the next connection.
    #[pyo3(signature = (timeout = None))]
    fn accept(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<PyMux> {
        let timeout = wait(timeout)?;
        py.detach(|| self.0.accept(timeout)).map(PyMux).map_err(from_mux)
    }

    /// Listens no more.
    fn close(&self) {
        self.0.close();
    }
}
