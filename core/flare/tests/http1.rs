//! HTTP/1.1 through the session, without a socket: each conversation whole, split at each byte, and byte by byte.
#![allow(clippy::unwrap_used, reason = "a test wants to fail here")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flare::prelude::*;
use flare::testing::{TestClient, TestConnection};
use flare::{CancelReason, RouteOptions};

fn router() -> Router {
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    router.any("/echo", |request: &Request| request.body().to_vec()).unwrap();
    router.get("/hi/:name", |request: &Request| request.param("name").unwrap_or("?").to_owned()).unwrap();
    let prepared = flare::message::Prepared::new(Response::text("ready")).unwrap();
    router.get("/prepared", prepared).unwrap();
    router.get("/empty", |_: &Request| ()).unwrap();
    router.get("/panic", |_: &Request| -> &'static str { panic!("on purpose") }).unwrap();
    router.get("/forget", flare::later(drop)).unwrap();
    router.get("/close", |_: &Request| Response::text("bye").with_header("connection", "close")).unwrap();
    router
        .get("/trailers", |_: &Request| {
            let mut response = Response::text("body");
            response.trailers_mut().append("x-sum", "1").unwrap();
            response
        })
        .unwrap();
    router
        .post("/trailers", |request: &Request| {
            request.trailers().get_str("x-sum").unwrap_or("none").to_owned()
        })
        .unwrap();
    let options = RouteOptions::default().body_limit(4);
    router.add_with("POST", "/small", options, |request: &Request| request.body().len().to_string()).unwrap();
    router
        .get(
            "/later",
            flare::later(|exchange: Exchange| {
                std::thread::spawn(move || exchange.respond("later"));
            }),
        )
        .unwrap();
    router
}

/// The lines of the answers that a test looks at: status lines, `connection`, `allow`, `content-length`, and bodies.
fn summary(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    text.lines()
        .filter(|line| !["date:", "server:", "content-type:"].iter().any(|skip| line.starts_with(skip)))
        .collect::<Vec<_>>()
        .join("|")
}

/// Runs one conversation: the request's bytes in these parts, then the end.
fn talk(client: &TestClient, parts: &[&[u8]]) -> (String, bool) {
    let mut connection = client.connect();
    for part in parts {
        connection.send(part);
        assert!(connection.wait());
    }
    (summary(&connection.received()), connection.is_open())
}

/// Checks the answer to the whole, to each split in two, and to single bytes.
fn check(input: &str, answer: &str, open: bool) {
    let client = TestClient::new(router());
    let bytes = input.as_bytes();
    let expected = (answer.to_owned(), open);
    assert_eq!(talk(&client, &[bytes]), expected, "{input:?} whole");
    for at in 1..bytes.len() {
        let (a, b) = bytes.split_at(at);
        assert_eq!(talk(&client, &[a, b]), expected, "{input:?} split at {at}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(talk(&client, &single), expected, "{input:?} byte by byte");
}

const HOME: &str = "HTTP/1.1 200 OK|content-length: 4||home";

#[test]
fn a_request_is_answered_and_the_connection_stays() {
    check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", HOME, true);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    check(
        "GET /hi/a%2Fb HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &format!("HTTP/1.1 200 OK|content-length: 3||a/bHTTP/1.1 200 OK|content-length: 3||abc{HOME}"),
        true,
    );
}

#[test]
fn head_has_the_fields_of_get_and_no_content() {
    check(
        "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &format!("HTTP/1.1 200 OK|content-length: 4||{HOME}"),
        true,
    );
}

#[test]
fn a_prepared_answer_is_an_answer_like_others() {
    let ready = "HTTP/1.1 200 OK|content-length: 5||ready";
    check("GET /prepared HTTP/1.1\r\nHost: a\r\n\r\n", ready, true);
    check(
        "HEAD /prepared HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &format!("HTTP/1.1 200 OK|content-length: 5||{HOME}"),
        true,
    );
    let close = "HTTP/1.1 200 OK|content-length: 5|connection: close||ready";
    check("GET /prepared HTTP/1.0\r\n\r\n", close, false);

    struct Stamp;
    impl flare::middleware::Middleware for Stamp {
        fn on_head(&self, _: &Request, response: &mut Response) {
            response.headers_mut().append("x-stamp", "1").unwrap();
        }
    }
    let mut stamped = router();
    stamped.layer(Stamp);
    let answer = TestClient::new(stamped).get("/prepared");
    assert_eq!(
        (answer.text(), answer.header("x-stamp"), answer.header("content-type")),
        ("ready", Some("1"), Some("text/plain; charset=utf-8"))
    );
}

#[test]
fn no_content_has_no_length() {
    check("GET /empty HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 204 No Content|", true);
}

#[test]
fn chunks_and_trailers_are_read() {
    check(
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK|content-length: 5||hello",
        true,
    );
    check(
        "POST /trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 7\r\n\r\n",
        "HTTP/1.1 200 OK|content-length: 1||7",
        true,
    );
}

#[test]
fn trailers_are_sent_in_chunks_and_not_to_http10() {
    check(
        "GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n",
        "HTTP/1.1 200 OK|transfer-encoding: chunked||4|body|0|x-sum: 1|",
        true,
    );
    check("GET /trailers HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK|connection: close||body", false);
}

#[test]
fn close_is_announced_and_ends_the_pipeline() {
    let answer = "HTTP/1.1 200 OK|content-length: 4|connection: close||home";
    check(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        answer,
        false,
    );
    check("GET / HTTP/1.0\r\n\r\n", answer, false);
    check(
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "HTTP/1.1 200 OK|content-length: 4|connection: keep-alive||home",
        true,
    );
}

#[test]
fn a_handler_may_close() {
    check(
        "GET /close HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 200 OK|content-length: 3|connection: close||bye",
        false,
    );
}

#[test]
fn unknown_paths_and_methods() {
    check(
        "GET /nope HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &format!("HTTP/1.1 404 Not Found|content-length: 9||Not Found{HOME}"),
        true,
    );
    check(
        "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 405 Method Not Allowed|allow: GET, HEAD, OPTIONS|content-length: 18||Method Not Allowed",
        true,
    );
    check(
        "OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 204 No Content|allow: GET, HEAD, OPTIONS|",
        true,
    );
}

#[test]
fn content_that_nobody_wants_is_dropped() {
    check(
        "POST /nope HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &format!("HTTP/1.1 404 Not Found|content-length: 9||Not Found{HOME}"),
        true,
    );
    check(
        "POST /nope HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &format!("HTTP/1.1 404 Not Found|content-length: 9||Not Found{HOME}"),
        true,
    );
}

#[test]
fn too_much_content_is_refused() {
    let refused = "HTTP/1.1 413 Content Too Large|content-length: 17|connection: close||Content Too Large";
    check("POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello", refused, false);
    check(
        "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n1234",
        "HTTP/1.1 200 OK|content-length: 1||4",
        true,
    );
}

#[test]
fn announced_content_is_refused_before_it_is_sent() {
    let client = TestClient::new(router());
    let head = b"POST /small HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    let refused = "HTTP/1.1 413 Content Too Large|content-length: 17|connection: close||Content Too Large";
    assert_eq!(talk(&client, &[head]), (refused.to_owned(), false));
}

#[test]
fn continue_is_sent_when_the_content_is_wanted() {
    let client = TestClient::new(router());
    let mut connection = client.connect();
    connection.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(summary(&connection.received()), "HTTP/1.1 100 Continue|");
    connection.send(b"hello");
    assert_eq!(summary(&connection.received()), "HTTP/1.1 200 OK|content-length: 5||hello");
}

#[test]
fn broken_requests_are_refused_and_nothing_is_echoed() {
    let refused = "HTTP/1.1 400 Bad Request|content-length: 11|connection: close||Bad Request";
    check("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", refused, false);
    check("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", refused, false);
    check("secret rubbish\r\n\r\n", refused, false);
    check("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", refused, false);
}

#[test]
fn a_panic_and_a_forgotten_exchange_answer_500() {
    let client = TestClient::new(router());
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let answer = client.get("/panic");
    std::panic::set_hook(hook);
    assert_eq!((answer.status, answer.text()), (500, "Internal Server Error"));
    assert_eq!(client.get("/forget").status, 500);
}

#[test]
fn later_answers_keep_their_place() {
    let input = "GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    check(input, &format!("HTTP/1.1 200 OK|content-length: 5||later{HOME}"), true);
}

/// A router whose `/hold` gives its exchange to the test.
fn holding() -> (TestClient, std::sync::mpsc::Receiver<Exchange>) {
    holding_with(ServerConfig::default())
}

fn holding_with(config: ServerConfig) -> (TestClient, std::sync::mpsc::Receiver<Exchange>) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut router = router();
    let sender = std::sync::Mutex::new(sender);
    router
        .get("/hold", flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap()))
        .unwrap();
    (TestClient::with_config(router, config), receiver)
}

fn hold(client: &TestClient) -> TestConnection {
    let mut connection = client.connect();
    connection.send(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(connection.is_waiting());
    connection
}

#[test]
fn the_deadline_of_a_handler_answers_503_and_tells_it() {
    let (client, held) = holding();
    let mut connection = hold(&client);
    let exchange = held.recv().unwrap();
    connection.advance(Duration::from_secs(59));
    assert!(connection.is_open());
    connection.advance(Duration::from_secs(1));
    assert!(summary(&connection.received()).starts_with("HTTP/1.1 503 Service Unavailable|retry-after: 1|"));
    assert!(!connection.is_open());
    assert_eq!(exchange.request().cancelled(), Some(CancelReason::Deadline));
    assert!(exchange.answer("too late").is_err());
}

#[test]
fn a_lost_client_shows_in_the_request() {
    let (client, held) = holding();
    let mut connection = hold(&client);
    let exchange = held.recv().unwrap();
    let request = exchange.request().clone();
    connection.abort();
    assert_eq!(request.cancelled(), Some(CancelReason::PeerGone));
    assert!(exchange.answer("nobody").is_err());
    assert_eq!(request.path(), "/hold", "the request stays readable");
}

#[test]
fn a_half_closed_client_still_gets_its_answer() {
    let (client, held) = holding();
    let mut connection = hold(&client);
    connection.close_write();
    assert!(connection.is_open());
    held.recv().unwrap().respond("here");
    assert!(connection.wait());
    assert_eq!(summary(&connection.received()), "HTTP/1.1 200 OK|content-length: 4||here");
    assert!(!connection.is_open());
}

#[test]
fn a_half_closed_client_is_lost_where_the_settings_say_so() {
    let config = ServerConfig { half_close: false, ..ServerConfig::default() };
    let (client, held) = holding_with(config);
    let mut connection = hold(&client);
    let exchange = held.recv().unwrap();
    connection.close_write();
    assert_eq!(exchange.request().cancelled(), Some(CancelReason::PeerGone));
    assert!(exchange.answer("nobody").is_err());
    assert!(!connection.is_open());
    // What is answered at once is out before the end is seen.
    let mut connection = client.connect();
    connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    connection.close_write();
    assert_eq!(summary(&connection.received()), HOME);
    // A request behind a whole one that came with the end.
    let mut connection = client.connect();
    connection.send(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\nGET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    connection.close_write();
    assert_eq!(held.recv().unwrap().request().cancelled(), Some(CancelReason::PeerGone));
    assert!(held.try_recv().is_err());
}

#[test]
fn deadlines_end_every_wait() {
    let client = TestClient::new(router());
    let timeout = "HTTP/1.1 408 Request Timeout|content-length: 15|connection: close||Request Timeout";
    for (sent, seconds, answer) in [
        ("", 30, ""),
        ("GET / HT", 30, timeout),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 75, HOME),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe", 30, timeout),
        (
            "POST /nope HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe",
            30,
            "HTTP/1.1 404 Not Found|content-length: 9||Not Found",
        ),
    ] {
        let mut connection = client.connect();
        connection.send(sent.as_bytes());
        connection.advance(Duration::from_secs(seconds - 1));
        assert!(connection.is_open(), "{sent:?} ended early");
        connection.advance(Duration::from_secs(1));
        assert!(!connection.is_open(), "{sent:?} did not end");
        assert_eq!(summary(&connection.received()), answer, "{sent:?}");
    }
}

#[test]
fn one_byte_at_a_time_does_not_move_the_deadline_of_a_head() {
    let client = TestClient::new(router());
    let mut connection = client.connect();
    for byte in b"GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaa".chunks(1) {
        connection.send(byte);
        connection.advance(Duration::from_secs(1));
    }
    assert!(!connection.is_open());
}

#[test]
fn a_drain_answers_what_runs_and_closes() {
    let (client, held) = holding();
    let mut idle = client.connect();
    idle.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    idle.drain();
    assert!(!idle.is_open());
    let mut busy = hold(&client);
    busy.drain();
    assert!(busy.is_open());
    held.recv().unwrap().respond("last");
    assert!(busy.wait());
    assert_eq!(summary(&busy.received()), "HTTP/1.1 200 OK|content-length: 4|connection: close||last");
    assert!(!busy.is_open());
}

#[test]
fn the_first_answer_counts() {
    static SECOND: AtomicUsize = AtomicUsize::new(0);
    let mut router = Router::new();
    router
        .get(
            "/",
            flare::later(|exchange: Exchange| {
                exchange.draft(|response| response.set_status(201)).unwrap();
                exchange.finish().unwrap();
                if exchange.finish().is_err() {
                    SECOND.fetch_add(1, Ordering::Relaxed);
                }
            }),
        )
        .unwrap();
    assert_eq!(TestClient::new(router).get("/").status, 201);
    assert_eq!(SECOND.load(Ordering::Relaxed), 1);
}

#[test]
fn a_request_outlives_its_connection() {
    let kept = Arc::new(std::sync::Mutex::new(None));
    let mut router = Router::new();
    let store = Arc::clone(&kept);
    router
        .post("/keep/:id", move |request: &Request| *store.lock().unwrap() = Some(request.clone()))
        .unwrap();
    let client = TestClient::new(router);
    assert_eq!(
        client.request("POST", "/keep/7?a=1&b=%20").header("X-Name", "v").body("content").send().status,
        204
    );
    let request = kept.lock().unwrap().take().unwrap();
    assert_eq!(
        (request.method_str(), request.path(), request.query()),
        ("POST", "/keep/7", Some("a=1&b=%20"))
    );
    assert_eq!(
        (request.param("id"), request.header("x-name"), request.text()),
        (Some("7"), Some("v"), Some("content"))
    );
    let pairs: Vec<_> = request.query_pairs().collect();
    assert_eq!(pairs, [("a".into(), "1".into()), ("b".into(), " ".into())]);
}

#[test]
fn a_client_that_takes_nothing_is_not_read_and_gets_all_later() {
    let mut router = Router::new();
    router.get("/", |_: &Request| vec![b'x'; 3000]).unwrap();
    let config = ServerConfig { output_limit: 4096, ..ServerConfig::default() };
    let mut connection = TestClient::with_config(router, config).connect();
    connection.hold_output();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    connection.send(request);
    assert!(connection.wants_input());
    connection.send(request);
    assert!(!connection.wants_input() && connection.received().is_empty());
    connection.send(request);
    connection.advance(Duration::from_secs(3600));
    connection.release_output();
    let all = connection.received();
    assert_eq!(all.iter().filter(|&&byte| byte == b'x').count(), 3 * 3000);
    assert!(connection.wants_input());
}
