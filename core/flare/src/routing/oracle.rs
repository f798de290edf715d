//! The rules again, written the obvious way: try every pattern, sort the ones that match. Random route sets and paths
//! must get the same answer from it and from both tables. It shares no code with them.

use super::{Found, Params, RouteTable, StaticTable};
use std::collections::BTreeSet;

type Values = Vec<(String, Vec<u8>)>;

#[derive(Debug, PartialEq)]
enum Answer {
    Match(usize, Values),
    Options(String),
    NotAllowed(String),
    NotFound,
    BadPath,
}

/// Percent-decodes; `None` if the encoding is invalid or a NUL comes out.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut out = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()))?;
        out.push(u8::from_str_radix(digits, 16).ok()?);
        out.extend_from_slice(&part.as_bytes()[2..]);
    }
    (!out.contains(&0)).then_some(out)
}

/// How the pattern matches: for each segment 0 (text), 1 (parameter) or 2 (rest), and the values.
fn matches(pattern: &str, path: &str) -> Option<(Vec<u8>, Values)> {
    let pattern: Vec<&str> = pattern[1..].split('/').collect();
    let path: Vec<&str> = path[1..].split('/').collect();
    let (mut ranks, mut values) = (Vec::new(), Vec::new());
    for (at, own) in pattern.iter().enumerate() {
        if let Some(name) = own.strip_prefix('*') {
            let rest = path.get(at..).filter(|rest| !rest.is_empty())?.join("/");
            let kept = rest.replace("%2F", "%252F").replace("%2f", "%252F");
            values.push((name.to_owned(), decode(&kept)?));
            ranks.push(2);
            return Some((ranks, values));
        }
        let segment = path.get(at)?;
        if let Some(name) = own.strip_prefix(':') {
            if segment.is_empty() {
                return None;
            }
            values.push((name.to_owned(), decode(segment)?));
            ranks.push(1);
        } else if decode(own) == decode(segment) {
            ranks.push(0);
        } else {
            return None;
        }
    }
    (pattern.len() == path.len()).then_some((ranks, values))
}

fn list(methods: &BTreeSet<&str>) -> String {
    let mut all = methods.clone();
    all.remove("*");
    all.insert("OPTIONS");
    if all.contains("GET") {
        all.insert("HEAD");
    }
    all.into_iter().collect::<Vec<_>>().join(", ")
}

fn oracle(routes: &[(&str, &str)], method: &str, path: &str) -> Answer {
    if method == "OPTIONS" && path == "*" {
        return Answer::Options(list(&routes.iter().map(|route| route.0).collect()));
    }
    if !path.starts_with('/') || decode(path).is_none() {
        return Answer::BadPath;
    }
    let mut best: Option<(Vec<u8>, usize, usize, Values)> = None;
    let mut methods = BTreeSet::new();
    for (index, (own, pattern)) in routes.iter().enumerate() {
        let Some((ranks, values)) = matches(pattern, path) else { continue };
        methods.insert(*own);
        let preference = match *own {
            _ if *own == method => 0,
            "GET" if method == "HEAD" => 1,
            "*" => 2,
            _ => continue,
        };
        if best.as_ref().is_none_or(|best| (&ranks, preference) < (&best.0, best.1)) {
            best = Some((ranks, preference, index, values));
        }
    }
    match best {
        Some((_, _, index, values)) => Answer::Match(index, values),
        None if methods.is_empty() => Answer::NotFound,
        None if method == "OPTIONS" => Answer::Options(list(&methods)),
        None => Answer::NotAllowed(list(&methods)),
    }
}

fn answer(found: Found<'_, usize>, params: &Params) -> Answer {
    match found {
        Found::Match(index) => {
            let values = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            Answer::Match(*index, values)
        }
        Found::Options { allow } => Answer::Options(allow.to_string()),
        Found::NotAllowed { allow } => Answer::NotAllowed(allow.to_string()),
        Found::NotFound => Answer::NotFound,
        Found::BadPath => Answer::BadPath,
    }
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % bound
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Few words, so that patterns meet each other, in several spellings.
const WORDS: [&str; 9] = ["a", "b", "%61", "%2F", "%2f", "%2541", "ab", "ü", "%C3%BC"];
const METHODS: [&str; 7] = ["GET", "POST", "HEAD", "OPTIONS", "*", "PUT", "get"];

fn pattern(random: &mut Random) -> String {
    let mut out = String::new();
    for depth in 0..=random.below(4) {
        match random.below(10) {
            0..=5 => out += &format!("/{}", random.pick(&WORDS)),
            6..=8 => out += &format!("/:{}{depth}", random.pick(&["p", "q"])),
            _ => return out + "/*" + random.pick(&["r", "s"]),
        }
    }
    if random.below(6) == 0 { out + "/" } else { out }
}

fn path(random: &mut Random) -> String {
    const ODD: [&str; 8] = ["", "x", "A", "%", "%4", "%00", "%ff", "*"];
    let mut out = String::new();
    for _ in 0..=random.below(5) {
        let odd = random.below(12) == 0;
        out = out + "/" + if odd { random.pick(&ODD) } else { random.pick(&WORDS) };
    }
    match random.below(40) {
        0 => "*".to_owned(),
        1 => out[1..].to_owned(),
        2..=6 => out + "/",
        _ => out,
    }
}

/// `count` routes; those that the table refuses are tried again.
fn routes(random: &mut Random, count: usize) -> (RouteTable<usize>, Vec<(&'static str, &'static str)>) {
    let (mut table, mut routes) = (RouteTable::new(), Vec::new());
    while routes.len() < count {
        let (method, pattern) = (random.pick(&METHODS), pattern(random));
        if table.insert(method, &pattern, routes.len()).is_ok() {
            // The static table wants text that lives on; a test may leak a little.
            let pattern: &'static str = pattern.leak();
            routes.push((method, pattern));
        }
    }
    (table, routes)
}

fn compare<const N: usize>(random: &mut Random, rounds: usize, seen: &mut [usize; 5]) {
    let mut params = Params::new();
    for _ in 0..rounds {
        let (table, routes) = routes(random, N);
        let compiled = Box::new(StaticTable::<N>::new(routes.clone().try_into().unwrap()));
        for _ in 0..40 {
            let (method, path) = (random.pick(&METHODS), path(random));
            let expected = oracle(&routes, method, &path);
            let found = table.find(method, &path, &mut params);
            assert_eq!(answer(found, &params), expected, "run time: {method} {path} in {routes:?}");
            let found = compiled.find(method, &path, &mut params);
            assert_eq!(answer(found, &params), expected, "compiled: {method} {path} in {routes:?}");
            seen[match expected {
                Answer::Match(..) => 0,
                Answer::Options(_) => 1,
                Answer::NotAllowed(_) => 2,
                Answer::NotFound => 3,
                Answer::BadPath => 4,
            }] += 1;
        }
    }
}

#[test]
fn both_tables_agree_with_the_oracle() {
    let mut random = Random(7);
    let mut seen = [0; 5];
    compare::<1>(&mut random, 100, &mut seen);
    compare::<3>(&mut random, 200, &mut seen);
    compare::<12>(&mut random, 200, &mut seen);
    compare::<60>(&mut random, 40, &mut seen);
    compare::<250>(&mut random, 4, &mut seen);
    // Random cases that never reach an answer would prove nothing about it.
    assert!(seen.iter().all(|count| *count > 300), "{seen:?}");
}

/// A mount must be the same as spelling the prefix out.
#[test]
fn a_mount_is_a_spelled_out_prefix() {
    let mut random = Random(11);
    let mut mounted_some = 0;
    for _ in 0..300 {
        let prefix = random.pick(&["/", "/a", "/:m", "/a/:m", "/%61/b"]);
        let (_, outer) = routes(&mut random, 4);
        let (_, inner) = routes(&mut random, 6);
        let (mut mounted, mut spelled) = (RouteTable::new(), RouteTable::new());
        for (index, (method, pattern)) in outer.iter().enumerate() {
            mounted.insert(method, pattern, index).unwrap();
            spelled.insert(method, pattern, index).unwrap();
        }
        let mut sub = RouteTable::new();
        let mut refused = None;
        for (index, (method, pattern)) in inner.iter().enumerate() {
            sub.insert(method, pattern, 100 + index).unwrap();
            let full = match (prefix, *pattern) {
                ("/", pattern) => pattern.to_owned(),
                (prefix, "/") => prefix.to_owned(),
                (prefix, pattern) => format!("{prefix}{pattern}"),
            };
            let result = spelled.insert(method, &full, 100 + index);
            refused = refused.or(result.err());
        }
        let result = mounted.mount(prefix, sub);
        assert_eq!(result.as_ref().err(), refused.as_ref(), "{prefix} {outer:?} {inner:?}");
        if result.is_ok() {
            mounted_some += 1;
            assert!(mounted.routes().eq(spelled.routes()), "{prefix} {outer:?} {inner:?}");
        } else {
            assert_eq!(mounted.len(), outer.len());
        }
    }
    assert!((50..300).contains(&mounted_some), "{mounted_some}");
}
