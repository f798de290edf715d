//! Keys without a socket: never one that a connection has, and nothing to any call but release.
#![allow(clippy::unwrap_used)]

mod support;

use flare_net::Output;
use std::collections::HashSet;
use std::io::ErrorKind;
use support::{DRIVERS, Sort, connect, turn};

#[test]
fn keys_of_connections_and_reserved_ones_never_collide() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let mut seen = HashSet::new();
        let (mut reserved, mut connected) = (Vec::new(), Vec::new());
        for round in 0..200_u32 {
            let key = if round % 3 == 0 {
                let (key, peer) = connect(&mut driver, Sort::Unix);
                connected.push((key, peer));
                key
            } else {
                reserved.push(driver.reserve().unwrap());
                *reserved.last().unwrap()
            };
            assert!(seen.insert(key), "{key:?} twice");
            let living = reserved.iter().chain(connected.iter().map(|(key, _)| key));
            let places: HashSet<_> = living.map(|key| key.index()).collect();
            assert_eq!(places.len(), reserved.len() + connected.len());
            if round % 4 == 1 {
                driver.release(reserved.swap_remove(reserved.len() / 2));
            }
            if round % 7 == 6 {
                driver.close(connected.swap_remove(connected.len() / 2).0);
            }
            assert_eq!(driver.len(), connected.len());
        }
        // Places are used again.
        assert!(seen.iter().map(|key| key.index()).max().unwrap() < 150);
    }
}

#[test]
fn other_calls_do_nothing_with_a_reserved_key() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let key = driver.reserve().unwrap();
        driver.close(key);
        driver.pause_read(key);
        driver.resume_read(key);
        driver.reset_on_close(key);
        driver.set_low_water(key, 10);
        assert_eq!((driver.backlog(key), driver.sent(key), driver.undelivered(key)), (0, 0, 0));
        let mut output = Output::new();
        output.buffer().push(b'x');
        assert_eq!(driver.send(key, &mut output).unwrap_err().kind(), ErrorKind::NotConnected);
        assert_eq!(driver.take(key).unwrap_err().kind(), ErrorKind::NotConnected);
        assert_eq!(driver.shutdown_write(key).unwrap_err().kind(), ErrorKind::NotConnected);
        assert_eq!(turn(&mut driver), []);

        let (other, _peer) = connect(&mut driver, Sort::Unix);
        assert_ne!(other.index(), key.index(), "closing has not released it");
        // Nor does release do anything to others.
        driver.release(other);
        assert_eq!(driver.len(), 1);
        driver.release(key);
        driver.release(key);
        let (third, fourth) = (driver.reserve().unwrap(), driver.reserve().unwrap());
        assert_eq!(third.index(), key.index());
        assert_ne!(third, key);
        assert_ne!(third.index(), fourth.index());
    }
}
