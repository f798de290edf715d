//! What only a driver with io_uring does: buffers that run out, operations that are under way when a connection is paused, closed or taken, and
//! a system that refuses it. The tests of the other files run on both drivers.
#![allow(clippy::unwrap_used, clippy::print_stdout, unsafe_code)]
#![cfg(target_os = "linux")]

mod support;

use flare_net::{Address, Driver, DriverOptions, Event, Key, ListenOptions, Listener, Output, Sent, Stream};
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};
use support::{PATIENCE, SORTS, Sort, byte_at, check_to_end, connect, event, is_ring, receive, reset, turn};

/// A driver with io_uring; `None`, and a word about it, where the system refuses it.
fn ring(read_buffer: usize) -> Option<Driver> {
    let driver = support::ring(read_buffer);
    match driver.io_uring().unwrap() {
        Ok(()) => Some(driver),
        Err(error) => {
            println!("not tested here: {error}");
            None
        }
    }
}

fn send(driver: &mut Driver, key: Key, from: usize, length: usize) -> Sent {
    let mut output = Output::new();
    output.buffer().extend((from..from + length).map(byte_at));
    driver.send(key, &mut output).unwrap()
}

#[test]
fn without_the_option_there_is_none() {
    assert!(support::driver(64).io_uring().is_none());
}

/// Makes io_uring_setup(2) fail in this thread, and those that it makes, for ever.
fn forbid_io_uring(code: libc::c_int) {
    let statement = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    // Load the number of the call; if it is that of io_uring_setup, fail with the code; else allow.
    let filter = [
        statement((libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, 0, 0, 0),
        statement(
            (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
            0,
            1,
            libc::SYS_io_uring_setup as u32,
        ),
        statement((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, libc::SECCOMP_RET_ERRNO | code as u32),
        statement((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the program and its statements outlive the calls, which copy them.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
    }
}

#[test]
fn where_it_is_refused_readiness_does_it() {
    for code in [libc::ENOSYS, libc::EPERM, libc::EINVAL] {
        std::thread::spawn(move || {
            forbid_io_uring(code);
            let mut driver = support::ring(64);
            assert_eq!(driver.io_uring().unwrap().unwrap_err().raw_os_error(), Some(code));
            assert!(!is_ring(&driver));
            let (key, mut client) = connect(&mut driver, Sort::Tcp);
            client.write_all(b"hello").unwrap();
            assert_eq!(receive(&mut driver, key, 5), b"hello");
        })
        .join()
        .unwrap();
    }
}

#[test]
fn buffers_that_run_out_lose_nothing() {
    // Far more than the 256 buffers there are: what comes first, and each piece of it, needs one.
    const CONNECTIONS: usize = 400;
    const LENGTH: usize = 500;
    for keep in [true, false] {
        let Some(mut driver) = ring(64) else { return };
        let mut peers: Vec<_> = (0..CONNECTIONS).map(|_| connect(&mut driver, Sort::Unix)).collect();
        let content: Vec<u8> = (0..LENGTH).map(byte_at).collect();
        for (_, peer) in &mut peers {
            peer.write_all(&content).unwrap();
        }
        let mut got = vec![Vec::new(); CONNECTIONS];
        let mut kept = Vec::new();
        let mut missing = CONNECTIONS * LENGTH;
        while missing > 0 {
            match event(&mut driver) {
                Event::Received { key, lease } => {
                    got[key.index()].extend_from_slice(&lease);
                    missing -= lease.len();
                    // Who keeps what it got, or drops it, costs the driver new buffers.
                    if keep { kept.push(lease) } else { driver.recycle(lease) }
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(got.iter().all(|got| *got == content));
        assert!(!keep || kept.len() > 256);
        // And it goes on.
        for (key, peer) in &mut peers {
            peer.write_all(b"more").unwrap();
            assert_eq!(receive(&mut driver, *key, 4), b"more");
        }
    }
}

#[test]
fn who_pauses_again_and_again_gets_all_in_order() {
    const LENGTH: usize = 3 << 20;
    for sort in SORTS {
        let Some(mut driver) = ring(1_000) else { return };
        let (key, mut client) = connect(&mut driver, sort);
        let writer = std::thread::spawn(move || {
            client.write_all(&(0..LENGTH).map(byte_at).collect::<Vec<_>>()).unwrap();
        });
        let mut place = 0;
        let mut paused = false;
        let mut turns = 0_u32;
        'whole: loop {
            driver.wait(Some(if paused { Duration::ZERO } else { PATIENCE })).unwrap();
            turns += 1;
            while let Some(event) = driver.next() {
                match event {
                    Event::Received { lease, .. } => {
                        assert!(!paused, "paused at {place}");
                        assert!(lease.iter().zip(place..).all(|(byte, place)| *byte == byte_at(place)));
                        place += lease.len();
                        driver.recycle(lease);
                        if place % 3 == 0 {
                            driver.pause_read(key);
                            paused = true;
                        }
                    }
                    Event::ReadClosed { .. } => break 'whole,
                    other => panic!("{other:?}"),
                }
            }
            // Sometimes in the turn behind, sometimes when the receive has ended.
            if paused && turns.is_multiple_of(5) {
                driver.resume_read(key);
                paused = false;
            }
        }
        assert_eq!(place, LENGTH);
        writer.join().unwrap();
    }
}

#[test]
fn a_paused_connection_fills_the_window_of_its_peer() {
    for sort in SORTS {
        let Some(mut driver) = ring(64 << 10) else { return };
        let (key, mut client) = connect(&mut driver, sort);
        // Under way before it is paused.
        assert_eq!(turn(&mut driver), []);
        driver.pause_read(key);
        client.set_nonblocking(true).unwrap();
        let content: Vec<u8> = (0..64 << 20).map(byte_at).collect();
        let mut written = 0;
        let mut full = 0;
        while full < 50 {
            match client.write(&content[written..]) {
                Ok(count) => {
                    written += count;
                    full = 0;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    full += 1;
                }
            }
            assert_eq!(turn(&mut driver), []);
            assert!(written < content.len(), "it takes all there is");
        }
        driver.resume_read(key);
        let got = receive(&mut driver, key, written);
        assert!(got == content[..written]);
    }
}

#[test]
fn a_paused_peer_that_resets_is_told() {
    let Some(mut driver) = ring(64) else { return };
    let (key, mut client) = connect(&mut driver, Sort::Tcp);
    assert_eq!(turn(&mut driver), []);
    driver.pause_read(key);
    client.write_all(b"held").unwrap();
    // The bytes come, and end the receive.
    assert_eq!(turn(&mut driver), []);
    assert_eq!(turn(&mut driver), []);
    reset(client);
    assert!(matches!(event(&mut driver), Event::Failed { key: of, .. } if of == key));
}

#[test]
fn closing_ends_what_is_under_way_and_loses_nothing() {
    for sort in SORTS {
        let Some(mut driver) = ring(64) else { return };
        for waits in [true, false] {
            let (key, client) = connect(&mut driver, sort);
            if waits {
                assert_eq!(turn(&mut driver), []);
            }
            assert_eq!(send(&mut driver, key, 0, 10_000), Sent::All);
            driver.close(key);
            assert_eq!(check_to_end(client).join().unwrap(), 10_000);
        }
        assert_eq!(turn(&mut driver), []);
        assert!(driver.is_empty());
    }
}

/// Sends small pieces until the socket does not take all. Says how many that were.
fn pieces_until_blocked(driver: &mut Driver, key: Key) -> usize {
    for number in 0.. {
        assert_eq!(send(driver, key, number * 16_000, 16_000), Sent::All);
        driver.wait(Some(Duration::ZERO)).unwrap();
        if let Some(event) = driver.next() {
            assert!(matches!(event, Event::Blocked { key: of } if of == key), "{event:?}");
            return number + 1;
        }
    }
    unreachable!()
}

#[test]
fn what_was_said_to_be_sent_and_waits_is_told() {
    for sort in SORTS {
        let Some(mut driver) = ring(64) else { return };
        let (key, client) = connect(&mut driver, sort);
        let total = 16_000 * pieces_until_blocked(&mut driver, key);
        assert!(driver.backlog(key) > 0 && driver.backlog(key) <= 16_000);
        assert_eq!(driver.sent(key) as usize + driver.backlog(key), total);
        // From now on it is a backlog like any other.
        assert_eq!(send(&mut driver, key, total, 5_000), Sent::Queued);
        driver.shutdown_write(key).unwrap();
        let reader = check_to_end(client);
        assert!(matches!(event(&mut driver), Event::Flushed { key: of } if of == key));
        assert_eq!(reader.join().unwrap(), total + 5_000);
        assert_eq!(driver.sent(key) as usize, total + 5_000);
    }
}

#[test]
fn who_was_told_that_all_is_sent_may_close_a_full_socket() {
    let Some(mut driver) = ring(64) else { return };
    let (key, _client) = connect(&mut driver, Sort::Unix);
    let pieces = pieces_until_blocked(&mut driver, key);
    assert!(pieces > 1);
    let (key, client) = connect(&mut driver, Sort::Unix);
    for number in 0..pieces - 1 {
        assert_eq!(send(&mut driver, key, number * 16_000, 16_000), Sent::All);
        assert_eq!(turn(&mut driver), []);
    }
    // This one will not fit, and nobody waits to hear it.
    assert_eq!(send(&mut driver, key, (pieces - 1) * 16_000, 16_000), Sent::All);
    driver.close(key);
    assert_eq!(driver.backlog(key), 0);
    let reader = check_to_end(client);
    let start = Instant::now();
    while !reader.is_finished() {
        driver.wait(Some(Duration::from_millis(10))).unwrap();
        assert!(driver.next().is_none());
        assert!(start.elapsed() < PATIENCE);
    }
    assert_eq!(reader.join().unwrap(), pieces * 16_000);
}

/// Reads what is there. Whether that is the end.
fn read_what_is_there(client: &mut Stream) -> (usize, bool) {
    let (mut room, mut total) = ([0; 4096], 0);
    loop {
        match client.read(&mut room) {
            Ok(0) => return (total, true),
            Ok(length) => total += length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return (total, false),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn closed_connections_that_are_not_sent_whole_are_bounded() {
    const MOST: usize = 256;
    const MORE: usize = 10;
    let Some(mut driver) = ring(64) else { return };
    let mut clients: Vec<_> = (0..MOST + MORE)
        .map(|_| {
            let (inside, client) = Stream::pair().unwrap();
            // The least that the system allows: one piece is more.
            socket2::SockRef::from(&inside).set_send_buffer_size(1).unwrap();
            client.set_nonblocking(true).unwrap();
            let key = driver.insert(inside).unwrap();
            assert_eq!(send(&mut driver, key, 0, 16_000), Sent::All);
            driver.close(key);
            client
        })
        .collect();
    // The first were cut, and their sockets closed, at once.
    let seen: Vec<_> = clients.iter_mut().map(read_what_is_there).collect();
    assert!(seen.iter().all(|(length, _)| *length < 16_000));
    let cut: Vec<_> = seen.iter().map(|(_, over)| *over).collect();
    assert_eq!(cut, (0..MOST + MORE).map(|number| number < MORE).collect::<Vec<_>>());
    // The others get all.
    for (client, (before, _)) in clients.iter_mut().zip(seen).skip(MORE) {
        let (mut total, start) = (before, Instant::now());
        loop {
            driver.wait(Some(Duration::ZERO)).unwrap();
            assert!(driver.next().is_none());
            let (length, over) = read_what_is_there(client);
            total += length;
            if over {
                break;
            }
            assert!(start.elapsed() < PATIENCE);
        }
        assert_eq!(total, 16_000);
    }
}

#[test]
fn a_connection_is_taken_only_when_no_bytes_would_be_lost() {
    for sort in SORTS {
        let Some(mut driver) = ring(64) else { return };
        let (key, mut client) = connect(&mut driver, sort);
        assert_eq!(turn(&mut driver), []);
        client.write_all(b"early").unwrap();
        driver.wait(Some(PATIENCE)).unwrap();
        assert_eq!(driver.take(key).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(receive(&mut driver, key, 5), b"early");
        assert_eq!(send(&mut driver, key, 0, 100), Sent::All);
        assert_eq!(turn(&mut driver), []);
        let mut taken = driver.take(key).unwrap();
        assert_eq!((driver.len(), turn(&mut driver)), (0, vec![]));
        client.write_all(b"late").unwrap();
        taken.set_nonblocking(false).unwrap();
        let mut got = [0; 4];
        taken.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"late");
        drop(taken);
        assert_eq!(check_to_end(client).join().unwrap(), 100);
    }
}

#[test]
fn a_driver_that_ends_sends_what_it_has_and_frees_its_address() {
    let Some(mut driver) = ring(64) else { return };
    let address = Address::from(([127, 0, 0, 1], 0));
    let listener = Listener::bind(&address, &ListenOptions::default()).unwrap();
    let address = listener.local_address().clone();
    driver.listen(listener, false).unwrap();
    let (key, client) = connect(&mut driver, Sort::Tcp);
    assert_eq!(turn(&mut driver), []);
    // Accepted by the system and never told.
    let mut forgotten = Stream::connect(&address).unwrap();
    driver.wait(Some(PATIENCE)).unwrap();
    assert_eq!(send(&mut driver, key, 0, 1_000), Sent::All);
    drop(driver);
    assert_eq!(check_to_end(client).join().unwrap(), 1_000);
    assert_eq!(forgotten.read(&mut [0]).unwrap(), 0);
    drop(forgotten);
    Listener::bind(&address, &ListenOptions::default()).unwrap();
}

#[test]
fn a_small_queue_of_events_loses_no_readiness() {
    // Everything but the ring's own comes through readiness, here one event at a time.
    let options = DriverOptions { events: 1, io_uring: true, ..DriverOptions::default() };
    let mut driver = Driver::new(options).unwrap();
    let (mailbox, mut receiver) = driver.mailbox(10).unwrap();
    driver.arm_timer(Some(Duration::ZERO)).unwrap();
    let listener = Listener::bind(&Address::from(([127, 0, 0, 1], 0)), &ListenOptions::default()).unwrap();
    let address = listener.local_address().clone();
    driver.listen(listener, true).unwrap();
    let _client = Stream::connect(&address).unwrap();
    mailbox.post(1).unwrap();
    let (mut woken, mut accepted) = (false, false);
    while !(woken && accepted) {
        match event(&mut driver) {
            Event::Woken => woken = true,
            Event::Accepted { .. } => accepted = true,
            other => panic!("{other:?}"),
        }
    }
    let mut messages = Vec::new();
    receiver.take(&mut messages);
    assert_eq!(messages, [1]);
}

#[test]
fn a_wait_is_not_ended_by_what_it_sends() {
    let Some(mut driver) = ring(64) else { return };
    let (key, client) = connect(&mut driver, Sort::Tcp);
    assert_eq!(turn(&mut driver), []);
    assert_eq!(send(&mut driver, key, 0, 100), Sent::All);
    let start = Instant::now();
    driver.wait(Some(Duration::from_millis(20))).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(20));
    driver.close(key);
    assert_eq!(check_to_end(client).join().unwrap(), 100);
}
