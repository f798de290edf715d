//! The rules of the routing module's documentation: each route is tried, the best one that matches wins.

use std::collections::BTreeSet;

/// A parameter's name, and its decoded value.
type Values = Vec<(String, Vec<u8>)>;

/// What a table has to say.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// The place of the route, and the parameters.
    Match(usize, Values),
    Options(String),
    NotAllowed(String),
    NotFound,
    BadPath,
}

/// Percent-decodes. `None`: a `%` without two digits behind it, or a NUL.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'%' {
            let digits = text.get(at + 1..at + 3)?;
            let value = |digit: u8| char::from(digit).to_digit(16);
            out.push((value(digits[0])? * 16 + value(digits[1])?) as u8);
            at += 3;
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    (!out.contains(&0)).then_some(out)
}

/// As [`decode`], but an encoded slash stays encoded, in capitals.
fn decode_rest(text: &str) -> Option<Vec<u8>> {
    decode(text.replace("%2f", "%252F").replace("%2F", "%252F").as_bytes())
}

/// How specific a segment is: the smaller the better.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Rank {
    Text,
    Param,
    Rest,
}

/// Matches segment by segment from the left.
fn matches(pattern: &str, path: &str) -> Option<(Vec<Rank>, Values)> {
    let (own, pattern_rest) = head_and_rest(pattern);
    let (segment, path_rest) = head_and_rest(path);
    let (rank, value) = if let Some(name) = own.strip_prefix('*') {
        return Some((vec![Rank::Rest], vec![(name.to_owned(), decode_rest(path)?)]));
    } else if let Some(name) = own.strip_prefix(':') {
        if segment.is_empty() {
            return None;
        }
        (Rank::Param, Some((name.to_owned(), decode(segment.as_bytes())?)))
    } else if decode(own.as_bytes()) == decode(segment.as_bytes()) {
        (Rank::Text, None)
    } else {
        return None;
    };
    let (mut ranks, mut values) = match (pattern_rest, path_rest) {
        (None, None) => (Vec::new(), Vec::new()),
        (Some(pattern), Some(path)) => matches(pattern, path)?,
        _ => return None,
    };
    ranks.insert(0, rank);
    if let Some(value) = value {
        values.insert(0, value);
    }
    Some((ranks, values))
}

fn head_and_rest(text: &str) -> (&str, Option<&str>) {
    match text.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (text, None),
    }
}

/// As `Allow` lists them.
fn list(methods: BTreeSet<&str>) -> String {
    let mut all = methods;
    all.remove("*");
    all.insert("OPTIONS");
    if all.contains("GET") {
        all.insert("HEAD");
    }
    all.into_iter().collect::<Vec<_>>().join(", ")
}

/// What a table of these methods and patterns has to say.
pub(crate) fn answer(routes: &[(String, String)], method: &str, path: &str) -> Answer {
    if (method, path) == ("OPTIONS", "*") {
        return Answer::Options(list(routes.iter().map(|route| &*route.0).collect()));
    }
    let Some(path) = path.strip_prefix('/').filter(|path| decode(path.as_bytes()).is_some()) else {
        return Answer::BadPath;
    };
    let mut best: Option<(Vec<Rank>, u8, usize, Values)> = None;
    let mut methods = BTreeSet::new();
    for (index, (own, pattern)) in routes.iter().enumerate() {
        let Some((ranks, values)) = matches(&pattern[1..], path) else { continue };
        methods.insert(&**own);
        let preference = match &**own {
            own if own == method => 0,
            "GET" if method == "HEAD" => 1,
            "*" => 2,
            _ => continue,
        };
        let better = best.as_ref().is_none_or(|(top, first, ..)| (&ranks, preference) < (top, *first));
        if better {
            best = Some((ranks, preference, index, values));
        }
    }
    match best {
        Some((.., index, values)) => Answer::Match(index, values),
        None if methods.is_empty() => Answer::NotFound,
        None if method == "OPTIONS" => Answer::Options(list(methods)),
        None => Answer::NotAllowed(list(methods)),
    }
}
