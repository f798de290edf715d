//! The smallest server: one route, until SIGTERM or Ctrl-C.
use flare::prelude::*;

fn main() -> Result<(), flare::Error> {
    let mut router = Router::new();
    router.get("/", |_: &Request| "Hello, World!\n")?;
    flare::serve(router, "127.0.0.1:8080")?;
    Ok(())
}
