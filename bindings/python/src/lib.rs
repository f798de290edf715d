//! The Python binding of flare: `flare._flare`, the part of the package that is not Python.
//!
//! It translates types and lifetimes, and nothing else. What a program sees is written in Python, in `python/flare`.
//!
//! A server runs in the loop of the thread that owns it. Handlers of the core do nothing but put their exchange into a batch (`batch.rs`); when
//! the worker's turn is done the GIL is taken once and all of them are called, and their answers leave together. So the GIL is held around
//! Python code and nothing else.

mod answer;
mod batch;
mod call;
mod client;
mod config;
mod connector;
mod ear;
mod errors;
mod exchange;
mod forked;
mod headers;
mod inbox;
mod inside;
mod json;
mod log;
mod middleware;
mod mux;
mod names;
mod queue;
mod request;
mod response;
mod router;
mod server;
mod stream;
mod text;
mod tls;
mod websocket;
mod websocket_client;
mod websocket_route;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _flare {
    #[pymodule_export]
    use crate::client::PyLink;
    #[pymodule_export]
    use crate::connector::{PyConnecting, PyConnector};
    #[pymodule_export]
    use crate::exchange::PyExchange;
    #[pymodule_export]
    use crate::headers::{PyHeaders, PyMutableHeaders};
    #[pymodule_export]
    use crate::middleware::{PyAccessLog, PyBearerAuth, PyForwarded, PyLayer, PyRateLimit, PyRequestId};
    #[pymodule_export]
    use crate::mux::{PyMux, PyMuxListener, PyMuxStream};
    #[pymodule_export]
    use crate::queue::PyQueue;
    #[pymodule_export]
    use crate::request::PyRequest;
    #[pymodule_export]
    use crate::response::PyResponse;
    #[pymodule_export]
    use crate::router::PyRouter;
    #[pymodule_export]
    use crate::server::{PyReport, PyServer};
    #[pymodule_export]
    use crate::tls::{PyIdentity, PyTlsSession, check_tls, self_signed};

    #[pymodule_export]
    use crate::websocket::PySocket;
    #[pymodule_export]
    use crate::websocket_client::{PyClientSocket, PyOpener, PyOpening};

    use super::*;

    /// The value of a response of any kind, so that middleware can change it.
    #[pyfunction]
    fn as_response<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        answer::as_response(value)
    }

    /// What the server is about to answer to a request that no route takes: status and `Allow`.
    #[pyfunction]
    fn refusal(request: &Bound<'_, PyRequest>) -> Option<(u16, Option<String>)> {
        let (status, allow) = flare::embed::refusal(request.get().request())?;
        Some((status, allow.map(str::to_owned)))
    }

    /// The version of the package.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("Disconnected", module.py().get_type::<errors::Disconnected>())?;
        module.add("MuxClosed", module.py().get_type::<mux::MuxClosed>())?;
        inside::watch(module.py())?;
        forked::watch(module.py())?;
        headers::register(module.py())
    }
}
