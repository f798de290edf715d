//! How a driver reads: short and full reads, the end, resets, pausing, keys that are stale.
#![allow(clippy::unwrap_used)]

mod support;

use flare_net::{Event, Output};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use support::{CASES, DRIVERS, Sort, connect, event, is_ring, receive, reset, rest_of_turn, turn};

#[test]
fn a_short_read_is_the_last_until_more_comes() {
    for (driver, sort) in CASES {
        let mut driver = driver(64);
        let (key, mut client) = connect(&mut driver, sort);
        for text in ["hello", "again"] {
            client.write_all(text.as_bytes()).unwrap();
            assert_eq!(receive(&mut driver, key, 5), text.as_bytes());
            assert!(driver.next().is_none());
            assert!(!driver.is_ready(), "{sort:?} would read for nothing");
        }
    }
}

#[test]
fn connections_with_much_to_read_take_turns() {
    // With io_uring what one connection has sent comes in a row.
    let mut driver = support::driver(4);
    let (one, mut first) = connect(&mut driver, Sort::Unix);
    let (two, mut second) = connect(&mut driver, Sort::Unix);
    // Who filled a first read of 4 may read 16 at once.
    first.write_all(b"aaaabbbbbbbbbbbbbbbbcc").unwrap();
    second.write_all(b"AAAABBBBBBBBBBBBBBBB").unwrap();
    assert_eq!(turn(&mut driver), [(one, "aaaa".into()), (two, "AAAA".into())]);
    assert!(driver.is_ready());
    assert_eq!(turn(&mut driver), [(one, "b".repeat(16)), (two, "B".repeat(16))]);
    // The second one cannot know that it is empty: its read finds nothing, and says nothing.
    assert_eq!(turn(&mut driver), [(one, "cc".into())]);
    assert!(!driver.is_ready());
    // A short read ends it.
    first.write_all(b"ddddee").unwrap();
    assert_eq!(turn(&mut driver), [(one, "dddd".into())]);
    assert_eq!(turn(&mut driver), [(one, "ee".into())]);
}

#[test]
fn a_long_stream_arrives_whole() {
    for (driver, sort) in CASES {
        let mut driver = driver(1000);
        let (key, mut client) = connect(&mut driver, sort);
        let length = 1_000_000;
        let sender = std::thread::spawn(move || {
            let bytes: Vec<u8> = (0..length).map(support::byte_at).collect();
            client.write_all(&bytes).unwrap();
            client
        });
        let bytes = receive(&mut driver, key, length);
        assert!(bytes.iter().enumerate().all(|(place, byte)| *byte == support::byte_at(place)));
        drop(sender.join().unwrap());
        assert!(matches!(event(&mut driver), Event::ReadClosed { .. }));
    }
}

#[test]
fn bytes_and_end_in_one_event_come_in_one_turn() {
    for (driver, sort) in CASES {
        for text in ["", "x", "full", "longer than the buffer"] {
            let mut driver = driver(4);
            let (key, mut client) = connect(&mut driver, sort);
            client.write_all(text.as_bytes()).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            let mut got = String::new();
            while !got.ends_with("<closed>") {
                let events = turn(&mut driver);
                assert!(!events.is_empty() && events.iter().all(|(of, _)| *of == key), "{events:?}");
                events.iter().for_each(|(_, piece)| got.push_str(piece));
            }
            assert_eq!(got, format!("{text}<closed>"));
            assert_eq!(turn(&mut driver), []);
            if text.len() < 4 {
                assert!(!driver.is_ready());
            }
        }
    }
}

#[test]
fn a_half_closed_peer_can_still_be_answered() {
    for (driver, sort) in CASES {
        let mut driver = driver(64);
        let (key, mut client) = connect(&mut driver, sort);
        client.shutdown(Shutdown::Write).unwrap();
        assert!(matches!(event(&mut driver), Event::ReadClosed { key: of } if of == key));
        let mut output = Output::new();
        output.buffer().extend_from_slice(b"answer");
        driver.send(key, &mut output).unwrap();
        driver.close(key);
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "answer");
    }
}

#[test]
fn a_peer_that_closed_both_ways_is_lost() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (key, client) = connect(&mut driver, Sort::Unix);
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(turn(&mut driver), [(key, "<closed>".into())]);
        drop(client);
        assert_eq!(turn(&mut driver), [(key, "<BrokenPipe>".into())]);
        assert_eq!(turn(&mut driver), []);
    }
}

#[test]
fn the_last_bytes_of_a_lost_peer_come_first() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (key, mut client) = connect(&mut driver, Sort::Unix);
        client.write_all(b"bye").unwrap();
        drop(client);
        let expected = ["bye", "<closed>", "<BrokenPipe>"].map(|text| (key, text.to_owned()));
        let mut events = turn(&mut driver);
        if is_ring(&driver) {
            // That nothing can be sent any more is asked for behind the end.
            events.extend(turn(&mut driver));
        }
        assert_eq!(events, expected);
    }
}

#[test]
fn a_reset_is_a_failure() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (key, client) = connect(&mut driver, Sort::Tcp);
        reset(client);
        match event(&mut driver) {
            Event::Failed { key: of, error } => {
                assert_eq!((of, error.kind()), (key, ErrorKind::ConnectionReset));
            }
            other => panic!("{other:?}"),
        }
        // It stays until it is closed, and is silent.
        assert_eq!(driver.len(), 1);
        driver.pause_read(key);
        driver.resume_read(key);
        assert_eq!(turn(&mut driver), []);
        driver.close(key);
        assert!(driver.is_empty());
    }
}

#[test]
fn a_reset_is_told_while_reading_is_paused_and_after_the_end() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (paused, client) = connect(&mut driver, Sort::Tcp);
        driver.pause_read(paused);
        reset(client);
        assert!(matches!(event(&mut driver), Event::Failed { key, .. } if key == paused));

        let (ended, client) = connect(&mut driver, Sort::Tcp);
        client.shutdown(Shutdown::Write).unwrap();
        assert!(matches!(event(&mut driver), Event::ReadClosed { key } if key == ended));
        reset(client);
        assert!(matches!(event(&mut driver), Event::Failed { key, .. } if key == ended));
    }
}

#[test]
fn a_paused_connection_is_silent_and_loses_nothing() {
    for (driver, sort) in CASES {
        let mut driver = driver(64);
        let (quiet, mut client) = connect(&mut driver, sort);
        let (marker, mut other) = connect(&mut driver, sort);
        driver.pause_read(quiet);
        client.write_all(b"one ").unwrap();
        client.write_all(b"two").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        other.write_all(b"m").unwrap();
        assert_eq!(receive(&mut driver, marker, 1), b"m");
        assert!(driver.next().is_none());
        assert!(!driver.is_ready());

        driver.resume_read(quiet);
        driver.resume_read(quiet);
        // io_uring looks whether there is something when the driver waits.
        assert!(driver.is_ready() || is_ring(&driver));
        let expected = ["one two", "<closed>"].map(|text| (quiet, text.to_owned()));
        assert_eq!(turn(&mut driver), expected);
    }
}

#[test]
fn pausing_inside_a_turn_holds_at_once() {
    for driver in DRIVERS {
        let mut driver = driver(4);
        let (one, mut first) = connect(&mut driver, Sort::Unix);
        let (two, mut second) = connect(&mut driver, Sort::Unix);
        first.write_all(b"aaaabbbb").unwrap();
        second.write_all(b"AAAABBBB").unwrap();
        assert!(matches!(event(&mut driver), Event::Received { key, .. } if key == one));
        driver.pause_read(one);
        driver.pause_read(two);
        assert_eq!(rest_of_turn(&mut driver), []);
        assert_eq!(turn(&mut driver), []);
        driver.resume_read(two);
        assert_eq!(turn(&mut driver), [(two, "AAAA".into())]);
        driver.resume_read(one);
        assert_eq!(turn(&mut driver), [(two, "BBBB".into()), (one, "bbbb".into())]);
    }
}

#[test]
fn a_closed_connection_is_silent_and_its_key_is_stale() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (one, mut first) = connect(&mut driver, Sort::Unix);
        let (two, mut second) = connect(&mut driver, Sort::Unix);
        first.write_all(b"a").unwrap();
        second.write_all(b"b").unwrap();
        assert!(matches!(event(&mut driver), Event::Received { key, .. } if key == one));
        // The other one's event has already been taken from the system.
        driver.close(two);
        let (three, _third) = connect(&mut driver, Sort::Unix);
        assert_eq!(three.index(), two.index());
        assert_ne!(three, two);
        assert_eq!(rest_of_turn(&mut driver), []);

        driver.pause_read(two);
        driver.resume_read(two);
        driver.close(two);
        assert_eq!(driver.len(), 2);
        assert_eq!(driver.backlog(two), 0);
        assert_eq!(driver.shutdown_write(two).unwrap_err().kind(), ErrorKind::NotConnected);
        assert_eq!(driver.peer_address(two).unwrap_err().kind(), ErrorKind::NotConnected);
        let mut output = Output::new();
        output.buffer().push(b'x');
        assert_eq!(driver.send(two, &mut output).unwrap_err().kind(), ErrorKind::NotConnected);
        assert!(output.is_empty());
        assert_eq!(turn(&mut driver), []);
    }
}

#[test]
fn addresses_of_both_ends() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (key, client) = connect(&mut driver, Sort::Tcp);
        let socket = socket2::SockRef::from(&client);
        let far = socket.local_addr().unwrap().as_socket().unwrap();
        let near = socket.peer_addr().unwrap().as_socket().unwrap();
        assert_eq!(driver.peer_address(key).unwrap(), far.into());
        assert_eq!(driver.local_address(key).unwrap(), near.into());
    }
}
