//! A host that owns the loop: it watches the driver's descriptor with poll(2), and no thread is ever inside a wait.
#![allow(clippy::unwrap_used, unsafe_code)]

mod support;

use flare_net::{Driver, Event};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};
use support::{PATIENCE, Sort, connect, driver, turn};

/// Whether the descriptor becomes readable within this time.
fn readable(driver: &Driver, within: Duration) -> bool {
    let mut fd = libc::pollfd { fd: driver.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one descriptor, open, in a place that outlives the call.
    let count = unsafe { libc::poll(&mut fd, 1, within.as_millis() as libc::c_int) };
    assert!(count >= 0);
    count == 1
}

fn now(driver: &Driver) -> bool {
    readable(driver, Duration::ZERO)
}

/// A turn that must not wait, and brings nothing.
fn quiet_turn(driver: &mut Driver) {
    let start = Instant::now();
    assert_eq!(turn(driver), []);
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn bytes_make_it_readable() {
    let mut driver = driver(64);
    assert!(!now(&driver));
    quiet_turn(&mut driver);
    let (key, mut client) = connect(&mut driver, Sort::Unix);
    assert!(!now(&driver));
    client.write_all(b"hello").unwrap();
    assert!(readable(&driver, PATIENCE));
    assert_eq!(turn(&mut driver), [(key, "hello".into())]);
    assert!(!now(&driver));
}

#[test]
fn messages_make_it_readable() {
    let mut driver = driver(64);
    let (mailbox, mut receiver) = driver.mailbox(10).unwrap();
    assert!(!now(&driver));
    let thread = std::thread::spawn(move || mailbox.post(1).unwrap());
    assert!(readable(&driver, PATIENCE));
    driver.wait(Some(Duration::ZERO)).unwrap();
    assert!(matches!(driver.next(), Some(Event::Woken)));
    let mut messages = Vec::new();
    receiver.take(&mut messages);
    assert_eq!(messages, [1]);
    thread.join().unwrap();
    assert!(!now(&driver));
}

#[test]
fn a_deadline_makes_it_readable_and_not_before() {
    let mut driver = driver(64);
    for _ in 0..2 {
        for after in [Duration::ZERO, Duration::from_micros(300), Duration::from_millis(20)] {
            let start = Instant::now();
            driver.arm_timer(Some(after)).unwrap();
            assert!(readable(&driver, PATIENCE));
            assert!(start.elapsed() >= after);
            // It tells once, and brings no event.
            quiet_turn(&mut driver);
            assert!(!now(&driver));
        }
    }
}

#[test]
fn a_deadline_ends_a_wait() {
    let mut driver = driver(64);
    let start = Instant::now();
    driver.arm_timer(Some(Duration::from_millis(5))).unwrap();
    driver.wait(Some(PATIENCE)).unwrap();
    assert!(driver.next().is_none());
    assert!(start.elapsed() < PATIENCE);
    // Kept by Linux and kqueue alike: never early.
    assert!(start.elapsed() >= Duration::from_millis(5));
}

#[test]
fn a_deadline_can_be_moved_and_taken_back() {
    let mut driver = driver(64);
    driver.arm_timer(None).unwrap();
    // Later, and much later than a clock can count.
    driver.arm_timer(Some(Duration::ZERO)).unwrap();
    driver.arm_timer(Some(Duration::MAX)).unwrap();
    assert!(!readable(&driver, Duration::from_millis(5)));
    // Earlier.
    driver.arm_timer(Some(Duration::from_millis(1))).unwrap();
    assert!(readable(&driver, PATIENCE));
    // Taken back, though it had fired.
    driver.arm_timer(None).unwrap();
    assert!(!readable(&driver, Duration::from_millis(5)));
    quiet_turn(&mut driver);
    driver.arm_timer(Some(Duration::ZERO)).unwrap();
    assert!(readable(&driver, PATIENCE));
}

#[test]
fn waking_oneself_makes_it_readable_once() {
    for with_mailbox in [false, true] {
        let mut driver = driver(64);
        let mailbox = with_mailbox.then(|| driver.mailbox::<()>(1).unwrap());
        for _ in 0..3 {
            driver.wake_self();
            driver.wake_self();
            assert!(now(&driver));
            driver.wait(None).unwrap();
            // The waker is that of the mailbox: it cannot know who called it.
            assert_eq!(driver.next().is_some(), with_mailbox);
            assert!(driver.next().is_none());
            assert!(!now(&driver));
        }
        drop(mailbox);
    }
}

#[test]
fn who_stops_early_loses_nothing() {
    const CONNECTIONS: usize = 50;
    let mut driver = driver(4);
    let (mailbox, mut receiver) = driver.mailbox(1_000).unwrap();
    let mut peers: Vec<_> = (0..CONNECTIONS).map(|_| connect(&mut driver, Sort::Unix)).collect();
    for (_, peer) in &mut peers {
        peer.write_all(b"0123456789").unwrap();
    }
    let mut received = vec![0; CONNECTIONS];
    let mut messages = Vec::new();
    let mut posted = 0;
    let mut turns = 0;
    while received.iter().sum::<usize>() < CONNECTIONS * 10 || messages.len() < posted {
        if turns < 60 {
            mailbox.post(posted).unwrap();
            posted += 1;
        }
        turns += 1;
        assert!(turns < 1_000);
        // What is left shows in `is_ready` and not in the descriptor: so the host is told.
        if driver.is_ready() {
            driver.wake_self();
        }
        assert!(readable(&driver, PATIENCE));
        driver.wait(Some(Duration::ZERO)).unwrap();
        // The budget of a turn: three events.
        for event in std::iter::from_fn(|| driver.next()).take(3).collect::<Vec<_>>() {
            match event {
                Event::Received { key, lease } => {
                    let place = peers.iter().position(|(of, _)| *of == key).unwrap();
                    assert!(b"0123456789"[received[place]..].starts_with(&lease));
                    received[place] += lease.len();
                    driver.recycle(lease);
                }
                Event::Woken => receiver.take(&mut messages),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(received, [10; CONNECTIONS]);
    assert_eq!(messages, (0..posted).collect::<Vec<_>>());
    // A connection whose bytes filled a buffer is looked at once more, and then nothing is left.
    while driver.is_ready() {
        turn_without_mail(&mut driver);
    }
    turn_without_mail(&mut driver);
    assert!(!now(&driver));
}

fn turn_without_mail(driver: &mut Driver) {
    driver.wait(Some(Duration::ZERO)).unwrap();
    while let Some(event) = driver.next() {
        assert!(matches!(event, Event::Woken), "{event:?}");
    }
}
