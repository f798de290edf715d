//! Answers that come from an upstream, over real sockets: content, and how both sides wait for each other.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;

use common::relay::{GET, SHORT, chunked, connect, head, line, proxy, tcp, upstream};
use common::{Client, PATIENCE, on_ring, one_worker, pattern, socket_path, start};
use flare::prelude::*;
use flare::{RouteOptions, Upstream};

/// Memory of this process that is in use now, in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn its_bytes_are_the_content_and_its_end_the_end() {
    let (listener, address) = tcp();
    let serving = upstream(listener, 3, |mut stream| {
        assert_eq!(line(&mut stream), "give");
        stream.write_all(&pattern(300_000)).unwrap();
    });
    let running = proxy(move |_| Upstream::new(address.clone()).prologue("give\n"));
    let mut client = connect(&running);
    for _ in 0..3 {
        client.send(GET);
        let head = head(&mut client);
        assert!(head.starts_with("http/1.1 200 ") && head.contains("transfer-encoding: chunked"), "{head}");
        assert!(chunked(&mut client) == pattern(300_000));
        assert_eq!(client.get("/here").text(), "here");
    }
    serving.join().unwrap();
}

#[test]
fn unix_sockets_and_streams_that_are_connected_serve_too() {
    let path = socket_path();
    let listener = UnixListener::bind(&path).unwrap();
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert_eq!(line(&mut stream), "name");
        stream.write_all(b"unix").unwrap();
    });
    let text = format!("unix:{}", path.display());
    let running = proxy(move |_| Upstream::to(&text).unwrap().prologue("name\n"));
    let mut client = connect(&running);
    client.send(GET);
    head(&mut client);
    assert_eq!(chunked(&mut client), b"unix");
    serving.join().unwrap();
    std::fs::remove_file(path).unwrap();

    let running = proxy(|_| {
        let (near, mut far) = UnixStream::pair().unwrap();
        thread::spawn(move || {
            assert_eq!(line(&mut far), "name");
            far.write_all(b"pair").unwrap();
        });
        Upstream::from(near).prologue("name\n")
    });
    let mut client = connect(&running);
    client.send(GET);
    head(&mut client);
    assert_eq!(chunked(&mut client), b"pair");
}

#[test]
fn the_head_is_the_handlers() {
    let (listener, address) = tcp();
    let serving = upstream(listener, 3, |mut stream| stream.write_all(b"12345").unwrap());
    let mut router = Router::new();
    let relay = move |exchange: Exchange| {
        exchange
            .draft(|answer| {
                answer.set_status(203);
                answer.headers_mut().set("content-type", "text/x").unwrap();
                answer.headers_mut().set("content-length", "5").unwrap();
            })
            .unwrap();
        exchange.relay(Upstream::new(address.clone())).unwrap();
        assert!(exchange.relay(Upstream::new(address.clone())).is_err(), "twice");
    };
    router.get("/", flare::later(relay)).unwrap();
    let running = start(router, one_worker());
    let mut client = connect(&running);
    let answer = client.get("/");
    assert_eq!((answer.status, answer.text(), answer.header("content-type")), (203, "12345", Some("text/x")));
    // The content of an answer to HEAD goes nowhere, and the connection goes on.
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = head(&mut client);
    assert!(head.starts_with("http/1.1 203 ") && head.contains("content-length: 5"), "{head}");
    assert_eq!(client.get("/").text(), "12345");
    serving.join().unwrap();
}

#[test]
fn an_upstream_that_sends_nothing_at_all_gives_no_content() {
    let (listener, address) = tcp();
    let serving = upstream(listener, 1, |stream| stream.shutdown(Shutdown::Write).unwrap());
    let running = proxy(move |_| Upstream::new(address.clone()));
    let answer = connect(&running).get("/");
    assert_eq!((answer.status, answer.text()), (200, ""));
    serving.join().unwrap();
}

#[test]
fn a_stalled_client_stops_the_upstream_and_costs_little() {
    if on_ring() {
        // The memory is that of the process, in which other tests run. Proved by the program `relay`, for the same code.
        return;
    }
    const ALL: usize = 256 << 20;
    let (listener, address) = tcp();
    let (sender, progress) = channel();
    let serving = upstream(listener, 1, move |mut stream| {
        let part = vec![b'x'; 64 << 10];
        let mut sent = 0;
        stream.set_write_timeout(Some(SHORT * 2)).unwrap();
        while sent < ALL {
            match stream.write(&part[..part.len().min(ALL - sent)]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    sender.send(sent).unwrap();
                    stream.set_write_timeout(Some(PATIENCE)).unwrap();
                }
                Err(error) => panic!("{error} after {sent}"),
            }
        }
    });
    let running = proxy(move |_| Upstream::new(address.clone()).silence_timeout(SHORT));
    let before = resident();
    let mut client = connect(&running);
    client.send(GET);
    // The client reads nothing: the upstream comes to a stop, and its silence is not its fault.
    let stopped = progress.recv_timeout(PATIENCE).expect("the upstream is read on and on");
    assert!(stopped < 32 << 20, "{stopped}");
    thread::sleep(SHORT * 2);
    head(&mut client);
    let mut received = 0;
    let mut most = 0;
    loop {
        let mut size = Vec::new();
        while !size.ends_with(b"\r\n") {
            size.extend(client.exactly(1));
        }
        let size = usize::from_str_radix(std::str::from_utf8(&size).unwrap().trim_end(), 16).unwrap();
        assert!(client.exactly(size).iter().all(|byte| *byte == b'x'));
        client.exactly(2);
        received += size;
        most = most.max(resident());
        if size == 0 {
            break;
        }
    }
    assert_eq!(received, ALL);
    // Other tests of this program run at the same time: this only has to be far from all that was relayed.
    assert!(most.saturating_sub(before) < 64 << 20, "{} MiB", most.saturating_sub(before) >> 20);
    serving.join().unwrap();
}

#[test]
fn many_at_once() {
    const CLIENTS: usize = 100;
    let (listener, address) = tcp();
    let serving = upstream(listener, CLIENTS, |mut stream| {
        let name = line(&mut stream);
        stream.write_all(name.repeat(10_000).as_bytes()).unwrap();
    });
    let running = proxy(move |request| {
        Upstream::new(address.clone()).prologue(format!("{}\n", request.query().unwrap()))
    });
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| connect(&running)).collect();
    for (index, client) in clients.iter_mut().enumerate() {
        client.send(format!("GET /?n{index} HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
    for (index, client) in clients.iter_mut().enumerate() {
        head(client);
        assert!(chunked(client) == format!("n{index}").repeat(10_000).as_bytes(), "{index}");
    }
    serving.join().unwrap();
}

#[test]
fn another_thread_may_ask_for_it() {
    let (listener, address) = tcp();
    let serving = upstream(listener, 1, |mut stream| stream.write_all(b"later").unwrap());
    let mut router = Router::new();
    let relay = move |exchange: Exchange| {
        let upstream = Upstream::new(address.clone());
        thread::spawn(move || exchange.relay(upstream).unwrap());
    };
    router.get("/", flare::later(relay)).unwrap();
    let running = start(router, one_worker());
    let mut client = connect(&running);
    client.send(GET);
    head(&mut client);
    assert_eq!(chunked(&mut client), b"later");
    serving.join().unwrap();
}

#[test]
fn content_of_the_request_goes_to_the_upstream() {
    const ALL: usize = 8 << 20;
    for streaming in [true, false] {
        let (listener, address) = tcp();
        let serving = upstream(listener, 1, |mut stream| {
            assert_eq!(line(&mut stream), "echo");
            let mut back = stream.try_clone().unwrap();
            std::io::copy(&mut stream, &mut back).unwrap();
            back.shutdown(Shutdown::Write).unwrap();
        });
        let mut router = Router::new();
        let relay = move |exchange: Exchange| {
            let upstream = Upstream::new(address.clone()).prologue("echo\n").forward_content(true);
            exchange.relay(upstream).unwrap();
        };
        let options = RouteOptions { streaming, ..RouteOptions::default() };
        router.add_with("POST", "/", options, flare::later(relay)).unwrap();
        let running = start(router, one_worker());
        let mut client = connect(&running);
        let mut sender = Client::new(client.stream.try_clone().unwrap());
        let sending = thread::spawn(move || {
            sender.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {ALL}\r\n\r\n"));
            sender.send(pattern(ALL));
        });
        head(&mut client);
        assert!(chunked(&mut client) == pattern(ALL), "streaming: {streaming}");
        sending.join().unwrap();
        serving.join().unwrap();
    }
}

#[test]
fn an_upstream_that_takes_nothing_stops_the_client() {
    let (listener, address) = tcp();
    let (done, wait) = channel::<()>();
    let wait = std::sync::Arc::new(Mutex::new(wait));
    let serving = upstream(listener, 1, move |_stream| {
        // Err: the test is done.
        let _ = wait.lock().unwrap().recv();
    });
    let mut router = Router::new();
    let relay = move |exchange: Exchange| {
        exchange.relay(Upstream::new(address.clone()).forward_content(true)).unwrap();
    };
    let options = RouteOptions { streaming: true, ..RouteOptions::default() };
    router.add_with("POST", "/", options, flare::later(relay)).unwrap();
    let running = start(router, one_worker());
    // Of a client that sends much at once, the system would hold more and more before it reaches us.
    let mut client = Client::connect_narrow(&running.addresses()[0]);
    let content = vec![0; 16 << 20];
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", content.len()));
    let taken = client.send_until_full(&content, SHORT * 2);
    assert!(taken < content.len(), "nothing stopped the client");
    drop(done);
    serving.join().unwrap();
}
