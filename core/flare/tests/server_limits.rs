//! Limits that hold for a whole server: exchanges that wait, and connections that nobody has accepted yet.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::ErrorKind;
use std::sync::{Mutex, mpsc};

use common::{Client, one_worker, socket_path, start, wait_until};
use flare::prelude::*;

#[test]
fn exchanges_above_the_limit_are_refused_until_one_ends() {
    let (sender, held) = mpsc::channel::<Exchange>();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    router
        .get("/hold", flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap()))
        .unwrap();
    let running = start(router, ServerConfig { max_exchanges: 2, ..one_worker() });
    let address = &running.addresses()[0];
    let mut clients: Vec<_> = (0..2).map(|_| Client::connect(address)).collect();
    for client in &mut clients {
        client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    let kept: Vec<_> = (0..2).map(|_| held.recv().unwrap()).collect();
    let mut late = Client::connect(address);
    let refused = late.get("/hold");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    for exchange in kept {
        exchange.respond("at last");
    }
    for client in &mut clients {
        assert_eq!(client.answer().text(), "at last");
    }
    // The one that was refused may try again, on the same connection or on another one.
    let mut next = if refused.closes() { Client::connect(address) } else { late };
    next.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    held.recv().unwrap().respond("my turn");
    assert_eq!(next.answer().text(), "my turn");
}

/// On a Unix socket the system says at once that the queue is full.
#[test]
fn no_more_wait_to_be_accepted_than_the_backlog() {
    const BACKLOG: u32 = 3;
    let path = socket_path();
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    let server = Server::new(router).config(ServerConfig { backlog: BACKLOG, ..one_worker() });
    let bound = server.listen(&format!("unix:{}", path.display())).unwrap().bind().unwrap();
    let mut waiting = Vec::new();
    let error = loop {
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        match socket.connect(&socket2::SockAddr::unix(&path).unwrap()) {
            Ok(()) => waiting.push(socket),
            Err(error) => break error,
        }
        assert!(waiting.len() < 100, "the backlog has no bound");
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    // Linux lets one more wait than it was asked for.
    assert!((BACKLOG as usize..=BACKLOG as usize + 1).contains(&waiting.len()), "{}", waiting.len());
    // Whoever waited is served.
    let running = bound.start().unwrap();
    for socket in waiting {
        socket.set_nonblocking(false).unwrap();
        let stream = std::os::unix::net::UnixStream::from(socket);
        assert_eq!(Client::new(stream.into()).get("/").status, 200);
    }
    wait_until("all are closed", || running.handle().stats().open == 0);
}
