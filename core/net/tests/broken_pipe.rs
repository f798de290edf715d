//! A peer that is gone is an error and no signal, also to a process that does not ignore SIGPIPE, and also while a file is sent. A binary
//! of its own: it changes what the whole process does with the signal.
#![allow(clippy::unwrap_used, unsafe_code)]

mod support;

use flare_net::{Driver, Key, Output, Stream};
use std::io::ErrorKind;
use std::sync::Arc;
use support::{CASES, SORTS, connect, file, reset};

/// Whether SIGPIPE is in what this thread blocks, and in what waits for it.
fn blocked_and_pending() -> (bool, bool) {
    // SAFETY: all zeros are a set; the calls write whole sets, which outlive them.
    unsafe {
        let mut blocked: libc::sigset_t = std::mem::zeroed();
        let mut pending: libc::sigset_t = std::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut blocked);
        libc::sigpending(&mut pending);
        (libc::sigismember(&blocked, libc::SIGPIPE) == 1, libc::sigismember(&pending, libc::SIGPIPE) == 1)
    }
}

fn change_mask(how: libc::c_int) {
    // SAFETY: all zeros are a set; it outlives the calls.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigaddset(&mut set, libc::SIGPIPE);
        libc::pthread_sigmask(how, &set, std::ptr::null_mut());
    }
}

/// Loses the peer, and sends to it until that shows.
fn send_to_nobody(driver: &mut Driver, key: Key, client: Stream, with_file: bool) {
    reset(client);
    let file = Arc::new(file(1_000));
    loop {
        let mut output = Output::new();
        if with_file {
            output.push_file(Arc::clone(&file), 0, 1_000);
        } else {
            output.buffer().extend_from_slice(b"to nobody");
        }
        match driver.send(key, &mut output) {
            // The first says that the connection was reset, the next that it is gone.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return,
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
            Ok(_) => {}
        }
    }
}

#[test]
fn no_signal_comes_and_none_is_lost() {
    // SAFETY: the default action needs no handler.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    for (driver, sort) in CASES {
        for with_file in [false, true] {
            let mut driver = driver(64);
            let (key, client) = connect(&mut driver, sort);
            send_to_nobody(&mut driver, key, client, with_file);
            assert_eq!(blocked_and_pending(), (false, false));
        }
    }

    // A thread that blocks the signal goes on doing so, and finds none that was ours.
    change_mask(libc::SIG_BLOCK);
    let mut driver = support::driver(64);
    let (key, client) = connect(&mut driver, SORTS[0]);
    send_to_nobody(&mut driver, key, client, true);
    assert_eq!(blocked_and_pending(), (true, false));

    // One that was waiting before still waits.
    // SAFETY: raising a signal that this thread blocks.
    unsafe { libc::raise(libc::SIGPIPE) };
    let (key, client) = connect(&mut driver, SORTS[0]);
    send_to_nobody(&mut driver, key, client, true);
    assert_eq!(blocked_and_pending(), (true, true));

    // SAFETY: so that it goes nowhere when the mask is opened.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    change_mask(libc::SIG_UNBLOCK);
    assert_eq!(blocked_and_pending(), (false, false));
}
