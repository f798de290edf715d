//! The end of a server: SIGTERM or Ctrl-C stops it taking connections, running exchanges get ten seconds, then it reports.
#![allow(clippy::print_stdout, reason = "a program, not a library")]
use std::time::Duration;

use flare::prelude::*;

fn main() -> Result<(), flare::Error> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let mut router = Router::new();
    router.get("/", |_: &Request| "still here\n")?;
    router.post("/", |request: &Request| format!("{} bytes\n", request.body().len()))?;
    let config = ServerConfig { drain_timeout: Duration::from_secs(10), ..ServerConfig::default() };
    let server = Server::new(router).config(config).listen(&address)?.bind()?.start()?;
    let handle = server.handle();
    let _signals = handle.drain_on_signals()?;
    for bound in server.addresses() {
        println!("listening on {bound}");
    }
    let report = server.wait();
    let requests = handle.stats().requests;
    println!("{requests} requests, {} connections finished, {} aborted", report.finished(), report.aborted());
    Ok(())
}
