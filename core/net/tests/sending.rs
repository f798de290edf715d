//! How a driver sends: at once, or through a backlog when the peer is slow.
#![allow(clippy::unwrap_used)]

mod support;

use bytes::Bytes;
use flare_net::{Driver, Event, Key, Output, Sent};
use std::io::{ErrorKind, Read};
use support::{CASES, DRIVERS, Sort, byte_at, check_to_end, connect, event, is_ring, reset, turn};

/// An output of `length` bytes from the content that `byte_at` describes, in pieces of text and shared bytes by turns.
fn fill(output: &mut Output, from: usize, length: usize, piece: usize) {
    let mut place = from;
    let mut shared = false;
    while place < from + length {
        let end = (place + piece).min(from + length);
        let bytes = (place..end).map(byte_at);
        if shared {
            output.push_shared(bytes.collect());
        } else {
            output.buffer().extend(bytes);
        }
        shared = !shared;
        place = end;
    }
}

/// Sends until something waits in the backlog. Gives the number of bytes.
fn block(driver: &mut Driver, key: Key) -> usize {
    let mut output = Output::new();
    let mut length = 0;
    loop {
        fill(&mut output, length, 100_000, 30_000);
        length += 100_000;
        if driver.send(key, &mut output).unwrap() == Sent::Queued {
            return length;
        }
    }
}

#[test]
fn a_small_output_goes_at_once() {
    for (driver, sort) in CASES {
        let mut driver = driver(64);
        let (key, mut client) = connect(&mut driver, sort);
        let mut output = Output::new();
        assert_eq!(driver.send(key, &mut output).unwrap(), Sent::All);
        output.buffer().extend_from_slice(b"flat");
        assert_eq!(driver.send(key, &mut output).unwrap(), Sent::All);
        assert!(output.is_empty());
        output.buffer().extend_from_slice(b", mix");
        output.push_shared(Bytes::from_static(b"ed"));
        output.buffer().push(b'.');
        assert_eq!(driver.send(key, &mut output).unwrap(), Sent::All);
        assert!(output.is_empty());
        assert_eq!(driver.backlog(key), 0);
        driver.close(key);
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "flat, mixed.");
    }
}

#[test]
fn more_pieces_than_one_call_takes() {
    for (driver, sort) in CASES {
        let mut driver = driver(64);
        let (key, client) = connect(&mut driver, sort);
        let mut output = Output::new();
        fill(&mut output, 0, 20_000, 33);
        assert_eq!(driver.send(key, &mut output).unwrap(), Sent::All);
        driver.close(key);
        assert_eq!(check_to_end(client).join().unwrap(), 20_000);
    }
}

#[test]
fn ten_mebibytes_to_a_slow_reader() {
    const LENGTH: usize = 10 << 20;
    for (driver, sort) in CASES {
        for piece in [100_003, LENGTH] {
            let mut driver = driver(64);
            let (key, client) = connect(&mut driver, sort);
            let mut output = Output::new();
            fill(&mut output, 0, LENGTH, piece);
            assert_eq!(driver.send(key, &mut output).unwrap(), Sent::Queued);
            assert!(output.is_empty());
            let waiting = driver.backlog(key);
            assert!(waiting > 0 && waiting < LENGTH);

            // The reader begins only now.
            let reader = check_to_end(client);
            assert!(matches!(event(&mut driver), Event::Flushed { key: of } if of == key));
            assert_eq!(driver.backlog(key), 0);
            assert_eq!(turn(&mut driver), []);
            driver.close(key);
            assert_eq!(reader.join().unwrap(), LENGTH);
        }
    }
}

#[test]
fn what_is_sent_while_blocked_goes_behind() {
    for (driver, sort) in CASES {
        let mut driver = driver(64);
        let (key, client) = connect(&mut driver, sort);
        let mut length = block(&mut driver, key);
        let mut output = Output::new();
        for piece in [1, 7, 5_000, 300_000] {
            let before = driver.backlog(key);
            fill(&mut output, length, piece, 1_000);
            length += piece;
            assert_eq!(driver.send(key, &mut output).unwrap(), Sent::Queued);
            assert_eq!(driver.backlog(key), before + piece);
        }
        let reader = check_to_end(client);
        assert!(matches!(event(&mut driver), Event::Flushed { .. }));
        driver.close(key);
        assert_eq!(reader.join().unwrap(), length);
    }
}

#[test]
fn a_connection_that_was_blocked_can_be_blocked_again() {
    for (driver, sort) in CASES {
        let mut driver = driver(64);
        let (key, mut client) = connect(&mut driver, sort);
        for _ in 0..3 {
            let length = block(&mut driver, key);
            let reader = std::thread::spawn(move || {
                let mut bytes = vec![0; length];
                client.read_exact(&mut bytes).unwrap();
                assert!(bytes.iter().enumerate().all(|(place, byte)| *byte == byte_at(place)));
                client
            });
            assert!(matches!(event(&mut driver), Event::Flushed { .. }));
            client = reader.join().unwrap();
        }
    }
}

#[test]
fn reading_goes_on_while_sending_is_blocked() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (key, mut client) = connect(&mut driver, Sort::Unix);
        block(&mut driver, key);
        std::io::Write::write_all(&mut client, b"still here").unwrap();
        assert_eq!(turn(&mut driver), [(key, "still here".into())]);
        assert!(driver.backlog(key) > 0);
    }
}

#[test]
fn the_write_direction_is_shut_behind_the_backlog() {
    for (driver, sort) in CASES {
        let mut driver = driver(64);
        let (key, client) = connect(&mut driver, sort);
        let length = block(&mut driver, key);
        driver.shutdown_write(key).unwrap();
        assert!(driver.backlog(key) > 0);
        let reader = check_to_end(client);
        assert!(matches!(event(&mut driver), Event::Flushed { .. }));
        // Not closed by us: the reader came to the end because the direction is shut.
        assert_eq!(reader.join().unwrap(), length);
        assert_eq!(driver.len(), 1);
    }
}

#[test]
fn shutting_one_direction_leaves_the_other() {
    for (driver, sort) in CASES {
        let mut driver = driver(64);
        let (key, mut client) = connect(&mut driver, sort);
        driver.shutdown_write(key).unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        std::io::Write::write_all(&mut client, b"more").unwrap();
        assert_eq!(support::receive(&mut driver, key, 4), b"more");
    }
}

#[test]
fn sending_to_a_lost_peer_is_an_error_and_no_signal() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (key, client) = connect(&mut driver, Sort::Unix);
        drop(client);
        for shared in [false, true] {
            let mut output = Output::new();
            output.buffer().extend_from_slice(b"to nobody");
            if shared {
                output.push_shared(Bytes::from_static(b"at all"));
            }
            let result = driver.send(key, &mut output);
            assert!(output.is_empty());
            if is_ring(&driver) {
                // What is small leaves when the driver waits, and so does the news of it.
                assert_eq!(result.unwrap(), Sent::All);
                continue;
            }
            assert_eq!(result.unwrap_err().kind(), ErrorKind::BrokenPipe);
        }
        if is_ring(&driver) {
            let mut events = turn(&mut driver);
            events.extend(turn(&mut driver));
            assert!(events.contains(&(key, "<BrokenPipe>".into())), "{events:?}");
            assert_eq!(turn(&mut driver), []);
        }
    }
}

#[test]
fn a_reset_ends_a_blocked_connection() {
    for driver in DRIVERS {
        for paused in [false, true] {
            let mut driver = driver(64);
            let (key, client) = connect(&mut driver, Sort::Tcp);
            block(&mut driver, key);
            if paused {
                driver.pause_read(key);
            }
            reset(client);
            assert!(matches!(event(&mut driver), Event::Failed { key: of, .. } if of == key));
            assert_eq!(turn(&mut driver), []);
            driver.close(key);
        }
    }
}
