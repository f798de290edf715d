//! Objects of Python that are looked up once.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// An attribute of a module, looked up at its first use.
pub(crate) struct Name {
    module: &'static str,
    name: &'static str,
    found: PyOnceLock<Py<PyAny>>,
}

impl Name {
    const fn new(module: &'static str, name: &'static str) -> Self {
        Self { module, name, found: PyOnceLock::new() }
    }

    pub(crate) fn get<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        let found = self
            .found
            .get_or_try_init(py, || py.import(self.module)?.getattr(self.name).map(Bound::unbind))?;
        Ok(found.bind(py))
    }
}

/// What Python calls a version of HTTP.
pub(crate) fn version(version: flare::Version) -> &'static str {
    match version {
        flare::Version::Http10 => "1.0",
        flare::Version::Http11 => "1.1",
        flare::Version::Http2 => "2",
        flare::Version::Http3 => "3",
    }
}

/// Logs the traceback of a handler that failed.
pub(crate) static FAILED: Name = Name::new("flare._log", "failed");
/// Logs that no certificate was chosen.
pub(crate) static RESOLVER_FAILED: Name = Name::new("flare._log", "resolver_failed");
/// Logs an event of the core.
pub(crate) static EVENT: Name = Name::new("flare._log", "event");
/// The content of a request, asynchronously.
pub(crate) static CHUNKS: Name = Name::new("flare._stream", "chunks");
/// The datagrams of a request.
pub(crate) static DATAGRAMS: Name = Name::new("flare._datagrams", "Datagrams");
/// Sends pieces that come from an asynchronous iterator.
pub(crate) static PUMP: Name = Name::new("flare._stream", "pump");
/// Answers when a `concurrent.futures.Future` is done.
pub(crate) static WHEN_DONE: Name = Name::new("flare._later", "when_done");
/// Runs the function of a WebSocket that is open.
pub(crate) static START_SOCKET: Name = Name::new("flare._sockets", "start");
/// The same for a class with methods for what happens.
pub(crate) static START_SOCKET_CALLBACKS: Name = Name::new("flare._sockets", "start_callbacks");
pub(crate) static WEBSOCKET_CLOSED: Name = Name::new("flare._websocket", "WebSocketClosed");
pub(crate) static CONNECT_ERROR: Name = Name::new("flare._exchanges", "connect_error");
pub(crate) static WEBSOCKET_REFUSED: Name = Name::new("flare._websocket_client", "WebSocketRefused");
pub(crate) static ENCODE: Name = Name::new("flare._json", "encode");
pub(crate) static DECODE: Name = Name::new("flare._json", "decode");
pub(crate) static FUTURE: Name = Name::new("concurrent.futures", "Future");
pub(crate) static COOKIES: Name = Name::new("flare._cookies", "parse");
pub(crate) static QUERY: Name = Name::new("flare._query", "QueryParams");
pub(crate) static GUESS_TYPE: Name = Name::new("mimetypes", "guess_type");
