//! How sockets end: in peace, by mistakes of the server, and without a word.

use std::io::{Read, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use flare::prelude::*;
use flare::websocket::client::{Closed, Event, Opener, Options, Socket};
use flare::websocket::{Message, SendError, WebSocket, WsOptions};
use flare_proto::websocket::handshake::accept_deflate;
use flare_proto::websocket::{Connection, DeflateConfig, Opcode, Role};

use super::common::{PATIENCE, wait_until};
use super::messages::next;
use super::peer::{accept, accepting, read_frame, read_head, serving};
use super::server::{echoing, running};

/// Deadlines are whole milliseconds.
const ROUNDING: Duration = Duration::from_millis(1);

fn open(uri: &str, options: Options) -> Socket {
    Opener::new(options).unwrap().open(uri).unwrap()
}

fn closed(code: u16, reason: &str, clean: bool) -> Event {
    Event::Closed(Closed { code, reason: reason.to_owned(), clean })
}

#[test]
fn the_server_closes() {
    let mut router = Router::new();
    router
        .ws("/", |_: &Request| {
            |socket: &WebSocket, _: Message<'_>| {
                socket.send_text("last").unwrap();
                socket.close(4001, "enough").unwrap();
            }
        })
        .unwrap();
    let running = running(router, ServerConfig::default());
    for socket in running.sockets(&Options::default()) {
        socket.send_text("go").unwrap();
        assert_eq!(next(&socket), Event::Text("last".to_owned()));
        for _ in 0..2 {
            assert_eq!(next(&socket), closed(4001, "enough", true));
        }
        assert_eq!(socket.send_text("more"), Err(SendError::Closed));
        assert_eq!(socket.ping(b""), Err(SendError::Closed));
        assert_eq!(socket.close(1000, ""), Err(SendError::Closed));
        assert_eq!(socket.close_and_wait(1000, "").unwrap().code, 4001);
    }
}

#[test]
fn a_server_that_drains_says_goodbye() {
    let running = echoing(WsOptions::default());
    let sockets = running.sockets(&Options::default());
    let waiting: Vec<_> = sockets.into_iter().map(|socket| thread::spawn(move || next(&socket))).collect();
    running.server.handle().drain(PATIENCE);
    for thread in waiting {
        assert_eq!(thread.join().unwrap(), closed(1001, "", true));
    }
}

#[test]
fn both_close_at_the_same_time() {
    let (uri, thread) = serving(|mut stream| {
        accept(&mut stream);
        // Before the client's is read, and with a message that was on its way.
        stream.write_all(b"\x81\x01a\x88\x02\x0f\xa1").unwrap();
        let (kind, payload) = read_frame(&mut stream);
        assert_eq!((kind, &payload[..]), (0x88, &b"\x03\xe8bye"[..]));
        // One Close is enough.
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    });
    let socket = open(&uri, Options::default());
    socket.close(1000, "bye").unwrap();
    assert!(!socket.is_open());
    assert_eq!(next(&socket), Event::Text("a".to_owned()));
    assert_eq!(next(&socket), closed(4001, "", true));
    drop(socket);
    thread.join().unwrap();
}

#[test]
fn the_connection_ends_with_the_socket_and_not_when_it_is_dropped() {
    let running = echoing(WsOptions::default());
    let sockets = running.sockets(&Options::default());
    for socket in &sockets {
        assert_eq!(socket.close_and_wait(1000, "").unwrap().code, 1000);
    }
    wait_until("no connection is left", || running.server.handle().stats().open == 0);
    // Later calls find it closed still.
    assert!(sockets.iter().all(|socket| next(socket) == closed(1000, "", true)));
}

#[test]
fn a_close_wakes_who_waits_in_another_thread() {
    let running = echoing(WsOptions::default());
    for socket in running.sockets(&Options::default()) {
        let socket = Arc::new(socket);
        let waiting = Arc::clone(&socket);
        let thread = thread::spawn(move || waiting.receive(None).unwrap());
        assert_eq!(socket.close_and_wait(1000, "").unwrap().code, 1000);
        assert_eq!(thread.join().unwrap(), closed(1000, "", true));
    }
}

#[test]
fn an_abort_ends_what_other_threads_wait_for() {
    let (over, until) = std::sync::mpsc::channel::<()>();
    let (uri, thread) = serving(move |mut stream| {
        accept(&mut stream);
        assert!(until.recv().is_err());
    });
    let socket = Arc::new(open(&uri, Options::default()));
    let (receiving, sending) = (Arc::clone(&socket), Arc::clone(&socket));
    let receiver = thread::spawn(move || receiving.receive(None).unwrap());
    let sender = thread::spawn(move || {
        let data = vec![0; 1 << 20];
        loop {
            if let Err(error) = sending.send_within(Message::Binary(&data), None) {
                return error;
            }
        }
    });
    // Long enough for both to wait, as a rule; it ends the same way if not.
    thread::sleep(Duration::from_millis(100));
    socket.abort();
    assert_eq!(receiver.join().unwrap(), closed(1006, "it was given up", false));
    assert_eq!(sender.join().unwrap(), SendError::Closed);
    assert_eq!(next(&socket), closed(1006, "it was given up", false));
    drop(over);
    thread.join().unwrap();
}

#[test]
fn codes_that_may_not_be_sent() {
    let running = echoing(WsOptions::default());
    let socket = open(&running.uri("ws", "/"), Options::default());
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        assert!(matches!(socket.close(code, ""), Err(SendError::Misuse(_))), "{code}");
    }
    assert!(matches!(socket.close(1000, &"x".repeat(124)), Err(SendError::Misuse(_))));
    assert!(matches!(socket.ping(&[0; 126]), Err(SendError::Misuse(_))));
    assert_eq!(socket.close_and_wait(3000, &"x".repeat(123)).unwrap().code, 3000);
}

/// What becomes of a socket whose server sends this and then reads a Close frame with this code.
fn mistaken(bytes: &'static [u8], code: u16) -> Event {
    let (uri, thread) = serving(move |mut stream| {
        accept(&mut stream);
        stream.write_all(bytes).unwrap();
        let (kind, payload) = read_frame(&mut stream);
        assert_eq!((kind, &payload[..2]), (0x88, &code.to_be_bytes()[..]));
        // And the end at once, without a Close of ours (RFC 6455, 7.1.7).
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    });
    let socket = open(&uri, Options::default().message_limit(1000));
    let event = next(&socket);
    assert_eq!(next(&socket), event);
    thread.join().unwrap();
    event
}

#[test]
fn mistakes_of_the_server() {
    for (bytes, code) in [
        (&b"\x81\x81abcda"[..], 1002),
        (b"\x83\x00", 1002),
        (b"\xc1\x01a", 1002),
        (b"\x80\x00", 1002),
        (b"\x88\x01x", 1002),
        (b"\x88\x02\x03\xed", 1002),
        (b"\x81\x01\xff", 1007),
        (b"\x82\x7e\x03\xe9", 1009),
        (b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 1009),
    ] {
        match mistaken(bytes, code) {
            Event::Closed(closed) => {
                assert_eq!((closed.code, closed.clean), (code, false), "{bytes:?}");
                assert!(!closed.reason.is_empty());
            }
            other => panic!("{other:?} of {bytes:?}"),
        }
    }
}

#[test]
fn a_message_that_grows_when_it_is_decompressed() {
    let (uri, thread) = serving(|mut stream| {
        let head = read_head(&mut stream);
        let more = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n";
        stream.write_all(accepting(&head, more).as_bytes()).unwrap();
        // 4 MiB of zeros, in a few KiB.
        let mut bomb = Vec::new();
        let config = DeflateConfig { least_bytes: 0, level: 9, ..DeflateConfig::default() };
        let offer = [&b"permessage-deflate; server_no_context_takeover"[..]];
        let (deflate, _) = accept_deflate(offer.into_iter(), &config).unwrap().unwrap();
        let limits = Arc::new(flare_proto::websocket::Limits::default());
        let mut server = Connection::new(Role::Server, limits, Some(deflate));
        server.send(Opcode::Binary, &vec![0; 4 << 20], &mut bomb).unwrap();
        assert!(bomb.len() < 10_000, "{}", bomb.len());
        stream.write_all(&bomb).unwrap();
        let (kind, payload) = read_frame(&mut stream);
        assert_eq!((kind, &payload[..2]), (0x88, &1009u16.to_be_bytes()[..]));
    });
    let socket = open(&uri, Options::default().deflate(false));
    assert_eq!(next(&socket), closed(1009, "message too long", false));
    drop(socket);
    thread.join().unwrap();
}

#[test]
fn pings_without_end() {
    let (uri, thread) = serving(|mut stream| {
        accept(&mut stream);
        // A hundred are free, and some more for the time that the others take.
        stream.write_all(&b"\x89\x00".repeat(1000)).unwrap();
        let mut pongs = 0;
        let (kind, payload) = loop {
            match read_frame(&mut stream) {
                (0x8a, payload) => assert_eq!(payload, b""),
                other => break other,
            }
            pongs += 1;
        };
        assert_eq!((kind, &payload[..2]), (0x88, &1008u16.to_be_bytes()[..]));
        assert!((100..1000).contains(&pongs), "{pongs} were answered");
    });
    let socket = open(&uri, Options::default());
    let mut pings = 0;
    let end = loop {
        match next(&socket) {
            Event::Ping(payload) => assert_eq!(payload, b""),
            other => break other,
        }
        pings += 1;
    };
    assert_eq!(end, closed(1008, "too many control frames", false));
    drop(socket);
    assert!((100..1000).contains(&pings), "{pings} were taken");
    thread.join().unwrap();
}

#[test]
fn a_server_that_vanishes() {
    for reset in [false, true] {
        let (uri, thread) = serving(move |mut stream| {
            accept(&mut stream);
            stream.write_all(b"\x81\x05half").unwrap();
            if reset {
                assert_eq!(read_frame(&mut stream).0, 0x81);
                socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
            }
        });
        let socket = open(&uri, Options::default());
        if reset {
            socket.send_text("go").unwrap();
        }
        match next(&socket) {
            Event::Closed(closed) => assert_eq!((closed.code, closed.clean), (1006, false)),
            other => panic!("{other:?}"),
        }
        thread.join().unwrap();
    }
}

#[test]
fn a_server_that_falls_silent() {
    let short = Duration::from_millis(60);
    let (uri, thread) = serving(|mut stream| {
        accept(&mut stream);
        assert_eq!(read_frame(&mut stream), (0x89, Vec::new()));
        // The answer comes, so the next silence gets a Ping of its own.
        stream.write_all(b"\x8a\x00").unwrap();
        assert_eq!(read_frame(&mut stream), (0x89, Vec::new()));
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    });
    let begun = Instant::now();
    let socket = open(&uri, Options::default().ping(short, short));
    assert_eq!(next(&socket), Event::Pong(Vec::new()));
    assert_eq!(next(&socket), closed(1006, "the Ping was not answered", false));
    assert!(begun.elapsed() >= 3 * (short - ROUNDING));
    drop(socket);
    thread.join().unwrap();
}

#[test]
fn a_close_that_is_not_answered() {
    let short = Duration::from_millis(60);
    let (uri, thread) = serving(|mut stream| {
        accept(&mut stream);
        assert_eq!(read_frame(&mut stream).0, 0x88);
        // Messages do not count.
        while stream.write_all(b"\x81\x01a").is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    });
    let begun = Instant::now();
    let socket = open(&uri, Options::default().close_timeout(short));
    let closed = socket.close_and_wait(1000, "").unwrap();
    assert_eq!((closed.code, &*closed.reason), (1006, "the Close frame was not answered"));
    assert!(begun.elapsed() >= short - ROUNDING);
    drop(socket);
    thread.join().unwrap();
}

#[test]
fn a_server_that_closes_and_keeps_the_connection() {
    let short = Duration::from_millis(60);
    let (uri, thread) = serving(|mut stream| {
        accept(&mut stream);
        stream.write_all(b"\x88\x02\x03\xe8").unwrap();
        assert_eq!(read_frame(&mut stream), (0x88, b"\x03\xe8".to_vec()));
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    });
    let socket = open(&uri, Options::default().close_timeout(short));
    assert_eq!(next(&socket), closed(1000, "", true));
    drop(socket);
    thread.join().unwrap();
}

#[test]
fn whoever_drops_a_socket_says_goodbye() {
    let (uri, thread) = serving(|mut stream| {
        accept(&mut stream);
        assert_eq!(read_frame(&mut stream), (0x88, b"\x03\xe9".to_vec()));
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    });
    drop(open(&uri, Options::default()));
    thread.join().unwrap();
}

#[test]
fn a_server_that_reads_nothing_is_not_waited_for_for_ever() {
    let short = Duration::from_millis(100);
    let (over, until) = std::sync::mpsc::channel::<()>();
    let (uri, thread) = serving(move |mut stream| {
        accept(&mut stream);
        // Whatever comes is left where it is, until the client is done.
        assert!(until.recv().is_err());
    });
    let socket = open(&uri, Options::default().send_timeout(short));
    let data = vec![0; 1 << 20];
    let refused = (0..64).find_map(|_| socket.send_binary(&data).err());
    assert_eq!(refused, Some(SendError::WouldBlock));
    drop((socket, over));
    thread.join().unwrap();
}
