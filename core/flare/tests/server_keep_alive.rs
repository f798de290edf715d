//! Connections that stay and connections that close, for HTTP/1.1 and HTTP/1.0.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Client, one_worker, start, wait_until};
use flare::prelude::*;
use flare::server::RunningServer;

fn server() -> RunningServer {
    let mut router = Router::new();
    router.get("/hi/:name", |request: &Request| request.param("name").unwrap_or("?").to_owned()).unwrap();
    router.post("/length", |request: &Request| request.body().len().to_string()).unwrap();
    router
        .get("/trailers", |_: &Request| {
            let mut response = Response::text("body");
            response.trailers_mut().append("x-sum", "1").unwrap();
            response
        })
        .unwrap();
    start(router, one_worker())
}

fn connect(running: &RunningServer) -> Client {
    Client::connect(&running.addresses()[0])
}

#[test]
fn thousands_of_requests_on_one_connection() {
    let running = server();
    let mut client = connect(&running);
    for n in 0..5000 {
        let answer = client.get(&format!("/hi/{n}"));
        assert!(answer.text() == n.to_string() && !answer.closes(), "{answer:?}");
    }
    for n in 0..500 {
        assert_eq!(client.post("/length", &vec![b'x'; n]).text(), n.to_string());
    }
    let stats = running.handle().stats();
    assert_eq!((stats.accepted, stats.requests, stats.answers), (1, 5500, [5500, 0, 0, 0]));
}

#[test]
fn each_answer_says_when_it_was_made_and_by_whom() {
    let answer = connect(&server()).get("/hi/ann");
    assert_eq!(answer.header("server"), Some("flare"));
    let date = answer.header("date").unwrap().to_owned();
    assert!(date.len() == 29 && date.ends_with(" gmt"), "{date}");
}

#[test]
fn connection_close_is_kept_and_ends_the_pipeline() {
    let running = server();
    let mut client = connect(&running);
    client.send("GET /hi/a HTTP/1.1\r\nHost: a\r\n\r\n");
    client.send(
        "GET /hi/b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /hi/c HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert!(!client.answer().closes());
    let last = client.answer();
    assert_eq!((last.text(), last.closes()), ("b", true));
    client.expect_end();
    drop(client);
    wait_until("the connection is closed", || running.handle().stats().open == 0);
}

#[test]
fn http_1_0_closes_unless_it_asks_for_more() {
    let running = server();
    let mut client = connect(&running);
    client.send("GET /hi/a HTTP/1.0\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.text(), answer.closes()), ("a", true));
    client.expect_end();

    let mut client = connect(&running);
    for n in 0..100 {
        client.send(format!("GET /hi/{n} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
        let answer = client.answer();
        assert_eq!(
            (answer.text(), answer.header("connection")),
            (n.to_string().as_str(), Some("keep-alive"))
        );
    }
    client.send("POST /length HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!(client.answer().text(), "3");
    client.expect_end();
}

#[test]
fn http_1_0_gets_no_chunks() {
    let running = server();
    let mut client = connect(&running);
    // The end of the content is the end of the connection, so it can't stay.
    client.send("GET /trailers HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.header("transfer-encoding"), answer.text()), (None, "body"));
    client.expect_end();
}

#[test]
fn head_keeps_the_connection_in_step() {
    let running = server();
    let mut client = connect(&running);
    for _ in 0..10 {
        client.send("HEAD /hi/ann HTTP/1.1\r\nHost: a\r\n\r\n");
        let head = client.head();
        assert!(head.contains("content-length: 3\r\n"), "{head}");
        assert_eq!(client.get("/hi/bob").text(), "bob");
    }
}
