//! Runs simulations: `simulation [--connections=N] [--seed=N] [--plant=BUG] [PROTOCOL...]`.
//!
//! A seed is one scene: a few connections to one server, under one clock. What it holds does not depend on the seeds before it, so a failure is
//! repeated by its seed alone, which then tells its story.
#![allow(clippy::print_stdout, reason = "a program that reports")]

mod client_end;
mod content;
mod host;
mod http;
mod http3;
mod memory;
mod mux;
mod network;
mod planted;
mod random;
mod scene;
mod tally;
mod tls;
mod trace;
mod websocket;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use tally::Tally;
use trace::Trace;

/// A protocol: its name, one scene of it, and how dear a connection is, in connections of the cheapest.
struct Protocol {
    name: &'static str,
    simulate: fn(u64, Trace) -> Tally,
    dear: u64,
}

const PROTOCOLS: [Protocol; 7] = [
    Protocol { name: "http1", simulate: http::http1::simulate, dear: 1 },
    Protocol { name: "http2", simulate: http::http2::simulate, dear: 1 },
    Protocol { name: "http3", simulate: http3::simulate, dear: 1 },
    Protocol { name: "websocket", simulate: websocket::plain, dear: 1 },
    Protocol { name: "deflate", simulate: websocket::deflate, dear: 1 },
    Protocol { name: "mux", simulate: mux::simulate, dear: 1 },
    // Handshakes are dear.
    Protocol { name: "tls", simulate: tls::simulate, dear: 50 },
];

struct Options {
    connections: u64,
    seed: Option<u64>,
    plant: Option<planted::Bug>,
    protocols: Vec<&'static Protocol>,
}

fn options() -> Result<Options, String> {
    let mut options = Options { connections: 10_000, seed: None, plant: None, protocols: Vec::new() };
    for argument in std::env::args().skip(1) {
        let number = |text: &str| text.parse().map_err(|_| format!("{argument}: not a number"));
        match argument.split_once('=') {
            None if argument == "--list" => {
                PROTOCOLS.iter().for_each(|protocol| println!("{}", protocol.name));
                std::process::exit(0);
            }
            Some(("--connections", value)) => options.connections = number(value)?,
            Some(("--seed", "")) => {}
            Some(("--seed", value)) => options.seed = Some(number(value)?),
            Some(("--plant", value)) => {
                let bug = planted::BUGS.iter().find(|(name, _)| *name == value);
                options.plant = Some(bug.ok_or_else(|| format!("{argument}: no such bug"))?.1);
            }
            _ => {
                let found = PROTOCOLS.iter().find(|protocol| protocol.name == argument);
                options.protocols.push(found.ok_or_else(|| format!("{argument}: no such protocol"))?);
            }
        }
    }
    if options.plant.is_some() && !cfg!(feature = "planted-bug") {
        return Err("built without the feature planted-bug".to_owned());
    }
    if options.protocols.is_empty() {
        options.protocols = PROTOCOLS.iter().collect();
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(problem) => {
            println!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    planted::plant(options.plant);
    // The story is told when it is known where it went wrong.
    std::panic::set_hook(Box::new(|_| {}));
    let (mut passed, mut failed) = (0, 0);
    for protocol in &options.protocols {
        if run(protocol, &options) {
            passed += 1;
        } else {
            failed += 1;
        }
    }
    println!("simulation: {passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every so many scenes are run twice, and have to be the same.
const TWICE: u64 = 50;

/// Runs a protocol. False: it failed.
fn run(protocol: &Protocol, options: &Options) -> bool {
    let begin = Instant::now();
    let connections = (options.connections / protocol.dear).max(1);
    let mut total = Tally::default();
    let (mut seed, mut told) = (options.seed.unwrap_or(1), Instant::now());
    let mut settled = None;
    loop {
        match scene(protocol, seed, false) {
            Ok(tally) if seed.is_multiple_of(TWICE) => {
                let again = scene(protocol, seed, false).map(|again| again.digest);
                if again != Ok(tally.digest) {
                    println!("{}: seed {seed} is not the same in every run", protocol.name);
                    return false;
                }
                total.add(&tally);
            }
            Ok(tally) => total.add(&tally),
            Err(problem) => {
                tell(protocol, seed);
                println!("{}: seed {seed} failed: {problem}", protocol.name);
                return false;
            }
        }
        // What is made once is made by now; from here on nothing stays behind a scene.
        if total.connections * 10 > connections {
            let held = memory::held();
            let allowed = *settled.get_or_insert(held) + (1 << 20);
            if held > allowed {
                println!("{}: {held} bytes are held between scenes, {allowed} at most", protocol.name);
                return false;
            }
        }
        if options.seed.is_some() || total.connections >= connections {
            break;
        }
        if told.elapsed().as_secs() >= 20 {
            told = Instant::now();
            println!("{}: {} of {connections} connections", protocol.name, total.connections);
        }
        seed += 1;
    }
    if options.seed.is_some() {
        tell(protocol, seed);
    }
    println!(
        "{}: {} connections ({} broken), {} exchanges: {} whole, {} left; {} MB, {} turns, {} virtual s, {:.1} s; \
         digest {:016x}",
        protocol.name,
        total.connections,
        total.broken,
        total.exchanges,
        total.whole,
        total.left,
        total.bytes / 1_000_000,
        total.turns,
        total.time / 1000,
        begin.elapsed().as_secs_f64(),
        total.digest,
    );
    true
}

/// One scene. Err: what went wrong.
fn scene(protocol: &Protocol, seed: u64, kept: bool) -> Result<Tally, String> {
    catch_unwind(AssertUnwindSafe(|| (protocol.simulate)(seed, Trace::new(kept)))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
    })
}

/// Tells the story of a seed.
fn tell(protocol: &Protocol, seed: u64) {
    trace::KEPT.set(None);
    let _ = scene(protocol, seed, true);
    for line in trace::KEPT.take().unwrap_or_default() {
        println!("{line}");
    }
    println!("{}: again with: make simulate SEED={seed} PROTOCOL={}", protocol.name, protocol.name);
}
