//! `Socket`, the part of `flare.WebSocket` that is not Python.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use flare::Request;
use flare::websocket::{Message, SendError, WebSocket};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyString};

use crate::batch::{Batch, Item};
use crate::inbox::{Inbox, Kept, Wait};
use crate::names;
use crate::request::PyRequest;

/// A socket and its messages, as the worker and Python share it.
pub(crate) struct Line {
    socket: WebSocket,
    pub(crate) inbox: Inbox,
    batch: Arc<Batch>,
    close_timeout: Duration,
    /// It is in the batch.
    told: AtomicBool,
    /// What begins in Python when the socket is open, until it has.
    begin: OnceLock<Begin>,
    begun: AtomicBool,
    /// The request of the core, which Python may ask for at any time.
    asked: Option<Request>,
    request: OnceLock<Py<PyRequest>>,
}

/// `start(socket, target)`.
pub(crate) struct Begin {
    pub(crate) start: &'static names::Name,
    pub(crate) target: Arc<Py<PyAny>>,
}

impl Line {
    pub(crate) fn new(
        socket: WebSocket,
        batch: Arc<Batch>,
        close_timeout: Duration,
        begin: Begin,
        request: Option<Py<PyRequest>>,
    ) -> Self {
        Self {
            // Kept: a program of Python begins when the turn is done, and its socket costs far more than its request.
            asked: socket.request(),
            socket,
            inbox: Inbox::default(),
            batch,
            close_timeout,
            told: AtomicBool::new(false),
            begin: OnceLock::from(begin),
            begun: AtomicBool::new(false),
            request: request.map_or_else(OnceLock::new, OnceLock::from),
        }
    }

    /// Something has happened: Python is told when the worker's turn is done.
    pub(crate) fn tell(self: &Arc<Self>) {
        if !self.told.swap(true, Ordering::AcqRel) {
            self.batch.push(Item::Socket(Arc::clone(self)));
        }
    }

    /// Keeps a message for Python.
    pub(crate) fn keep(self: &Arc<Self>, message: Message<'_>) {
        let message = match message {
            Message::Text(text) => Kept::Text(text.to_owned()),
            Message::Binary(data) => Kept::Binary(data.to_owned()),
        };
        if self.inbox.push(message) {
            self.socket.pause();
        }
        self.tell();
    }

    /// Tells Python what has happened. An error is one that must not be swallowed.
    pub(crate) fn run(self: &Arc<Self>, py: Python<'_>) -> PyResult<()> {
        self.told.store(false, Ordering::Release);
        if !self.begun.swap(true, Ordering::Relaxed)
            && let Some(Begin { start, target }) = self.begin.get()
        {
            let socket = Py::new(py, PySocket { line: Arc::clone(self) })?;
            start.get(py)?.call1((socket, &**target))?;
        }
        let due = self.inbox.due(py);
        for waiting in &due {
            crate::batch::tell(waiting.bind(py))?;
        }
        self.settle();
        Ok(())
    }

    /// Lets the core go on where it waits until the messages were worked off.
    fn settle(&self) {
        if self.inbox.is_idle() {
            self.socket.resume();
        }
    }
}

/// Why a send was not taken, as an exception. `WouldBlock` is none.
fn sent(line: &Line, py: Python<'_>, result: Result<(), SendError>) -> PyResult<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(SendError::WouldBlock) => Ok(false),
        Err(SendError::Closed) => Err(closed(line, py)?),
        Err(SendError::Misuse(problem)) => Err(PyValueError::new_err(problem)),
    }
}

/// `WebSocketClosed`, with how it ended if it has.
fn closed(line: &Line, py: Python<'_>) -> PyResult<PyErr> {
    let ended = line.inbox.ended();
    Ok(PyErr::from_value(
        names::WEBSOCKET_CLOSED
            .get(py)?
            .call1(ended.map_or((None, String::new()), |(code, reason)| (Some(code), reason)))?,
    ))
}

/// Content from this size on is encoded without the GIL.
const LONG: usize = 16 * 1024;

/// Calls `then`, which may wait, with a message of Python.
pub(crate) fn with_message<T: Send>(
    value: &Bound<'_, PyAny>,
    waits: bool,
    then: impl FnOnce(Message<'_>) -> T + Send,
) -> PyResult<T> {
    let call = |message: Message<'_>| {
        if message.as_bytes().len() < LONG && !waits {
            then(message)
        } else {
            value.py().detach(|| then(message))
        }
    };
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(call(Message::Text(text.to_str()?)));
    }
    if let Ok(data) = value.cast::<PyBytes>() {
        return Ok(call(Message::Binary(data.as_bytes())));
    }
    if let Ok(data) = value.cast::<PyByteArray>() {
        return Ok(call(Message::Binary(&data.to_vec())));
    }
    if value.get_type().name()? == "memoryview" {
        let data = value.call_method0("tobytes")?.cast_into::<PyBytes>()?;
        return Ok(call(Message::Binary(data.as_bytes())));
    }
    Err(PyTypeError::new_err(format!(
        "a message is str (text) or bytes (binary), not {}",
        value.get_type().name()?
    )))
}

/// A WebSocket of a server. Any thread may use it, but for what waits.
#[pyclass(name = "Socket", module = "flare._flare", frozen)]
pub(crate) struct PySocket {
    line: Arc<Line>,
}

#[pymethods]
impl PySocket {
    #[getter]
    fn request(&self, py: Python<'_>) -> PyResult<Py<PyRequest>> {
        if let Some(request) = self.line.request.get() {
            return Ok(request.clone_ref(py));
        }
        // None: it is asked for while the socket opens, so it is there.
        let asked = self.line.asked.clone().ok_or_else(|| PyRuntimeError::new_err("the request is gone"))?;
        let request = PyRequest::of_socket(asked, &self.line.batch);
        let made = Py::new(py, request)?;
        Ok(self.line.request.get_or_init(|| made).clone_ref(py))
    }

    #[getter]
    fn protocol(&self) -> Option<&str> {
        self.line.socket.protocol()
    }

    #[getter]
    fn is_open(&self) -> bool {
        self.line.socket.is_open()
    }

    #[getter]
    fn has_ended(&self) -> bool {
        self.line.inbox.has_ended()
    }

    /// Code and reason of its end.
    #[getter]
    fn ended(&self) -> Option<(u16, String)> {
        self.line.inbox.ended()
    }

    #[getter]
    fn is_empty(&self) -> bool {
        self.line.inbox.is_empty()
    }

    #[getter]
    fn close_timeout(&self) -> f64 {
        self.line.close_timeout.as_secs_f64()
    }

    #[getter]
    fn missed(&self) -> u64 {
        self.line.socket.missed()
    }

    /// The next message; None when there is none yet, or no more.
    fn take<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let (message, again) = self.line.inbox.pop();
        if again {
            self.line.socket.resume();
        }
        Some(match message? {
            Kept::Text(text) => PyString::new(py, &text).into_any(),
            Kept::Binary(data) => PyBytes::new(py, &data).into_any(),
        })
    }

    /// Whether sends are taken again, after one was refused; said once.
    fn take_writable(&self) -> bool {
        self.line.inbox.take_writable()
    }

    /// Calls a function once when there is a message, or no more. False: it is so already, or somebody else waits.
    fn when_readable(&self, waiting: Py<PyAny>) -> bool {
        let waits = self.line.inbox.wait(Wait::Message, waiting);
        self.line.settle();
        waits
    }

    fn forget_reader(&self) {
        self.line.inbox.forget_reader();
    }

    /// Calls a function once when sends are taken again. False: it has ended.
    fn when_writable(&self, waiting: Py<PyAny>) -> bool {
        self.line.inbox.wait(Wait::Room, waiting)
    }

    /// Calls a function once at the end. False: it has ended.
    fn when_over(&self, waiting: Py<PyAny>) -> bool {
        self.line.inbox.wait(Wait::End, waiting)
    }

    /// Calls a function whenever something happens.
    fn listen(&self, listener: Option<Py<PyAny>>) {
        self.line.inbox.listen(listener);
    }

    /// Sends a message. False: the peer has to take some first.
    fn try_send(&self, message: &Bound<'_, PyAny>) -> PyResult<bool> {
        let socket = &self.line.socket;
        let result = with_message(message, false, |message| socket.send(message))?;
        sent(&self.line, message.py(), result)
    }

    fn try_ping(&self, py: Python<'_>, data: &[u8]) -> PyResult<bool> {
        sent(&self.line, py, self.line.socket.ping(data))
    }

    /// Begins to close. False: it was closing before, or is gone.
    fn close(&self, code: u16, reason: &str) -> PyResult<bool> {
        match self.line.socket.close(code, reason) {
            Ok(()) => Ok(true),
            Err(SendError::Misuse(problem)) => Err(PyValueError::new_err(problem)),
            Err(_) => Ok(false),
        }
    }

    fn subscribe(&self, topic: &str) {
        self.line.socket.subscribe(topic);
    }

    fn unsubscribe(&self, topic: &str) {
        self.line.socket.unsubscribe(topic);
    }

    /// Sends a message to all of a topic. False: too much waits for the workers.
    fn publish(&self, topic: &str, message: &Bound<'_, PyAny>) -> PyResult<bool> {
        let socket = &self.line.socket;
        published(with_message(message, false, |message| socket.publish(topic, message))?)
    }
}

/// What became of a publication. A server that has ended has nobody to tell.
fn published(result: Result<(), SendError>) -> PyResult<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(SendError::Misuse(problem)) => Err(PyValueError::new_err(problem)),
        Err(_) => Ok(false),
    }
}

/// Publishes from outside of a socket.
pub(crate) fn publish(
    server: &flare::server::ServerHandle,
    topic: &str,
    message: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    published(with_message(message, false, |message| server.publish(topic, message))?)
}
