//! However a dial ends, no descriptor is left. Alone in its process, so that nobody else opens any.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

mod support;

use flare_net::{Clock, Dial, DialOptions, Progress, Target};
use std::net::{SocketAddr, TcpListener};
use std::time::Instant;
use support::names::{dial, these, wake};
use support::{DRIVERS, PATIENCE};

fn open() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn nothing_is_left_open() {
    for driver in DRIVERS {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let dead: SocketAddr = format!("127.0.0.2:{}", address.port()).parse().unwrap();
        let target = format!("a:{}", address.port());
        let options = DialOptions::default();
        let before = open();
        for _ in 0..5 {
            // Reached, and taken out.
            let mut one = driver(64);
            match dial(&mut one, &target, &options, &these(&[dead, address])) {
                Progress::Connected(key, _) => drop(one.take(key).unwrap()),
                other => panic!("{other:?}"),
            }
            // All have failed.
            let end = dial(&mut driver(64), &target, &options, &these(&[dead]));
            assert!(matches!(end, Progress::Failed(_)), "{end:?}");
            // Given up on its way, and left to the driver.
            for close in [true, false] {
                let mut driver = driver(64);
                let (mailbox, _receiver) = driver.mailbox(8).unwrap();
                let now = Clock::start().now();
                let target = Target::parse(&address.to_string()).unwrap();
                let mut dial = Dial::new(target, &options, &these(&[]), now, wake(&mailbox));
                assert!(matches!(dial.advance(&mut driver, now, |_| ()), Progress::Until(_)));
                assert_eq!(driver.len(), 1);
                if close {
                    dial.close(&mut driver);
                    assert!(driver.is_empty());
                }
            }
        }
        // A resolver's thread lets go of the mailbox a moment after its answer.
        let start = Instant::now();
        while open() != before {
            assert!(start.elapsed() < PATIENCE, "{} open, {before} before", open());
            std::thread::yield_now();
        }
    }
}
