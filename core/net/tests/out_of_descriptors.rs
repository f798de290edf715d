//! Accepting when the process has no descriptor left. Alone in its process: the limit holds for all of it.
#![allow(clippy::unwrap_used, unsafe_code)]

mod support;

use flare_net::{Address, Event, ListenOptions, Listener, Stream};
use std::os::fd::AsRawFd;
use std::time::Duration;
use support::{DRIVERS, event};

fn limit() -> libc::rlimit {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call writes one rlimit, which outlives it.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) }, 0);
    limit
}

fn set_limit(limit: libc::rlimit) {
    // SAFETY: the call reads one rlimit, which outlives it.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
}

#[test]
fn accepting_pauses_and_loses_nobody() {
    for driver in DRIVERS {
        for exclusive in [false, true] {
            let mut driver = driver(64);
            let address: Address = ([127, 0, 0, 1], 0).into();
            let listener = Listener::bind(&address, &ListenOptions::default()).unwrap();
            let address = listener.local_address().clone();
            let key = driver.listen(listener, exclusive).unwrap();
            let _clients = [Stream::connect(&address).unwrap(), Stream::connect(&address).unwrap()];

            let before = limit();
            // The system gives out the lowest free number: this one would be the next.
            let next_free = std::fs::File::open("/dev/null").unwrap().as_raw_fd();
            set_limit(libc::rlimit { rlim_cur: next_free as libc::rlim_t, ..before });
            for _ in 0..2 {
                match event(&mut driver) {
                    Event::AcceptFailed { listener, error } => {
                        assert_eq!(listener, key);
                        assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
                    }
                    other => panic!("{other:?}"),
                }
                // No busy loop: it waits to be resumed.
                assert!(!driver.is_ready());
                driver.wait(Some(Duration::ZERO)).unwrap();
                assert!(driver.next().is_none());
                driver.resume_accept(key);
            }
            set_limit(before);
            for _ in 0..2 {
                assert!(matches!(event(&mut driver), Event::Accepted { .. }));
            }
            assert_eq!(driver.len(), 2);
        }
    }
}
