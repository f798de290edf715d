//! Large content in both directions, checked byte by byte.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use common::{Client, one_worker, pattern, socket_path};
use flare::prelude::*;
use flare::server::RunningServer;

const LARGE: usize = 64 << 20;

static CONTENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(pattern(LARGE)));

/// A server on TCP and on a Unix socket.
fn server() -> RunningServer {
    let mut router = Router::new();
    router.get("/shared", |_: &Request| CONTENT.clone()).unwrap();
    router.get("/owned", |_: &Request| CONTENT.to_vec()).unwrap();
    router
        .post("/check", |request: &Request| if request.body() == &CONTENT[..] { 204 } else { 500 })
        .unwrap();
    router.post("/echo", |request: &Request| request.body().to_vec()).unwrap();
    let config = ServerConfig { body_limit: LARGE as u64, ..one_worker() };
    let server = Server::new(router).config(config).listen("127.0.0.1:0").unwrap();
    server.listen(&format!("unix:{}", socket_path().display())).unwrap().bind().unwrap().start().unwrap()
}

#[test]
fn down() {
    let running = server();
    for address in running.addresses() {
        let mut client = Client::connect(address);
        for path in ["/shared", "/owned", "/shared"] {
            assert!(client.get(path).body == CONTENT[..], "{path} from {address}");
        }
    }
}

#[test]
fn up() {
    let running = server();
    for address in running.addresses() {
        let mut client = Client::connect(address);
        assert_eq!(client.post("/check", &CONTENT).status, 204, "{address}");
        // One byte more than the limit.
        client.send(format!("POST /check HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", LARGE + 1));
        assert_eq!(client.answer().status, 413);
    }
}

#[test]
fn up_in_chunks_of_all_sizes() {
    let running = server();
    let mut client = Client::connect(&running.addresses()[0]);
    client.send("POST /check HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut rest = &CONTENT[..];
    let mut size = 1;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(size.min(rest.len()));
        client.send(format!("{:x}\r\n", now.len()));
        client.send(now);
        client.send("\r\n");
        rest = later;
        size = size * 7 % 1_000_003;
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.answer().status, 204);
}

#[test]
fn both_ways_on_one_connection_and_back_to_small() {
    let running = server();
    let mut client = Client::connect(&running.addresses()[0]);
    assert!(client.post("/echo", &CONTENT).body == CONTENT[..]);
    assert_eq!(client.post("/echo", b"small").text(), "small");
    assert_eq!(client.post("/echo", b"").text(), "");
}

#[test]
fn several_at_once() {
    let running = Arc::new(server());
    let clients: Vec<_> = (0..4)
        .map(|n| {
            let running = Arc::clone(&running);
            std::thread::spawn(move || {
                let mut client = Client::connect(&running.addresses()[n % 2]);
                let content = &CONTENT[n..n + (8 << 20)];
                let mut stream = client.stream.try_clone().unwrap();
                for _ in 0..3 {
                    write!(
                        stream,
                        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
                        content.len()
                    )
                    .unwrap();
                    stream.write_all(content).unwrap();
                    assert!(client.answer().body == content, "client {n}");
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
}
