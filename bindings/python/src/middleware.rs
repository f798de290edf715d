//! The middleware that comes with the core. It runs on the worker, and never comes to Python.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use flare::Exchange;
use flare::log::AccessRecord;
use flare::message::{Request, Response};
use flare::middleware::{
    AccessFormat, AccessLog, BearerAuth, Forwarded, ForwardedField, Middleware, RateLimit, RequestId, Step,
};
use pyo3::PyClass;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors;

/// Middleware of the core.
#[pyclass(name = "Layer", module = "flare.middleware", frozen, subclass)]
pub(crate) struct PyLayer(Arc<dyn Middleware>);

impl PyLayer {
    pub(crate) fn middleware(&self) -> Arc<dyn Middleware> {
        Arc::clone(&self.0)
    }

    fn of<T>(middleware: impl Middleware, class: T) -> PyClassInitializer<T>
    where
        T: PyClass<BaseType = Self>,
    {
        PyClassInitializer::from(Self(Arc::new(middleware))).add_subclass(class)
    }
}

/// Middleware that several routers have.
pub(crate) struct Shared(pub(crate) Arc<dyn Middleware>);

impl Middleware for Shared {
    fn on_request(&self, exchange: Exchange) -> Step {
        self.0.on_request(exchange)
    }

    fn on_head(&self, request: &Request, response: &mut Response) {
        self.0.on_head(request, response);
    }

    fn on_end(&self, record: &AccessRecord<'_>) {
        self.0.on_end(record);
    }
}

fn wrong(error: impl ToString) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Gives each request an id, which `request.id` and the field `x-request-id` of its answer tell.
#[pyclass(name = "RequestId", module = "flare.middleware", frozen, extends = PyLayer)]
pub(crate) struct PyRequestId;

#[pymethods]
impl PyRequestId {
    #[new]
    #[pyo3(signature = (*, trust_incoming = false))]
    fn new(trust_incoming: bool) -> PyClassInitializer<Self> {
        PyLayer::of(RequestId::new().trust_incoming(trust_incoming), Self)
    }
}

/// Writes one line for each exchange that ended: answered, refused or cut.
#[pyclass(name = "AccessLog", module = "flare.middleware", frozen, extends = PyLayer)]
pub(crate) struct PyAccessLog;

#[pymethods]
impl PyAccessLog {
    #[new]
    #[pyo3(signature = (path = None, *, format = "common"))]
    fn new(path: Option<PathBuf>, format: &str) -> PyResult<PyClassInitializer<Self>> {
        let format = match format {
            "common" => AccessFormat::Common,
            "combined" => AccessFormat::Combined,
            "json" => AccessFormat::Json,
            other => return Err(wrong(format!("there is no format {other:?}: common, combined, json"))),
        };
        let file: Box<dyn Write + Send> = match path {
            Some(path) => {
                let opened = OpenOptions::new().append(true).create(true).open(&path);
                Box::new(
                    opened
                        .map_err(|error| errors::os_error(&error, format!("{}: {error}", path.display())))?,
                )
            }
            None => Box::new(std::io::stdout()),
        };
        let file = Mutex::new(file);
        let sink = move |line: &str| {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            // Err: the disk is full or the reader gone. The server goes on without its log.
            let _ = file.write_all(format!("{line}\n").as_bytes()).and_then(|()| file.flush());
        };
        Ok(PyLayer::of(AccessLog::new(format, sink), Self))
    }
}

/// Only lets requests with a known token pass (RFC 6750). `request.identity` is the name of its owner.
#[pyclass(name = "BearerAuth", module = "flare.middleware", frozen, extends = PyLayer)]
pub(crate) struct PyBearerAuth;

#[pymethods]
impl PyBearerAuth {
    #[new]
    fn new(realm: &str, tokens: &Bound<'_, PyDict>) -> PyResult<PyClassInitializer<Self>> {
        let tokens = tokens.iter().map(|(token, name)| Ok((token.extract()?, name.extract()?)));
        let tokens: Vec<(String, String)> = tokens.collect::<PyResult<_>>()?;
        Ok(PyLayer::of(BearerAuth::tokens(realm, tokens).map_err(wrong)?, Self))
    }
}

/// Limits the requests of each client, by its address; more are answered with 429.
#[pyclass(name = "RateLimit", module = "flare.middleware", frozen, extends = PyLayer)]
pub(crate) struct PyRateLimit;

#[pymethods]
impl PyRateLimit {
    #[new]
    #[pyo3(signature = (capacity, per_second, *, fields = false, ipv6_prefix = 64, max_clients = 65536))]
    fn new(
        capacity: u32,
        per_second: f64,
        fields: bool,
        ipv6_prefix: u8,
        max_clients: usize,
    ) -> PyResult<PyClassInitializer<Self>> {
        let limit = RateLimit::new(capacity, per_second).map_err(wrong)?;
        Ok(PyLayer::of(limit.fields(fields).ipv6_prefix(ipv6_prefix).max_clients(max_clients), Self))
    }
}

/// Finds out the client behind trusted proxies, for `request.client_ip`, logs and limits. It belongs first.
#[pyclass(name = "Forwarded", module = "flare.middleware", frozen, extends = PyLayer)]
pub(crate) struct PyForwarded;

#[pymethods]
impl PyForwarded {
    #[new]
    #[pyo3(signature = (trusted, *, field = "standard", trust_unix_sockets = false))]
    fn new(
        trusted: Vec<String>,
        field: &str,
        trust_unix_sockets: bool,
    ) -> PyResult<PyClassInitializer<Self>> {
        let field = match field {
            "standard" => ForwardedField::Standard,
            "x-forwarded" => ForwardedField::XForwarded,
            "both" => ForwardedField::Both,
            other => return Err(wrong(format!("there is no field {other:?}: standard, x-forwarded, both"))),
        };
        let forwarded = Forwarded::new(field, trusted).map_err(wrong)?;
        Ok(PyLayer::of(forwarded.trust_unix_sockets(trust_unix_sockets), Self))
    }
}
