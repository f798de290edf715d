//! The route table that is built at run time.

use super::allow::{self, Names, Query};
use super::error::{RouteError, RouteProblem};
use super::exact::Exact;
use super::params::Params;
use super::path;
use super::pattern::{self, Kind, Segments};
use super::trie::Node;
use super::{Found, capture, missing};

/// Maps a method and a path to a value. The rules are those of the [module](super).
///
/// Finding a route allocates nothing, except that [`Params`] may grow. Registration is not made to be fast.
#[derive(Debug, Clone)]
pub struct RouteTable<T> {
    root: Node,
    exact: Exact,
    routes: Vec<Route<T>>,
    methods: Vec<Box<str>>,
}

#[derive(Debug, Clone)]
struct Route<T> {
    method: Box<str>,
    pattern: Box<str>,
    segments: Box<[pattern::Segment]>,
    has_params: bool,
    value: T,
}

impl<T> Default for RouteTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> RouteTable<T> {
    /// A table without routes.
    pub fn new() -> Self {
        Self { root: Node::default(), exact: Exact::default(), routes: Vec::new(), methods: Vec::new() }
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Adds a route. `method` is a token (RFC 9110 section 9.1), or `*` for any method.
    ///
    /// # Errors
    ///
    /// The method or the pattern is wrong, or a route of the same method and shape is there: `/a/:x` and `/a/:y` have
    /// one shape. The table is then as it was.
    pub fn insert(&mut self, method: &str, pattern: &str, value: T) -> Result<(), RouteError> {
        let segments = self.check(method, pattern)?;
        let new = !self.has_method(method);
        if new && self.methods.len() == allow::MAX_METHODS {
            return Err(RouteError::new(RouteProblem::TooManyMethods, method, pattern));
        }
        self.add(method, pattern, &segments, value);
        Ok(())
    }

    /// Adds all routes of another table, each pattern behind `prefix`.
    ///
    /// The prefix is a pattern without a trailing slash and without `*name`; it may have parameters. `/` of the other
    /// table becomes the prefix itself: mounted at `/api`, it answers `/api` and not `/api/`. The prefix `/` adds nothing.
    ///
    /// # Errors
    ///
    /// The prefix is wrong, or a route behind it is (see [`insert`](Self::insert)). The table is then as it was.
    pub fn mount(&mut self, prefix: &str, other: RouteTable<T>) -> Result<(), RouteError> {
        let prefix = check_prefix(prefix)?;
        let mut checked = Vec::with_capacity(other.routes.len());
        let mut methods = self.methods.len();
        for name in &other.methods {
            methods += usize::from(!self.has_method(name));
        }
        for route in &other.routes {
            let pattern = match &*route.pattern {
                "/" if !prefix.is_empty() => prefix.to_owned(),
                pattern => format!("{prefix}{pattern}"),
            };
            let segments = self.check(&route.method, &pattern)?;
            if methods > allow::MAX_METHODS {
                return Err(RouteError::new(RouteProblem::TooManyMethods, &route.method, &pattern));
            }
            checked.push((pattern, segments));
        }
        // Routes of the other table cannot be in each other's way, because no two of its patterns become one.
        for (route, (pattern, segments)) in other.routes.into_iter().zip(checked) {
            self.add(&route.method, &pattern, &segments, route.value);
        }
        Ok(())
    }

    /// The same table with other values.
    #[must_use]
    pub fn map<U>(&self, mut value: impl FnMut(&T) -> U) -> RouteTable<U> {
        let routes = self.routes.iter().map(|route| Route {
            method: route.method.clone(),
            pattern: route.pattern.clone(),
            segments: route.segments.clone(),
            has_params: route.has_params,
            value: value(&route.value),
        });
        RouteTable {
            root: self.root.clone(),
            exact: self.exact.clone(),
            routes: routes.collect(),
            methods: self.methods.clone(),
        }
    }

    /// The route for a method and the raw path of a request, without its query. `path` may be `*` if the method is
    /// OPTIONS. Both are text or its bytes. `params` is cleared, and filled if the answer is [`Found::Match`].
    pub fn find<'t>(
        &'t self,
        method: impl AsRef<[u8]>,
        path: impl AsRef<[u8]>,
        params: &mut Params,
    ) -> Found<'t, T> {
        let (method, path) = (method.as_ref(), path.as_ref());
        params.clear();
        if let Some(route) = self.exact.find(method, path).and_then(|index| self.routes.get(index)) {
            return Found::Match(&route.value);
        }
        self.search(method, path, params)
    }

    fn search<'t>(&'t self, method: &[u8], path: &[u8], params: &mut Params) -> Found<'t, T> {
        let names = Names::Owned(&self.methods);
        let Some((b'/', path)) = path.split_first() else {
            return missing::path(method, path, names);
        };
        let Some(form) = path::check(path) else {
            return Found::BadPath;
        };
        let mut query = Query::new(method, names);
        match self.root.search(path, form, &mut query).and_then(|index| self.routes.get(index)) {
            Some(route) => {
                if route.has_params {
                    capture::fill(params, &route.pattern, &route.segments, path, form);
                }
                Found::Match(&route.value)
            }
            None => missing::route(method, &query, names),
        }
    }

    /// Method (`*` for any), pattern and value of each route, in the order of registration.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &str, &T)> {
        self.routes.iter().map(|route| (&*route.method, &*route.pattern, &route.value))
    }

    fn has_method(&self, method: &str) -> bool {
        method == "*" || self.methods.iter().any(|name| **name == *method)
    }

    /// Checks all but the number of methods.
    fn check(&self, method: &str, pattern: &str) -> Result<Segments, RouteError> {
        let refuse = |problem| RouteError::new(problem, method, pattern);
        if !pattern::is_token(method) {
            return Err(refuse(RouteProblem::BadMethod));
        }
        let segments = pattern::parse(pattern).map_err(refuse)?;
        let bit = match self.methods.iter().position(|name| **name == *method) {
            Some(index) => allow::bit(index),
            None if method == "*" => 0,
            None => return Ok(segments),
        };
        let leaf = self.root.leaf(segments.as_slice().iter().map(|s| (s.kind, s.of(pattern))));
        match leaf.and_then(|leaf| leaf.get(bit)).and_then(|index| self.routes.get(index)) {
            Some(other) => Err(RouteError::conflict(method, pattern, &other.pattern)),
            None => Ok(segments),
        }
    }

    /// Adds a route that was checked.
    fn add(&mut self, method: &str, pattern: &str, segments: &Segments, value: T) {
        let bit = match self.methods.iter().position(|name| **name == *method) {
            Some(index) => allow::bit(index),
            None if method == "*" => 0,
            None => {
                self.methods.push(method.into());
                allow::bit(self.methods.len() - 1)
            }
        };
        let segments = segments.as_slice();
        let has_params = segments.iter().any(|s| s.kind != Kind::Text);
        if !has_params {
            self.exact.add(method, pattern, self.routes.len());
        }
        let leaf = self.root.leaf_mut(segments.iter().map(|s| (s.kind, s.of(pattern))));
        leaf.add(bit, self.routes.len());
        self.routes.push(Route {
            method: method.into(),
            pattern: pattern.into(),
            segments: segments.into(),
            has_params,
            value,
        });
    }
}

/// The prefix to put before patterns: empty for `/`.
fn check_prefix(prefix: &str) -> Result<&str, RouteError> {
    let refuse = |problem| RouteError::new(problem, "", prefix);
    let segments = pattern::parse(prefix).map_err(refuse)?;
    if prefix == "/" {
        return Ok("");
    }
    if prefix.ends_with('/') {
        return Err(refuse(RouteProblem::PrefixSlash));
    }
    if segments.as_slice().iter().any(|s| s.kind == Kind::Rest) {
        return Err(refuse(RouteProblem::PrefixRest));
    }
    Ok(prefix)
}
