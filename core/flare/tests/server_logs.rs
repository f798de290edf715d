//! What a server tells: its log, its access log and its counters.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{Client, PATIENCE, one_worker, socket_path, wait_until, workers};
use flare::log::{Level, Log};
use flare::prelude::*;
use flare::server::RunningServer;

const SHORT: Duration = Duration::from_millis(50);

fn router() -> Router {
    let mut router = Router::new();
    router.get("/hi/:name", |request: &Request| request.param("name").unwrap_or("?").to_owned()).unwrap();
    router.post("/length", |request: &Request| request.body().len().to_string()).unwrap();
    router.get("/nothing", |_: &Request| ()).unwrap();
    router.get("/moved", |_: &Request| Response::redirect(301, "/hi/you")).unwrap();
    router.get("/panic", |_: &Request| -> &'static str { panic!("on purpose") }).unwrap();
    router.get("/hold", flare::later(std::mem::forget)).unwrap();
    router
        .get(
            "/fail",
            flare::later(|exchange: Exchange| {
                exchange.draft(|response| *response = "a draft".into_response()).unwrap();
                exchange.fail("no disk").unwrap();
                assert!(exchange.fail("again").is_err());
            }),
        )
        .unwrap();
    router
        .get(
            "/fail-late",
            flare::later(|exchange: Exchange| {
                exchange.write("a part").unwrap();
                exchange.fail("no more").unwrap();
            }),
        )
        .unwrap();
    router.get("/large", |_: &Request| vec![b'x'; 100_000]).unwrap();
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

/// A server that logs to the test, from this level on.
fn logging(level: Level) -> (RunningServer, Receiver<(Level, String)>) {
    let (sender, told) = mpsc::channel();
    let sender = Mutex::new(sender);
    let log = Log::new(level, move |level, text| {
        // Err: the test is over.
        let _ = sender.lock().unwrap().send((level, text.to_owned()));
    });
    let server = Server::new(router()).config(one_worker()).log(log).listen("127.0.0.1:0").unwrap();
    (server.bind().unwrap().start().unwrap(), told)
}

fn connect(running: &RunningServer) -> Client {
    Client::connect(&running.addresses()[0])
}

fn send_broken(running: &RunningServer) {
    let mut client = connect(running);
    client.send("broken\r\n\r\n");
    assert_eq!(client.answer().status, 400);
}

#[test]
fn the_level_decides_what_is_told() {
    for (level, expected) in [(Level::Error, 1), (Level::Warn, 1), (Level::Info, 3), (Level::Debug, 4)] {
        let (running, told) = logging(level);
        send_broken(&running);
        assert_eq!(connect(&running).get("/panic").status, 500);
        drop(running);
        let told: Vec<_> = told.iter().collect();
        assert_eq!(told.len(), expected, "{told:?}");
        assert!(told.iter().all(|(of, _)| *of <= level), "{told:?}");
        assert!(told.iter().any(|(of, text)| *of == Level::Error && text.starts_with("handler panicked")));
        assert!(
            told.iter().all(|(_, text)| !text.contains("broken")),
            "a peer's bytes are in the log: {told:?}"
        );
    }
}

#[test]
fn a_failure_is_told_to_the_log_and_not_to_the_client() {
    let (running, told) = logging(Level::Error);
    let answer = connect(&running).get("/fail");
    assert_eq!((answer.status, &answer.body[..]), (500, &b"Internal Server Error"[..]));
    let mut client = connect(&running);
    client.send("GET /fail-late HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(!client.rest().ends_with(b"0\r\n\r\n"), "a cut answer looks whole");
    drop(running);
    let told: Vec<_> = told.iter().map(|(_, text)| text).collect();
    assert_eq!(told, ["handler failed: no disk", "handler failed: again", "handler failed: no more"]);
}

#[test]
fn events_that_repeat_are_held_back_and_counted() {
    let (running, told) = logging(Level::Debug);
    assert!(told.recv().unwrap().1.starts_with("listening: 127.0.0.1:"));
    let start = Instant::now();
    for _ in 0..200 {
        send_broken(&running);
    }
    let windows = start.elapsed().as_secs() as usize + 1;
    let passed = told.try_iter().count();
    assert!((10..=10 * (windows + 1)).contains(&passed), "{passed} of 200 in {windows} s");
    // When the window is over, the next one says how many were held back.
    let mut sent = 200;
    let (mut heard, mut held_back) = (passed, 0);
    while held_back == 0 {
        assert!(start.elapsed() < PATIENCE, "nothing was said of those that were held back");
        send_broken(&running);
        sent += 1;
        for (_, text) in told.try_iter() {
            heard += 1;
            held_back += text
                .split_once("(and ")
                .map_or(0, |(_, rest)| rest.split(' ').next().unwrap_or_default().parse().unwrap_or(0));
        }
    }
    // Those of earlier windows were counted in texts that were taken above without a look.
    assert!(heard + held_back <= sent && held_back > 0, "{heard} + {held_back} of {sent}");
    assert_eq!(running.handle().stats().bad_requests as usize, sent);
}

/// What the access log said of one exchange.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    request: String,
    status: u16,
    bytes: u64,
    whole: bool,
}

fn line(request: &str, status: u16, bytes: u64, whole: bool) -> Line {
    Line { request: request.to_owned(), status, bytes, whole }
}

type Lines = Arc<Mutex<Vec<Line>>>;

fn with_access_log(config: ServerConfig) -> (RunningServer, Lines) {
    let lines = Lines::default();
    let sink = Arc::clone(&lines);
    let server = Server::new(router()).config(config).access_log(move |record| {
        assert!(record.duration < PATIENCE);
        let request = format!("{} {}", record.request.method_str(), record.request.path());
        sink.lock().unwrap().push(line(&request, record.status, record.body_bytes, record.whole));
    });
    (server.listen("127.0.0.1:0").unwrap().bind().unwrap().start().unwrap(), lines)
}

#[test]
fn each_exchange_is_a_line_of_the_access_log() {
    let (running, lines) = with_access_log(one_worker());
    let mut client = connect(&running);
    client.get("/hi/ann");
    client.get("/hi/%2F?q=1");
    client.post("/length", b"12345");
    client.get("/nothing");
    client.get("/nowhere");
    client.post("/hi/ann", b"");
    client.get("/panic");
    client.get("/later");
    client.get("/large");
    client.send("HEAD /large HTTP/1.1\r\nHost: a\r\n\r\n");
    client.head();
    let expected = [
        line("GET /hi/ann", 200, 3, true),
        line("GET /hi/%2F", 200, 1, true),
        line("POST /length", 200, 1, true),
        line("GET /nothing", 204, 0, true),
        line("GET /nowhere", 404, 9, true),
        line("POST /hi/ann", 405, 18, true),
        line("GET /panic", 500, 21, true),
        line("GET /later", 200, 5, true),
        line("GET /large", 200, 100_000, true),
        line("HEAD /large", 200, 0, true),
    ];
    assert_eq!(*lines.lock().unwrap(), expected);
}

#[test]
fn refused_exchanges_are_lines_too() {
    let config = ServerConfig { handler_timeout: SHORT, body_timeout: SHORT, body_limit: 10, ..one_worker() };
    let (running, lines) = with_access_log(config);
    let post = "POST /length HTTP/1.1\r\nHost: a\r\n";
    for (request, status) in [
        ("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 503),
        (format!("{post}Content-Length: 5\r\n\r\nabc"), 408),
        (format!("{post}Content-Length: 11\r\n\r\n"), 413),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n"), 413),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\nrubbish\r\n"), 400),
    ] {
        let mut client = connect(&running);
        client.send(&request);
        assert_eq!(client.answer().status, status);
        client.expect_end();
    }
    let expected = [
        line("GET /hold", 503, 19, true),
        line("POST /length", 408, 15, true),
        line("POST /length", 413, 17, true),
        line("POST /length", 413, 17, true),
        line("POST /length", 400, 11, true),
    ];
    assert_eq!(*lines.lock().unwrap(), expected);
    let stats = running.handle().stats();
    assert_eq!((stats.requests, stats.answers), (5, [0, 0, 4, 1]));
}

#[test]
fn exchanges_without_an_answer_are_lines_too() {
    let (running, lines) = with_access_log(one_worker());
    let mut waiting = connect(&running);
    waiting.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut sending = connect(&running);
    sending.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc");
    wait_until("both have begun", || running.handle().stats().requests == 2);
    waiting.reset();
    wait_until("the first is gone", || running.handle().stats().open == 1);
    sending.reset();
    wait_until("the second is gone", || running.handle().stats().open == 0);
    let expected = [line("GET /hold", 0, 0, false), line("POST /length", 0, 0, false)];
    assert_eq!(*lines.lock().unwrap(), expected);
}

#[test]
fn the_counters_say_what_happened() {
    let path = socket_path();
    let server = Server::new(router()).config(workers(2)).listen("127.0.0.1:0").unwrap();
    let running =
        server.listen(&format!("unix:{}", path.display())).unwrap().bind().unwrap().start().unwrap();
    let handle = running.handle();
    assert_eq!(handle.workers(), 2);
    assert_eq!(handle.stats(), flare::server::ServerStats::default());
    let mut sent = 0;
    let mut received = 0;
    for address in running.addresses() {
        let mut client = Client::connect(address);
        for (path, status) in
            [("/hi/ann", 200), ("/moved", 301), ("/nowhere", 404), ("/panic", 500), ("/large", 200)]
        {
            let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
            client.send(&request);
            let answer = client.answer();
            assert_eq!(answer.status, status);
            sent += request.len();
            received += answer.head.len() + answer.body.len();
        }
        assert_eq!(handle.stats().open, 1);
        client.send("broken\r\n\r\n");
        let answer = client.answer();
        sent += 10;
        received += answer.head.len() + answer.body.len();
        client.expect_end();
        drop(client);
        wait_until("it is closed", || handle.stats().open == 0);
    }
    let stats = handle.stats();
    assert_eq!((stats.bytes_in, stats.bytes_out), (sent as u64, received as u64));
    let named = [
        ("accepted", 2),
        ("open", 0),
        ("requests", 10),
        ("answers_2xx", 4),
        ("answers_3xx", 2),
        ("answers_4xx", 4),
        ("answers_5xx", 2),
        ("bytes_in", stats.bytes_in),
        ("bytes_out", stats.bytes_out),
        ("bad_requests", 2),
        ("timeouts", 0),
        ("panics", 2),
        ("accept_errors", 0),
    ];
    for (name, value) in named {
        assert_eq!(stats.get(name), Some(value), "{name}");
    }
    assert_eq!(stats.get("no_such"), None);
    drop(running);
    assert_eq!(handle.stats(), stats, "the counters outlive the workers");
}
