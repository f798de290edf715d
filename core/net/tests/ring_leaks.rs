//! A driver with io_uring keeps no descriptor, however its connections end. Alone in its process: descriptors are counted.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

mod support;

use flare_net::{Address, Event, ListenOptions, Listener, Output, Stream};
use std::io::Write;
use std::time::Duration;
use support::{PATIENCE, SORTS, connect, event, ring, turn};

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn listener() -> (Listener, Address) {
    let listener = Listener::bind(&Address::from(([127, 0, 0, 1], 0)), &ListenOptions::default()).unwrap();
    let address = listener.local_address().clone();
    (listener, address)
}

#[test]
fn nothing_is_left_open() {
    let at_first = open_descriptors();
    let mut driver = ring(64);
    assert_eq!(turn(&mut driver), []);
    let before = open_descriptors();
    for sort in SORTS {
        for (waits, pauses, writes) in [
            (false, false, false),
            (true, false, false),
            (true, true, false),
            (true, true, true),
            (true, false, true),
        ] {
            let (key, mut client) = connect(&mut driver, sort);
            if waits {
                assert_eq!(turn(&mut driver), []);
            }
            if pauses {
                driver.pause_read(key);
            }
            if writes {
                client.write_all(b"nobody reads this").unwrap();
                driver.wait(Some(Duration::ZERO)).unwrap();
            }
            let mut output = Output::new();
            output.buffer().extend_from_slice(b"answer");
            driver.send(key, &mut output).unwrap();
            driver.close(key);
            drop(client);
            assert_eq!(turn(&mut driver), []);
            assert_eq!(open_descriptors(), before, "{sort:?} {waits} {pauses} {writes}");
        }
    }

    // A listener, and what it accepted and nobody asked for.
    let (listener, address) = listener();
    let key = driver.listen(listener, false).unwrap();
    let clients: Vec<_> = (0..100).map(|_| Stream::connect(&address).unwrap()).collect();
    assert!(matches!(event(&mut driver), Event::Accepted { .. }));
    driver.close_listener(key);
    drop(clients);
    while !driver.is_empty() {
        match event(&mut driver) {
            Event::Accepted { .. } => panic!("the listener is closed"),
            Event::ReadClosed { key } | Event::Failed { key, .. } => driver.close(key),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(turn(&mut driver), []);
    assert_eq!(open_descriptors(), before);

    // The same, when the driver ends.
    let (listener, address) = self::listener();
    driver.listen(listener, false).unwrap();
    assert_eq!(turn(&mut driver), []);
    let clients: Vec<_> = (0..100).map(|_| Stream::connect(&address).unwrap()).collect();
    let (_key, _peer) = connect(&mut driver, SORTS[0]);
    driver.wait(Some(PATIENCE)).unwrap();
    drop(driver);
    drop((clients, _peer));
    assert_eq!(open_descriptors(), at_first);
}
