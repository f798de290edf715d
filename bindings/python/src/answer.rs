//! From what a handler returns to an answer of the core.

use bytes::Bytes;
use flare::message::{Body, FileBody};
use flare::{Exchange, Response};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::errors::{self, Fault};
use crate::headers::{self, Own};
use crate::request::PyRequest;
use crate::response::{BYTES, Content, JSON, PyResponse, State, TEXT};
use crate::{json, names};

/// What is left to do when a value was taken.
pub(crate) enum Rest<'py> {
    /// Nothing: it is answered, or a handler has deferred it.
    Nothing,
    /// The head is drafted, the content comes from an iterator. `bare`: nobody named its type.
    Pieces { iterator: Bound<'py, PyAny>, is_async: bool, bare: bool },
    /// The value comes from an awaitable.
    Await(Bound<'py, PyAny>),
    /// The value comes from a `concurrent.futures.Future`.
    Later(Bound<'py, PyAny>),
}

/// Content from this size on is sent from where it is; below, a copy is cheaper.
const COPY_LIMIT: usize = 8 * 1024;

/// Answers a request with what its handler returned.
pub(crate) fn give<'py>(
    request: &Bound<'py, PyRequest>,
    value: &Bound<'py, PyAny>,
) -> Result<Rest<'py>, Fault> {
    if request.get().is_deferred() {
        if value.is_none() {
            return Ok(Rest::Nothing);
        }
        let text = "a handler deferred its exchange and returned an answer all the same";
        return Err(PyRuntimeError::new_err(text).into());
    }
    give_to(request.get().exchange()?, request, value)
}

/// Answers an exchange with a value.
pub(crate) fn give_to<'py>(
    exchange: &Exchange,
    request: &Bound<'py, PyRequest>,
    value: &Bound<'py, PyAny>,
) -> Result<Rest<'py>, Fault> {
    give_with(exchange, request, value, None)
}

fn give_with<'py>(
    exchange: &Exchange,
    request: &Bound<'py, PyRequest>,
    value: &Bound<'py, PyAny>,
    status: Option<u16>,
) -> Result<Rest<'py>, Fault> {
    let py = value.py();
    if let Ok(text) = value.cast::<PyString>() {
        return whole(exchange, status, TEXT, text.to_str()?.as_bytes());
    }
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return bytes_of(exchange, status, bytes);
    }
    if let Ok(response) = value.cast::<PyResponse>() {
        return give_response(exchange, request, response, status);
    }
    if value.is_instance_of::<PyDict>() || value.is_instance_of::<PyList>() {
        let text = json::write(py, value)?;
        return whole(exchange, status, JSON, text.to_str()?.as_bytes());
    }
    if value.is_none() {
        exchange.finish_with(|response| {
            response.set_status(status.unwrap_or(204));
            Ok::<_, Fault>(())
        })?;
        return Ok(Rest::Nothing);
    }
    if let Ok(pair) = value.cast::<PyTuple>() {
        return give_pair(exchange, request, pair);
    }
    if value.hasattr("__await__")? {
        return Ok(Rest::Await(value.clone()));
    }
    let is_async = value.hasattr("__anext__")?;
    if is_async || value.hasattr("__next__")? {
        exchange.draft(|response| response.set_status(status.unwrap_or(200)))?;
        return Ok(Rest::Pieces { iterator: value.clone(), is_async, bare: true });
    }
    if value.is_instance(names::FUTURE.get(py)?)? {
        return Ok(Rest::Later(value.clone()));
    }
    if let Ok(bytes) = value.cast::<pyo3::types::PyByteArray>() {
        return whole(exchange, status, BYTES, &bytes.to_vec());
    }
    Err(PyTypeError::new_err(format!(
        "a handler returned {}: return str, bytes, dict, list, None, a Response, (body, status), an iterator or an awaitable",
        value.get_type().name()?
    ))
    .into())
}

/// `(body, status)`, as in `return "not here", 404`.
fn give_pair<'py>(
    exchange: &Exchange,
    request: &Bound<'py, PyRequest>,
    pair: &Bound<'py, PyTuple>,
) -> Result<Rest<'py>, Fault> {
    let Ok((value, status)) = pair.extract::<(Bound<'py, PyAny>, u16)>() else {
        return Err(PyTypeError::new_err("a tuple of a handler is (body, status)").into());
    };
    if !(200..600).contains(&status) || value.is_instance_of::<PyTuple>() {
        return Err(PyValueError::new_err(format!("status {status}: an answer has 200 to 599")).into());
    }
    give_with(exchange, request, &value, Some(status))
}

/// An answer of one small piece.
fn whole<'py>(
    exchange: &Exchange,
    status: Option<u16>,
    kind: &str,
    content: &[u8],
) -> Result<Rest<'py>, Fault> {
    exchange.finish_with(|response| {
        head(response, status, kind)?;
        response.body_mut().copy_from(content);
        Ok::<_, Fault>(())
    })?;
    Ok(Rest::Nothing)
}

fn bytes_of<'py>(
    exchange: &Exchange,
    status: Option<u16>,
    bytes: &Bound<'py, PyBytes>,
) -> Result<Rest<'py>, Fault> {
    if bytes.as_bytes().len() < COPY_LIMIT {
        return whole(exchange, status, BYTES, bytes.as_bytes());
    }
    let held = Bytes::from_owner(PyBackedBytes::from(bytes.clone()));
    exchange.finish_with(|response| {
        head(response, status, BYTES)?;
        *response.body_mut() = Body::Shared(held);
        Ok::<_, Fault>(())
    })?;
    Ok(Rest::Nothing)
}

fn head(response: &mut Response, status: Option<u16>, kind: &str) -> Result<(), Fault> {
    response.set_status(status.unwrap_or(200));
    response
        .headers_mut()
        .append("content-type", kind)
        .map_err(|error| errors::from_field("content-type", &error).into())
}

/// Copies the fields of an answer.
fn copy_fields(from: &Own, to: &mut flare::Headers) -> Result<(), Fault> {
    for (name, value) in headers::lock(from).iter() {
        to.append(name, value).map_err(|error| errors::from_field(name, &error))?;
    }
    Ok(())
}

fn give_response<'py>(
    exchange: &Exchange,
    request: &Bound<'py, PyRequest>,
    given: &Bound<'py, PyResponse>,
    status: Option<u16>,
) -> Result<Rest<'py>, Fault> {
    let own = given.get();
    let State { status: own_status, content } = &mut *own.state();
    let status = status.unwrap_or(*own_status);
    let body = match content {
        Content::Empty => Body::Empty,
        Content::Bytes(bytes) if bytes.len() >= COPY_LIMIT => {
            Body::Shared(Bytes::from_owner(bytes.clone_ref(given.py())))
        }
        Content::Bytes(bytes) => Body::Owned(bytes.to_vec()),
        Content::Text(text) if text.len() >= COPY_LIMIT => {
            Body::Shared(Bytes::from_owner(TextBytes(text.clone_ref(given.py()))))
        }
        Content::Text(text) => Body::Owned(text.as_bytes().to_vec()),
        Content::Shared(bytes) => Body::Shared(bytes.clone()),
        Content::File(path) => {
            let opened = std::fs::File::open(&*path).and_then(FileBody::whole);
            let file =
                opened.map_err(|error| errors::os_error(&error, format!("{}: {error}", path.display())))?;
            Body::File(file)
        }
        Content::Pieces(iterator) => {
            let iterator = iterator.bind(given.py()).clone();
            exchange.draft(|response| {
                response.set_status(status);
                copy_fields(&own.fields, response.headers_mut())
            })??;
            if let Some(trailers) = own.trailers.get() {
                request.get().set_trailers(trailers);
            }
            let bare = headers::lock(&own.fields).get("content-type").is_none();
            if !bare {
                // The head is known: it leaves before any content is there.
                exchange.start()?;
            }
            let is_async = iterator.hasattr("__aiter__")? || iterator.hasattr("__anext__")?;
            return Ok(Rest::Pieces { iterator, is_async, bare });
        }
        Content::Relay(upstream) => {
            let upstream =
                upstream.take().ok_or_else(|| PyRuntimeError::new_err("a relay answers one request"))?;
            exchange.draft(|response| {
                response.set_status(status);
                copy_fields(&own.fields, response.headers_mut())
            })??;
            exchange.relay(*upstream)?;
            return Ok(Rest::Nothing);
        }
    };
    exchange.finish_with(|response| {
        response.set_status(status);
        copy_fields(&own.fields, response.headers_mut())?;
        *response.body_mut() = body;
        if let Some(trailers) = own.trailers.get() {
            copy_fields(trailers, response.trailers_mut())?;
        }
        Ok::<_, Fault>(())
    })?;
    Ok(Rest::Nothing)
}

/// Sends the head of an answer whose content is written piece by piece.
pub(crate) fn start(exchange: &Exchange, given: &Bound<'_, PyAny>) -> Result<(), Fault> {
    let given = given.cast::<PyResponse>().map_err(PyErr::from)?.get();
    let State { status, content } = &*given.state();
    let first = match content {
        Content::Empty => Vec::new(),
        Content::Bytes(bytes) => bytes.to_vec(),
        Content::Text(text) => text.as_bytes().to_vec(),
        Content::Shared(bytes) => bytes.to_vec(),
        Content::Pieces(_) | Content::File(_) | Content::Relay(_) => {
            return Err(PyTypeError::new_err("an answer that is started has no content but bytes").into());
        }
    };
    exchange.draft(|response| {
        response.set_status(*status);
        copy_fields(&given.fields, response.headers_mut())?;
        *response.body_mut() = Body::Owned(first);
        Ok::<_, Fault>(())
    })??;
    Ok(exchange.start()?)
}

/// Text of Python as bytes that may be sent from where they are.
struct TextBytes(pyo3::pybacked::PyBackedStr);

impl AsRef<[u8]> for TextBytes {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The value of a response of any kind, so that middleware can change it.
pub(crate) fn as_response<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if value.is_instance_of::<PyResponse>() {
        return Ok(value.clone());
    }
    let py = value.py();
    let (value, status) = match value.cast::<PyTuple>() {
        Ok(pair) => {
            let Ok((value, status)) = pair.extract::<(Bound<'py, PyAny>, u16)>() else {
                return Err(PyTypeError::new_err("a tuple of a handler is (body, status)"));
            };
            (value, Some(status))
        }
        Err(_) => (value.clone(), None),
    };
    if let Ok(response) = value.cast::<PyResponse>() {
        if let Some(status) = status {
            response.setattr("status", status)?;
        }
        return Ok(value);
    }
    let status_or = |usual| status.unwrap_or(usual);
    let response = if value.is_none() {
        PyResponse::of(status_or(204), None, Content::Empty)
    } else if value.is_instance_of::<PyDict>() || value.is_instance_of::<PyList>() {
        PyResponse::of(status_or(200), Some(JSON), Content::Text(json::write(py, &value)?.try_into()?))
    } else {
        return py.get_type::<PyResponse>().call1((value, status_or(200)));
    };
    Ok(Bound::new(py, response?)?.into_any())
}
