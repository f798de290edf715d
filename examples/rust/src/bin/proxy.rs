//! A proxy: the content of an answer comes from another server, here one in a thread of this program. The bytes go through flare
//! alone: when the client stops reading the other server is not read either, and when the client leaves it is hung up on.
#![allow(clippy::print_stdout, reason = "a program, not a library")]
use std::error::Error;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use flare::prelude::*;
use flare::{Address, AnswerError, RouteOptions, Upstream};

/// The other server: "count N" is answered with N lines, "shout" and text up to its end with that text in upper case.
fn serve_upstream(stream: TcpStream) -> io::Result<()> {
    let mut input = BufReader::new(stream.try_clone()?);
    let mut output = BufWriter::new(stream);
    let mut line = String::new();
    input.read_line(&mut line)?;
    if let Some(count) = line.strip_prefix("count ") {
        for number in 1..=count.trim_end().parse::<u32>().unwrap_or(0) {
            writeln!(output, "{number}")?;
        }
    } else {
        let mut text = Vec::new();
        input.read_to_end(&mut text)?;
        output.write_all(&text.to_ascii_uppercase())?;
    }
    output.flush()
}

fn run_upstream(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        // Err: the client has left, or the proxy.
        let _ = serve_upstream(stream);
    }
}

fn relay(exchange: &Exchange, upstream: Upstream) -> Result<(), AnswerError> {
    exchange.draft(|answer| *answer = Response::text(""))?;
    exchange.relay(upstream.connect_timeout(Duration::from_secs(1)))
}

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let upstream: Address = listener.local_addr()?.into();
    std::thread::Builder::new().spawn(move || run_upstream(&listener))?;

    let mut router = Router::new();
    let to = upstream.clone();
    let count = move |exchange: Exchange| {
        let text = exchange.request().param("n").unwrap_or_default();
        let digits = text.bytes().all(|digit| digit.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(n) if digits && n <= 1_000_000 => {
                // Err: the client has left. So it is for all relays here.
                let _ = relay(&exchange, Upstream::new(to.clone()).prologue(format!("count {n}\n")));
            }
            _ => exchange.respond((400, "not a number from 0 to 1000000\n")),
        }
    };
    router.get("/count/:n", flare::later(count))?;
    let shout = move |exchange: Exchange| {
        let upstream = Upstream::new(upstream.clone()).prologue("shout\n").forward_content(true);
        let _ = relay(&exchange, upstream);
    };
    // The content of a request goes on while it comes.
    router.add_with("POST", "/shout", RouteOptions::default().streaming(), flare::later(shout))?;
    let nobody = |exchange: Exchange| {
        let nowhere = Address::Unix(Some("/nonexistent/upstream.sock".into()));
        let _ = relay(&exchange, Upstream::new(nowhere));
    };
    router.get("/nobody", flare::later(nobody))?;

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let server = Server::new(router).listen(&address)?.bind()?.start()?;
    let _signals = server.handle().drain_on_signals()?;
    for bound in server.addresses() {
        println!("listening on {bound}");
    }
    server.wait();
    Ok(())
}
