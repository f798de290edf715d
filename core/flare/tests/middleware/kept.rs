//! Exchanges that a middleware keeps, to let them go on or answer them later; and uploads that nobody asks for.

use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use flare::middleware::Step;
use flare::prelude::*;
use flare::testing::TestClient;
use flare::{AnswerError, CancelReason, Read, RouteOptions, later};

use crate::{GET, Gate, Story, keep, statuses, three};

/// A middleware at the server that hands each exchange to the test, between tellers.
fn gated(story: &Story) -> (TestClient, Receiver<Exchange>) {
    let (sender, kept) = keep();
    let own = story.clone();
    let mut router = Router::new();
    router.layer(story.layer("a"));
    router.layer(Gate(move |exchange| {
        sender.send(exchange).unwrap();
        Step::Done
    }));
    router.layer(story.layer("b"));
    let handler = move |request: &Request| {
        own.tell("h");
        request.body().to_vec()
    };
    router.any("/x", handler).unwrap();
    (TestClient::new(router), kept)
}

#[test]
fn a_middleware_knows_what_no_route_takes() {
    let (sender, kept) = keep();
    let mut router = Router::new();
    router.layer(Gate(move |exchange| {
        sender.send(exchange).unwrap();
        Step::Done
    }));
    router.post("/x", |_: &Request| "x").unwrap();
    let client = TestClient::new(router);
    let ask = |head: &str| {
        let mut connection = client.connect();
        connection.send(format!("{head} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        let exchange = kept.recv().unwrap();
        flare::embed::refusal(exchange.request()).map(|(status, allow)| (status, allow.map(str::to_owned)))
    };
    assert_eq!(ask("POST /x"), None);
    assert_eq!(ask("GET /nowhere"), Some((404, None)));
    assert_eq!(ask("GET /x"), Some((405, Some("OPTIONS, POST".to_owned()))));
}

#[test]
fn an_exchange_goes_on_later() {
    let story = Story::default();
    let (client, kept) = gated(&story);
    let mut connection = client.connect();
    connection.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(story.take(), "a>");
    let exchange = kept.recv().unwrap();
    std::thread::spawn(move || {
        exchange.proceed().unwrap();
        assert_eq!(exchange.proceed(), Err(AnswerError::Answered));
    });
    assert!(connection.wait());
    assert_eq!(story.take(), "b> h b<200 a<200 b.200 a.200");
    assert!(connection.received().ends_with(b"\r\n\r\nhi"));
    // The connection goes on as after any other request.
    connection.send(b"GET /missing HTTP/1.1\r\nHost: a\r\n\r\n");
    kept.recv().unwrap().proceed().unwrap();
    assert!(connection.wait());
    assert_eq!(story.take(), "a> b> b<404 a<404 b.404 a.404");
}

#[test]
fn an_exchange_goes_on_before_its_middleware_returned() {
    let story = Story::default();
    let options = RouteOptions::default().layer(Gate(|exchange: Exchange| {
        exchange.proceed().unwrap();
        Step::Done
    }));
    let router = three(&story, options, |_: &Request| "hello");
    let answer = TestClient::new(router).get("/in/x");
    assert_eq!((answer.status, answer.text()), (200, "hello"));
    assert_eq!(story.take(), "s> m> r> r<200 m<200 s<200 r.200 m.200 s.200");
}

#[test]
fn two_middlewares_keep_an_exchange_in_turn() {
    let (first, kept_first) = keep();
    let (second, kept_second) = keep();
    let gate = |sender: Sender<Exchange>| {
        Gate(move |exchange| {
            sender.send(exchange).unwrap();
            Step::Done
        })
    };
    let story = Story::default();
    let options = RouteOptions::default().layer(gate(first)).layer(gate(second));
    let mut connection = TestClient::new(three(&story, options, |_: &Request| "in")).connect();
    connection.send(GET);
    for kept in [kept_first, kept_second] {
        let exchange = kept.recv().unwrap();
        std::thread::spawn(move || exchange.proceed().unwrap());
        assert!(connection.step());
    }
    assert_eq!(statuses(&mut connection), ["200"]);
    assert_eq!(story.take(), "s> m> r> r<200 m<200 s<200 r.200 m.200 s.200");
}

#[test]
fn an_exchange_that_is_over_does_not_go_on() {
    let story = Story::default();
    let (client, kept) = gated(&story);
    let mut connection = client.connect();
    connection.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    let exchange = kept.recv().unwrap();
    connection.abort();
    assert_eq!(exchange.proceed(), Err(AnswerError::Cancelled(CancelReason::PeerGone)));
    assert_eq!(story.take(), "a> a.0!");
    // Kept too long: the client gets its answer, and nothing goes on behind it.
    let mut connection = client.connect();
    connection.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    connection.advance(Duration::from_secs(3600));
    assert_eq!(statuses(&mut connection), ["503"]);
    assert_eq!(kept.recv().unwrap().proceed(), Err(AnswerError::Cancelled(CancelReason::Deadline)));
    assert_eq!(story.take(), "a> a<503 a.503");
}

#[test]
fn a_middleware_that_kept_an_exchange_may_answer_it() {
    let story = Story::default();
    let (client, kept) = gated(&story);
    let mut connection = client.connect();
    connection.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    let exchange = kept.recv().unwrap();
    std::thread::spawn(move || exchange.respond(401));
    assert!(connection.wait());
    assert_eq!(story.take(), "a> a<401 a.401");
    // The content that nobody read does not become a request.
    connection.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    kept.recv().unwrap().respond(401);
    assert!(connection.wait());
    assert_eq!(statuses(&mut connection), ["401", "401"]);
}

#[test]
fn a_refused_upload_is_never_asked_for() {
    let story = Story::default();
    let (client, kept) = gated(&story);
    let head = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
    let mut connection = client.connect();
    connection.send(head);
    assert_eq!(connection.received(), b"", "nobody has decided");
    kept.recv().unwrap().respond(403);
    assert!(connection.wait());
    let text = String::from_utf8(connection.received()).unwrap().to_lowercase();
    assert!(text.starts_with("http/1.1 403 ") && text.contains("\r\nconnection: close\r\n"), "{text}");
    assert!(!connection.is_open(), "what follows might be content or a request: nobody can know");
    story.take();
    // And an upload that is let in is asked for, once.
    let mut connection = client.connect();
    connection.send(head);
    kept.recv().unwrap().proceed().unwrap();
    assert!(connection.step());
    assert_eq!(connection.received(), b"HTTP/1.1 100 Continue\r\n\r\n");
    connection.send(b"hi");
    assert_eq!(statuses(&mut connection), ["200"]);
    assert_eq!(story.take(), "a> b> h b<200 a<200 b.200 a.200");
}

#[test]
fn a_large_upload_that_is_refused_closes_the_connection() {
    let mut router = Router::new();
    router.layer(Gate(|exchange: Exchange| {
        exchange.respond(403);
        Step::Done
    }));
    let mut connection = TestClient::new(router).connect();
    connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
    let text = String::from_utf8(connection.received()).unwrap().to_lowercase();
    assert!(text.starts_with("http/1.1 403 ") && text.contains("\r\nconnection: close\r\n"), "{text}");
}

#[test]
fn pipelined_requests_pass_one_after_the_other() {
    let story = Story::default();
    let (client, kept) = gated(&story);
    let mut connection = client.connect();
    connection.send(&b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2));
    assert_eq!(story.take(), "a>");
    kept.recv().unwrap().proceed().unwrap();
    assert!(connection.step());
    assert_eq!(story.take(), "b> h b<200 a<200 b.200 a.200 a>");
    kept.recv().unwrap().proceed().unwrap();
    assert!(connection.step());
    assert_eq!(statuses(&mut connection), ["200", "200"]);
    assert_eq!(story.take(), "b> h b<200 a<200 b.200 a.200");
}

#[test]
fn content_that_is_asked_for_too_late_is_not() {
    let (sender, kept) = keep();
    let handler = later(move |exchange| sender.send(exchange).unwrap());
    let mut connection =
        TestClient::new(three(&Story::default(), RouteOptions::default().streaming(), handler)).connect();
    connection.send(b"POST /in/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    let exchange = kept.recv().unwrap();
    exchange.write("head").unwrap();
    assert!(connection.step());
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step());
    assert_eq!(
        statuses(&mut connection),
        ["200"],
        "an interim answer can't follow the head of the final one"
    );
}

#[test]
fn a_handler_has_nothing_to_let_go_on_to() {
    let mut router = Router::new();
    router
        .get(
            "/",
            later(|exchange: Exchange| {
                assert!(matches!(exchange.proceed(), Err(AnswerError::Misuse(_))));
                exchange.respond("answered");
            }),
        )
        .unwrap();
    assert_eq!(TestClient::new(router).get("/").text(), "answered");
}
