//! Routes with functions of Python behind them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flare::files::Files;
use flare::middleware::{Middleware, Step};
use flare::{Exchange, RouteOptions, Router};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::batch::{Batch, Item};
use crate::call::{Blocking, Call, Collected, Queued};
use crate::config;
use crate::middleware::{PyLayer, Shared};
use crate::queue::PyQueue;
use crate::response::PyResponse;
use crate::websocket_route::{self, Setting};

/// The routes of one server.
#[pyclass(name = "Router", module = "flare._flare", frozen)]
pub(crate) struct PyRouter {
    /// None: a server has it.
    router: Mutex<Option<Router>>,
    batch: Arc<Batch>,
}

impl PyRouter {
    fn router(&self) -> MutexGuard<'_, Option<Router>> {
        self.router.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Router) -> Result<T, String>) -> PyResult<()> {
        match self.router().as_mut() {
            Some(router) => change(router).map(drop).map_err(PyValueError::new_err),
            None => Err(PyRuntimeError::new_err("these routes belong to a server already")),
        }
    }

    /// Gives the routes to a server.
    pub(crate) fn take(&self) -> PyResult<(Router, Arc<Batch>)> {
        let router = self.router().take();
        let router =
            router.ok_or_else(|| PyRuntimeError::new_err("these routes belong to a server already"))?;
        Ok((router, Arc::clone(&self.batch)))
    }
}

#[pymethods]
impl PyRouter {
    #[new]
    fn new() -> Self {
        Self { router: Mutex::new(Some(Router::new())), batch: Arc::default() }
    }

    /// Checks a route and keeps it without a handler, to find what is in conflict with it.
    fn check(&self, method: &str, pattern: &str) -> PyResult<()> {
        self.change(|router| {
            router
                .add(method, pattern, |_: &flare::Request| 404_u16)
                .map(drop)
                .map_err(|error| error.to_string())
        })
    }

    #[pyo3(signature = (method, pattern, target, is_async, layers, streaming = false, blocking = false, body_limit = None, timeout = None))]
    #[allow(clippy::too_many_arguments, reason = "they have names in Python")]
    fn add(
        &self,
        method: &str,
        pattern: &str,
        target: Py<PyAny>,
        is_async: bool,
        layers: Vec<Bound<'_, PyLayer>>,
        streaming: bool,
        blocking: bool,
        body_limit: Option<u64>,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let mut options = route_options(streaming, body_limit, timeout)?;
        options.blocking = blocking;
        options.middleware = middleware_of(&layers);
        let call = Arc::new(Call::new(target, is_async, streaming));
        let batch = Arc::clone(&self.batch);
        self.change(|router| {
            let added = if blocking {
                router.add_with(method, pattern, options, Blocking { call, batch })
            } else {
                router.add_with(method, pattern, options, Collected { call, batch })
            };
            added.map(drop).map_err(|error| error.to_string())
        })
    }

    #[pyo3(signature = (method, pattern, queue, layers, streaming = false, body_limit = None, timeout = None))]
    #[allow(clippy::too_many_arguments, reason = "they have names in Python")]
    fn queue(
        &self,
        method: &str,
        pattern: &str,
        queue: &Bound<'_, PyQueue>,
        layers: Vec<Bound<'_, PyLayer>>,
        streaming: bool,
        body_limit: Option<u64>,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let mut options = route_options(streaming, body_limit, timeout)?;
        options.middleware = middleware_of(&layers);
        let queued = Queued {
            queue: queue.get().queue.clone(),
            batch: Arc::clone(&self.batch),
            route: format!("{method} {pattern}").into(),
            streaming,
        };
        self.change(|router| {
            router.add_with(method, pattern, options, queued).map(drop).map_err(|error| error.to_string())
        })
    }

    /// A route whose answer never changes.
    fn prepared(
        &self,
        method: &str,
        pattern: &str,
        answer: &Bound<'_, PyResponse>,
        layers: Vec<Bound<'_, PyLayer>>,
    ) -> PyResult<()> {
        let prepared = answer.get().prepared()?;
        let route = RouteOptions { middleware: middleware_of(&layers), ..RouteOptions::default() };
        self.change(|router| {
            router.add_with(method, pattern, route, prepared).map(drop).map_err(|error| error.to_string())
        })
    }

    fn files(
        &self,
        pattern: &str,
        folder: PathBuf,
        options: &str,
        layers: Vec<Bound<'_, PyLayer>>,
    ) -> PyResult<()> {
        let files = Files::new(&folder)
            .map_err(|error| crate::errors::os_error(&error, format!("{}: {error}", folder.display())))?;
        let files = files.options(options).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let route = RouteOptions { middleware: middleware_of(&layers), ..RouteOptions::default() };
        self.change(|router| {
            router.add_with("GET", pattern, route, files).map(drop).map_err(|error| error.to_string())
        })
    }

    /// WebSockets. `target`: an `async def` function of the socket, or a class with methods for what happens.
    #[pyo3(signature = (pattern, target, is_async, settings, accept, otherwise, layers))]
    #[allow(clippy::too_many_arguments, reason = "they have names in Python")]
    fn ws(
        &self,
        pattern: &str,
        target: Py<PyAny>,
        is_async: bool,
        settings: Vec<(String, Setting)>,
        accept: Option<Py<PyAny>>,
        otherwise: Option<(Py<PyAny>, bool)>,
        layers: Vec<Bound<'_, PyLayer>>,
    ) -> PyResult<()> {
        let mut options = websocket_route::options(settings, otherwise, &self.batch)?;
        options.middleware = middleware_of(&layers);
        let close_timeout = options.close_timeout;
        let route =
            websocket_route::Route::new(target, is_async, accept, Arc::clone(&self.batch), close_timeout);
        self.change(|router| {
            router
                .ws_with(pattern, options, move |request| route.accept(request))
                .map(drop)
                .map_err(|error| error.to_string())
        })
    }

    /// Middleware of the core around everything, also what no route takes.
    fn layer(&self, layer: &Bound<'_, PyLayer>) -> PyResult<()> {
        self.change(|router| {
            router.layer(Shared(layer.get().middleware()));
            Ok(())
        })
    }

    /// What answers requests that no route takes.
    fn unrouted(&self, target: Py<PyAny>, is_async: bool) -> PyResult<()> {
        let call = Arc::new(Call::new(target, is_async, true));
        let batch = Arc::clone(&self.batch);
        self.change(|router| {
            router.layer(Unrouted { call, batch });
            Ok(())
        })
    }
}

fn middleware_of(layers: &[Bound<'_, PyLayer>]) -> Vec<Arc<dyn Middleware>> {
    layers.iter().map(|layer| layer.get().middleware()).collect()
}

fn route_options(streaming: bool, body_limit: Option<u64>, timeout: Option<f64>) -> PyResult<RouteOptions> {
    let mut options = RouteOptions { streaming, body_limit, ..RouteOptions::default() };
    if let Some(timeout) = timeout {
        let milliseconds = config::milliseconds("timeout", timeout)?.unsigned_abs();
        options.handler_timeout = Some(Duration::from_millis(milliseconds));
    }
    Ok(options)
}

/// Takes the exchanges that no route takes, for middleware that wraps all answers.
struct Unrouted {
    call: Arc<Call>,
    batch: Arc<Batch>,
}

impl Middleware for Unrouted {
    fn on_request(&self, exchange: Exchange) -> Step {
        if flare::embed::refusal(exchange.request()).is_none() {
            return Step::Next(exchange);
        }
        self.batch.push(Item::Call(Arc::clone(&self.call), exchange));
        Step::Done
    }
}
