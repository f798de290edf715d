//! Route tables: both kinds give the oracle's answer. A mount is the same as spelling the prefix out.
//!
//! The input is text. Up to the first empty line each line adds something to the table: `METHOD PATTERN` a route; `@PREFIX` begins
//! a table of its own, which is mounted at the end of the lines. Each line behind is a request: `METHOD PATH`.

use flare::routing::{Found, Params, RouteError, RouteProblem, RouteTable, StaticTable};

use crate::PLANTED;
use crate::oracle::routes::{Answer, answer};

/// More says nothing new, and makes one run slow.
const MOST_LINES: usize = 40;

/// Runs the target.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n').take(MOST_LINES);
    let (table, routes) = build(&mut lines);
    assert_eq!(table.len(), routes.len());
    let listed: Vec<(String, String)> =
        table.routes().map(|(method, pattern, _)| (method.to_owned(), pattern.to_owned())).collect();
    assert_eq!(listed, routes);
    let mut params = Params::new();
    for line in lines {
        let (method, path) = line.split_once(' ').unwrap_or((line, ""));
        let expected = answer(&routes, method, path);
        let found = found(table.find(method, path, &mut params), &params);
        assert_eq!(found, expected, "{method:?} {path:?} in {routes:?}");
        if let Some(found) = compiled(&routes, method, path, &mut params) {
            assert_eq!(found, expected, "compiled: {method:?} {path:?} in {routes:?}");
        }
    }
}

/// The table, and its routes with their prefixes.
fn build<'a>(lines: &mut impl Iterator<Item = &'a str>) -> (RouteTable<usize>, Vec<(String, String)>) {
    let mut table = RouteTable::new();
    let mut routes = Vec::new();
    let mut mounted: Option<(&str, RouteTable<usize>)> = None;
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some(prefix) = line.strip_prefix('@') {
            if let Some((prefix, inner)) = mounted.take() {
                mount(&mut table, &mut routes, prefix, inner);
            }
            mounted = Some((prefix, RouteTable::new()));
            continue;
        }
        let (method, pattern) = line.split_once(' ').unwrap_or((line, ""));
        match &mut mounted {
            Some((_, inner)) => {
                let value = inner.len();
                check(inner.insert(method, pattern, value).err());
            }
            None => {
                let before = table.len();
                match table.insert(method, pattern, before) {
                    Ok(()) => routes.push((method.to_owned(), pattern.to_owned())),
                    Err(error) => {
                        assert_eq!(table.len(), before);
                        check(Some(error));
                    }
                }
            }
        }
    }
    if let Some((prefix, inner)) = mounted {
        mount(&mut table, &mut routes, prefix, inner);
    }
    // The values are the places again, which mounts have mixed.
    let mut numbered = RouteTable::new();
    for (index, (method, pattern)) in routes.iter().enumerate() {
        numbered.insert(method, pattern, index).expect("a table's routes can be put in another one");
    }
    assert!(table.routes().zip(numbered.routes()).all(|(old, new)| (old.0, old.1) == (new.0, new.1)));
    (numbered, routes)
}

/// An error has words, and names another route if and only if it is a conflict.
fn check(error: Option<RouteError>) {
    if let Some(error) = error {
        assert!(error.to_string().contains(error.problem().text()));
        assert_eq!(error.other().is_some(), error.problem() == RouteProblem::Conflict);
    }
}

fn mount(
    table: &mut RouteTable<usize>,
    routes: &mut Vec<(String, String)>,
    prefix: &str,
    inner: RouteTable<usize>,
) {
    let spelled: Vec<(String, String)> = inner
        .routes()
        .map(|(method, pattern, _)| {
            let full = match (prefix, pattern) {
                ("/", pattern) => pattern.to_owned(),
                (prefix, "/") => prefix.to_owned(),
                (prefix, pattern) => format!("{prefix}{pattern}"),
            };
            (method.to_owned(), full)
        })
        .collect();
    let before = table.len();
    match table.mount(prefix, inner) {
        Ok(()) => routes.extend(spelled),
        Err(error) => {
            assert_eq!(table.len(), before);
            check(Some(error));
        }
    }
}

fn found(found: Found<'_, usize>, params: &Params) -> Answer {
    match found {
        Found::Match(index) => {
            let mut values: Vec<_> =
                params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            for (name, value) in &mut values {
                assert_eq!(params.get(name), Some(&value[..]));
                assert_eq!(params.get_with_nul(name).and_then(<[u8]>::split_last), Some((&0, &value[..])));
                assert!(!value.contains(&0));
                // PLANTED: an encoded slash in a value is decoded once more.
                if PLANTED && value.windows(3).any(|three| three == b"%2F") {
                    value.retain(|byte| *byte != b'%');
                }
            }
            Answer::Match(*index, values)
        }
        other => {
            assert!(params.is_empty());
            match other {
                Found::Options { allow } => Answer::Options(allow.to_string()),
                Found::NotAllowed { allow } => Answer::NotAllowed(allow.to_string()),
                Found::NotFound => Answer::NotFound,
                _ => Answer::BadPath,
            }
        }
    }
}

/// The answer of the table that is otherwise built by the compiler; `None` for numbers of routes that are not tried.
fn compiled(routes: &[(String, String)], method: &str, path: &str, params: &mut Params) -> Option<Answer> {
    match routes.len() {
        1 => compiled_of::<1>(routes, method, path, params),
        2 => compiled_of::<2>(routes, method, path, params),
        3 => compiled_of::<3>(routes, method, path, params),
        5 => compiled_of::<5>(routes, method, path, params),
        8 => compiled_of::<8>(routes, method, path, params),
        20 => compiled_of::<20>(routes, method, path, params),
        _ => None,
    }
}

fn compiled_of<const N: usize>(
    routes: &[(String, String)],
    method: &str,
    path: &str,
    params: &mut Params,
) -> Option<Answer> {
    // SAFETY: the texts outlive the table and what is borrowed from it: all of it is dropped in this function.
    let forever = |text: &String| -> &'static str { unsafe { &*std::ptr::from_ref(text.as_str()) } };
    let list: Vec<_> = routes.iter().map(|(method, pattern)| (forever(method), forever(pattern))).collect();
    let table = Box::new(StaticTable::<N>::new(list.try_into().ok()?));
    Some(found(table.find(method, path, params), params))
}
