//! Checks and sorts the routes of a [`StaticTable`](super::StaticTable). Loops instead of iterators, because the compiler
//! runs this.

use super::message::refuse;
use super::{NOWHERE, Reach, Route};
use crate::routing::allow::{MAX_METHODS, bit};
use crate::routing::error::RouteProblem;
use crate::routing::path;
use crate::routing::pattern::{self, Kind, MAX_SEGMENTS, Segments};
use std::cmp::Ordering;

type Given = (&'static str, &'static str);

/// The different methods of the routes, and how many they are. `*` is not one of them.
pub(super) const fn methods<const N: usize>(given: &[Given; N]) -> ([&'static str; N], usize) {
    let mut names = [""; N];
    let mut count = 0;
    let mut at = 0;
    while at < N {
        let (method, pattern) = given[at];
        if !pattern::is_token(method) {
            refuse(RouteProblem::BadMethod, method, pattern, None);
        }
        if !same_text(method, "*") && position(names.split_at(count).0, method).is_none() {
            if count == MAX_METHODS {
                refuse(RouteProblem::TooManyMethods, method, pattern, None);
            }
            names[count] = method;
            count += 1;
        }
        at += 1;
    }
    (names, count)
}

/// The routes, checked, in the order of the search, and linked.
pub(super) const fn routes<const N: usize>(given: &[Given; N], methods: &[&'static str]) -> [Route; N] {
    assert!(N <= u16::MAX as usize, "a compile-time table must not have more than 65535 routes");
    let parsed = parse(given, methods);
    let order = sort(&parsed);
    let mut sorted = parsed;
    let mut at = 0;
    while at < N {
        sorted[at] = parsed[order[at]];
        if at > 0 && compare(&sorted[at - 1], &sorted[at]).is_eq() {
            // The later one in the list is at fault, as it would be at run time.
            let (method, first) = given[order[at - 1]];
            let (_, second) = given[order[at]];
            refuse(RouteProblem::Conflict, method, second, Some(first));
        }
        at += 1;
    }
    link(&mut sorted);
    sorted
}

/// Fills in the reach of each route, from the last one back.
const fn link(routes: &mut [Route]) {
    let mut at = routes.len();
    while at > 0 {
        at -= 1;
        let route = routes[at];
        let own = route.segments.as_slice();
        let next = if at + 1 < routes.len() { Some(routes[at + 1]) } else { None };
        let common = match &next {
            Some(next) => common(&route, next),
            None => 0,
        };
        let mut depth = 0;
        while depth < own.len() {
            let mut reach =
                Reach { same: 1, texts: matches!(own[depth].kind, Kind::Text) as u16, len: own[depth].len() };
            if let Some(next) = &next {
                if depth < common {
                    reach.same += next.reach[depth].same;
                }
                if depth <= common && depth < next.segments.len() && reach.texts > 0 {
                    reach.texts += next.reach[depth].texts;
                }
            }
            routes[at].reach[depth] = reach;
            depth += 1;
        }
    }
}

/// How many segments two routes have in common from the left.
const fn common(left: &Route, right: &Route) -> usize {
    let (a, b) = (left.segments.as_slice(), right.segments.as_slice());
    let mut at = 0;
    while at < a.len() && at < b.len() && compare_segment(left, right, at).is_eq() {
        at += 1;
    }
    at
}

const fn parse<const N: usize>(given: &[Given; N], methods: &[&'static str]) -> [Route; N] {
    const EMPTY: Route = Route {
        pattern: "",
        segments: Segments::EMPTY,
        reach: [NOWHERE; MAX_SEGMENTS],
        method: 0,
        index: 0,
        has_params: false,
        encoded: false,
    };
    let mut routes = [EMPTY; N];
    let mut index = 0;
    while index < N {
        let (method, pattern) = given[index];
        let segments = match pattern::parse(pattern) {
            Ok(segments) => segments,
            Err(problem) => refuse(problem, method, pattern, None),
        };
        let method = match position(methods, method) {
            Some(at) => bit(at),
            None => 0,
        };
        let has_params = has_params(&segments);
        let encoded = has_percent(pattern);
        routes[index] = Route { pattern, segments, method, index, has_params, encoded, ..EMPTY };
        index += 1;
    }
    routes
}

/// The positions of the routes in the order of the search; equal ones stay as they were. Binary insertion, because
/// comparing is what costs the compiler time.
const fn sort<const N: usize>(routes: &[Route; N]) -> [usize; N] {
    let mut order = [0; N];
    let mut count = 0;
    while count < N {
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = (low + high) / 2;
            if compare(&routes[order[middle]], &routes[count]).is_gt() {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let mut at = count;
        while at > low {
            order[at] = order[at - 1];
            at -= 1;
        }
        order[low] = count;
        count += 1;
    }
    order
}

/// Segment by segment: the end, then text by its decoded bytes, then parameter, then rest. Routes of one shape are ordered
/// by method, so that a conflict is two neighbours.
const fn compare(left: &Route, right: &Route) -> Ordering {
    let (a, b) = (left.segments.as_slice(), right.segments.as_slice());
    let mut at = 0;
    while at < a.len() && at < b.len() {
        let order = compare_segment(left, right, at);
        if !order.is_eq() {
            return order;
        }
        at += 1;
    }
    if a.len() != b.len() {
        return numbers(a.len() as u64, b.len() as u64);
    }
    numbers(left.method, right.method)
}

const fn compare_segment(left: &Route, right: &Route, at: usize) -> Ordering {
    let (a, b) = (left.segments.as_slice()[at], right.segments.as_slice()[at]);
    match (a.kind, b.kind) {
        (Kind::Text, Kind::Text) => path::order(a.of(left.pattern), b.of(right.pattern)),
        (a, b) => numbers(a as u64, b as u64),
    }
}

const fn numbers(a: u64, b: u64) -> Ordering {
    if a < b {
        Ordering::Less
    } else if a > b {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}

const fn has_params(segments: &Segments) -> bool {
    let list = segments.as_slice();
    let mut at = 0;
    while at < list.len() {
        if !matches!(list[at].kind, Kind::Text) {
            return true;
        }
        at += 1;
    }
    false
}

const fn has_percent(pattern: &str) -> bool {
    let bytes = pattern.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            return true;
        }
        at += 1;
    }
    false
}

const fn position(names: &[&'static str], name: &str) -> Option<usize> {
    let mut at = 0;
    while at < names.len() {
        if same_text(names[at], name) {
            return Some(at);
        }
        at += 1;
    }
    None
}

const fn same_text(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}
