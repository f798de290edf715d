//! Without libFuzzer: each target on its seeds, and on seeds that were changed at random, the same way in every run. The seeds hold
//! the inputs that once failed, too.

#![cfg(feature = "library")]

use std::path::Path;
use std::time::{Duration, Instant};

use flare_fuzz::TARGETS;
use flare_fuzz::random::Random;

fn target(name: &str) -> fn(&[u8]) {
    TARGETS.iter().find(|target| target.0 == name).unwrap().1
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn run_seeds(name: &str) {
    let seeds = seeds(name);
    assert!(seeds.len() >= 10, "{name} has too few seeds: {}", seeds.len());
    for seed in &seeds {
        target(name)(seed);
    }
    target(name)(b"");
}

/// Prints the input before a failure ends the test.
struct Shown<'a>(&'a str, &'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} fails on: {}", self.0, self.1.escape_ascii());
        }
    }
}

/// `FLARE_FUZZ_SECONDS` is for all targets together; 20 by default.
fn run_mutations(name: &str) {
    let seconds = std::env::var("FLARE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20.0);
    let end = Instant::now() + Duration::from_secs_f64(seconds / TARGETS.len() as f64);
    let seeds = seeds(name);
    let mut random = Random::new(1);
    let mut runs = 0;
    while Instant::now() < end {
        let input = random.mutated(&seeds);
        let _shown = Shown(name, &input);
        target(name)(&input);
        runs += 1;
    }
    println!("{name}: {runs} runs");
    assert!(runs > 100, "{name}: only {runs} runs");
}

macro_rules! tests {
    ($($target:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($target)),*];

        /// One after the other (`--test-threads=1`), so that the time is each target's own.
        mod seeds_of {
            $(#[test] fn $target() { super::run_seeds(stringify!($target)); })*
        }
        mod mutations_of {
            $(#[test] fn $target() { super::run_mutations(stringify!($target)); })*
        }
    };
}

tests!(
    addresses capi capsule files forwarded hpack http1_chunked http1_client http1_connection http1_head http1_session
    http2 http2_joined http2_session http3 http3_client http3_joined mux pem proxy_protocol qpack_decode qpack_round_trip quic_server
    quic_token router tls_connection websocket_client websocket_deflate websocket_frames websocket_handshake
    websocket_joined
);

/// The list above, that of the library, and the programs for libFuzzer, which the scripts run.
#[test]
fn every_target_is_tested() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = names.map(|name| name.strip_suffix(".rs").unwrap().to_owned()).collect();
    files.sort();
    assert_eq!(TESTED, files);
    assert_eq!(TARGETS.iter().map(|target| target.0).collect::<Vec<_>>(), TESTED);
}
