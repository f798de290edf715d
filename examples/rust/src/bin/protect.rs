//! The middleware that comes with flare: a log around everything, a key to get in, and a limit for each client.
#![allow(clippy::print_stdout, reason = "a program, not a library")]
use flare::middleware::{AccessFormat, AccessLog, BearerAuth, RateLimit, identity};
use flare::prelude::*;

fn hello(request: &Request) -> String {
    identity(request).map_or_else(String::new, |who| format!("hello, {}\n", who.name()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut router = Router::new();
    // The first is outermost: the log sees what the others refuse.
    router.layer(AccessLog::new(AccessFormat::Common, |line| println!("{line}")));
    router.layer(BearerAuth::tokens("api", [("open-sesame", "ann")])?);
    router.layer(RateLimit::new(3, 1.0 / 60.0)?);
    router.get("/hello", hello)?;
    Ok(flare_examples::run(router)?)
}
