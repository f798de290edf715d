//! Handlers by method and path.

use std::sync::Arc;

use crate::handler::Handler;
use crate::routing::{Found, Params, RouteError, RouteTable};

/// What a router knows of a route besides its pattern.
pub(crate) struct Route {
    pub(crate) handler: Box<dyn Handler>,
    /// The most bytes of content, when the route has a limit of its own.
    pub(crate) body_limit: Option<u64>,
}

/// Handlers by method and path.
///
/// Patterns are made of segments: text, `:name` (one segment, not empty) and, last, `*name` (the rest of the path, slashes
/// included). Text beats `:name` beats `*name`, whatever the order of registration. The path is split first and decoded
/// then, so `%2F` stays inside a parameter. HEAD is answered by GET, OPTIONS and 405 by the server with `Allow`.
#[derive(Default, Clone)]
pub struct Router {
    table: RouteTable<Arc<Route>>,
}

macro_rules! method {
    ($name:ident, $method:literal) => {
        #[doc = concat!("Adds a handler for ", $method, ".")]
        ///
        /// # Errors
        /// When the pattern is wrong or in conflict with another one.
        pub fn $name(&mut self, pattern: &str, handler: impl Handler) -> Result<&mut Self, RouteError> {
            self.add($method, pattern, handler)
        }
    };
}

impl Router {
    /// A router without routes: everything is 404.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a handler for a method (any token, or `*` for all) and a pattern.
    ///
    /// # Errors
    /// When the pattern is wrong or in conflict with another one.
    pub fn add(&mut self, method: &str, pattern: &str, handler: impl Handler) -> Result<&mut Self, RouteError> {
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
        let route = Route { handler: Box::new(handler), body_limit: options.body_limit };
        self.table.insert(method, pattern, Arc::new(route))?;
        Ok(self)
    }

    method!(get, "GET");
    method!(head, "HEAD");
    method!(post, "POST");
    method!(put, "PUT");
    method!(delete, "DELETE");
    method!(patch, "PATCH");
    method!(options, "OPTIONS");

    /// Adds a handler for every method.
    ///
    /// # Errors
    /// When the pattern is wrong or in conflict with another one.
    pub fn any(&mut self, pattern: &str, handler: impl Handler) -> Result<&mut Self, RouteError> {
        self.add("*", pattern, handler)
    }

    /// Adds all routes of another router below a prefix; its `/` becomes the prefix itself.
    ///
    /// # Errors
    /// When the prefix is wrong or a route is in conflict with one that is here.
    pub fn mount(&mut self, prefix: &str, other: Router) -> Result<&mut Self, RouteError> {
        self.table.mount(prefix, other.table)?;
        Ok(self)
    }

    /// The methods and patterns of all routes.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.table.routes().map(|(method, pattern, _)| (method, pattern))
    }

    pub(crate) fn find(&self, method: &str, path: &str, params: &mut Params) -> Found<'_, Arc<Route>> {
        self.table.find(method, path, params)
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.routes()).finish()
    }
}

/// What a route may decide for itself. The default leaves everything to the server's configuration.
#[derive(Debug, Clone, Copy, Default)]
pub struct RouteOptions {
    /// The most bytes of content; more is refused with 413.
    pub body_limit: Option<u64>,
}
