//! The answer, as handlers make it and middleware changes it.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use flare::message::Prepared;
use flare::{Response, Upstream};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyString, PyType};

use crate::headers::{self, Own, PyMutableHeaders};
use crate::{config, errors, json, names};

pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const JSON: &str = "application/json";
pub(crate) const BYTES: &str = "application/octet-stream";

/// The content of an answer.
pub(crate) enum Content {
    Empty,
    Bytes(PyBackedBytes),
    Text(PyBackedStr),
    Shared(Bytes),
    /// An iterator, synchronous or not.
    Pieces(Py<PyAny>),
    File(PathBuf),
    /// Where it comes from; `None` when that was used.
    Relay(Option<Box<Upstream>>),
}

/// An answer.
#[pyclass(name = "Response", module = "flare", frozen)]
pub(crate) struct PyResponse {
    state: Mutex<State>,
    pub(crate) fields: Own,
    pub(crate) trailers: OnceLock<Own>,
}

pub(crate) struct State {
    pub(crate) status: u16,
    pub(crate) content: Content,
}

impl PyResponse {
    pub(crate) fn of(status: u16, kind: Option<&str>, content: Content) -> PyResult<Self> {
        check_status(status)?;
        let fields = Own::default();
        if let Some(kind) = kind {
            let added = headers::lock(&fields).append("content-type", kind);
            added.map_err(|error| errors::from_field("content-type", &error))?;
        }
        Ok(Self { state: Mutex::new(State { status, content }), fields, trailers: OnceLock::new() })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, encoded once.
    pub(crate) fn prepared(&self) -> PyResult<Prepared> {
        Prepared::new(self.in_memory()?)
            .map_err(|error| PyValueError::new_err(format!("a prepared answer: {error}")))
    }

    /// The same, of the core. Its content must be in memory.
    pub(crate) fn in_memory(&self) -> PyResult<Response> {
        let state = self.state();
        let body = match &state.content {
            Content::Empty => Bytes::new(),
            Content::Bytes(bytes) => Bytes::copy_from_slice(bytes),
            Content::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
            Content::Shared(bytes) => bytes.clone(),
            Content::Pieces(_) | Content::File(_) | Content::Relay(_) => {
                return Err(PyTypeError::new_err(
                    "the content of this answer has to be in memory: str, bytes, or JSON",
                ));
            }
        };
        let mut response = Response::new(state.status).with_body(body);
        *response.headers_mut() = headers::lock(&self.fields).clone();
        if let Some(trailers) = self.trailers.get() {
            *response.trailers_mut() = headers::lock(trailers).clone();
        }
        Ok(response)
    }

    fn with_fields(self, fields: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        if let Some(fields) = fields {
            let given = Own::default();
            headers::extend(&given, fields)?;
            let given = std::mem::take(&mut *headers::lock(&given));
            let mut own = headers::lock(&self.fields);
            if given.get("content-type").is_some() {
                own.remove("content-type");
            }
            for (name, value) in given.iter() {
                own.append(name, value).map_err(|error| errors::from_field(name, &error))?;
            }
        }
        Ok(self)
    }
}

fn check_status(status: u16) -> PyResult<()> {
    if (200..600).contains(&status) {
        Ok(())
    } else {
        Err(PyValueError::new_err(format!("status {status}: an answer has 200 to 599")))
    }
}

/// Content from what a program gives, and the type it has by itself.
fn content(value: Option<&Bound<'_, PyAny>>) -> PyResult<(Content, Option<&'static str>)> {
    let Some(value) = value else { return Ok((Content::Empty, None)) };
    if let Ok(text) = value.cast::<PyString>() {
        return Ok((Content::Text(text.clone().try_into()?), Some(TEXT)));
    }
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok((Content::Bytes(bytes.clone().into()), Some(BYTES)));
    }
    if value.hasattr("__aiter__")? || value.hasattr("__next__")? || value.hasattr("__anext__")? {
        return Ok((Content::Pieces(value.clone().unbind()), None));
    }
    if let Ok(bytes) = value.cast::<pyo3::types::PyByteArray>() {
        return Ok((Content::Bytes(bytes.clone().into()), Some(BYTES)));
    }
    if value.get_type().name()? == "memoryview" {
        let bytes = value.call_method0("tobytes")?.cast_into::<PyBytes>()?;
        return Ok((Content::Bytes(bytes.into()), Some(BYTES)));
    }
    Err(PyTypeError::new_err(format!(
        "the content of an answer is str, bytes or an iterator of these, not {}; Response.json() takes other values",
        value.get_type().name()?
    )))
}

#[pymethods]
impl PyResponse {
    #[new]
    #[pyo3(signature = (body = None, status = 200, headers = None, *, content_type = None))]
    fn new(
        body: Option<&Bound<'_, PyAny>>,
        status: u16,
        headers: Option<&Bound<'_, PyAny>>,
        content_type: Option<&str>,
    ) -> PyResult<Self> {
        let (content, own) = content(body)?;
        Self::of(status, content_type.or(own), content)?.with_fields(headers)
    }

    /// Plain text.
    #[classmethod]
    #[pyo3(signature = (text, status = 200, headers = None))]
    fn text(
        _: &Bound<'_, PyType>,
        text: &Bound<'_, PyString>,
        status: u16,
        headers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        Self::of(status, Some(TEXT), Content::Text(text.clone().try_into()?))?.with_fields(headers)
    }

    /// HTML.
    #[classmethod]
    #[pyo3(signature = (text, status = 200, headers = None))]
    fn html(
        _: &Bound<'_, PyType>,
        text: &Bound<'_, PyString>,
        status: u16,
        headers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        Self::of(status, Some(HTML), Content::Text(text.clone().try_into()?))?.with_fields(headers)
    }

    /// A value in JSON. TypeError or ValueError when it has none.
    #[classmethod]
    #[pyo3(signature = (value, status = 200, headers = None))]
    fn json(
        _: &Bound<'_, PyType>,
        value: &Bound<'_, PyAny>,
        status: u16,
        headers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let text = json::write(value.py(), value)?;
        Self::of(status, Some(JSON), Content::Text(text.try_into()?))?.with_fields(headers)
    }

    /// To another place: 301, 302, 303, 307 or 308.
    #[classmethod]
    #[pyo3(signature = (location, status = 302, headers = None))]
    fn redirect(
        _: &Bound<'_, PyType>,
        location: &Bound<'_, PyString>,
        status: u16,
        headers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        if ![301, 302, 303, 307, 308].contains(&status) {
            return Err(PyValueError::new_err(format!(
                "status {status} is no redirect (301, 302, 303, 307, 308)"
            )));
        }
        let response = Self::of(status, None, Content::Empty)?;
        headers::add(&response.fields, "location", location.as_any())?;
        response.with_fields(headers)
    }

    /// A file, sent by the system without passing through Python. For folders of files see `App.files`.
    #[classmethod]
    #[pyo3(signature = (path, status = 200, headers = None, *, content_type = None))]
    fn file(
        cls: &Bound<'_, PyType>,
        path: PathBuf,
        status: u16,
        headers: Option<&Bound<'_, PyAny>>,
        content_type: Option<String>,
    ) -> PyResult<Self> {
        let kind = match content_type {
            Some(kind) => kind,
            None => {
                let guess = names::GUESS_TYPE.get(cls.py())?.call1((path.as_os_str(),))?;
                let (kind, _): (Option<String>, Option<String>) = guess.extract()?;
                match kind {
                    Some(kind) if kind.starts_with("text/") => format!("{kind}; charset=utf-8"),
                    Some(kind) => kind,
                    None => BYTES.to_owned(),
                }
            }
        };
        Self::of(status, Some(&kind), Content::File(path))?.with_fields(headers)
    }

    /// What another server sends, byte by byte, without passing through Python. 502 and 504 when it does not.
    ///
    /// upstream: `127.0.0.1:9000`, `name:9000` or `unix:/run/model.sock`.
    /// prologue: bytes for it, such as a request. forward: the content of the request follows them.
    #[classmethod]
    #[pyo3(signature = (upstream, prologue = None, status = 200, headers = None, *, content_type = None, forward = false,
        connect_timeout = 5.0, silence_timeout = 30.0))]
    #[allow(clippy::too_many_arguments, reason = "they have names in Python")]
    fn relay(
        _: &Bound<'_, PyType>,
        upstream: &str,
        prologue: Option<&[u8]>,
        status: u16,
        headers: Option<&Bound<'_, PyAny>>,
        content_type: Option<&str>,
        forward: bool,
        connect_timeout: f64,
        silence_timeout: f64,
    ) -> PyResult<Self> {
        let wait = |name, seconds| -> PyResult<Duration> {
            Ok(Duration::from_millis(config::milliseconds(name, seconds)?.unsigned_abs()))
        };
        let relay = Upstream::to(upstream)
            .map_err(errors::from_core)?
            .prologue(Bytes::copy_from_slice(prologue.unwrap_or_default()))
            .connect_timeout(wait("connect_timeout", connect_timeout)?)
            .silence_timeout(wait("silence_timeout", silence_timeout)?)
            .forward_content(forward);
        Self::of(status, content_type, Content::Relay(Some(Box::new(relay))))?.with_fields(headers)
    }

    /// What the server itself says for a status.
    #[classmethod]
    #[pyo3(signature = (status, headers = None))]
    fn plain(_: &Bound<'_, PyType>, status: u16, headers: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        Self::plain_of(status)?.with_fields(headers)
    }

    /// The status, 200 to 599.
    #[getter]
    fn status(&self) -> u16 {
        self.state().status
    }

    #[setter]
    fn set_status(&self, status: u16) -> PyResult<()> {
        check_status(status)?;
        self.state().status = status;
        Ok(())
    }

    /// The header fields. The server adds Date, Server and what belongs to the connection.
    #[getter]
    fn headers(&self, py: Python<'_>) -> PyResult<Py<PyMutableHeaders>> {
        PyMutableHeaders::of(py, &self.fields)
    }

    /// The fields behind the content (RFC 9110, 6.5). HTTP/1.0 clients don't get them.
    #[getter]
    fn trailers(&self, py: Python<'_>) -> PyResult<Py<PyMutableHeaders>> {
        PyMutableHeaders::of(py, self.trailers.get_or_init(Own::default))
    }

    /// The content when it is in memory.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        match &self.state().content {
            Content::Empty => Some(PyBytes::new(py, b"")),
            Content::Bytes(bytes) => Some(PyBytes::new(py, bytes)),
            Content::Text(text) => Some(PyBytes::new(py, text.as_bytes())),
            Content::Shared(bytes) => Some(PyBytes::new(py, bytes)),
            Content::Pieces(_) | Content::File(_) | Content::Relay(_) => None,
        }
    }

    #[setter]
    fn set_body(&self, body: &Bound<'_, PyAny>) -> PyResult<()> {
        let (content, _) = content(Some(body))?;
        let before = std::mem::replace(&mut self.state().content, content);
        drop(before);
        Ok(())
    }

    fn __repr__(&self) -> String {
        format!("<flare.Response {}>", self.status())
    }
}

impl PyResponse {
    pub(crate) fn plain_of(status: u16) -> PyResult<Self> {
        if status == 204 || status == 304 {
            return Self::of(status, None, Content::Empty);
        }
        let text = Bytes::copy_from_slice(Response::status_only(status).body().as_slice());
        Self::of(status, Some(TEXT), Content::Shared(text))
    }
}
