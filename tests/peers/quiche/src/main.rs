//! quiche and its own HTTP/3, as a client and as a server:
//!
//!     flare-test-quiche client https://HOST:PORT CASES CERTIFICATE     all cases at once on one connection; prints their answers
//!     flare-test-quiche server FOLDER CERTIFICATE KEY [retry]          files of a folder, and POST sends its content back; prints its port
#![allow(clippy::print_stdout)]

mod client;
mod message;
mod server;
mod socket;

use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(|word| &**word).collect();
    match words[..] {
        ["client", address, cases, certificate] => client::run(address, cases, certificate),
        ["server", folder, certificate, key] => server::run(folder, certificate, key, false),
        ["server", folder, certificate, key, "retry"] => server::run(folder, certificate, key, true),
        _ => Err("client ADDRESS CASES CERTIFICATE, or server FOLDER CERTIFICATE KEY [retry]".into()),
    }
}
