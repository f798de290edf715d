//! WebSockets to others: what `flare.websocket` is made of.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};

use flare::client::Response;
use flare::websocket::SendError;
use flare::websocket::client::{Backoff, Event, OpenError, OpenFailure, Opener, Opening, Options, Socket};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::connector::from_connect;
use crate::headers::{self, Own, PyHeaders};
use crate::tls::GivenClient;
use crate::websocket::with_message;
use crate::websocket_route::Setting;
use crate::{config, errors, names};

/// What opens sockets, all with the same settings.
#[pyclass(name = "Opener", module = "flare._flare", frozen)]
pub(crate) struct PyOpener {
    opener: Opener,
    /// How often, and how long between.
    backoff: Backoff,
}

fn set(options: &mut Options, backoff: &mut Backoff, name: &str, value: Setting) -> Result<(), flare::Error> {
    match value {
        Setting::Text(text) => options.set_text(name, &text),
        Setting::Number(number) if !backoff.set_number(name, number)? => options.set_number(name, number),
        Setting::Number(_) => Ok(()),
    }
}

/// Why there is no socket, as an exception.
fn from_open(py: Python<'_>, error: &OpenError) -> PyErr {
    let text = error.to_string();
    let made = match error.failure() {
        OpenFailure::Connect(error) => return from_connect(py, error),
        OpenFailure::Uri(_) | OpenFailure::Request(_) => return PyValueError::new_err(text),
        OpenFailure::Refused(refusal) => names::WEBSOCKET_REFUSED.get(py).and_then(|make| {
            let fields = PyHeaders::owned(refusal.response.headers.clone());
            make.call1((text, refusal.response.status, fields, PyBytes::new(py, &refusal.content)))
        }),
        failure => {
            let is_timeout = matches!(failure, OpenFailure::Timeout(_));
            names::CONNECT_ERROR.get(py).and_then(|make| make.call1((text, error.uri(), "open", is_timeout)))
        }
    };
    made.map_or_else(|error| error, PyErr::from_value)
}

#[pymethods]
impl PyOpener {
    /// `tls`: what `ClientTls._given()` makes, for `wss:`.
    #[new]
    fn new(
        fields: Option<&Bound<'_, PyAny>>,
        settings: Vec<(String, Setting)>,
        tls: Option<GivenClient>,
    ) -> PyResult<Self> {
        let (mut options, mut backoff) = (Options::default(), Backoff::default());
        if let Some(fields) = fields {
            let own = Own::default();
            headers::extend(&own, fields)?;
            options.headers = std::mem::take(&mut *headers::lock(&own));
        }
        if let Some(tls) = tls {
            options = options.tls(tls.settings().map_err(|error| errors::from_core(error.into()))?);
        }
        for (name, value) in settings {
            set(&mut options, &mut backoff, &name, value).map_err(errors::from_core)?;
        }
        Ok(Self { opener: Opener::new(options).map_err(errors::from_core)?, backoff })
    }

    /// Begins to open a socket, and does not wait. `again`: one was lost just now.
    fn begin(&self, py: Python<'_>, uri: &str, again: bool) -> PyResult<PyOpening> {
        let backoff = self.backoff.clone();
        let backoff = if again { backoff.with_wait_first() } else { backoff };
        let opening = self.opener.begin_again(uri, &backoff).map_err(|error| from_open(py, &error))?;
        Ok(PyOpening { opening })
    }
}

/// A socket that is being opened. Letting it go gives it up.
#[pyclass(name = "Opening", module = "flare._flare", frozen)]
pub(crate) struct PyOpening {
    opening: Opening,
}

impl PyOpening {
    fn made(py: Python<'_>, made: Result<Option<Socket>, OpenError>) -> PyResult<Option<PyClientSocket>> {
        let made = made.map_err(|error| from_open(py, &error))?;
        Ok(made.map(PyClientSocket::new))
    }
}

#[pymethods]
impl PyOpening {
    /// Readable when there is something to do.
    fn fileno(&self) -> RawFd {
        self.opening.as_raw_fd()
    }

    /// Does what there is, and never waits. None: it is not done.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<PyClientSocket>> {
        Self::made(py, self.opening.poll())
    }

    /// Waits until it is done.
    fn wait(&self, py: Python<'_>) -> PyResult<PyClientSocket> {
        loop {
            let made = py.detach(|| self.opening.wait(Some(config::BREATH)));
            if let Some(socket) = Self::made(py, made)? {
                return Ok(socket);
            }
            py.check_signals()?;
        }
    }

    /// Gives up, from any thread.
    fn cancel(&self) {
        self.opening.cancel();
    }
}

/// What happened, as Python tells them apart.
#[derive(Clone, Copy)]
enum Kind {
    Message = 0,
    /// A Ping that is answered, a Pong, or something else that nobody waits for.
    Control = 1,
    Writable = 2,
    Closed = 3,
}

/// A WebSocket to a server. Any thread may use it.
#[pyclass(name = "ClientSocket", module = "flare._flare", frozen, weakref)]
pub(crate) struct PyClientSocket {
    /// None: nothing more will happen, and the connection is closed.
    socket: Mutex<Option<Arc<Socket>>>,
    uri: String,
    protocol: Option<String>,
    answer: Response,
    fd: RawFd,
}

impl PyClientSocket {
    fn new(socket: Socket) -> Self {
        Self {
            uri: socket.uri().to_owned(),
            protocol: socket.protocol().map(str::to_owned),
            answer: socket.response().clone(),
            fd: socket.as_raw_fd(),
            socket: Mutex::new(Some(Arc::new(socket))),
        }
    }

    fn socket(&self) -> Option<Arc<Socket>> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[pymethods]
impl PyClientSocket {
    /// Readable when there is something to do. Not to be watched any more behind `let_go`.
    fn fileno(&self) -> RawFd {
        self.fd
    }

    #[getter]
    fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    #[getter]
    fn uri(&self) -> &str {
        &self.uri
    }

    #[getter]
    fn version(&self) -> &'static str {
        names::version(self.answer.version)
    }

    /// The fields of the server's answer.
    #[getter]
    fn headers(&self) -> PyHeaders {
        PyHeaders::owned(self.answer.headers.clone())
    }

    #[getter]
    fn is_open(&self, py: Python<'_>) -> bool {
        self.socket().is_some_and(|socket| py.detach(|| socket.is_open()))
    }

    /// The next thing that happened: `(kind, value)`. Waits for it at most so many seconds, but a breath, so that the program may look for signals.
    /// None: nothing came.
    fn next_event<'py>(&self, py: Python<'py>, timeout: f64) -> PyResult<Option<(u8, Bound<'py, PyAny>)>> {
        let closed = |code: u16, reason: String, clean: bool| ((code, reason), clean).into_bound_py_any(py);
        let Some(socket) = self.socket() else {
            return Ok(Some((Kind::Closed as u8, closed(1006, String::new(), false)?)));
        };
        match py.detach(|| socket.receive(Some(config::breath(timeout)))) {
            Ok(event) => {
                let (kind, value) = match event {
                    Event::Text(text) => (Kind::Message, PyString::new(py, &text).into_any()),
                    Event::Binary(data) => (Kind::Message, PyBytes::new(py, &data).into_any()),
                    Event::Writable => (Kind::Writable, py.None().into_bound(py)),
                    Event::Closed(end) => (Kind::Closed, closed(end.code, end.reason, end.clean)?),
                    _ => (Kind::Control, py.None().into_bound(py)),
                };
                Ok(Some((kind as u8, value)))
            }
            Err(error) if config::is_patience(&error) => {
                py.check_signals()?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a message, and waits at most so many seconds, but a breath. True: it was taken; False: the server has to take some first; None: the
    /// socket is closing or gone.
    fn send(&self, message: &Bound<'_, PyAny>, timeout: f64) -> PyResult<Option<bool>> {
        let Some(socket) = self.socket() else { return Ok(None) };
        let timeout = config::breath(timeout);
        let result = with_message(message, !timeout.is_zero(), |message| {
            if timeout.is_zero() {
                return socket.try_send(message);
            }
            socket.send_within(message, Some(timeout))
        })?;
        if result == Err(SendError::WouldBlock) {
            message.py().check_signals()?;
        }
        sent(result)
    }

    fn try_ping(&self, data: &[u8]) -> PyResult<Option<bool>> {
        self.socket().map_or(Ok(None), |socket| sent(socket.ping(data)))
    }

    /// Begins to close. False: it was closing before, or is gone.
    fn close(&self, code: u16, reason: &str) -> PyResult<bool> {
        let Some(socket) = self.socket() else { return Ok(false) };
        sent(socket.close(code, reason)).map(|taken| taken.is_some())
    }

    /// Ends it at once, also for threads that wait in a call.
    fn abort(&self) {
        if let Some(socket) = self.socket() {
            socket.abort();
        }
    }

    /// Closes the connection, of which nothing more is wanted.
    fn let_go(&self) {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(socket);
    }
}

fn sent(result: Result<(), SendError>) -> PyResult<Option<bool>> {
    match result {
        Ok(()) => Ok(Some(true)),
        Err(SendError::WouldBlock) => Ok(Some(false)),
        Err(SendError::Closed) => Ok(None),
        Err(SendError::Misuse(problem)) => Err(PyValueError::new_err(problem)),
    }
}
