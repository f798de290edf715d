//! What the examples do around their routes.
#![allow(clippy::print_stdout, reason = "for programs")]
use flare::prelude::*;

/// Serves the routes on the address that is the first argument of the program, until SIGTERM or Ctrl-C.
///
/// # Errors
/// What keeps the server from its start.
pub fn run(router: Router) -> Result<(), flare::Error> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let server = Server::new(router).listen(&address)?.bind()?.start()?;
    let _signals = server.handle().drain_on_signals()?;
    for bound in server.addresses() {
        println!("listening on {bound}");
    }
    server.wait();
    Ok(())
}
