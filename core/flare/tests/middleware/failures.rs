//! Exchanges that end otherwise than by an answer of their handler: each end is told once, to all that saw the request.

use std::sync::Mutex;
use std::time::Duration;

use flare::log::AccessRecord;
use flare::middleware::{Middleware, Step};
use flare::prelude::*;
use flare::testing::TestClient;
use flare::{AnswerError, CancelReason, Read, RouteOptions, later};

use crate::{GET, Gate, Story, keep, statuses, three};

#[test]
fn a_stream_that_is_cut_has_a_status_and_is_not_whole() {
    let story = Story::default();
    let (sender, kept) = keep();
    let router =
        three(&story, RouteOptions::default(), later(move |exchange| sender.send(exchange).unwrap()));
    let mut connection = TestClient::new(router).connect();
    connection.send(GET);
    let exchange = kept.recv().unwrap();
    exchange.write("one").unwrap();
    assert!(connection.step());
    drop(exchange);
    assert!(connection.wait());
    assert!(!connection.is_open());
    assert_eq!(story.take(), "s> m> r> r<200 m<200 s<200 r.200! m.200! s.200!");
}

#[test]
fn an_exchange_that_is_dropped_is_500() {
    let story = Story::default();
    let options = RouteOptions::default().layer(Gate(|_| Step::Done));
    let router = three(&story, options, |_: &Request| -> u16 { unreachable!() });
    assert_eq!(TestClient::new(router).get("/in/x").status, 500);
    assert_eq!(story.take(), "s> m> m<500 s<500 m.500 s.500");
}

#[test]
fn a_content_that_is_too_long_is_refused_after_the_layers() {
    let story = Story::default();
    let router =
        three(&story, RouteOptions::default().body_limit(4), |_: &Request| -> u16 { unreachable!() });
    let client = TestClient::new(router);
    assert_eq!(client.post("/in/x", "12345").status, 413);
    assert_eq!(story.take(), "s> m> r> r<413 m<413 s<413 r.413 m.413 s.413", "announced");
    assert_eq!(client.request("POST", "/in/x").body("12345").trailer("x-a", "b").send().status, 413);
    assert_eq!(story.take(), "s> m> r> r<413 m<413 s<413 r.413 m.413 s.413", "in chunks");
}

#[test]
fn broken_content_is_refused_after_the_layers() {
    let story = Story::default();
    let router = three(&story, RouteOptions::default(), |_: &Request| -> u16 { unreachable!() });
    let mut connection = TestClient::new(router).connect();
    connection.send(b"POST /in/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(story.take(), "s> m> r>");
    connection.send(b"no size\r\n");
    assert_eq!(statuses(&mut connection), ["400"]);
    assert_eq!(story.take(), "r<400 m<400 s<400 r.400 m.400 s.400");
}

#[test]
fn flowing_content_that_is_too_long_is_refused_too() {
    let story = Story::default();
    let (sender, kept) = keep();
    let options = RouteOptions::default().streaming().body_limit(4);
    let router = three(&story, options, later(move |exchange| sender.send(exchange).unwrap()));
    let mut connection = TestClient::new(router).connect();
    connection.send(b"POST /in/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let exchange = kept.recv().unwrap();
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step());
    connection.send(b"5\r\n12345\r\n");
    assert_eq!(statuses(&mut connection), ["413"]);
    assert_eq!(story.take(), "s> m> r> r<413 m<413 s<413 r.413 m.413 s.413");
    assert!(exchange.request().cancelled().is_some());
}

#[test]
fn a_panicking_handler() {
    let story = Story::default();
    let router = three(&story, RouteOptions::default(), |_: &Request| -> u16 { panic!("on purpose") });
    let client = TestClient::new(router);
    for _ in 0..2 {
        assert_eq!(client.get("/in/x").status, 500);
        assert_eq!(story.take(), "s> m> r> r<500 m<500 s<500 r.500 m.500 s.500");
    }
}

/// Panics where it is told to.
struct Panics(&'static str);

impl Middleware for Panics {
    fn on_request(&self, exchange: Exchange) -> Step {
        assert_ne!(self.0, "request", "on purpose");
        Step::Next(exchange)
    }

    fn on_head(&self, _: &Request, response: &mut Response) {
        response.headers_mut().set("x-secret", "half done").unwrap();
        assert_ne!(self.0, "head", "on purpose");
    }

    fn on_end(&self, _: &AccessRecord<'_>) {
        assert_ne!(self.0, "end", "on purpose");
    }
}

#[test]
fn a_panicking_middleware_ends_its_exchange_with_500() {
    for (place, status, words) in [
        ("request", 500, "s> m> m<500 s<500 m.500 s.500"),
        ("head", 500, "s> m> r> r<200 m<500 s<500 r.500 m.500 s.500"),
        ("end", 200, "s> m> r> r<200 m<200 s<200 r.200 m.200 s.200"),
    ] {
        let story = Story::default();
        let router = three(&story, RouteOptions::default().layer(Panics(place)), |_: &Request| "secret");
        let client = TestClient::new(router);
        let answer = client.get("/in/x");
        assert_eq!(answer.status, status, "{place}");
        assert_eq!(answer.text() == "secret", status == 200, "{place}");
        assert_eq!(story.take(), words, "{place}");
    }
}

#[test]
fn a_middleware_that_panics_at_the_head_of_a_stream_ends_it_with_500() {
    let story = Story::default();
    let handler = later(|exchange: Exchange| {
        exchange.write("secret").unwrap();
        exchange.finish().unwrap();
    });
    let router = three(&story, RouteOptions::default().layer(Panics("head")), handler);
    let mut connection = TestClient::new(router).connect();
    connection.send(GET);
    let text = String::from_utf8(connection.received()).unwrap();
    assert!(text.starts_with("HTTP/1.1 500 ") && !text.contains("secret"), "{text}");
    assert_eq!(story.take(), "s> m> r> r<200 m<500 s<500 r.500 m.500 s.500");
}

#[test]
fn a_client_that_leaves() {
    let story = Story::default();
    let (sender, kept) = keep();
    let router =
        three(&story, RouteOptions::default(), later(move |exchange| sender.send(exchange).unwrap()));
    let client = TestClient::new(router);
    let mut connection = client.connect();
    connection.send(GET);
    let exchange = kept.recv().unwrap();
    connection.abort();
    assert_eq!(story.take(), "s> m> r> r.0! m.0! s.0!");
    assert_eq!(exchange.answer("late"), Err(AnswerError::Cancelled(CancelReason::PeerGone)));
    drop(exchange);
    assert_eq!(story.take(), "", "ended once");
}

#[test]
fn a_client_that_leaves_within_its_upload() {
    let story = Story::default();
    let router = three(&story, RouteOptions::default(), |_: &Request| -> u16 { unreachable!() });
    let client = TestClient::new(router);
    for half_closed in [false, true] {
        let mut connection = client.connect();
        connection.send(b"POST /in/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
        assert_eq!(story.take(), "s> m> r>");
        if half_closed {
            connection.close_write();
            assert!(!connection.is_open(), "the rest will never come");
        }
        connection.abort();
        assert_eq!(story.take(), "r.0! m.0! s.0!");
    }
}

#[test]
fn an_upload_that_takes_too_long() {
    let story = Story::default();
    let router = three(&story, RouteOptions::default(), |_: &Request| -> u16 { unreachable!() });
    let mut connection = TestClient::new(router).connect();
    connection.send(b"POST /in/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    connection.advance(Duration::from_secs(3600));
    assert_eq!(statuses(&mut connection), ["408"]);
    assert_eq!(story.take(), "s> m> r> r<408 m<408 s<408 r.408 m.408 s.408");
}

#[test]
fn a_handler_that_takes_too_long() {
    let story = Story::default();
    let (sender, kept) = keep();
    let router =
        three(&story, RouteOptions::default(), later(move |exchange| sender.send(exchange).unwrap()));
    let mut connection = TestClient::new(router).connect();
    connection.send(GET);
    let exchange = kept.recv().unwrap();
    connection.advance(Duration::from_secs(3600));
    assert_eq!(statuses(&mut connection), ["503"]);
    assert_eq!(story.take(), "s> m> r> r<503 m<503 s<503 r.503 m.503 s.503");
    assert_eq!(exchange.answer("late"), Err(AnswerError::Cancelled(CancelReason::Deadline)));
}

/// Middleware that keeps a hand on each exchange, and tries to change the answer while it is shown.
struct Grabber(Mutex<Option<Exchange>>, Story);

impl Middleware for Grabber {
    fn on_request(&self, exchange: Exchange) -> Step {
        let next = exchange.hand_over().unwrap();
        *self.0.lock().unwrap() = Some(exchange);
        Step::Next(next)
    }

    fn on_head(&self, _: &Request, _: &mut Response) {
        let kept = self.0.lock().unwrap().take().unwrap();
        let results = [
            kept.draft(|_| ()),
            kept.start(),
            kept.finish(),
            kept.answer("x"),
            kept.inform(103, Headers::new()),
        ];
        assert_eq!(results, [Err(AnswerError::Answered); 5]);
        self.1.tell("refused");
    }
}

#[test]
fn an_answer_that_is_shown_cannot_be_changed_in_another_way() {
    let story = Story::default();
    let mut router = Router::new();
    router.layer(Grabber(Mutex::default(), story.clone()));
    router.get("/", |_: &Request| "home").unwrap();
    let client = TestClient::new(router);
    for (path, status) in [("/", 200), ("/missing", 404)] {
        assert_eq!(client.get(path).status, status);
        assert_eq!(story.take(), "refused", "{path}");
    }
}
