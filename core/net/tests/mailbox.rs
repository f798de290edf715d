//! Messages from other threads.
#![allow(clippy::unwrap_used)]

mod support;

use flare_net::{Event, PostError};
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use support::{DRIVERS, run};

#[test]
fn four_threads_lose_nothing() {
    for driver in DRIVERS {
        const THREADS: usize = 4;
        const EACH: usize = 20_000;
        const CAPACITY: usize = 50;
        let mut driver = driver(64);
        let (mailbox, mut receiver) = driver.mailbox::<(usize, usize)>(CAPACITY).unwrap();
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let mailbox = mailbox.clone();
                std::thread::spawn(move || {
                    for number in 0..EACH {
                        let mut message = (thread, number);
                        while let Err(error) = mailbox.post(message) {
                            assert!(matches!(error, PostError::Full(_)));
                            message = error.into_message();
                            std::thread::yield_now();
                        }
                    }
                })
            })
            .collect();

        let mut expected = [0; THREADS];
        let mut messages = Vec::new();
        run(&mut driver, |_, event| {
            assert!(matches!(event, Event::Woken));
            receiver.take(&mut messages);
            assert!(messages.len() <= CAPACITY);
            for (thread, number) in messages.drain(..) {
                assert_eq!(number, expected[thread]);
                expected[thread] += 1;
            }
            if expected == [EACH; THREADS] { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        receiver.take(&mut messages);
        assert!(messages.is_empty());
    }
}

#[test]
fn a_burst_wakes_once() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (mailbox, mut receiver) = driver.mailbox(100).unwrap();
        let mut messages = Vec::new();
        for round in 0..3 {
            for number in 0..100 {
                mailbox.post(number).unwrap();
            }
            driver.wait(Some(Duration::ZERO)).unwrap();
            assert!(matches!(driver.next(), Some(Event::Woken)), "round {round}");
            assert!(driver.next().is_none());
            receiver.take(&mut messages);
            assert_eq!(messages, (0..100).collect::<Vec<_>>());
            messages.clear();
            driver.wait(Some(Duration::ZERO)).unwrap();
            assert!(driver.next().is_none());
        }
    }
}

#[test]
fn a_full_mailbox_gives_the_message_back() {
    for driver in DRIVERS {
        let driver = driver(64);
        let (mailbox, mut receiver) = driver.mailbox(2).unwrap();
        mailbox.post("one").unwrap();
        mailbox.post("two").unwrap();
        let error = mailbox.post("three").unwrap_err();
        assert_eq!(error.to_string(), "the mailbox is full");
        assert_eq!(error.into_message(), "three");
        let mut messages = vec!["zero"];
        receiver.take(&mut messages);
        assert_eq!(messages, ["zero", "one", "two"]);
        mailbox.post("three").unwrap();
    }
}

#[test]
fn a_closed_mailbox_gives_the_message_back_and_drops_the_others() {
    for driver in DRIVERS {
        let driver = driver(64);
        let (mailbox, receiver) = driver.mailbox(10).unwrap();
        let message = Arc::new(());
        mailbox.post(Arc::clone(&message)).unwrap();
        assert_eq!(Arc::strong_count(&message), 2);
        drop(receiver);
        assert_eq!(Arc::strong_count(&message), 1);
        assert!(matches!(mailbox.post(Arc::clone(&message)), Err(PostError::Closed(_))));
        assert_eq!(Arc::strong_count(&message), 1);
    }
}

#[test]
fn a_mailbox_outlives_its_driver() {
    for driver in DRIVERS {
        let driver = driver(64);
        let (mailbox, mut receiver) = driver.mailbox(10).unwrap();
        drop(driver);
        mailbox.post(1).unwrap();
        let mut messages = Vec::new();
        receiver.take(&mut messages);
        assert_eq!(messages, [1]);
    }
}

#[test]
fn a_driver_has_one_mailbox() {
    for driver in DRIVERS {
        let driver = driver(64);
        let _first = driver.mailbox::<()>(1).unwrap();
        assert_eq!(driver.mailbox::<()>(1).unwrap_err().kind(), ErrorKind::AlreadyExists);
    }
}

#[test]
fn a_post_ends_an_endless_wait() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (mailbox, mut receiver) = driver.mailbox(1).unwrap();
        let thread = std::thread::spawn(move || mailbox.post(7).unwrap());
        // A post that came first is as good: its wake-up waits for us.
        driver.wait(None).unwrap();
        assert!(matches!(driver.next(), Some(Event::Woken)));
        let mut messages = Vec::new();
        receiver.take(&mut messages);
        assert_eq!(messages, [7]);
        thread.join().unwrap();
    }
}
