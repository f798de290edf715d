//! Who is called when, and what the calls may do.

use flare::log::AccessRecord;
use flare::middleware::{Middleware, Step};
use flare::prelude::*;
use flare::testing::TestClient;
use flare::{RouteOptions, later};

use crate::{GET, Gate, Story, keep, three};

#[test]
fn an_immediate_answer() {
    let story = Story::default();
    let own = story.clone();
    let handler = move |_: &Request| {
        own.tell("h");
        "hello"
    };
    let client = TestClient::new(three(&story, RouteOptions::default(), handler));
    for _ in 0..2 {
        assert_eq!(client.get("/in/x").text(), "hello");
        assert_eq!(story.take(), "s> m> r> h r<200 m<200 s<200 r.200 m.200 s.200");
    }
    assert_eq!(client.post("/in/x", "content").status, 200);
    assert_eq!(story.take(), "s> m> r> h r<200 m<200 s<200 r.200 m.200 s.200");
}

#[test]
fn the_first_of_each_place_is_outermost() {
    let story = Story::default();
    let mut router = Router::new();
    router.layer(story.layer("1")).layer(story.layer("2"));
    let options = RouteOptions::default().layer(story.layer("3")).layer(story.layer("4"));
    router.add_with("GET", "/", options, |_: &Request| ()).unwrap();
    assert_eq!(TestClient::new(router).get("/").status, 204);
    assert_eq!(story.take(), "1> 2> 3> 4> 4<204 3<204 2<204 1<204 4.204 3.204 2.204 1.204");
}

#[test]
fn layers_of_mounts_in_mounts() {
    let story = Story::default();
    let mut innermost = Router::new();
    innermost.layer(story.layer("c"));
    innermost.get("/", |_: &Request| ()).unwrap();
    let mut inner = Router::new();
    inner.layer(story.layer("b"));
    inner.mount("/two", innermost).unwrap();
    inner.get("/", |_: &Request| ()).unwrap();
    let mut router = Router::new();
    router.mount("/one", inner).unwrap();
    router.get("/", |_: &Request| ()).unwrap();
    // Added last, and around what is there already.
    router.layer(story.layer("a"));
    let client = TestClient::new(router);
    for (path, words) in [
        ("/one/two", "a> b> c> c<204 b<204 a<204 c.204 b.204 a.204"),
        ("/one", "a> b> b<204 a<204 b.204 a.204"),
        ("/", "a> a<204 a.204"),
    ] {
        assert_eq!(client.get(path).status, 204);
        assert_eq!(story.take(), words, "{path}");
    }
}

#[test]
fn a_later_answer() {
    let story = Story::default();
    let (sender, kept) = keep();
    let router =
        three(&story, RouteOptions::default(), later(move |exchange| sender.send(exchange).unwrap()));
    let mut connection = TestClient::new(router).connect();
    connection.send(GET);
    assert_eq!(story.take(), "s> m> r>");
    let exchange = kept.recv().unwrap();
    std::thread::spawn(move || exchange.respond(201)).join().unwrap();
    assert_eq!(story.take(), "", "the head is the worker's business");
    assert!(connection.wait());
    assert_eq!(story.take(), "r<201 m<201 s<201 r.201 m.201 s.201");
}

#[test]
fn a_streamed_answer() {
    let story = Story::default();
    let (sender, kept) = keep();
    let router =
        three(&story, RouteOptions::default(), later(move |exchange| sender.send(exchange).unwrap()));
    let mut connection = TestClient::new(router).connect();
    connection.send(GET);
    let exchange = kept.recv().unwrap();
    exchange.write("one").unwrap();
    assert!(connection.step());
    assert_eq!(story.take(), "s> m> r> r<200 m<200 s<200", "the head has left");
    std::thread::spawn(move || {
        exchange.write("two").unwrap();
        exchange.finish().unwrap();
    });
    assert!(connection.wait());
    assert_eq!(story.take(), "r.200 m.200 s.200");
    assert!(connection.received().ends_with(b"0\r\n\r\n"));
}

#[test]
fn a_middleware_that_answers_early_is_the_innermost() {
    let story = Story::default();
    let mut inner = Router::new();
    inner.layer(story.layer("m"));
    inner.layer(Gate(|exchange: Exchange| {
        exchange.respond(403);
        Step::Done
    }));
    inner.layer(story.layer("never"));
    inner.get("/x", |_: &Request| -> u16 { unreachable!() }).unwrap();
    let mut router = Router::new();
    router.layer(story.layer("s"));
    router.mount("/in", inner).unwrap();
    assert_eq!(TestClient::new(router).get("/in/x").status, 403);
    assert_eq!(story.take(), "s> m> m<403 s<403 m.403 s.403");
}

#[test]
fn an_answer_given_with_next_counts() {
    let story = Story::default();
    let options = RouteOptions::default().layer(Gate(|exchange: Exchange| {
        exchange.answer((202, "early")).unwrap();
        Step::Next(exchange)
    }));
    let router = three(&story, options, |_: &Request| -> u16 { unreachable!() });
    let answer = TestClient::new(router).get("/in/x");
    assert_eq!((answer.status, answer.text()), (202, "early"));
    assert_eq!(story.take(), "s> m> m<202 s<202 m.202 s.202", "r is within the one that answered");
}

#[test]
fn requests_that_no_route_takes_pass_the_layers_of_the_server() {
    let story = Story::default();
    let mut inner = Router::new();
    inner.layer(story.layer("m"));
    inner.get("/x", |_: &Request| ()).unwrap();
    let mut router = Router::new();
    router.layer(story.layer("s"));
    router.mount("/in", inner).unwrap();
    let client = TestClient::new(router);
    for (method, path, status, allow) in [
        ("GET", "/in/y", 404, None),
        ("POST", "/in/x", 405, Some("GET, HEAD, OPTIONS")),
        ("OPTIONS", "/in/x", 204, Some("GET, HEAD, OPTIONS")),
        ("GET", "/%00", 400, None),
    ] {
        let answer = client.request(method, path).send();
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{method} {path}");
        assert_eq!(story.take(), format!("s> s<{status} s.{status}"), "{method} {path}");
    }
}

#[test]
fn heads_may_be_changed_and_values_attached() {
    struct Stamp;
    impl Middleware for Stamp {
        fn on_request(&self, exchange: Exchange) -> Step {
            exchange.request().set_extension(7_u32);
            Step::Next(exchange)
        }

        fn on_head(&self, request: &Request, response: &mut Response) {
            let value = request.extension::<u32>().map(|value| value.to_string()).unwrap_or_default();
            response.headers_mut().set("x-stamp", value).unwrap();
        }
    }
    let mut router = Router::new();
    router.layer(Stamp);
    router.get("/", |request: &Request| format!("{:?}", request.extension::<u32>())).unwrap();
    let client = TestClient::new(router);
    let answer = client.get("/");
    assert_eq!((answer.text(), answer.header("x-stamp")), ("Some(7)", Some("7")));
    assert_eq!(client.get("/missing").header("x-stamp"), Some("7"));
}

#[test]
fn bytes_of_one_exchange_are_not_told_of_the_next() {
    struct Bytes(Story);
    impl Middleware for Bytes {
        fn on_end(&self, record: &AccessRecord<'_>) {
            self.0.tell(format!("{}:{}", record.status, record.body_bytes));
        }
    }
    let story = Story::default();
    let mut router = Router::new();
    router.layer(Bytes(story.clone()));
    router.get("/", |_: &Request| "five!").unwrap();
    router.get("/odd", |_: &Request| Response::new(42)).unwrap();
    router.get("/reset", later(|exchange: Exchange| exchange.reset())).unwrap();
    let mut connection = TestClient::new(router).connect();
    connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    connection.send(b"GET /odd HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    connection.send(b"GET /reset HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(story.take(), "200:5 200:0 500:0 200:5 0:0");
}
