//! Requests and answers, small and large.

use std::io::Write;
use std::sync::Arc;

use flare::message::FileBody;
use flare::prelude::*;

use super::support::{Authority, connect, start};
use crate::common::{one_worker, pattern, wait_until};

const LARGE: usize = 5 << 20;

fn router() -> Router {
    let mut router = Router::new();
    router.get("/", |_: &Request| "hello").unwrap();
    router.get("/large", |_: &Request| pattern(LARGE)).unwrap();
    router
        .post("/sum", |request: &Request| {
            format!("{} {}", request.body().len(), request.body() == pattern(request.body().len()))
        })
        .unwrap();
    router
        .get("/tls", |request: &Request| match request.tls() {
            Some(tls) => format!("{} {:?} {}", tls.version().name(), tls.server_name(), tls.is_resumed()),
            None => "none".to_owned(),
        })
        .unwrap();
    router
}

#[test]
fn requests_are_answered_over_one_connection_and_pipelined() {
    let authority = Authority::new();
    let (server, address) = start(router(), one_worker(), authority.server());
    let mut client = connect(address, &Arc::new(authority.client()));
    for _ in 0..20 {
        assert_eq!(client.get("/"), (200, b"hello".to_vec()));
    }
    assert_eq!(client.get("/tls").1, b"TLSv1.3 Some(\"localhost\") false");
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50));
    for _ in 0..50 {
        assert_eq!(client.answer().unwrap(), (200, b"hello".to_vec()));
    }
    client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(client.answer().unwrap().0, 200);
    // An end that was not said would be an error here.
    assert!(client.rest().unwrap().is_empty());
    let stats = server.handle().stats();
    assert_eq!((stats.tls_handshakes, stats.tls_failed, stats.requests), (1, 0, 72));
}

#[test]
fn large_content_goes_both_ways() {
    let authority = Authority::new();
    let (_server, address) = start(router(), one_worker(), authority.server());
    let mut client = connect(address, &Arc::new(authority.client()));
    for _ in 0..3 {
        assert!(client.get("/large") == (200, pattern(LARGE)));
        client.send(format!("POST /sum HTTP/1.1\r\nHost: x\r\nContent-Length: {LARGE}\r\n\r\n"));
        client.send(pattern(LARGE));
        assert_eq!(client.answer().unwrap(), (200, format!("{LARGE} true").into_bytes()));
    }
    client.send("GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(client.answer().unwrap().1 == pattern(LARGE));
    assert!(client.rest().unwrap().is_empty());
}

#[test]
fn files_are_read_in_pieces() {
    let path = std::env::temp_dir().join(format!("flare-tls-file-{}", std::process::id()));
    std::fs::File::create(&path).unwrap().write_all(&pattern(LARGE)).unwrap();
    let mut router = Router::new();
    let served = path.clone();
    router
        .get("/file", move |_: &Request| {
            let file = Arc::new(std::fs::File::open(&served).unwrap());
            Response::new(200).with_body(Body::File(FileBody::new(file, 0, LARGE as u64)))
        })
        .unwrap();
    let authority = Authority::new();
    let (_server, address) = start(router, one_worker(), authority.server());
    let mut client = connect(address, &Arc::new(authority.client()));
    for _ in 0..2 {
        assert!(client.get("/file") == (200, pattern(LARGE)));
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_client_that_does_not_read_stops_the_answers_and_then_is_closed() {
    let authority = Authority::new();
    let mut config = one_worker();
    config.write_timeout = std::time::Duration::from_millis(300);
    let (server, address) = start(router(), config, authority.server());
    let mut client = connect(address, &Arc::new(authority.client()));
    assert_eq!(client.get("/").0, 200);
    client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n".repeat(40));
    let handle = server.handle();
    wait_until("the connection was closed", || handle.stats().open == 0);
    let stats = handle.stats();
    // 200 MiB were asked for; what was made is what the system took, and one answer.
    assert!(stats.requests < 12 && stats.bytes_out < 30 << 20, "{stats:?}");
    assert_eq!(stats.timeouts, 1);
}

#[test]
fn a_drain_says_the_end_to_idle_connections() {
    let authority = Authority::new();
    let (server, address) = start(router(), one_worker(), authority.server());
    let mut client = connect(address, &Arc::new(authority.client()));
    assert_eq!(client.get("/").0, 200);
    server.handle().drain(std::time::Duration::from_secs(10));
    assert!(client.rest().unwrap().is_empty());
    let report = server.wait();
    assert_eq!((report.finished(), report.aborted()), (1, 0));
}
