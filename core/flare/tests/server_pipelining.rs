//! Many requests on one connection, without waiting for the answers: order, and bounds for what waits.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{Client, one_worker, pattern, socket_path, start, wait_until};
use flare::prelude::*;
use flare::server::RunningServer;

fn router() -> Router {
    let mut router = Router::new();
    router.get("/number/:n", |request: &Request| request.param("n").unwrap_or("?").to_owned()).unwrap();
    router.get("/kilobytes/:n", |request: &Request| pattern(kilobytes(request) << 10)).unwrap();
    router.post("/echo", |request: &Request| request.body().to_vec()).unwrap();
    router
}

fn kilobytes(request: &Request) -> usize {
    request.param("n").and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn numbers(count: usize) -> String {
    (0..count).map(|n| format!("GET /number/{n} HTTP/1.1\r\nHost: a\r\n\r\n")).collect()
}

/// Sends from another thread, because the server stops reading when nobody takes the answers.
fn send_all(client: &Client, bytes: Vec<u8>) -> std::thread::JoinHandle<()> {
    let mut stream = client.stream.try_clone().unwrap();
    std::thread::spawn(move || stream.write_all(&bytes).unwrap())
}

#[test]
fn ten_thousand_requests_in_one_write() {
    let running = start(router(), one_worker());
    let mut client = Client::connect(&running.addresses()[0]);
    let sending = send_all(&client, numbers(10_000).into_bytes());
    for n in 0..10_000 {
        assert_eq!(client.answer().text(), n.to_string());
    }
    sending.join().unwrap();
    let stats = running.handle().stats();
    assert_eq!((stats.requests, stats.answers, stats.accepted), (10_000, [10_000, 0, 0, 0], 1));
}

#[test]
fn content_and_requests_follow_each_other_in_pieces_of_any_size() {
    let running = start(router(), one_worker());
    let mut expected = Vec::new();
    let mut bytes = Vec::new();
    for n in 0..500 {
        let content = pattern(n * 7);
        bytes.extend_from_slice(
            format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", content.len()).as_bytes(),
        );
        bytes.extend_from_slice(&content);
        expected.push(content);
    }
    let mut client = Client::connect(&running.addresses()[0]);
    let mut stream = client.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        let mut rest = &bytes[..];
        let mut size = 1;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(size.min(rest.len()));
            stream.write_all(now).unwrap();
            rest = later;
            size = size * 3 % 5003;
        }
    });
    for content in expected {
        assert_eq!(client.answer().body, content);
    }
    sending.join().unwrap();
}

#[test]
fn later_answers_from_many_threads_keep_their_order() {
    let (sender, jobs) = mpsc::channel::<Exchange>();
    let jobs = Arc::new(Mutex::new(jobs));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let jobs = Arc::clone(&jobs);
            std::thread::spawn(move || {
                loop {
                    let Ok(exchange) = jobs.lock().unwrap().recv() else { return };
                    let n = exchange.request().param("n").unwrap_or("?").to_owned();
                    exchange.respond(n);
                }
            })
        })
        .collect();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    router
        .get("/number/:n", flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap()))
        .unwrap();
    let running = start(router, one_worker());
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let mut client = Client::connect(&running.addresses()[0]);
            std::thread::spawn(move || {
                let sending = send_all(&client, numbers(1000).into_bytes());
                for n in 0..1000 {
                    assert_eq!(client.answer().text(), n.to_string());
                }
                sending.join().unwrap();
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    // The handler, and with it the sender, goes with the server: so the threads end.
    drop(running);
    for thread in threads {
        thread.join().unwrap();
    }
}

/// A server behind a socket that holds little on its way.
fn behind_unix(output_limit: usize) -> RunningServer {
    let address = format!("unix:{}", socket_path().display());
    let config = ServerConfig { output_limit, ..one_worker() };
    Server::new(router()).config(config).listen(&address).unwrap().bind().unwrap().start().unwrap()
}

/// Such a server, and a client that has asked until nobody took any more.
fn stuffed(limit: usize, kilobytes: usize) -> (RunningServer, Client, usize) {
    let address = format!("unix:{}", socket_path().display());
    let config = ServerConfig { output_limit: limit, ..one_worker() };
    let running =
        Server::new(router()).config(config).listen(&address).unwrap().bind().unwrap().start().unwrap();
    let mut client = Client::connect(&running.addresses()[0]);
    let ask = format!("GET /kilobytes/{kilobytes} HTTP/1.1\r\nHost: a\r\n\r\n");
    let sent = client.send_until_full(ask.repeat(100_000).as_bytes(), Duration::from_millis(200));
    assert!(sent < ask.len() * 100_000, "the server never stopped reading");
    (running, client, sent / ask.len())
}

#[test]
fn a_client_that_does_not_read_is_not_read() {
    // Of what the answers are made of, the server may hold the limit, what one more read asked for up to the limit again, and the
    // system some hundred kilobytes. Without a bound it would be a hundred megabytes.
    for (limit, kilobytes) in [(64 << 10, 1), (64 << 10, 100), (1 << 20, 10)] {
        let (running, mut client, whole) = stuffed(limit, kilobytes);
        let bytes_out = running.handle().stats().bytes_out as usize;
        assert!(
            bytes_out < 2 * limit + 2 * (kilobytes << 10) + (1 << 20),
            "{bytes_out} with a limit of {limit}"
        );
        // Nothing is lost: when the client reads, everything that it asked for comes, and is right.
        let content = pattern(kilobytes << 10);
        for n in 0..whole.min(200) {
            assert!(client.answer().body == content, "answer {n} of {whole}");
        }
    }
}

#[test]
fn small_answers_add_up() {
    // One at a time, so that no single read asks for much.
    let (limit, kilobytes) = (64 << 10, 4);
    let running = behind_unix(limit);
    let handle = running.handle();
    let mut client = Client::connect(&running.addresses()[0]);
    let mut asked = 0;
    let stopped = loop {
        client.send(format!("GET /kilobytes/{kilobytes} HTTP/1.1\r\nHost: a\r\n\r\n"));
        asked += 1;
        let start = Instant::now();
        while handle.stats().requests < asked && start.elapsed() < Duration::from_millis(200) {
            std::thread::yield_now();
        }
        if handle.stats().requests < asked || asked > 1000 {
            break asked;
        }
    };
    // What the system holds comes first, then the limit.
    let most = (limit >> 10) as u64 / kilobytes + 256 / kilobytes;
    assert!(stopped <= most, "{stopped} answers of {kilobytes} KiB wait");
    for _ in 0..stopped {
        assert_eq!(client.answer().body.len() as u64, kilobytes << 10);
    }
}

#[test]
fn a_client_that_does_not_read_takes_no_processor() {
    let (running, client, _) = stuffed(64 << 10, 1);
    let (told, times) = mpsc::channel();
    assert!(running.handle().post(0, move |context| {
        told.send(thread_time()).unwrap();
        context.after(Duration::from_millis(300), move |_| told.send(thread_time()).unwrap());
    }));
    let (before, after) = (times.recv().unwrap(), times.recv().unwrap());
    assert!(after - before < Duration::from_millis(100), "the worker was busy with nothing to do");
    drop(client);
}

/// The processor time of this thread.
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    // Behind the name in parentheses; utime and stime are fields 14 and 15, in ticks of 10 ms.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

#[test]
fn later_answers_behind_a_client_that_does_not_read_are_bounded_too() {
    let mut router = Router::new();
    router
        .get(
            "/later",
            flare::later(|exchange: Exchange| {
                std::thread::spawn(move || exchange.respond(pattern(100 << 10)));
            }),
        )
        .unwrap();
    let address = format!("unix:{}", socket_path().display());
    let config = ServerConfig { output_limit: 64 << 10, ..one_worker() };
    let running =
        Server::new(router).config(config).listen(&address).unwrap().bind().unwrap().start().unwrap();
    let mut client = Client::connect(&running.addresses()[0]);
    client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000));
    let handle = running.handle();
    wait_until("the server has begun", || handle.stats().bytes_out > 0);
    let mut asked = 0;
    wait_until("the server stops", || {
        std::thread::sleep(Duration::from_millis(50));
        std::mem::replace(&mut asked, handle.stats().requests) == asked
    });
    assert!(asked < 20, "{asked} requests were taken");
    for _ in 0..1000 {
        assert_eq!(client.answer().body.len(), 100 << 10);
    }
}
