//! However a socket to somebody else ends, no descriptor is left. Alone in its process, so that nobody else opens any.
#![allow(clippy::unwrap_used, reason = "a test wants to fail here")]
#![cfg(target_os = "linux")]

use std::net::TcpListener;
use std::time::Duration;

use flare::prelude::*;
use flare::websocket::client::{Event, Opener, Options};
use flare::websocket::{Message, WebSocket};

fn open() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn nothing_is_left_open() {
    let mut router = Router::new();
    router
        .ws("/", |_: &Request| {
            |socket: &WebSocket, message: Message<'_>| {
                // Err: the socket is closing.
                let _ = socket.send(message);
            }
        })
        .unwrap();
    let server = Server::new(router).listen("127.0.0.1:0").unwrap().bind().unwrap().start().unwrap();
    let uri = format!("ws://{}/", server.addresses()[0]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let to_silent = format!("ws://{}/", silent.local_addr().unwrap());
    let opener = Opener::new(Options::default()).unwrap();
    let hasty = Opener::new(Options::default().open_timeout(Duration::from_millis(30))).unwrap();
    let stats = || server.handle().stats().open;
    let before = open();
    for _ in 0..5 {
        // Closed in peace, dropped while open, given up.
        let socket = opener.open(&uri).unwrap();
        assert!(socket.close_and_wait(1000, "").unwrap().clean);
        drop(socket);
        let socket = opener.open(&uri).unwrap();
        assert!(socket.receive(Some(Duration::ZERO)).is_err());
        drop(socket);
        let socket = opener.open(&uri).unwrap();
        socket.abort();
        assert!(matches!(socket.receive(None).unwrap(), Event::Closed(_)));
        drop(socket);
        // Refused, and not answered.
        assert!(opener.open(&format!("{uri}nowhere")).is_err());
        assert!(hasty.open(&to_silent).is_err());
        // Dropped in the middle, and open but never taken.
        let opening = opener.begin(&to_silent).unwrap();
        assert!(opening.wait(Some(Duration::from_millis(5))).unwrap().is_none());
        drop(opening);
        drop(opener.begin(&uri).unwrap());
        while silent.set_nonblocking(true).is_ok() && silent.accept().is_ok() {}
    }
    // The server's ends are closed by its workers.
    let begun = std::time::Instant::now();
    while stats() > 0 || open() > before {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{} are left, {} open there",
            open() - before,
            stats()
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(open(), before);
}
