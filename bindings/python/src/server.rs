//! A server in the loop of the thread that polls it.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flare::Server;
use flare::embed::{Budget, HostError, HostServer};
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::batch::Batch;
use crate::router::PyRouter;
use crate::tls::Given;
use crate::{config, errors, log, websocket};

/// How a server ended.
#[pyclass(name = "Report", module = "flare", frozen, get_all, eq)]
#[derive(Clone, PartialEq)]
pub(crate) struct PyReport {
    /// Requests over the life of the server.
    requests: u64,
    /// Connections that ended by themselves while the server drained.
    finished: u64,
    /// Connections that were cut.
    aborted: u64,
}

#[pymethods]
impl PyReport {
    #[new]
    fn new(requests: u64, finished: u64, aborted: u64) -> Self {
        Self { requests, finished, aborted }
    }

    fn __repr__(&self) -> String {
        let Self { requests, finished, aborted } = self;
        format!("Report(requests={requests}, finished={finished}, aborted={aborted})")
    }
}

/// A server whose loop is the program's.
#[pyclass(name = "Server", module = "flare._flare", frozen, weakref)]
pub(crate) struct PyServer {
    /// None only while it is dropped.
    host: Option<HostServer>,
    batch: Arc<Batch>,
    /// Its addresses are served over TLS.
    secure: bool,
    /// The process that made it. Another one that was forked from it must leave it alone.
    process: u32,
    /// What a handler raised that must not be swallowed.
    raised: Mutex<Option<PyErr>>,
}

/// What comes after a turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The descriptor tells.
    Wait = 0,
    /// The next turn, at once.
    More = 1,
    /// Nothing: the server has ended.
    Over = 2,
}

/// How often a turn goes on with what it brought itself, before others get the loop.
const ROUNDS: usize = 4;

impl PyServer {
    fn host(&self) -> PyResult<&HostServer> {
        if std::process::id() != self.process {
            return Err(PyRuntimeError::new_err(
                "this process was forked from the one that has the server: make a server of its own",
            ));
        }
        self.host.as_ref().ok_or_else(|| PyRuntimeError::new_err("the server is gone"))
    }

    /// Runs what a turn of the worker brought.
    fn run_batch(&self) {
        if self.batch.is_empty() {
            return;
        }
        // None: Python is about to end. What is there is dropped with the server.
        Python::try_attach(|py| {
            if let Err(error) = self.batch.run(py) {
                *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        });
    }

    fn turn(&self, py: Python<'_>, budget: usize) -> PyResult<Turn> {
        let host = self.host()?;
        let polled = py.detach(|| {
            let mut turn = Turn::Wait;
            for _ in 0..ROUNDS {
                let more = host.poll_then(Budget::events(budget), || self.run_batch())?.more;
                turn = if more { Turn::More } else { Turn::Wait };
                if self.batch.is_empty() {
                    break;
                }
                turn = Turn::More;
            }
            Ok(if host.drained().is_some() { Turn::Over } else { turn })
        });
        match self.take_raised() {
            Some(error) => Err(error),
            None => polled.map_err(from_host),
        }
    }

    fn take_raised(&self) -> Option<PyErr> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn from_host(error: HostError) -> PyErr {
    match error {
        HostError::Io(error) => PyOSError::new_err(error.to_string()),
        other => PyRuntimeError::new_err(other.to_string()),
    }
}

#[pymethods]
impl PyServer {
    /// `tls`: what `Tls._given()` makes; None for plain connections.
    #[new]
    fn new(
        router: &Bound<'_, PyRouter>,
        addresses: Vec<String>,
        settings: &Bound<'_, PyDict>,
        log_level: u32,
        tls: Option<Given>,
    ) -> PyResult<Self> {
        let config = config::from_dict(settings)?;
        let tls = tls.map(Given::settings).transpose().map_err(|error| errors::from_core(error.into()))?;
        let (routes, batch) = router.get().take()?;
        let mut server = Server::new(routes).config(config).log(log::to_logging(log_level));
        for address in &addresses {
            let added = match &tls {
                Some(tls) => server.listen_tls(address, tls.clone()),
                None => server.listen(address),
            };
            server = added.map_err(errors::from_core)?;
        }
        let host = server.host().map_err(errors::from_core)?;
        Ok(Self {
            host: Some(host),
            batch,
            secure: tls.is_some(),
            process: std::process::id(),
            raised: Mutex::new(None),
        })
    }

    /// Where coroutines are started: `spawn(request, coroutine)`.
    fn set_spawn(&self, spawn: Py<PyAny>) -> PyResult<()> {
        if self.batch.set_spawn(spawn) {
            Ok(())
        } else {
            Err(PyRuntimeError::new_err("a loop has this server already"))
        }
    }

    /// The descriptor that is readable when there is something to do.
    fn fileno(&self) -> PyResult<RawFd> {
        Ok(self.host()?.as_raw_fd())
    }

    /// Does what there is, and never waits. Whether there is more at once.
    #[pyo3(signature = (budget = 256))]
    fn poll(&self, py: Python<'_>, budget: usize) -> PyResult<bool> {
        Ok(self.turn(py, budget)? == Turn::More)
    }

    /// The same as a number: 0 to wait for the descriptor, 1 for more at once, 2 for the end of the server.
    fn _turn(&self, py: Python<'_>) -> PyResult<u8> {
        Ok(self.turn(py, Budget::default().events)? as u8)
    }

    fn drain(&self, timeout: f64) -> PyResult<()> {
        let milliseconds = config::milliseconds("timeout", timeout)?.unsigned_abs();
        self.host()?.drain(Duration::from_millis(milliseconds));
        Ok(())
    }

    /// Sends a message to all WebSockets of a topic. False: too much waits, or the server has ended.
    fn publish(&self, topic: &str, message: &Bound<'_, PyAny>) -> PyResult<bool> {
        websocket::publish(&self.host()?.handle(), topic, message)
    }

    /// Whether its addresses are served over TLS.
    #[getter]
    fn secure(&self) -> bool {
        self.secure
    }

    /// Reads the files of certificates and keys again; with a wrong one everything stays as it was.
    fn reload_tls(&self, py: Python<'_>) -> PyResult<()> {
        let handle = self.host()?.handle();
        if !self.secure {
            return Err(PyRuntimeError::new_err("the server has no TLS"));
        }
        py.detach(|| handle.reload_tls()).map_err(errors::from_core)
    }

    /// How it ended; None while it has not.
    #[getter]
    fn report(&self) -> PyResult<Option<PyReport>> {
        let host = self.host()?;
        Ok(host.drained().map(|report| PyReport {
            requests: host.handle().stats().requests,
            finished: report.finished(),
            aborted: report.aborted(),
        }))
    }

    #[getter]
    fn addresses(&self) -> PyResult<Vec<String>> {
        Ok(self.host()?.addresses().iter().map(ToString::to_string).collect())
    }

    #[getter]
    fn drain_timeout(&self) -> PyResult<f64> {
        Ok(self.host()?.handle().drain_timeout().as_secs_f64())
    }

    /// What the server has done so far, by name.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.host()?.handle().stats();
        let dict = PyDict::new(py);
        for (name, value) in [
            ("accepted", stats.accepted),
            ("open", stats.open),
            ("requests", stats.requests),
            ("answers_2xx", stats.answers[0]),
            ("answers_3xx", stats.answers[1]),
            ("answers_4xx", stats.answers[2]),
            ("answers_5xx", stats.answers[3]),
            ("bytes_in", stats.bytes_in),
            ("bytes_out", stats.bytes_out),
            ("bad_requests", stats.bad_requests),
            ("timeouts", stats.timeouts),
            ("accept_errors", stats.accept_errors),
            ("tls_handshakes", stats.tls_handshakes),
            ("tls_resumed", stats.tls_resumed),
            ("tls_failed", stats.tls_failed),
            ("quic_handshakes", stats.quic_handshakes),
            ("quic_retries", stats.quic_retries),
            ("quic_refused", stats.quic_refused),
            ("quic_forwarded", stats.quic_forwarded),
            ("quic_lost", stats.quic_lost),
            ("quic_retransmitted", stats.quic_retransmitted),
            ("datagrams_in", stats.datagrams_in),
            ("datagrams_out", stats.datagrams_out),
            ("datagrams_dropped", stats.datagrams_dropped),
            ("http_datagrams_in", stats.http_datagrams_in),
            ("http_datagrams_dropped", stats.http_datagrams_dropped),
        ] {
            dict.set_item(name, value)?;
        }
        Ok(dict)
    }
}

impl Drop for PyServer {
    fn drop(&mut self) {
        if std::process::id() != self.process {
            // Its sockets and its loop are shared with the process that has the server: touching them here would cut connections
            // there.
            std::mem::forget(self.host.take());
        }
    }
}
