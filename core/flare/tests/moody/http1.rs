//! HTTP/1.1: by length, in chunks, and as a byte stream.

use crate::echo::Echo;
use crate::{Random, SEEDS, STEPS, content, holding};

const POST: &str = "POST /hold HTTP/1.1\r\nHost: a\r\n";

#[test]
fn content_of_a_known_length() {
    for seed in 0..SEEDS {
        run(seed, |_, content| {
            let head = format!("{POST}Content-Length: {}\r\n\r\n", content.len());
            ([head.as_bytes(), content].concat(), false)
        });
    }
}

#[test]
fn content_in_chunks() {
    for seed in 0..SEEDS {
        run(seed, |random, content| {
            let mut bytes = format!("{POST}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
            let mut rest = content;
            while !rest.is_empty() {
                let (chunk, behind) = rest.split_at(random.length(rest.len()));
                bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
                rest = behind;
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
            (bytes, false)
        });
    }
}

#[test]
fn a_byte_stream() {
    const OFFER: &[u8] = b"GET /hold HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    for seed in 0..SEEDS {
        run(seed, |_, content| ([OFFER, content].concat(), true));
    }
}

fn run(seed: u64, frame: impl FnOnce(&mut Random, &[u8]) -> (Vec<u8>, bool)) {
    let mut random = Random::new(seed);
    let content = content(&mut random);
    let (bytes, switches) = frame(&mut random, &content);
    let (server, held) = holding();
    let mut connection = server.connect();
    let (mut sent, mut closed, mut got, mut echo) = (0, false, Vec::new(), None);
    for step in 0.. {
        assert!(step < STEPS, "seed {seed}: stuck at {sent} of {} bytes; {echo:?}", bytes.len());
        match random.below(6) {
            0 | 1 if sent < bytes.len() && connection.wants_input() => {
                let count = random.length(bytes.len() - sent);
                connection.send(&bytes[sent..sent + count]);
                sent += count;
            }
            0 if switches && sent == bytes.len() && !closed => {
                connection.close_write();
                closed = true;
            }
            2 => drop(connection.try_step()),
            3 if random.chance(20) => connection.hold_output(),
            3 if random.chance(20) => connection.release_output(),
            3 => {
                let most = random.length(usize::MAX);
                got.extend(connection.take_held(most));
            }
            4 => echo.iter().for_each(Echo::tick),
            _ => {}
        }
        if let Ok(exchange) = held.try_recv() {
            if switches {
                exchange.switch_protocol("echo").unwrap();
            }
            echo = Some(Echo::new(exchange, seed, switches));
        }
        got.extend(connection.received());
        let over = if switches { !connection.is_open() } else { !connection.is_waiting() };
        if echo.as_ref().is_some_and(Echo::has_finished) && over {
            break;
        }
    }
    connection.release_output();
    got.extend(connection.received());
    let head = got.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let body = &got[head..];
    let echoed = if switches { body.to_vec() } else { from_chunks(body) };
    assert!(echoed == content, "seed {seed}: {} of {} bytes came back", echoed.len(), content.len());
    assert_eq!(connection.is_open(), !switches, "seed {seed}");
}

/// What a whole answer in chunks carries.
fn from_chunks(mut body: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    loop {
        let line = body.windows(2).position(|two| two == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&body[..line]).unwrap(), 16).unwrap();
        let chunk = &body[line + 2..];
        content.extend_from_slice(&chunk[..length]);
        assert_eq!(&chunk[length..length + 2], b"\r\n");
        body = &chunk[length + 2..];
        if length == 0 {
            assert!(body.is_empty(), "bytes behind the last chunk");
            return content;
        }
    }
}
