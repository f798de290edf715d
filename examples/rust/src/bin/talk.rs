//! A client of WebSockets: sends each line of standard input as a message, and writes each message that comes to standard output, on a line of its
//! own. When the input ends it closes, and ends with the socket.
//!
//!     talk [--http2] [--ca FILE | --insecure] [--deflate] [--protocol NAME] ws[s]://HOST[:PORT][/PATH]
//!
//! `--http2`: without TLS, by prior knowledge; with TLS the server chooses.
#![allow(clippy::print_stderr, reason = "for programs")]
use std::error::Error;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::thread;

use flare::tls::{ClientTls, Source, Trust};
use flare::websocket::client::{Backoff, Event, Opener, Options, Socket, Wire};

const USAGE: &str =
    "usage: talk [--http2] [--ca FILE | --insecure] [--deflate] [--protocol NAME] ws[s]://HOST[:PORT][/PATH]";

fn options() -> Result<(Options, String), Box<dyn Error>> {
    let (mut options, mut trust, mut uri) =
        (Options::default().message_limit(16 << 20), Trust::Platform, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--http2" => options = options.wire(Wire::Http2),
            "--insecure" => trust = Trust::InsecureAnyCertificate,
            "--ca" => trust = Trust::Roots(vec![Source::file(value()?)]),
            "--deflate" => options = options.deflate(true),
            "--protocol" => options = options.protocol(&value()?),
            _ if uri.is_none() => uri = Some(word),
            _ => return Err(USAGE.into()),
        }
    }
    let tls = ClientTls { trust, ..ClientTls::default() };
    Ok((options.tls(tls), uri.ok_or(USAGE)?))
}

/// Sends lines until there are no more. The other thread receives meanwhile, so this may wait for the server as long as it likes.
fn send_lines(socket: &Socket) {
    for line in std::io::stdin().lock().lines() {
        let sent = line.map(|line| socket.send_text(line));
        // Err: the socket has ended, which the other thread is told; or what was typed is no text.
        if !matches!(sent, Ok(Ok(()))) {
            break;
        }
    }
    // Err: it is closing already.
    let _ = socket.close(1000, "");
}

fn talk(socket: &Socket) -> Result<bool, Box<dyn Error>> {
    let mut output = std::io::stdout().lock();
    loop {
        match socket.receive(None)? {
            Event::Text(text) => writeln!(output, "{text}")?,
            Event::Binary(data) => writeln!(output, "{} bytes", data.len())?,
            Event::Closed(closed) => {
                eprintln!("closed: {closed}");
                return Ok(closed.clean);
            }
            _ => {}
        }
        output.flush()?;
    }
}

fn run() -> Result<bool, Box<dyn Error>> {
    let (options, uri) = options()?;
    // A server that is not there yet, or has too much to do, is asked again.
    let socket = Opener::new(options)?.open_again(&uri, &Backoff::default().with_attempts(3))?;
    eprintln!("open: {:?} {}", socket.response().version, socket.protocol().unwrap_or("-"));
    let socket = Arc::new(socket);
    let sender = Arc::clone(&socket);
    // It may wait for a line when the socket ends; then it ends with the program.
    thread::spawn(move || send_lines(&sender));
    talk(&socket)
}

fn main() {
    match run() {
        Ok(true) => {}
        // It said how the socket was closed.
        Ok(false) => std::process::exit(1),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}
