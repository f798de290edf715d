//! Answers reach a client that is still sending: the server lingers instead of resetting the connection (RFC 9112, 9.6).
#![allow(clippy::unwrap_used)]

mod common;

use common::{Client, one_worker, start, wait_until};
use flare::prelude::*;
use flare::server::RunningServer;

const LARGE: usize = 8 << 20;

fn server() -> RunningServer {
    let mut router = Router::new();
    router.post("/length", |request: &Request| request.body().len().to_string()).unwrap();
    start(router, ServerConfig { body_limit: 1 << 20, ..one_worker() })
}

/// Sends all of a request, however long, before it looks at the answer; then the connection must end cleanly.
fn refused(running: &RunningServer, head: &str, content: &[u8]) -> u16 {
    let mut client = Client::connect(&running.addresses()[0]);
    client.send(head);
    // The server has stopped reading into the exchange long before this is all sent. A reset would fail it, or the answer.
    client.send(content);
    let answer = client.answer();
    assert!(answer.closes(), "{answer:?}");
    client.expect_end();
    answer.status
}

/// So much content in chunks of 64 KiB.
fn chunked(length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..length >> 16 {
        bytes.extend_from_slice(b"10000\r\n");
        bytes.resize(bytes.len() + 0x10000, b'x');
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

#[test]
fn content_that_is_announced_too_large() {
    let running = server();
    let head = format!("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n");
    assert_eq!(refused(&running, &head, &vec![b'x'; LARGE]), 413);
    wait_until("the connection is closed", || running.handle().stats().open == 0);
}

#[test]
fn content_that_turns_out_too_large() {
    let head = "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(refused(&server(), head, &chunked(LARGE)), 413);
}

#[test]
fn content_for_nobody() {
    let head = format!("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n");
    assert_eq!(refused(&server(), &head, &vec![b'x'; LARGE]), 404);
}

#[test]
fn a_broken_request_with_much_behind_it() {
    let running = server();
    let broken = "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n";
    assert_eq!(refused(&running, broken, &vec![b'x'; LARGE]), 400);
    let broken = "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n";
    assert_eq!(refused(&running, broken, &vec![b'x'; LARGE]), 400);
    assert_eq!(running.handle().stats().bad_requests, 2);
}

#[test]
fn a_head_without_an_end() {
    assert_eq!(refused(&server(), "GET / HTTP/1.1\r\nX: ", &vec![b'x'; LARGE]), 431);
}

#[test]
fn content_in_chunks_for_nobody_is_dropped_up_to_a_limit() {
    let running = server();
    let mut client = Client::connect(&running.addresses()[0]);
    let head = "POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    // Little: the connection goes on.
    client.send(head);
    client.send("5\r\nhello\r\n0\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.closes()), (404, false));
    assert_eq!(client.post("/length", b"abc").text(), "3");
    // Much: the answer came before anybody knew, so it can't say that the connection closes; but it closes, without a reset.
    client.send(head);
    client.send(chunked(LARGE));
    assert_eq!(client.answer().status, 404);
    client.expect_end();
}

#[test]
fn a_client_that_waits_for_100_sends_nothing_in_vain() {
    let running = server();
    let mut client = Client::connect(&running.addresses()[0]);
    client.send("POST /length HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(client.answer().status, 100);
    client.send("abc");
    assert_eq!(client.answer().text(), "3");
    let large = format!(
        "POST /length HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {LARGE}\r\n\r\n"
    );
    client.send(large);
    let answer = client.answer();
    assert_eq!((answer.status, answer.closes()), (413, true));
    client.expect_end();
}
