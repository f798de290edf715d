//! How a driver sends parts of files: in order, through a backlog, and when the file is not what was promised.
#![allow(clippy::unwrap_used)]

mod support;

use bytes::Bytes;
use flare_net::{Driver, Event, Key, Output, Sent};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::sync::Arc;
use support::{CASES, DRIVERS, Sort, byte_at, check_to_end, connect, event, file, run, turn};

fn bytes(from: usize, to: usize) -> Vec<u8> {
    (from..to).map(byte_at).collect()
}

/// Sends a file until some of it waits. Gives the number of bytes.
fn block(driver: &mut Driver, key: Key, file: &Arc<File>, piece: usize) -> usize {
    let mut output = Output::new();
    let mut length = 0;
    loop {
        output.push_file(Arc::clone(file), length as u64, piece as u64);
        length += piece;
        if driver.send(key, &mut output).unwrap() == Sent::Queued {
            return length;
        }
    }
}

#[test]
fn text_files_and_shared_bytes_arrive_in_order() {
    for (driver, sort) in CASES {
        let mut driver = driver(64);
        let (key, client) = connect(&mut driver, sort);
        let file = Arc::new(file(10_000));
        let mut output = Output::new();
        output.buffer().extend(bytes(0, 100));
        output.push_file(Arc::clone(&file), 100, 900);
        output.push_file(Arc::clone(&file), 1_000, 1);
        output.push_shared(Bytes::from(bytes(1_001, 1_500)));
        output.buffer().extend(bytes(1_500, 2_000));
        output.push_file(Arc::clone(&file), 2_000, 8_000);
        assert_eq!(output.len(), 10_000);
        let mut copy = Vec::new();
        output.copy_to(&mut copy).unwrap();
        assert_eq!(copy, bytes(0, 10_000));
        assert_eq!(driver.send(key, &mut output).unwrap(), Sent::All);
        assert!(output.is_empty());
        assert_eq!(driver.sent(key), 10_000);
        // Nobody keeps a file that was sent.
        assert_eq!(Arc::strong_count(&file), 1);
        driver.close(key);
        assert_eq!(check_to_end(client).join().unwrap(), 10_000);
    }
}

#[test]
fn a_large_file_goes_on_where_a_slow_reader_stopped_it() {
    const LENGTH: usize = 20 << 20;
    let file = Arc::new(file(LENGTH));
    for (driver, sort) in CASES {
        for text in [0, 3] {
            let mut driver = driver(64);
            let (key, client) = connect(&mut driver, sort);
            let mut output = Output::new();
            output.buffer().extend(bytes(0, text));
            output.push_file(Arc::clone(&file), text as u64, (LENGTH - 2 * text) as u64);
            output.buffer().extend(bytes(LENGTH - text, LENGTH));
            assert_eq!(driver.send(key, &mut output).unwrap(), Sent::Queued);
            assert!(driver.backlog(key) > 0);
            assert_eq!(driver.sent(key) as usize + driver.backlog(key), LENGTH);
            let reader = check_to_end(client);
            assert!(matches!(event(&mut driver), Event::Flushed { key: of } if of == key));
            assert_eq!((driver.sent(key), driver.backlog(key)), (LENGTH as u64, 0));
            assert_eq!(turn(&mut driver), []);
            assert_eq!(Arc::strong_count(&file), 1);
            driver.close(key);
            assert_eq!(reader.join().unwrap(), LENGTH);
        }
    }
}

#[test]
fn a_file_that_is_too_short_ends_the_connection() {
    for (driver, sort) in CASES {
        let mut driver = driver(64);
        let (key, mut client) = connect(&mut driver, sort);
        let mut output = Output::new();
        output.buffer().extend_from_slice(b"head");
        output.push_file(Arc::new(file(1_000)), 0, 1_001);
        assert_eq!(driver.send(key, &mut output).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert!(output.is_empty());
        driver.close(key);
        let mut got = Vec::new();
        client.read_to_end(&mut got).unwrap();
        assert_eq!(got.len(), 1_004);
    }
}

#[test]
fn a_file_that_becomes_too_short_ends_a_blocked_connection() {
    for (driver, sort) in CASES {
        let mut driver = driver(64);
        let (key, client) = connect(&mut driver, sort);
        let file = Arc::new(file(20 << 20));
        let length = block(&mut driver, key, &file, 10 << 20);
        file.set_len(driver.sent(key) + 100_000).unwrap();
        let reader = check_to_end(client);
        match event(&mut driver) {
            Event::Failed { key: of, error } => {
                assert_eq!((of, error.kind()), (key, ErrorKind::UnexpectedEof));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(turn(&mut driver), []);
        driver.close(key);
        assert!(reader.join().unwrap() < length);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (key, _client) = connect(&mut driver, Sort::Tcp);
        let folder = Arc::new(File::open(std::env::temp_dir()).unwrap());
        let sink = Arc::new(File::options().write(true).open("/dev/null").unwrap());
        for file in [folder, sink] {
            let mut output = Output::new();
            output.push_file(file, 0, 10);
            assert!(driver.send(key, &mut output).is_err());
        }
    }
}

#[test]
fn a_file_without_pages_is_sent_as_well() {
    for driver in DRIVERS {
        // The system makes this file when it is read, and has no pages of it to send.
        let path = "/proc/self/status";
        let Ok(expected) = std::fs::read(path) else { return };
        let mut driver = driver(64);
        let (key, mut client) = connect(&mut driver, Sort::Tcp);
        let mut output = Output::new();
        output.push_file(Arc::new(File::open(path).unwrap()), 0, 20);
        assert_eq!(driver.send(key, &mut output).unwrap(), Sent::All);
        driver.close(key);
        let mut got = Vec::new();
        client.read_to_end(&mut got).unwrap();
        assert_eq!(got, expected[..20]);
    }
}

#[test]
fn a_large_file_does_not_hold_up_the_others() {
    for driver in DRIVERS {
        const LENGTH: usize = 24 << 20;
        let mut driver = driver(64);
        let (large, client) = connect(&mut driver, Sort::Tcp);
        let (small, mut other) = connect(&mut driver, Sort::Unix);
        let file = Arc::new(file(LENGTH));
        // The peer reads as fast as it can, so that the socket is rarely full.
        let reader = check_to_end(client);
        let mut output = Output::new();
        output.push_file(Arc::clone(&file), 0, LENGTH as u64);
        assert_eq!(driver.send(large, &mut output).unwrap(), Sent::Queued);
        assert!(driver.sent(large) <= 1 << 20);
        let mut answered = 0;
        std::io::Write::write_all(&mut other, b"?").unwrap();
        run(&mut driver, |driver, event| {
            match event {
                Event::Received { key, lease } => {
                    assert_eq!((key, &*lease), (small, &b"?"[..]));
                    driver.recycle(lease);
                    answered += 1;
                    // Answered after one more turn of the large one at most.
                    assert!(driver.sent(large) <= (answered + 1) << 21);
                    if answered < 4 {
                        std::io::Write::write_all(&mut other, b"?").unwrap();
                    }
                }
                Event::Flushed { key } => {
                    assert_eq!(key, large);
                    return std::ops::ControlFlow::Break(());
                }
                other => panic!("{other:?}"),
            }
            std::ops::ControlFlow::Continue(())
        });
        assert_eq!(answered, 4);
        driver.close(large);
        assert_eq!(reader.join().unwrap(), LENGTH);
    }
}
