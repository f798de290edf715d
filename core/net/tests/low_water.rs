//! Being told that the backlog is nearly gone, and how much the system has taken.
#![allow(clippy::unwrap_used)]

mod support;

use bytes::Bytes;
use flare_net::{Driver, Event, Key, Output, Sent};
use std::io::Read;
use support::{CASES, DRIVERS, Sort, connect, event, rest_of_turn, turn};

const PIECE: usize = 100_000;

/// Sends until at least `waiting` bytes are in the backlog. Gives all that was sent.
fn block(driver: &mut Driver, key: Key, waiting: usize) -> usize {
    let piece = Bytes::from(vec![b'x'; PIECE]);
    let mut output = Output::new();
    let mut total = 0;
    while driver.backlog(key) < waiting {
        output.push_shared(piece.clone());
        driver.send(key, &mut output).unwrap();
        total += PIECE;
    }
    total
}

#[test]
fn writable_comes_once_when_the_mark_is_passed() {
    for (driver, sort) in CASES {
        let mut driver = driver(64);
        let (key, mut client) = connect(&mut driver, sort);
        let total = block(&mut driver, key, 10 << 20);
        driver.set_low_water(key, 1 << 20);
        assert_eq!(turn(&mut driver), []);
        assert_eq!(driver.sent(key) as usize + driver.backlog(key), total);
        let reader = std::thread::spawn(move || {
            let mut bytes = vec![0; total];
            client.read_exact(&mut bytes).unwrap();
            client
        });
        assert!(matches!(event(&mut driver), Event::Writable { key: of } if of == key));
        assert!(driver.backlog(key) < 1 << 20);
        // The next one is the end: no second `Writable` on the way.
        assert!(matches!(event(&mut driver), Event::Flushed { key: of } if of == key));
        assert_eq!((driver.sent(key), driver.backlog(key)), (total as u64, 0));
        assert_eq!(turn(&mut driver), []);
        drop(reader.join().unwrap());
    }
}

#[test]
fn a_mark_that_is_passed_already_is_told_in_the_next_turn() {
    for (driver, sort) in CASES {
        let mut driver = driver(64);
        let (key, _client) = connect(&mut driver, sort);
        driver.set_low_water(key, 1);
        assert!(driver.is_ready());
        assert_eq!(turn(&mut driver), [(key, "<writable>".into())]);
        assert_eq!(turn(&mut driver), []);

        block(&mut driver, key, 1);
        while !turn(&mut driver).is_empty() {}
        let waiting = driver.backlog(key);
        assert!(waiting > 0);
        driver.set_low_water(key, waiting);
        assert_eq!(turn(&mut driver), []);
        driver.set_low_water(key, waiting + 1);
        assert_eq!(turn(&mut driver), [(key, "<writable>".into())]);
        assert_eq!(turn(&mut driver), []);
    }
}

#[test]
fn a_mark_can_be_taken_back() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (key, mut client) = connect(&mut driver, Sort::Unix);
        driver.set_low_water(key, 1);
        driver.set_low_water(key, 0);
        assert_eq!(turn(&mut driver), []);

        let total = block(&mut driver, key, 2 << 20);
        driver.set_low_water(key, 1 << 20);
        driver.set_low_water(key, 0);
        let reader = std::thread::spawn(move || {
            client.read_exact(&mut vec![0; total]).unwrap();
            client
        });
        assert!(matches!(event(&mut driver), Event::Flushed { .. }));
        drop(reader.join().unwrap());
    }
}

#[test]
fn a_new_backlog_makes_the_end_of_the_old_one_untrue() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (key, mut client) = connect(&mut driver, Sort::Unix);
        let mut total = block(&mut driver, key, 1);
        let waiting = driver.backlog(key);
        driver.set_low_water(key, waiting);
        // Room for all that waits: one turn empties the backlog.
        let read = total - waiting;
        client.read_exact(&mut vec![0; read]).unwrap();
        assert!(matches!(event(&mut driver), Event::Writable { .. }));
        assert_eq!(driver.backlog(key), 0);
        // Whoever is told that there is room sends more, and is told of the end when there is one.
        total += block(&mut driver, key, 4 << 20);
        assert_eq!(rest_of_turn(&mut driver), []);
        let reader = std::thread::spawn(move || {
            client.read_exact(&mut vec![0; total - read]).unwrap();
            client
        });
        assert!(matches!(event(&mut driver), Event::Flushed { .. }));
        assert_eq!((driver.sent(key), driver.backlog(key)), (total as u64, 0));
        assert_eq!(turn(&mut driver), []);
        drop(reader.join().unwrap());
    }
}

#[test]
fn a_stale_key_has_sent_nothing_and_asks_nothing() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (key, _client) = connect(&mut driver, Sort::Unix);
        let mut output = Output::new();
        output.buffer().extend_from_slice(b"hello");
        assert_eq!(driver.send(key, &mut output).unwrap(), Sent::All);
        assert_eq!(driver.sent(key), 5);
        driver.close(key);
        assert_eq!(driver.sent(key), 0);
        driver.set_low_water(key, 1);
        assert!(!driver.is_ready());
        // Its place begins anew.
        let (next, _client) = connect(&mut driver, Sort::Unix);
        assert_eq!((next.index(), driver.sent(next)), (key.index(), 0));
    }
}
