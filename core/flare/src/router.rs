//! Handlers by method and path.

use std::sync::Arc;
use std::time::Duration;

use crate::handler::Handler;
use crate::message::Request;
use crate::middleware::Middleware;
use crate::routing::{Found, Params, RouteError, RouteTable, StaticTable};
use crate::websocket::{self, Accept, WsOptions};

/// A list of middleware, outermost first.
type Chain = Vec<Arc<dyn Middleware>>;

/// What a router knows of a route besides its pattern.
pub(crate) struct Route {
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) options: RouteOptions,
    /// All middleware that sees its exchanges, outermost first.
    pub(crate) chain: Chain,
}

impl Route {
    /// Whether nothing comes between a head and the call of the handler.
    pub(crate) fn is_plain(&self) -> bool {
        self.chain.is_empty() && self.options.is_plain()
    }

    /// The same route with more middleware around it.
    fn within(&self, layers: &[Arc<dyn Middleware>]) -> Self {
        let chain = layers.iter().chain(&self.chain).cloned().collect();
        Self { handler: Arc::clone(&self.handler), options: self.options.clone(), chain }
    }
}

/// Handlers by method and path.
///
/// Patterns are made of segments: text, `:name` (one segment, not empty) and, last, `*name` (the rest of the path, slashes
/// included). Text beats `:name` beats `*name`, whatever the order of registration. The path is split first and decoded
/// then, so `%2F` stays inside a parameter. HEAD is answered by GET, OPTIONS and 405 by the server with `Allow`.
#[derive(Clone, Default)]
pub struct Router {
    table: RouteTable<Arc<Route>>,
    layers: Chain,
}

impl Router {
    /// A router without routes: everything is 404.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A router of routes that the compiler has checked: the handlers in the order of the table.
    ///
    /// ```
    /// use flare::prelude::*;
    /// use flare::routing::StaticTable;
    ///
    /// // A bad pattern or a conflict does not compile.
    /// const ROUTES: StaticTable<2> = StaticTable::new([("GET", "/"), ("GET", "/hi/:name")]);
    ///
    /// fn home(_: &Request) -> &'static str { "home" }
    /// fn hi(request: &Request) -> String { request.param("name").unwrap_or_default().to_owned() }
    ///
    /// let router = Router::from_table(&ROUTES, [Box::new(home), Box::new(hi)])?;
    /// # Ok::<(), flare::RouteError>(())
    /// ```
    ///
    /// # Errors
    /// None for a table that was made in a constant; otherwise as [`Router::add`].
    pub fn from_table<const N: usize>(
        table: &StaticTable<N>,
        handlers: [Box<dyn Handler>; N],
    ) -> Result<Self, RouteError> {
        let mut router = Self::new();
        for ((method, pattern), handler) in table.routes().zip(handlers) {
            let route =
                Route { handler: Arc::from(handler), options: RouteOptions::default(), chain: Vec::new() };
            router.table.insert(method, pattern, Arc::new(route))?;
        }
        Ok(router)
    }

    /// Adds a handler for a method (any token, or `*` for all) and a pattern.
    ///
    /// # Errors
    /// When the pattern is wrong or in conflict with another one.
    pub fn add(
        &mut self,
        method: &str,
        pattern: &str,
        handler: impl Handler,
    ) -> Result<&mut Self, RouteError> {
        self.add_with(method, pattern, RouteOptions::default(), handler)
    }

    /// Adds a handler with options of its own.
    ///
    /// # Errors
    /// When the pattern is wrong or in conflict with another one.
    pub fn add_with(
        &mut self,
        method: &str,
        pattern: &str,
        options: RouteOptions,
        handler: impl Handler,
    ) -> Result<&mut Self, RouteError> {
        let chain = options.middleware.clone();
        let route = Route { handler: Arc::new(handler), options, chain };
        self.table.insert(method, pattern, Arc::new(route))?;
        Ok(self)
    }

    /// Adds a handler for GET, which answers HEAD too.
    ///
    /// # Errors
    /// When the pattern is wrong or in conflict with another one.
    pub fn get(&mut self, pattern: &str, handler: impl Handler) -> Result<&mut Self, RouteError> {
        self.add("GET", pattern, handler)
    }

    /// Adds a handler for POST.
    ///
    /// # Errors
    /// When the pattern is wrong or in conflict with another one.
    pub fn post(&mut self, pattern: &str, handler: impl Handler) -> Result<&mut Self, RouteError> {
        self.add("POST", pattern, handler)
    }

    /// Adds a handler for PUT.
    ///
    /// # Errors
    /// When the pattern is wrong or in conflict with another one.
    pub fn put(&mut self, pattern: &str, handler: impl Handler) -> Result<&mut Self, RouteError> {
        self.add("PUT", pattern, handler)
    }

    /// Adds a handler for PATCH.
    ///
    /// # Errors
    /// When the pattern is wrong or in conflict with another one.
    pub fn patch(&mut self, pattern: &str, handler: impl Handler) -> Result<&mut Self, RouteError> {
        self.add("PATCH", pattern, handler)
    }

    /// Adds a handler for DELETE.
    ///
    /// # Errors
    /// When the pattern is wrong or in conflict with another one.
    pub fn delete(&mut self, pattern: &str, handler: impl Handler) -> Result<&mut Self, RouteError> {
        self.add("DELETE", pattern, handler)
    }

    /// Adds a handler for every method.
    ///
    /// # Errors
    /// When the pattern is wrong or in conflict with another one.
    pub fn any(&mut self, pattern: &str, handler: impl Handler) -> Result<&mut Self, RouteError> {
        self.add("*", pattern, handler)
    }

    /// Adds WebSockets at a pattern, with default settings: `accept` makes the [`SocketHandler`](crate::websocket::SocketHandler) of each, or
    /// refuses it. See [`crate::websocket`].
    ///
    /// # Errors
    /// When the pattern is wrong or in conflict with another one.
    pub fn ws<A: Accept>(
        &mut self,
        pattern: &str,
        accept: impl Fn(&Request) -> A + Send + Sync + 'static,
    ) -> Result<&mut Self, RouteError> {
        self.ws_with(pattern, WsOptions::default(), accept)
    }

    /// Adds WebSockets with settings of their own. These are two routes: GET, where HTTP/1.1 upgrades, and CONNECT, as HTTP/2 does it (RFC 8441).
    ///
    /// # Errors
    /// When the pattern is wrong or in conflict with another one.
    pub fn ws_with<A: Accept>(
        &mut self,
        pattern: &str,
        options: WsOptions,
        accept: impl Fn(&Request) -> A + Send + Sync + 'static,
    ) -> Result<&mut Self, RouteError> {
        let route = RouteOptions { middleware: options.middleware.clone(), ..RouteOptions::default() };
        let handler = websocket::Route::new(options, move |request| accept(request).into_handler());
        self.add_with("GET", pattern, route.clone(), handler.clone())?;
        self.add_with("CONNECT", pattern, route, handler)
    }

    /// Adds middleware around all routes of this router, those that are added later included. The first is outermost.
    pub fn layer(&mut self, middleware: impl Middleware) -> &mut Self {
        self.layers.push(Arc::new(middleware));
        self
    }

    /// Adds all routes of another router below a prefix; its `/` becomes the prefix itself. Its middleware stays around them.
    ///
    /// # Errors
    /// When the prefix is wrong or a route is in conflict with one that is here.
    pub fn mount(&mut self, prefix: &str, other: Router) -> Result<&mut Self, RouteError> {
        let table = if other.layers.is_empty() { other.table } else { layered(&other.table, &other.layers) };
        self.table.mount(prefix, table)?;
        Ok(self)
    }

    /// The methods and patterns of all routes.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.table.routes().map(|(method, pattern, _)| (method, pattern))
    }
}

/// The same routes with middleware around them.
fn layered(table: &RouteTable<Arc<Route>>, layers: &[Arc<dyn Middleware>]) -> RouteTable<Arc<Route>> {
    table.map(|route| Arc::new(route.within(layers)))
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.routes()).finish()
    }
}

/// A router that is complete: every route knows all its middleware.
pub(crate) struct Routes {
    table: RouteTable<RouteId>,
    routes: Vec<Arc<Route>>,
    /// For requests that no route takes: only its middleware counts.
    unrouted: Arc<Route>,
}

/// Names a route of [`Routes`]. An exchange keeps this and no `Arc`: all workers would count in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RouteId(u32);

impl Routes {
    pub(crate) fn new(router: Router) -> Self {
        let mut routes = Vec::new();
        let table = router.table.map(|route| {
            let id = RouteId(u32::try_from(routes.len()).unwrap_or(u32::MAX));
            routes.push(Arc::new(route.within(&router.layers)));
            id
        });
        let handler = Arc::new(|_: &Request| 404_u16);
        let unrouted = Arc::new(Route { handler, options: RouteOptions::default(), chain: router.layers });
        Self { table, routes, unrouted }
    }

    pub(crate) fn find(&self, method: &[u8], path: &[u8], params: &mut Params) -> Found<'_, RouteId> {
        self.table.find(method, path, params)
    }

    /// The name of the route that takes what no other does.
    pub(crate) const UNROUTED: RouteId = RouteId(u32::MAX);

    #[inline]
    pub(crate) fn get(&self, id: RouteId) -> &Arc<Route> {
        self.routes.get(id.0 as usize).unwrap_or(&self.unrouted)
    }

    /// Whether a route wants the pool for blocking handlers.
    pub(crate) fn any_blocking(&self) -> bool {
        self.routes.iter().any(|route| route.options.blocking)
    }
}

/// What a route may decide for itself. The default leaves everything to the server's configuration.
#[derive(Clone, Default)]
pub struct RouteOptions {
    /// The most bytes of content; more is refused with 413.
    pub body_limit: Option<u64>,
    /// From one part of the content to the next. Then 408.
    pub body_timeout: Option<Duration>,
    /// Bytes of content that a client sends in a second, at least: see [`ServerConfig`](crate::ServerConfig). 0: any rate will do, for
    /// instance because the client sends whenever it has something to say.
    pub body_min_rate: Option<u64>,
    /// From the call of the handler to its answer. Then 503.
    pub handler_timeout: Option<Duration>,
    /// The handler is called at the head of the request, and takes the content as it comes: see [`Exchange`](crate::Exchange).
    pub streaming: bool,
    /// The handler may block: it runs on a pool of threads. When the pool is full, the answer is 503 with `Retry-After`.
    pub blocking: bool,
    /// Middleware around this route alone, outermost first.
    pub middleware: Vec<Arc<dyn Middleware>>,
}

impl RouteOptions {
    /// A limit for the content.
    #[must_use]
    pub fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// A deadline for each part of the content.
    #[must_use]
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = Some(timeout);
        self
    }

    /// A rate at which the content has to come, in bytes per second; 0 for any.
    #[must_use]
    pub fn body_min_rate(mut self, rate: u64) -> Self {
        self.body_min_rate = Some(rate);
        self
    }

    /// A deadline for the handler.
    #[must_use]
    pub fn handler_timeout(mut self, timeout: Duration) -> Self {
        self.handler_timeout = Some(timeout);
        self
    }

    /// The handler takes the content as it comes.
    #[must_use]
    pub fn streaming(mut self) -> Self {
        self.streaming = true;
        self
    }

    /// The handler may block.
    #[must_use]
    pub fn blocking(mut self) -> Self {
        self.blocking = true;
        self
    }

    /// Adds middleware around this route alone. The first is outermost.
    #[must_use]
    pub fn layer(mut self, middleware: impl Middleware) -> Self {
        self.middleware.push(Arc::new(middleware));
        self
    }

    fn is_plain(&self) -> bool {
        !self.blocking && !self.streaming && self.handler_timeout.is_none()
    }
}

impl std::fmt::Debug for RouteOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RouteOptions")
            .field("body_limit", &self.body_limit)
            .field("body_timeout", &self.body_timeout)
            .field("body_min_rate", &self.body_min_rate)
            .field("handler_timeout", &self.handler_timeout)
            .field("streaming", &self.streaming)
            .field("blocking", &self.blocking)
            .field("middleware", &self.middleware.len())
            .finish()
    }
}
