//! From a WebSocket route of the core to Python: who may open a socket, and what happens to it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flare::websocket::{Message, SocketHandler, WebSocket, WsOptions};
use flare::{Request, Response};
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;

use crate::batch::{Batch, Item};
use crate::call::{Call, Collected};
use crate::inside::Inside;
use crate::request::PyRequest;
use crate::response::PyResponse;
use crate::websocket::{Begin, Line};
use crate::{answer, names};

/// What a WebSocket route is made of.
pub(crate) struct Route {
    /// An `async def` function of the socket, or a class with methods for what happens.
    target: Arc<Py<PyAny>>,
    start: &'static names::Name,
    /// Says who may not open a socket: `accept(request)`.
    accept: Option<Py<PyAny>>,
    batch: Arc<Batch>,
    close_timeout: Duration,
}

/// A setting of the core, by its name there.
#[derive(FromPyObject)]
pub(crate) enum Setting {
    Text(String),
    Number(i64),
}

/// What decides about requests that ask for no socket, and whether it gives a coroutine.
type Otherwise = (Py<PyAny>, bool);

/// Settings of a route.
pub(crate) fn options(
    settings: Vec<(String, Setting)>,
    otherwise: Option<Otherwise>,
    batch: &Arc<Batch>,
) -> PyResult<WsOptions> {
    let mut options = WsOptions::default();
    for (name, value) in settings {
        let set = match value {
            Setting::Text(text) => options.set_text(&name, &text),
            Setting::Number(number) => options.set_number(&name, number),
        };
        set.map_err(|error| PyValueError::new_err(error.to_string()))?;
    }
    if let Some((target, is_async)) = otherwise {
        let call = Arc::new(Call::new(target, is_async, false));
        options = options.otherwise(Collected { call, batch: Arc::clone(batch) });
    }
    Ok(options)
}

impl Route {
    pub(crate) fn new(
        target: Py<PyAny>,
        is_async: bool,
        accept: Option<Py<PyAny>>,
        batch: Arc<Batch>,
        close_timeout: Duration,
    ) -> Self {
        let start = if is_async { &names::START_SOCKET } else { &names::START_SOCKET_CALLBACKS };
        Self { target: Arc::new(target), start, accept, batch, close_timeout }
    }

    /// Opens a socket, or answers instead.
    pub(crate) fn accept(&self, request: &Request) -> Result<PySocketHandler, Response> {
        let Some(accept) = &self.accept else { return Ok(self.handler(None)) };
        let _inside = Inside::enter();
        // None: Python is about to end.
        let asked = Python::try_attach(|py| {
            let request = Bound::new(py, PyRequest::of_socket(request.clone(), &self.batch))?;
            match ask(accept.bind(py), &request) {
                Ok(None) => Ok(Ok(self.handler(Some(request.unbind())))),
                Ok(Some(response)) => Ok(Err(response)),
                Err(error) => {
                    names::FAILED.get(py)?.call1((request, error.clone_ref(py).into_value(py)))?;
                    if !error.is_instance_of::<PyException>(py) {
                        self.batch.push(Item::Raise(error));
                    }
                    PyResult::Ok(Err(Response::status_only(500)))
                }
            }
        });
        match asked {
            Some(Ok(accepted)) => accepted,
            Some(Err(error)) => {
                self.batch.push(Item::Raise(error));
                Err(Response::status_only(500))
            }
            None => Err(Response::status_only(503)),
        }
    }

    fn handler(&self, request: Option<Py<PyRequest>>) -> PySocketHandler {
        PySocketHandler {
            begin: Some(Begin { start: self.start, target: Arc::clone(&self.target) }),
            request: Mutex::new(request),
            batch: Arc::clone(&self.batch),
            close_timeout: self.close_timeout,
            line: None,
        }
    }
}

/// The answer that refuses a socket; None when it may be opened.
fn ask(accept: &Bound<'_, PyAny>, request: &Bound<'_, PyRequest>) -> PyResult<Option<Response>> {
    let answer = accept.call1((request,))?;
    if answer.is_none() {
        return Ok(None);
    }
    if let Ok(status) = answer.extract::<u16>() {
        return PyResponse::plain_of(status)?.in_memory().map(Some);
    }
    answer::as_response(&answer)?.cast::<PyResponse>()?.get().in_memory().map(Some)
}

/// A socket for the core. It keeps what happens for Python.
pub(crate) struct PySocketHandler {
    begin: Option<Begin>,
    request: Mutex<Option<Py<PyRequest>>>,
    batch: Arc<Batch>,
    close_timeout: Duration,
    /// From its opening on.
    line: Option<Arc<Line>>,
}

impl SocketHandler for PySocketHandler {
    fn open(&mut self, socket: &WebSocket) {
        let Some(begin) = self.begin.take() else { return };
        let request = self.request.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let line = Line::new(socket.clone(), Arc::clone(&self.batch), self.close_timeout, begin, request);
        self.line.insert(Arc::new(line)).tell();
    }

    fn message(&mut self, _: &WebSocket, message: Message<'_>) {
        if let Some(line) = &self.line {
            line.keep(message);
        }
    }

    fn writable(&mut self, _: &WebSocket) {
        if let Some(line) = &self.line {
            line.inbox.set_writable();
            line.tell();
        }
    }

    fn may_close(&mut self, _: &WebSocket) -> bool {
        self.line.as_ref().is_none_or(|line| line.inbox.is_idle())
    }

    fn close(&mut self, _: &WebSocket, code: u16, reason: &str) {
        if let Some(line) = &self.line {
            line.inbox.end(code, reason);
            line.tell();
        }
    }
}

impl Drop for PySocketHandler {
    /// The server may have ended without a word for each socket.
    fn drop(&mut self) {
        if let Some(line) = self.line.take()
            && !line.inbox.has_ended()
        {
            line.inbox.end(1006, "");
            line.tell();
        }
    }
}
