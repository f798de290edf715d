//! Raw bytes into the server's session behind the preface of HTTP/2: handlers see the same requests however the bytes are split, what is sent is
//! bounded by what came, and the session ends.
//!
//! | byte | means |
//! |---|---|
//! | 0 | bits 0 to 1: the settings. Bit 2: the server drains at the end. Bit 3: what is sent is not taken before the end |
//! | 1 | how the bytes are split |
//! | the rest | what the client sends behind its preface |

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flare::prelude::*;
use flare::testing::TestClient;

use crate::input::Input;
use crate::{PLANTED, splits};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What handlers saw.
type Seen = Arc<Mutex<Vec<String>>>;

thread_local! {
    /// The servers of the four settings live as long as the thread; what a run changes is its connections alone.
    static SERVERS: [(TestClient, Seen); 4] = [0, 1, 2, 3].map(|choice| {
        let seen = Seen::default();
        (TestClient::with_config(router(&seen), config(choice)), seen)
    });
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let options = input.byte();
    let seed = input.byte();
    let frames = input.rest();
    let bytes = [PREFACE, frames].concat();
    SERVERS.with(|servers| {
        let (client, seen) = &servers[usize::from(options & 3)];
        let mut first = None;
        for way in splits::all_ways(&bytes, seed) {
            let sent = exchange(client, &way, options);
            assert!(sent <= 4096 + 400 * bytes.len(), "{sent} bytes for {}", bytes.len());
            let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
            let first = first.get_or_insert_with(|| seen.clone());
            // A frame on a stream that the client has ended ends that stream, or the connection if its answer was out by then (RFC 9113, 5.1).
            let may_end = uses_ended_stream(frames) && (first.starts_with(&seen) || seen.starts_with(first));
            assert!(*first == seen || may_end, "split matters: {}: {first:?} {seen:?}", bytes.escape_ascii());
        }
    });
}

/// Whether a HEADERS or DATA comes on a stream behind one with END_STREAM.
fn uses_ended_stream(mut frames: &[u8]) -> bool {
    let mut ended = Vec::new();
    while let Some((&[a, b, c, kind, flags, id @ ..], rest)) = frames.split_first_chunk::<9>() {
        let id = u32::from_be_bytes(id) & 0x7fff_ffff;
        if matches!(kind, 0 | 1) {
            if ended.contains(&id) {
                return true;
            }
            if flags & 1 != 0 {
                ended.push(id);
            }
        }
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        frames = rest.get(length..).unwrap_or_default();
    }
    false
}

fn config(choice: u8) -> ServerConfig {
    let mut config = ServerConfig::default();
    // Whether a stream is over when the next one comes depends on who was served in between: so there is room for all.
    config.http2.streams = 1000;
    match choice {
        0 => {}
        1 => {
            config.http2.head_bytes = 256;
            config.http2.target_bytes = 64;
            config.body_limit = 20;
        }
        2 => config.http2.stream_window = 1024,
        _ => config.http2.decoder_table_bytes = 0,
    }
    config
}

fn router(seen: &Seen) -> Router {
    let mut router = Router::new();
    let seen = Arc::clone(seen);
    let tell = move |request: &Request| {
        let text = tell(request);
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(text.clone());
        text
    };
    router.any("/*rest", tell).expect("the route is right");
    router
}

/// Everything a handler sees.
fn tell(request: &Request) -> String {
    let fields: Vec<_> =
        request.headers().iter().map(|(name, value)| format!("{name}={}", value.escape_ascii())).collect();
    format!(
        "{} {} {:?} {} {fields:?} {} {}",
        request.method_str(),
        request.path(),
        request.query(),
        request.authority(),
        request.body().escape_ascii(),
        request.trailers().len(),
    )
}

/// PLANTED: a byte of 0xf7 at the end of a piece is lost.
fn planted(piece: &[u8], is_whole: bool) -> &[u8] {
    match piece {
        [kept @ .., 0xf7] if PLANTED && !is_whole => kept,
        _ => piece,
    }
}

/// Sends the pieces until the session ends. How many bytes came back.
fn exchange(client: &TestClient, pieces: &[&[u8]], options: u8) -> usize {
    let mut connection = client.connect();
    let mut sent = 0;
    for piece in pieces {
        connection.send(planted(piece, pieces.len() == 1));
        if options & 8 == 0 {
            sent += connection.received().len();
        }
    }
    if options & 4 != 0 {
        connection.drain();
    }
    connection.close_write();
    sent += connection.received().len();
    // Deadlines end what is half done.
    for _ in 0..4 {
        connection.advance(Duration::from_secs(3600));
        sent += connection.received().len();
    }
    assert!(!connection.is_open(), "nothing more can come, so it has to end");
    sent
}
