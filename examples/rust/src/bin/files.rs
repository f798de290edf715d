//! The files of a folder: types, validators, conditional requests, ranges. The folder is the second argument.
use std::error::Error;

use flare::files::Files;
use flare::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(2).unwrap_or_else(|| ".".to_owned());
    let mut router = Router::new();
    router.get("/*path", Files::new(folder)?.index("index.html").cache_control("max-age=60")?)?;
    flare_examples::run(router)?;
    Ok(())
}
