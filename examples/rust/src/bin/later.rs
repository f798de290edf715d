//! An answer from another thread: slow work must not block a worker, so the handler keeps the exchange and returns.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program, not a library")]
use std::thread;

use flare::prelude::*;

fn is_prime(n: u32) -> bool {
    n >= 2 && !(2..).take_while(|i| *i <= n / i).any(|i| n.is_multiple_of(i))
}

fn get_primes(exchange: Exchange) {
    let text = exchange.request().param("below").unwrap_or_default();
    let digits = text.bytes().all(|digit| digit.is_ascii_digit());
    let Some(below) = text.parse().ok().filter(|below| digits && *below <= 1_000_000) else {
        return exchange.respond((400, "not a number from 0 to 1000000\n"));
    };
    // The exchange moves into the thread, and lives until it is answered, whatever becomes of the client.
    let spawned = thread::Builder::new().spawn(move || {
        let primes = (0..below).filter(|n| is_prime(*n)).count();
        exchange.respond(format!("{primes} primes below {below}\n"));
    });
    // No thread is left: the exchange was dropped without an answer, which answers 500.
    if let Err(error) = spawned {
        eprintln!("later: {error}");
    }
}

fn main() -> Result<(), flare::Error> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let mut router = Router::new();
    router.get("/primes/:below", flare::later(get_primes))?;
    let server = Server::new(router).listen(&address)?.bind()?.start()?;
    let _signals = server.handle().drain_on_signals()?;
    for bound in server.addresses() {
        println!("listening on {bound}");
    }
    server.wait();
    Ok(())
}
