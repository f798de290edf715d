//! In a loop of one's own: descriptors are watched, and nothing waits but the loop.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use flare::websocket::client::{Event, OpenError, OpenFailure, Opener, Opening, Options, Socket};
use flare::websocket::{Message, SendError, WsOptions};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::common::{PATIENCE, pattern};
use super::peer::{accept, read_frame, read_head, serving};
use super::server::{WAYS, echoing};

/// Waits until the descriptor is readable. False: not in this time.
fn readable(fd: BorrowedFd<'_>, within: Duration) -> bool {
    let timeout = Timespec::try_from(within).unwrap();
    poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout)).unwrap() == 1
}

/// Opens by polls alone.
fn opened(opening: &Opening) -> Result<Socket, OpenError> {
    use std::os::fd::AsFd;
    loop {
        assert!(readable(opening.as_fd(), PATIENCE), "nothing happens");
        if let Some(socket) = opening.poll()? {
            return Ok(socket);
        }
    }
}

/// The next event, by polls alone.
fn polled(socket: &Socket) -> Event {
    use std::os::fd::AsFd;
    loop {
        match socket.receive(Some(Duration::ZERO)) {
            Ok(event) => return event,
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
        assert!(readable(socket.as_fd(), PATIENCE), "nothing happens");
    }
}

/// Takes what is there until nothing is.
fn drained(socket: &Socket) -> Vec<Event> {
    std::iter::from_fn(|| socket.receive(Some(Duration::ZERO)).ok()).collect()
}

#[test]
fn a_loop_opens_and_talks_on_each_wire() {
    use std::os::fd::AsFd;
    let running = echoing(WsOptions::default());
    for (scheme, wire) in WAYS {
        let opener = running.opener(Options::default().wire(wire));
        let socket = opened(&opener.begin(&running.uri(scheme, "/")).unwrap()).unwrap();
        for length in [0, 1000, 300_000] {
            let data = pattern(length);
            socket.try_send(Message::Binary(&data)).unwrap();
            assert!(polled(&socket) == Event::Binary(data), "{length} on {scheme} {wire:?}");
        }
        assert_eq!(drained(&socket), []);
        assert!(!readable(socket.as_fd(), Duration::ZERO), "readable without anything to do");
        socket.close(1000, "").unwrap();
        assert!(matches!(polled(&socket), Event::Closed(closed) if closed.clean && closed.code == 1000));
    }
}

#[test]
fn a_refused_message_is_taken_after_writable() {
    let running = echoing(WsOptions::default().message_limit(8 << 20));
    for (scheme, wire) in WAYS {
        let options = Options::default().wire(wire).message_limit(8 << 20);
        let socket = running.opener(options).open(&running.uri(scheme, "/")).unwrap();
        let data = pattern(1 << 20);
        // While nothing is received the server stops, sooner or later.
        let mut sent = 0;
        while socket.try_send(Message::Binary(&data)).is_ok() {
            sent += 1;
            assert!(sent < 100, "nothing is refused on {scheme} {wire:?}");
        }
        assert_eq!(socket.try_send(Message::Binary(&data)), Err(SendError::WouldBlock));
        let (mut came, mut writable) = (0, false);
        while came < sent {
            match polled(&socket) {
                Event::Binary(got) => {
                    assert!(got == data);
                    came += 1;
                }
                Event::Writable => {
                    assert!(!std::mem::replace(&mut writable, true), "twice");
                    socket.try_send(Message::Binary(&data)).unwrap();
                    sent += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(writable);
    }
}

#[test]
fn another_thread_sends_while_a_loop_polls() {
    let running = echoing(WsOptions::default());
    for socket in running.sockets(&Options::default()) {
        let socket = Arc::new(socket);
        let sender = Arc::clone(&socket);
        let thread = thread::spawn(move || (0..200).for_each(|at| sender.send_text(at.to_string()).unwrap()));
        for at in 0..200 {
            assert_eq!(polled(&socket), Event::Text(at.to_string()));
        }
        thread.join().unwrap();
    }
}

#[test]
fn deadlines_are_told_by_the_descriptor() {
    let (uri, thread) = serving(|mut stream| {
        accept(&mut stream);
        // The Ping is read and not answered.
        assert_eq!(read_frame(&mut stream), (0x89, Vec::new()));
        assert_eq!(std::io::Read::read(&mut stream, &mut [0]).unwrap_or(0), 0);
    });
    let short = Duration::from_millis(60);
    let opener = Opener::new(Options::default().ping(short, short)).unwrap();
    let begun = Instant::now();
    let socket = opened(&opener.begin(&uri).unwrap()).unwrap();
    match polled(&socket) {
        Event::Closed(closed) => {
            assert_eq!((closed.code, &*closed.reason), (1006, "the Ping was not answered"));
            assert!(!closed.clean && begun.elapsed() >= 2 * short - Duration::from_millis(2));
        }
        other => panic!("{other:?}"),
    }
    drop(socket);
    thread.join().unwrap();
}

#[test]
fn another_thread_that_closes_sets_the_deadline_of_a_loop() {
    let (uri, thread) = serving(|mut stream| {
        accept(&mut stream);
        assert_eq!(read_frame(&mut stream).0, 0x88);
        // The connection ends by the client alone.
        assert_eq!(std::io::Read::read(&mut stream, &mut [0]).unwrap_or(0), 0);
    });
    let short = Duration::from_millis(60);
    let socket = Arc::new(Opener::new(Options::default().close_timeout(short)).unwrap().open(&uri).unwrap());
    assert_eq!(drained(&socket), []);
    let closing = Arc::clone(&socket);
    thread::spawn(move || closing.close(1000, "").unwrap()).join().unwrap();
    assert!(matches!(polled(&socket), Event::Closed(closed) if closed.code == 1006), "not in time");
    drop(socket);
    thread.join().unwrap();
}

#[test]
fn an_opening_can_be_cancelled_by_another_thread() {
    let (uri, thread) = serving(|mut stream| {
        read_head(&mut stream);
        assert_eq!(std::io::Read::read(&mut stream, &mut [0]).unwrap_or(0), 0);
    });
    let opening = Arc::new(Opener::new(Options::default()).unwrap().begin(&uri).unwrap());
    let cancelling = Arc::clone(&opening);
    let canceller = thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        cancelling.cancel();
    });
    let error = loop {
        match opening.wait(Some(PATIENCE)) {
            Ok(None) => {}
            Ok(Some(socket)) => panic!("{socket:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error.failure(), OpenFailure::Cancelled), "{error}");
    let again = opening.poll().unwrap_err();
    assert!(matches!(again.failure(), OpenFailure::Over), "{again}");
    canceller.join().unwrap();
    thread.join().unwrap();
}
