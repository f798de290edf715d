//! The request, as handlers see it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use flare::message::Peer;
use flare::{AnswerError, DatagramError, Exchange, Headers, Read, Request, middleware};
use pyo3::exceptions::{PyRuntimeError, PyUnicodeDecodeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::batch::Batch;
use crate::ear::{Ear, Wait};
use crate::errors::{self, Fault};
use crate::exchange::PyExchange;
use crate::headers::{self, Own, PyHeaders};
use crate::tls::PyTlsSession;
use crate::{json, names, text};

/// A request. It stays valid as long as it is held, also after its answer or in another thread.
#[pyclass(name = "Request", module = "flare", frozen, weakref)]
pub(crate) struct PyRequest {
    right: Right,
    batch: Arc<Batch>,
    /// Content comes while the handler runs.
    streaming: bool,
    /// The handler kept the exchange to answer later.
    deferred: AtomicBool,
    /// What was asked for before. Most handlers ask for little.
    memo: OnceLock<Box<Memo>>,
}

/// What a request may be asked for beyond reading it.
enum Right {
    /// An answer.
    Answer(Exchange),
    /// Nothing: it opened a WebSocket, or asks for one.
    Nothing(Request),
}

#[derive(Default)]
struct Memo {
    headers: OnceLock<Py<PyHeaders>>,
    params: OnceLock<Py<PyDict>>,
    query: OnceLock<Py<PyAny>>,
    cookies: OnceLock<Py<PyAny>>,
    body: OnceLock<Py<PyBytes>>,
    state: Mutex<Option<Py<PyDict>>>,
    ear: OnceLock<Arc<Ear>>,
    trailers: OnceLock<Own>,
}

impl PyRequest {
    pub(crate) fn new(exchange: Exchange, batch: &Arc<Batch>, streaming: bool) -> Self {
        Self::with(Right::Answer(exchange), batch, streaming)
    }

    /// The request of a WebSocket.
    pub(crate) fn of_socket(request: Request, batch: &Arc<Batch>) -> Self {
        Self::with(Right::Nothing(request), batch, false)
    }

    fn with(right: Right, batch: &Arc<Batch>, streaming: bool) -> Self {
        Self {
            right,
            batch: Arc::clone(batch),
            streaming,
            deferred: AtomicBool::new(false),
            memo: OnceLock::new(),
        }
    }

    pub(crate) fn exchange(&self) -> PyResult<&Exchange> {
        match &self.right {
            Right::Answer(exchange) => Ok(exchange),
            Right::Nothing(_) => Err(PyRuntimeError::new_err("the request of a WebSocket is not answered")),
        }
    }

    pub(crate) fn request(&self) -> &Request {
        match &self.right {
            Right::Answer(exchange) => exchange.request(),
            Right::Nothing(request) => request,
        }
    }

    pub(crate) fn batch(&self) -> &Arc<Batch> {
        &self.batch
    }

    pub(crate) fn is_deferred(&self) -> bool {
        self.deferred.load(Ordering::Relaxed)
    }

    /// Somebody else answers: the return value of a handler does not.
    pub(crate) fn mark_deferred(&self) {
        self.deferred.store(true, Ordering::Relaxed);
    }

    fn memo(&self) -> &Memo {
        self.memo.get_or_init(Box::default)
    }

    /// Calls a function once when something happens.
    pub(crate) fn when(&self, wait: Wait, waiting: Option<Py<PyAny>>) -> PyResult<()> {
        let exchange = self.exchange()?;
        let ear = self.memo().ear.get_or_init(|| Ear::listen(exchange, &self.batch));
        ear.set(wait, waiting);
        Ok(())
    }

    /// The trailers that an answer of pieces will end with.
    pub(crate) fn set_trailers(&self, own: &Own) {
        // Err: never, for an exchange has one answer.
        let _ = self.memo().trailers.set(Arc::clone(own));
    }

    /// Ends an answer of pieces.
    pub(crate) fn finish(&self) -> Result<(), Fault> {
        let exchange = self.exchange()?;
        if let Some(own) = self.memo.get().and_then(|memo| memo.trailers.get()) {
            let fields = std::mem::take(&mut *headers::lock(own));
            if !exchange.is_started() {
                exchange.start()?;
            }
            for (name, value) in fields.iter() {
                exchange.add_trailer(name, value)?.map_err(|error| errors::from_field(name, &error))?;
            }
        }
        Ok(exchange.finish()?)
    }

    pub(crate) fn defer_from(&self, slf: &Bound<'_, Self>) -> PyResult<Py<PyExchange>> {
        let exchange = self.exchange()?.hand_over();
        let exchange = exchange.ok_or_else(|| PyRuntimeError::new_err("the exchange was deferred before"))?;
        self.mark_deferred();
        Py::new(slf.py(), PyExchange::new(exchange, slf.clone().unbind(), None))
    }
}

#[pymethods]
impl PyRequest {
    /// The method as it was sent: methods have a case.
    #[getter]
    fn method<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.request().method_str())
    }

    /// The path as it was sent, still percent-encoded. `params` are decoded.
    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.request().path())
    }

    /// The query as it was sent, without its question mark; empty when there is none.
    #[getter]
    fn query<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.request().query().unwrap_or_default())
    }

    /// The decoded names and values of the query.
    #[getter]
    fn query_params(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let query = &self.memo().query;
        if let Some(found) = query.get() {
            return Ok(found.clone_ref(py));
        }
        let pairs: Vec<_> = self.request().query_pairs().collect();
        let made = names::QUERY.get(py)?.call1((pairs,))?.unbind();
        Ok(query.get_or_init(|| made).clone_ref(py))
    }

    /// What the route took from the path, decoded. Bytes that are no UTF-8 come as surrogates.
    #[getter]
    fn params(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        let params = &self.memo().params;
        if let Some(found) = params.get() {
            return Ok(found.clone_ref(py));
        }
        let made = PyDict::new(py);
        for (name, value) in self.request().params().iter() {
            match std::str::from_utf8(value) {
                Ok(value) => made.set_item(name, value)?,
                // What is no UTF-8 comes as Python writes such bytes, and is no text that means something.
                Err(_) => {
                    let value = PyBytes::new(py, value);
                    made.set_item(name, value.call_method1("decode", ("utf-8", "surrogateescape"))?)?;
                }
            }
        }
        Ok(params.get_or_init(|| made.unbind()).clone_ref(py))
    }

    /// The header fields.
    #[getter]
    fn headers(&self, py: Python<'_>) -> PyResult<Py<PyHeaders>> {
        let headers = &self.memo().headers;
        if let Some(found) = headers.get() {
            return Ok(found.clone_ref(py));
        }
        let made = Py::new(py, PyHeaders::of_request(self.request().clone()))?;
        Ok(headers.get_or_init(|| made).clone_ref(py))
    }

    /// The fields behind the content; none before its end.
    #[getter]
    fn trailers(&self) -> PyHeaders {
        PyHeaders::of_trailers(self.request().clone())
    }

    /// The cookies of the client.
    #[getter]
    fn cookies(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let cookies = &self.memo().cookies;
        if let Some(found) = cookies.get() {
            return Ok(found.clone_ref(py));
        }
        let fields = self.request().headers();
        let values: Vec<_> = fields.get_all("cookie").map(|value| text::from_field(py, value)).collect();
        let made = names::COOKIES.get(py)?.call1((values,))?.unbind();
        Ok(cookies.get_or_init(|| made).clone_ref(py))
    }

    /// The content. On a route with `stream=True` iterate over the request instead.
    #[getter]
    fn body(&self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        if self.streaming {
            return Err(PyRuntimeError::new_err(
                "the content of this route is a stream: iterate over the request instead",
            ));
        }
        let body = &self.memo().body;
        if let Some(found) = body.get() {
            return Ok(found.clone_ref(py));
        }
        let made = PyBytes::new(py, self.request().body()).unbind();
        Ok(body.get_or_init(|| made).clone_ref(py))
    }

    /// The content as UTF-8. UnicodeDecodeError (a ValueError) when it is none.
    fn text<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        if self.streaming {
            self.body(py)?;
        }
        let body = self.request().body();
        match std::str::from_utf8(body) {
            Ok(text) => Ok(PyString::new(py, text)),
            Err(error) => Err(PyUnicodeDecodeError::new_err_from_utf8(py, body, error)),
        }
    }

    /// The value that the content is, in JSON. ValueError when it is none.
    fn json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.streaming {
            self.body(py)?;
        }
        json::read(py, self.request().body())
    }

    /// Host and port that the client asked for; may be empty.
    #[getter]
    fn authority<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.request().authority())
    }

    /// The version of HTTP: "1.0", "1.1", "2".
    #[getter]
    fn version(&self) -> &'static str {
        names::version(self.request().version())
    }

    /// "https" if the connection is encrypted, else "http". What proxies say is not looked at.
    #[getter]
    fn scheme(&self) -> &'static str {
        if self.request().tls().is_some() { "https" } else { "http" }
    }

    /// What was agreed in the TLS handshake; None on a connection without TLS.
    #[getter]
    fn tls(&self) -> Option<PyTlsSession> {
        PyTlsSession::of(self.request())
    }

    /// Whether the request came before the end of the handshake (0-RTT): somebody may have recorded it and sent it again (RFC 8470).
    #[getter]
    fn is_early(&self) -> bool {
        self.request().is_early()
    }

    /// Address and port of who is connected; None on a Unix socket.
    #[getter]
    fn client(&self) -> Option<(String, u16)> {
        match self.request().peer() {
            Peer::Ip(address) => Some((address.ip().to_string(), address.port())),
            Peer::Unix => None,
        }
    }

    /// The address of the client: what the middleware `Forwarded` found out, or that of the connection.
    #[getter]
    fn client_ip(&self) -> Option<String> {
        middleware::client_ip(self.request()).map(|ip| ip.to_string())
    }

    /// What the middleware `RequestId` gave it.
    #[getter]
    fn id(&self) -> Option<String> {
        middleware::request_id(self.request()).map(|id| id.as_str().to_owned())
    }

    /// The name that the middleware `BearerAuth` knows the client by.
    #[getter]
    fn identity(&self) -> Option<String> {
        middleware::identity(self.request()).map(|identity| identity.name().to_owned())
    }

    /// Whatever middleware and handlers want to keep with the request.
    #[getter]
    fn state(&self, py: Python<'_>) -> Py<PyDict> {
        let mut state = self.memo().state.lock().unwrap_or_else(PoisonError::into_inner);
        state.get_or_insert_with(|| PyDict::new(py).unbind()).clone_ref(py)
    }

    /// Whether nobody waits for an answer any more: the client is gone, a deadline passed, or the server ended.
    fn is_disconnected(&self) -> bool {
        self.request().cancelled().is_some()
    }

    /// Sends an interim answer, 102 to 199, before the answer itself (RFC 9110, 15.2).
    fn inform(&self, status: u16, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        inform(self.exchange()?, status, headers)
    }

    /// Keeps the right to answer: the handler returns None, and somebody answers later, from any thread.
    fn defer(slf: &Bound<'_, Self>) -> PyResult<Py<PyExchange>> {
        slf.get().defer_from(slf)
    }

    /// What the client offers to go on with: a protocol, or several behind commas. None: nothing.
    #[getter]
    fn offered_protocol(&self) -> Option<&str> {
        self.request().offered_protocol()
    }

    /// The datagrams of a protocol that the client offers, for `async with`.
    fn datagrams<'py>(slf: &Bound<'py, Self>, protocol: &str) -> PyResult<Bound<'py, PyAny>> {
        names::DATAGRAMS.get(slf.py())?.call1((slf, protocol))
    }

    /// The content as it comes.
    fn __aiter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        names::CHUNKS.get(slf.py())?.call1((slf,))
    }

    /// The content as it comes, for threads that may block.
    fn __iter__(slf: &Bound<'_, Self>) -> Content {
        Content { request: slf.clone().unbind(), whole: AtomicBool::new(false) }
    }

    fn __repr__(&self) -> String {
        let request = self.request();
        format!("<flare.Request {} {}>", request.method_str(), request.path())
    }

    /// Whether content comes while the handler runs.
    #[getter]
    fn _streaming(&self) -> bool {
        self.streaming
    }

    /// Some content: empty at its end, None when there is none yet.
    fn _read<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        match self.exchange()?.read().map_err(errors::from_answer)? {
            Read::Data(data) => Ok(Some(PyBytes::new(py, &data))),
            Read::End => Ok(Some(PyBytes::new(py, b""))),
            Read::WouldBlock => Ok(None),
        }
    }

    /// Accepts a protocol with datagrams.
    fn _switch_to_datagrams(&self, protocol: &str) -> PyResult<()> {
        self.exchange()?.switch_to_datagrams(protocol).map_err(|error| match error {
            AnswerError::Misuse(problem) => {
                PyValueError::new_err(format!("protocol {protocol:?}: {problem}"))
            }
            other => errors::from_answer(other),
        })?;
        self.mark_deferred();
        Ok(())
    }

    /// A datagram that has come. None: there is none now.
    fn _read_datagram<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let datagram = self.exchange()?.read_datagram().map_err(errors::from_answer)?;
        Ok(datagram.map(|datagram| PyBytes::new(py, &datagram)))
    }

    /// Sends a datagram. False: too many wait.
    fn _send_datagram(&self, datagram: &Bound<'_, PyAny>) -> PyResult<bool> {
        match self.exchange()?.send_datagram(&crate::stream::piece(datagram)?) {
            Ok(()) => Ok(true),
            Err(DatagramError::Full) => Ok(false),
            Err(DatagramError::Closed(error)) => Err(errors::from_answer(error)),
            Err(error) => Err(PyValueError::new_err(error.to_string())),
        }
    }

    fn _max_datagram_size(&self) -> PyResult<usize> {
        Ok(self.exchange()?.max_datagram_size())
    }

    fn _when_readable(&self, waiting: Py<PyAny>) -> PyResult<()> {
        self.when(Wait::Readable, Some(waiting))
    }

    fn _when_writable(&self, waiting: Py<PyAny>) -> PyResult<()> {
        self.when(Wait::Writable, Some(waiting))
    }

    /// Calls a function when the exchange ends before it was answered. None: nobody wants to know any more.
    fn _when_over(&self, waiting: Option<Py<PyAny>>) -> PyResult<()> {
        self.when(Wait::End, waiting)
    }

    /// Answers with what a handler gave. What is left to do comes back: pieces of an asynchronous iterator, and whether their type
    /// is unknown.
    fn _answer(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<Option<(Py<PyAny>, bool)>> {
        crate::call::take_async(slf, value)
    }

    fn _fail(slf: &Bound<'_, Self>, error: &Bound<'_, PyAny>) -> PyResult<()> {
        crate::call::fail(slf, PyErr::from_value(error.clone()))
    }

    /// Gives up: 503, or a cut when the answer was begun.
    fn _abandon(&self) -> PyResult<()> {
        let exchange = self.exchange()?;
        if exchange.is_started() {
            exchange.reset();
        } else {
            // Err: it was answered, or is over.
            let _ = exchange.answer(503);
        }
        Ok(())
    }

    /// Names the type of content that nobody named, by its first piece.
    fn _name_type(&self, first: &Bound<'_, PyAny>) -> PyResult<()> {
        Ok(crate::stream::name_type(self, first)?)
    }

    /// Sends a piece. False: the client has to take some first.
    fn _write(&self, piece: &Bound<'_, PyAny>) -> PyResult<bool> {
        crate::exchange::write(self.exchange()?, piece)
    }

    fn _finish(&self) -> PyResult<()> {
        Ok(self.finish()?)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(memo) = self.memo.get()
            && let Ok(state) = memo.state.try_lock()
            && let Some(state) = state.as_ref()
        {
            visit.call(state)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        if let Some(memo) = self.memo.get() {
            let state = memo.state.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(state);
        }
    }
}

/// Sends an interim answer.
pub(crate) fn inform(exchange: &Exchange, status: u16, fields: &Bound<'_, PyAny>) -> PyResult<()> {
    let own = Own::default();
    headers::extend(&own, fields)?;
    let fields: Headers = std::mem::take(&mut *headers::lock(&own));
    exchange.inform(status, fields).map_err(errors::from_answer)
}

/// The content of a request for threads that may block.
#[pyclass(frozen, module = "flare._flare")]
struct Content {
    request: Py<PyRequest>,
    /// The content was collected, and was given whole.
    whole: AtomicBool,
}

#[pymethods]
impl Content {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let request = self.request.get();
        if !request.streaming {
            let body = request.request().body();
            let given = self.whole.swap(true, Ordering::Relaxed) || body.is_empty();
            return Ok((!given).then(|| PyBytes::new(py, body)));
        }
        let exchange = request.exchange()?;
        let read = py.detach(|| exchange.read_blocking()).map_err(errors::from_answer)?;
        Ok(read.map(|data| PyBytes::new(py, &data)))
    }
}
