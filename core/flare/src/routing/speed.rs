//! What a search costs. Not a test of correctness; run it by hand:
//! `cargo test --release -p flare routing::speed -- --ignored --nocapture`.

use super::{Found, Params, RouteTable, StaticTable};
use std::hint::black_box;
use std::time::Instant;

const ROUTES: [(&str, &str); 12] = [
    ("GET", "/"),
    ("POST", "/"),
    ("GET", "/plaintext"),
    ("GET", "/json"),
    ("POST", "/json"),
    ("GET", "/hi/:name"),
    ("*", "/echo"),
    ("GET", "/headers"),
    ("GET", "/bytes/:n"),
    ("GET", "/64k"),
    ("POST", "/upload"),
    ("GET", "/files/*path"),
];

static COMPILED: StaticTable<12> = StaticTable::new(ROUTES);

/// The best of several runs, in nanoseconds for each search.
fn time(mut search: impl FnMut(&mut Params) -> bool) -> f64 {
    const COUNT: u32 = 200_000;
    let mut params = Params::new();
    let mut best = f64::MAX;
    for _ in 0..20 {
        let start = Instant::now();
        for _ in 0..COUNT {
            assert!(search(&mut params));
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(COUNT));
    }
    best
}

#[test]
#[ignore = "prints times; for a release build"]
fn of_a_search() {
    let mut small = RouteTable::new();
    for (index, (method, pattern)) in ROUTES.iter().enumerate() {
        small.insert(method, pattern, index).unwrap();
    }
    let mut large = RouteTable::new();
    for n in 0..1000 {
        large.insert("GET", &format!("/api/v1/resource{n}/:id"), n).unwrap();
    }
    for path in ["/", "/plaintext", "/hi/bob", "/hi/b%6fb", "/files/css/site.css"] {
        let dynamic = time(|params| matches!(small.find("GET", black_box(path), params), Found::Match(_)));
        let fixed = time(|params| matches!(COMPILED.find("GET", black_box(path), params), Found::Match(_)));
        println!("{path:24} run time {dynamic:5.1} ns   compiled {fixed:5.1} ns");
    }
    let path = "/api/v1/resource567/42";
    let dynamic = time(|params| matches!(large.find("GET", black_box(path), params), Found::Match(_)));
    println!("{path:24} run time {dynamic:5.1} ns   of 1000 routes");
}
