//! A sidecar on one connection: many streams at once, each with its own answer. Here the sidecar is a thread; it upper-cases.

use std::io::Write;
use std::thread;
use std::time::Duration;

use flare::mux::{Ended, Mux, MuxError, MuxListener, MuxStream};

const STREAMS: usize = 100;
const LIMIT: Option<Duration> = Some(Duration::from_secs(10));

/// Answers one stream as its bytes come.
fn answer(stream: &MuxStream) -> Result<(), MuxError> {
    while let Some(bytes) = stream.recv(LIMIT)? {
        stream.send(&bytes.to_ascii_uppercase(), LIMIT)?;
    }
    stream.finish()
}

/// Serves one connection until the other end is gone.
fn sidecar(listener: &MuxListener) -> Result<(), MuxError> {
    let mux = listener.accept(LIMIT)?;
    loop {
        match mux.accept(None) {
            Ok(stream) => answer(&stream)?,
            Err(MuxError::Ended(Ended::PeerClosed)) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn read_all(stream: &MuxStream) -> Result<Vec<u8>, MuxError> {
    let mut all = Vec::new();
    while let Some(bytes) = stream.recv(LIMIT)? {
        all.extend(bytes);
    }
    Ok(all)
}

fn ask_all(address: &str) -> Result<usize, MuxError> {
    let mux = Mux::connect(address)?;
    let mut streams = Vec::new();
    for number in 0..STREAMS {
        let stream = mux.open()?;
        stream.try_send(format!("stream {number}").as_bytes())?;
        stream.finish()?;
        streams.push(stream);
    }
    let mut right = 0;
    for (number, stream) in streams.iter().enumerate() {
        right += usize::from(read_all(stream)? == format!("STREAM {number}").as_bytes());
    }
    Ok(right)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Programs on one machine use "unix:/run/sidecar.sock" or the like.
    let listener = MuxListener::bind("127.0.0.1:0")?;
    let right = thread::scope(|scope| {
        let sidecar = scope.spawn(|| sidecar(&listener));
        let right = ask_all(&listener.address().to_string());
        // Of the two, the client's failure is the one to tell.
        let right = right?;
        sidecar.join().map_err(|_| "the sidecar panicked")??;
        Ok::<_, Box<dyn std::error::Error>>(right)
    })?;
    writeln!(std::io::stdout(), "{right} of {STREAMS} streams were answered")?;
    if right == STREAMS { Ok(()) } else { Err("some were not".into()) }
}
