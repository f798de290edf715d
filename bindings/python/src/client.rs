//! `Link`, a connection to a server with exchanges on it: what `flare.Client` is made of.

use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::{Mutex, PoisonError};

use flare::Headers;
use flare::client::{Client, ContentLength, Event, ExchangeId, Failure, Request, RequestError, Response};
use flare::message::TlsSession;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::headers::{self, Own, PyHeaders};
use crate::{config, names, stream};

/// A connection with exchanges on it. One thread at a time uses it, others wait for it.
#[pyclass(name = "Link", module = "flare._flare", frozen, weakref)]
pub(crate) struct PyLink {
    client: Mutex<Client>,
    fd: RawFd,
    is_multiplexed: bool,
}

impl PyLink {
    pub(crate) fn new(client: Client) -> Self {
        let (fd, is_multiplexed) = (client.as_fd().as_raw_fd(), client.is_multiplexed());
        Self { client: Mutex::new(client), fd, is_multiplexed }
    }

    /// Uses the connection, without the GIL: another thread may hold it for as long as it waits for the server.
    fn with<T: Send>(&self, py: Python<'_>, then: impl FnOnce(&mut Client) -> T + Send) -> T {
        py.detach(|| then(&mut self.client.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// An exchange by its number. None: there is none such any more.
    fn id(number: u64) -> ExchangeId {
        ExchangeId::from_number(number)
    }
}

/// What happened, as Python tells them apart.
#[derive(Clone, Copy)]
enum Kind {
    /// The connection is over.
    Over = 0,
    Informational = 1,
    Head = 2,
    Switched = 3,
    Data = 4,
    End = 5,
    Writable = 6,
    Failed = 7,
}

/// Kind, exchange, and what came: `(kind, number, value, more)`.
type Told<'py> = (u8, u64, Bound<'py, PyAny>, Bound<'py, PyAny>);

fn tell(py: Python<'_>, event: Option<Event>) -> PyResult<Told<'_>> {
    let none = || py.None().into_bound(py);
    let Some(event) = event else { return Ok((Kind::Over as u8, 0, none(), none())) };
    let number = event.exchange().number();
    let head = |kind: Kind, response: Response| -> PyResult<Told<'_>> {
        let version = names::version(response.version);
        let fields = Py::new(py, PyHeaders::owned(response.headers))?.into_bound(py).into_any();
        let value = (response.status, version).into_bound_py_any(py)?;
        Ok((kind as u8, number, value, fields))
    };
    match event {
        Event::Informational(_, response) => head(Kind::Informational, response),
        Event::Head(_, response) => head(Kind::Head, response),
        Event::Switched(_, response) => head(Kind::Switched, response),
        Event::Data(_, data) => Ok((Kind::Data as u8, number, PyBytes::new(py, &data).into_any(), none())),
        Event::End(_, trailers) => {
            let trailers = Py::new(py, PyHeaders::owned(trailers))?.into_bound(py).into_any();
            Ok((Kind::End as u8, number, trailers, none()))
        }
        Event::Writable(_) => Ok((Kind::Writable as u8, number, none(), none())),
        Event::Failed(_, failure) => {
            let refused = (failure == Failure::Refused).into_bound_py_any(py)?;
            let text = failure.to_string().into_bound_py_any(py)?;
            Ok((Kind::Failed as u8, number, text, refused))
        }
        other => Err(PyOSError::new_err(format!("an event that is not known here: {other:?}"))),
    }
}

/// What can't be sent is the program's mistake.
fn from_request(error: RequestError) -> PyErr {
    match error {
        RequestError::Invalid(_) => PyValueError::new_err(format!("the request can't be sent: {error}")),
        other => PyOSError::new_err(other.to_string()),
    }
}

#[pymethods]
impl PyLink {
    /// The socket, to watch.
    fn fileno(&self) -> RawFd {
        self.fd
    }

    #[getter]
    fn is_multiplexed(&self) -> bool {
        self.is_multiplexed
    }

    /// Whether it takes no request any more, and nothing runs on it.
    #[getter]
    fn is_over(&self, py: Python<'_>) -> bool {
        self.with(py, |client| client.is_over())
    }

    #[getter]
    fn wants_read(&self, py: Python<'_>) -> bool {
        self.with(py, |client| client.wants_read())
    }

    #[getter]
    fn wants_write(&self, py: Python<'_>) -> bool {
        self.with(py, |client| client.wants_write())
    }

    /// The TLS version, suite, protocol and certificate of the server (DER) that were agreed; None without TLS.
    #[getter]
    fn tls<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self.with(py, |client| {
            let tls: &TlsSession = client.tls()?;
            let alpn = tls.alpn().map(|alpn| String::from_utf8_lossy(alpn).into_owned());
            let certificate = tls.peer_certificate().map(<[u8]>::to_vec);
            Some((tls.version().name(), tls.suite(), alpn, certificate, tls.is_resumed()))
        });
        let Some((version, suite, alpn, certificate, resumed)) = found else { return Ok(None) };
        let certificate = certificate.map(|der| PyBytes::new(py, &der));
        Ok(Some((version, suite, alpn, certificate, resumed).into_bound_py_any(py)?))
    }

    /// Begins an exchange. `length`: of the content; -1 when it is not known, None for none. The number of the exchange; None: the connection
    /// takes no other request now; -1: it takes none any more.
    #[allow(clippy::too_many_arguments, reason = "it is one head")]
    fn open(
        &self,
        py: Python<'_>,
        method: String,
        scheme: String,
        authority: String,
        target: String,
        fields: &Bound<'_, PyAny>,
        length: Option<i64>,
    ) -> PyResult<Option<i64>> {
        let own = Own::default();
        headers::extend(&own, fields)?;
        let headers: Headers = std::mem::take(&mut *headers::lock(&own));
        let content = match length {
            None => ContentLength::None,
            Some(length) => u64::try_from(length).map_or(ContentLength::Unknown, ContentLength::Known),
        };
        let request =
            Request { method, scheme, authority, target, headers, content, protocol: None, datagrams: false };
        match self.with(py, |client| client.open(&request)) {
            Ok(id) => Ok(Some(i64::try_from(id.number()).unwrap_or(i64::MAX))),
            Err(RequestError::Busy) => Ok(None),
            Err(RequestError::ConnectionOver) => Ok(Some(-1)),
            Err(error) => Err(from_request(error)),
        }
    }

    /// Gives some content. True: it was taken; False: the server has to take some first; None: nobody wants it any more.
    fn try_write(&self, py: Python<'_>, number: u64, piece: &Bound<'_, PyAny>) -> PyResult<Option<bool>> {
        let piece = stream::piece(piece)?;
        match self.with(py, |client| client.try_write(Self::id(number), &piece)) {
            Ok(()) => Ok(Some(true)),
            Err(RequestError::WouldBlock) => Ok(Some(false)),
            Err(RequestError::Over | RequestError::ConnectionOver) => Ok(None),
            Err(error) => Err(from_request(error)),
        }
    }

    /// Ends the request. False: nobody wants it any more.
    fn finish(&self, py: Python<'_>, number: u64) -> PyResult<bool> {
        match self.with(py, |client| client.finish(Self::id(number), None)) {
            Ok(()) => Ok(true),
            Err(RequestError::Over | RequestError::ConnectionOver) => Ok(false),
            Err(error) => Err(from_request(error)),
        }
    }

    /// So many bytes that came were used.
    fn consumed(&self, py: Python<'_>, number: u64, bytes: usize) {
        self.with(py, |client| client.consumed(Self::id(number), bytes));
    }

    /// Lets go of an exchange.
    fn cancel(&self, py: Python<'_>, number: u64) {
        self.with(py, |client| client.cancel(Self::id(number)));
    }

    /// Takes no new exchange; those that run go on.
    fn close(&self, py: Python<'_>) {
        self.with(py, Client::close);
    }

    /// The next thing that happened: `(kind, number, value, more)`. Waits for it at most so many seconds, but a breath, so that the program may
    /// look for signals. None: nothing came.
    fn next_event<'py>(&self, py: Python<'py>, timeout: f64) -> PyResult<Option<Told<'py>>> {
        let timeout = config::breath(timeout);
        match self.with(py, |client| client.next_event_unused(Some(timeout))) {
            Ok(event) => tell(py, event).map(Some),
            Err(error) if config::is_patience(&error) => {
                py.check_signals()?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}
