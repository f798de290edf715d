//! The relay as a program, for tests in other languages.
//!
//!     flare-test-relay --to HOST:PORT [--at HOST:PORT] [--seed N] [--loss P] [--duplicate P] [--reorder P]
//!                      [--delay MILLISECONDS] [--jitter MILLISECONDS] [--longest BYTES]
//!
//! It prints the address for the clients, and obeys lines of its input: `rebind`, `rebind IP`, `fair` (the weather ends), `counts`.
//! Each is answered by a line. The end of the input ends it. The weather is that of both directions.
#![allow(clippy::print_stdout)]

use flare_test_relay::{Counts, Relay, Weather};
use std::error::Error;
use std::io::BufRead;
use std::net::SocketAddr;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let mut at: SocketAddr = ([127, 0, 0, 1], 0).into();
    let (mut to, mut seed, mut weather) = (None, 1, Weather::FAIR);
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().ok_or_else(|| format!("{name} needs a value"))?;
        match &*name {
            "--to" => to = Some(value.parse()?),
            "--at" => at = value.parse()?,
            "--seed" => seed = value.parse()?,
            "--loss" => weather.loss = value.parse()?,
            "--duplicate" => weather.duplicate = value.parse()?,
            "--reorder" => weather.reorder = value.parse()?,
            "--delay" => weather.delay = Duration::from_millis(value.parse()?),
            "--jitter" => weather.jitter = Duration::from_millis(value.parse()?),
            "--longest" => weather.longest = value.parse()?,
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    let relay = Relay::start_at(at, to.ok_or("--to is missing")?, seed, weather, weather)?;
    println!("{}", relay.address());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        match line.split_once(' ').map_or((&*line, None), |(word, rest)| (word, Some(rest))) {
            ("rebind", ip) => {
                relay.rebind(ip.map(str::parse).transpose()?)?;
                println!("rebound");
            }
            ("fair", None) => {
                relay.set_weather(Weather::FAIR, Weather::FAIR)?;
                println!("fair");
            }
            ("counts", None) => {
                let (up, down) = relay.counts();
                println!("up {} down {}", text(up), text(down));
            }
            _ => return Err(format!("unknown command {line:?}").into()),
        }
    }
    Ok(())
}

fn text(counts: Counts) -> String {
    let Counts { came, left, lost, too_long, duplicated, reordered } = counts;
    format!(
        "came={came} left={left} lost={lost} too_long={too_long} duplicated={duplicated} reordered={reordered}"
    )
}
