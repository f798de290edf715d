//! The route table that the compiler checks and sorts.

mod build;
mod message;

use super::allow::{Names, Query};
use super::params::Params;
use super::path::{self, Form};
use super::pattern::{Kind, MAX_SEGMENTS, Segments};
use super::{Found, capture, missing};

/// Up to this many routes are compared group by group; comparing lengths is cheaper than ordering.
const FEW: usize = 16;

/// A route table made at compile time. Same rules as [`RouteTable`](super::RouteTable); the value of a route is its index
/// in the list given to [`new`](Self::new). The table needs no heap and no start-up.
///
/// ```
/// use flare::routing::{Found, Params, StaticTable};
///
/// static TABLE: StaticTable<2> = StaticTable::new([("GET", "/hi/:name"), ("POST", "/echo")]);
///
/// let mut params = Params::new();
/// assert_eq!(TABLE.find("GET", "/hi/Bob%20B", &mut params), Found::Match(&0));
/// assert_eq!(params.get_str("name"), Some("Bob B"));
/// assert_eq!(TABLE.find("POST", "/echo", &mut params), Found::Match(&1));
/// ```
///
/// A table with an error does not compile, and the message names the route. Two routes of one shape:
///
/// ```compile_fail,E0080
/// use flare::routing::StaticTable;
///
/// static TABLE: StaticTable<2> = StaticTable::new([("GET", "/a/:x"), ("GET", "/a/:y")]);
/// # let _ = TABLE.len();
/// ```
///
/// A pattern that is wrong:
///
/// ```compile_fail,E0080
/// use flare::routing::StaticTable;
///
/// static TABLE: StaticTable<1> = StaticTable::new([("GET", "hi")]);
/// # let _ = TABLE.len();
/// ```
///
/// A method that is not a token:
///
/// ```compile_fail,E0080
/// use flare::routing::StaticTable;
///
/// static TABLE: StaticTable<1> = StaticTable::new([("G ET", "/hi")]);
/// # let _ = TABLE.len();
/// ```
#[derive(Debug, Clone)]
pub struct StaticTable<const N: usize> {
    /// Sorted so that routes with a common beginning stand together, and text comes before parameter before rest. So
    /// the routes that can still match are always one slice, and each segment of a path cuts it shorter.
    routes: [Route; N],
    given: [(&'static str, &'static str); N],
    methods: [&'static str; N],
    method_count: usize,
}

#[derive(Debug, Clone, Copy)]
struct Route {
    pattern: &'static str,
    segments: Segments,
    /// How far the routes that stand with this one reach, for each of its segments.
    reach: [Reach; MAX_SEGMENTS],
    /// The bit of the method; 0 for any.
    method: u64,
    index: usize,
    has_params: bool,
    /// Whether some text must be decoded before it is compared.
    encoded: bool,
}

/// Of the routes that agree in all segments before this one, how many from here on...
#[derive(Debug, Clone, Copy)]
struct Reach {
    /// ...also agree in this segment.
    same: u16,
    /// ...have text in this segment.
    texts: u16,
    /// The length of this segment as written, in bytes. It is here because most texts differ in length already.
    len: u16,
}

const NOWHERE: Reach = Reach { same: 1, texts: 0, len: 0 };

impl<const N: usize> StaticTable<N> {
    /// A table of `(method, pattern)`; the method `*` stands for any.
    ///
    /// # Panics
    ///
    /// If a route is wrong or two are in conflict, as [`RouteTable::insert`](super::RouteTable::insert) would find. In a
    /// `const` or `static` that is an error of compilation.
    pub const fn new(routes: [(&'static str, &'static str); N]) -> Self {
        let (methods, method_count) = build::methods(&routes);
        let (names, _) = methods.split_at(method_count);
        Self { routes: build::routes(&routes, names), given: routes, methods, method_count }
    }

    /// How many routes there are: `N`.
    pub const fn len(&self) -> usize {
        N
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        N == 0
    }

    /// Method (`*` for any) and pattern of each route, in the order given; so the position is the index.
    pub fn routes(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.given.iter().copied()
    }

    /// The index of the route for a method and the raw path of a request, without its query. `path` may be `*` if the
    /// method is OPTIONS. Both are text or its bytes. `params` is cleared, and filled if the answer is [`Found::Match`].
    pub fn find<'t>(
        &'t self,
        method: impl AsRef<[u8]>,
        path: impl AsRef<[u8]>,
        params: &mut Params,
    ) -> Found<'t, usize> {
        let (method, path) = (method.as_ref(), path.as_ref());
        params.clear();
        let names = Names::Static(self.methods.get(..self.method_count).unwrap_or_default());
        let Some((b'/', rest)) = path.split_first() else {
            return missing::path(method, path, names);
        };
        let Some(form) = path::check(rest) else {
            return Found::BadPath;
        };
        let mut query = Query::new(method, names);
        match search(&self.routes, 0, rest, form, &mut query) {
            Some(route) => {
                if route.has_params {
                    capture::fill(params, route.pattern, route.segments.as_slice(), rest, form);
                }
                Found::Match(&route.index)
            }
            None => missing::route(method, &query, names),
        }
    }
}

impl Route {
    fn kind(&self, depth: usize) -> Option<Kind> {
        self.segments.as_slice().get(depth).map(|segment| segment.kind)
    }

    fn reach(&self, depth: usize) -> Reach {
        self.reach.get(depth).copied().unwrap_or(NOWHERE)
    }

    fn text(&self, depth: usize) -> &'static [u8] {
        self.segments.as_slice().get(depth).map_or(&[], |segment| segment.of(self.pattern))
    }

    fn is(&self, depth: usize, segment: &[u8], form: Form) -> bool {
        let text = self.text(depth);
        if self.encoded || form == Form::Encoded {
            path::order(text, segment).is_eq()
        } else {
            text == segment
        }
    }

    fn is_before(&self, depth: usize, segment: &[u8], form: Form) -> bool {
        let text = self.text(depth);
        if self.encoded || form == Form::Encoded {
            path::order(text, segment).is_lt()
        } else {
            text < segment
        }
    }
}

/// The most specific route for `path`, which starts at a segment. All `routes` have the same `depth` segments before it,
/// and at least one more.
fn search<'t>(
    routes: &'t [Route],
    depth: usize,
    path: &[u8],
    form: Form,
    query: &mut Query,
) -> Option<&'t Route> {
    let (segment, tail) = path::split(path);
    let (texts, others) = routes.split_at_checked(routes.first()?.reach(depth).texts.into())?;
    let same = same_text(texts, depth, segment, form);
    if let Some(route) = descend(same, depth + 1, tail, form, query) {
        return Some(route);
    }
    let (params, rests) = match others.first() {
        Some(route) if route.kind(depth) == Some(Kind::Param) => cut_same(others, depth),
        _ => (&[][..], others),
    };
    if !segment.is_empty()
        && let Some(route) = descend(params, depth + 1, tail, form, query)
    {
        return Some(route);
    }
    pick(rests, query)
}

/// Of routes with text, those whose text is the segment.
#[inline]
fn same_text<'t>(mut texts: &'t [Route], depth: usize, segment: &[u8], form: Form) -> &'t [Route] {
    if texts.len() > FEW {
        let start = texts.partition_point(|route| route.is_before(depth, segment, form));
        texts = texts.get(start..).unwrap_or_default();
        return match texts.first() {
            Some(route) if route.is(depth, segment, form) => cut_same(texts, depth).0,
            _ => &[],
        };
    }
    while let Some(route) = texts.first() {
        let reach = route.reach(depth);
        let may_be = usize::from(reach.len) == segment.len() || route.encoded || form == Form::Encoded;
        if may_be && route.is(depth, segment, form) {
            return texts.get(..reach.same.into()).unwrap_or_default();
        }
        texts = texts.get(reach.same.into()..).unwrap_or_default();
    }
    &[]
}

/// The routes at the front that agree in the segment at `depth`, and the others.
#[inline]
fn cut_same(routes: &[Route], depth: usize) -> (&[Route], &[Route]) {
    let same = routes.first().map_or(0, |route| route.reach(depth).same.into());
    routes.split_at_checked(same).unwrap_or_default()
}

#[inline]
fn descend<'t>(
    routes: &'t [Route],
    depth: usize,
    tail: Option<&[u8]>,
    form: Form,
    query: &mut Query,
) -> Option<&'t Route> {
    // Those that end here come first, one for each method.
    let ending = routes.iter().position(|route| route.segments.len() != depth).unwrap_or(routes.len());
    let (ending, longer) = routes.split_at_checked(ending)?;
    match tail {
        None => pick(ending, query),
        Some(path) => search(longer, depth, path, form, query),
    }
}

/// The route for the method, among those of one pattern.
fn pick<'t>(routes: &'t [Route], query: &mut Query) -> Option<&'t Route> {
    let (mut any, mut fallback) = (None, None);
    let mut seen = 0;
    for route in routes {
        if route.method == 0 {
            any = Some(route);
        } else if route.method == query.method {
            return Some(route);
        } else if route.method == query.fallback {
            fallback = Some(route);
        }
        seen |= route.method;
    }
    if fallback.is_none() && any.is_none() {
        query.seen |= seen;
        query.known |= seen != 0;
    }
    fallback.or(any)
}

#[cfg(test)]
mod tests;
