//! Upstreams that are not there, die, are silent or slow, and clients that leave.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use common::relay::{GET, SHORT, TICK, chunked, connect, head, line, proxy, tcp, upstream};
use common::{PATIENCE, one_worker, socket_path, start, wait_until};
use flare::prelude::*;
use flare::{Address, Upstream};

#[test]
fn nobody_there_is_a_502() {
    let (listener, address) = tcp();
    drop(listener);
    let running = proxy(move |_| Upstream::new(address.clone()));
    let mut client = connect(&running);
    assert_eq!(client.get("/").status, 502);
    // The client can't help it: its connection goes on.
    assert_eq!(client.get("/here").text(), "here");
    let nowhere = Address::Unix(Some(socket_path()));
    let running = proxy(move |_| Upstream::new(nowhere.clone()));
    assert_eq!(connect(&running).get("/").status, 502);
}

#[test]
fn an_upstream_that_cannot_be_reached_in_time_is_a_504() {
    // A queue of connections that is full: the system drops those that come.
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    full.listen(0).unwrap();
    let address = full.local_addr().unwrap();
    let _kept: Vec<_> = (0..8)
        .map(|_| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&address);
            socket
        })
        .collect();
    let address: Address = address.as_socket().unwrap().into();
    let running = proxy(move |_| Upstream::new(address.clone()).connect_timeout(SHORT));
    let start = Instant::now();
    assert_eq!(connect(&running).get("/").status, 504);
    assert!(start.elapsed() >= SHORT - TICK, "{:?}", start.elapsed());
}

#[test]
fn a_full_queue_of_a_unix_socket_is_asked_again() {
    let path = socket_path();
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    socket.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
    socket.listen(0).unwrap();
    let first = UnixStream::connect(&path).unwrap();
    let to = Address::Unix(Some(path.clone()));
    let running = proxy(move |_| Upstream::new(to.clone()).connect_timeout(SHORT));
    let mut client = connect(&running);
    assert_eq!(client.get("/").status, 504, "the queue was not full");
    client.send(GET);
    thread::sleep(SHORT / 5);
    let listener = UnixListener::from(socket);
    drop((listener.accept().unwrap(), first));
    listener.accept().unwrap().0.write_all(b"at last").unwrap();
    head(&mut client);
    assert_eq!(chunked(&mut client), b"at last");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn an_upstream_that_dies_before_its_first_byte_is_a_502() {
    let (listener, address) = tcp();
    let serving = upstream(listener, 1, |mut stream| {
        assert_eq!(line(&mut stream), "give");
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    });
    let running = proxy(move |_| Upstream::new(address.clone()).prologue("give\n"));
    let mut client = connect(&running);
    assert_eq!(client.get("/").status, 502);
    assert_eq!(client.get("/here").text(), "here");
    serving.join().unwrap();
}

#[test]
fn an_upstream_that_dies_later_cuts_the_answer() {
    let (listener, address) = tcp();
    let (go, gone) = channel();
    let gone = std::sync::Arc::new(Mutex::new(gone));
    let serving = upstream(listener, 1, move |mut stream| {
        stream.write_all(b"half").unwrap();
        let gone: Receiver<()> = std::mem::replace(&mut gone.lock().unwrap(), channel().1);
        gone.recv_timeout(PATIENCE).unwrap();
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    });
    let running = proxy(move |_| Upstream::new(address.clone()));
    let mut client = connect(&running);
    client.send(GET);
    head(&mut client);
    assert_eq!(client.exactly(9), b"4\r\nhalf\r\n");
    go.send(()).unwrap();
    client.expect_lost();
    serving.join().unwrap();
}

#[test]
fn a_silent_upstream_is_given_up() {
    let (listener, address) = tcp();
    let serving = upstream(listener, 2, |mut stream| {
        if line(&mut stream) == "half" {
            stream.write_all(b"half").unwrap();
        }
        // The end that comes is ours.
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    });
    let running = proxy(move |request| {
        let prologue = if request.query() == Some("half") { "half\n" } else { "nothing\n" };
        Upstream::new(address.clone()).prologue(prologue).silence_timeout(SHORT)
    });
    let start = Instant::now();
    assert_eq!(connect(&running).get("/").status, 504);
    assert!(start.elapsed() >= SHORT - TICK, "{:?}", start.elapsed());
    let mut client = connect(&running);
    client.send("GET /?half HTTP/1.1\r\nHost: a\r\n\r\n");
    head(&mut client);
    assert_eq!(client.exactly(9), b"4\r\nhalf\r\n");
    client.expect_lost();
    serving.join().unwrap();
}

#[test]
fn a_slow_upstream_is_waited_for() {
    const PARTS: u32 = 12;
    let (listener, address) = tcp();
    let serving = upstream(listener, 1, |mut stream| {
        for _ in 0..PARTS {
            stream.write_all(b"x").unwrap();
            thread::sleep(SHORT / 4);
        }
    });
    // Longer than the silence allowed, all in all.
    let running = proxy(move |_| Upstream::new(address.clone()).silence_timeout(SHORT));
    let mut client = connect(&running);
    client.send(GET);
    head(&mut client);
    assert_eq!(chunked(&mut client), [b'x'; PARTS as usize]);
    serving.join().unwrap();
}

#[test]
fn a_lost_client_closes_the_upstream() {
    let (listener, address) = tcp();
    let (sender, closed) = channel();
    let serving = upstream(listener, 2, move |mut stream| {
        if line(&mut stream) == "half" {
            stream.write_all(b"half").unwrap();
        }
        sender.send(()).unwrap();
        // Nothing comes any more: it waits until we close.
        let end = stream.read(&mut [0]);
        assert!(matches!(end, Ok(0)) || end.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
        sender.send(()).unwrap();
    });
    let running = proxy(move |request| {
        let prologue = if request.query() == Some("half") { "half\n" } else { "nothing\n" };
        Upstream::new(address.clone()).prologue(prologue).silence_timeout(PATIENCE * 4)
    });
    for target in ["/?nothing", "/?half"] {
        let mut client = connect(&running);
        client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        closed.recv_timeout(PATIENCE).unwrap();
        if target == "/?half" {
            head(&mut client);
        }
        client.reset();
        closed.recv_timeout(PATIENCE).expect("the upstream is not closed");
    }
    serving.join().unwrap();
    wait_until("all is closed", || running.handle().stats().open == 0);
}

#[test]
fn the_end_of_the_server_closes_the_upstream() {
    let (listener, address) = tcp();
    let (sender, there) = channel();
    let serving = upstream(listener, 1, move |mut stream| {
        sender.send(()).unwrap();
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    });
    let running = proxy(move |_| Upstream::new(address.clone()));
    let mut client = connect(&running);
    client.send(GET);
    there.recv_timeout(PATIENCE).unwrap();
    drop(running);
    client.expect_lost();
    serving.join().unwrap();
}

#[test]
fn a_stream_for_an_exchange_that_is_over_is_closed() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.set_read_timeout(Some(PATIENCE)).unwrap();
    let ours = Mutex::new(Some(ours));
    let mut router = Router::new();
    let relay = move |exchange: Exchange| {
        exchange.relay(ours.lock().unwrap().take().unwrap().into()).unwrap();
        // Before the worker has begun the relay.
        exchange.reset();
    };
    router.get("/", flare::later(relay)).unwrap();
    let running = start(router, one_worker());
    let mut client = connect(&running);
    client.send(GET);
    client.expect_lost();
    assert_eq!(theirs.read(&mut [0]).unwrap(), 0, "the stream is kept");
}
