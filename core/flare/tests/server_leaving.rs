//! Clients that leave: half closes, resets at every phase, and what the holder of an exchange learns.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};

use bytes::Bytes;
use common::{Client, PATIENCE, on_ring, one_worker, socket_path, start, wait_until};
use flare::prelude::*;
use flare::server::RunningServer;
use flare::{Address, AnswerError, CancelReason};

/// How many copies of the huge content are alive.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

struct Huge(Vec<u8>);

impl Huge {
    fn content() -> Bytes {
        ALIVE.fetch_add(1, Ordering::SeqCst);
        Bytes::from_owner(Huge(vec![b'x'; 32 << 20]))
    }
}

impl AsRef<[u8]> for Huge {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Huge {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

fn router() -> (Router, Receiver<Exchange>) {
    let (sender, held) = mpsc::channel();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    router.post("/length", |request: &Request| request.body().len().to_string()).unwrap();
    router.get("/huge", |_: &Request| Huge::content()).unwrap();
    router
        .get("/hold", flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap()))
        .unwrap();
    (router, held)
}

fn server() -> (RunningServer, Receiver<Exchange>) {
    let (router, held) = router();
    (start(router, ServerConfig { body_limit: 1000, ..one_worker() }), held)
}

fn connect(running: &RunningServer) -> Client {
    Client::connect(&running.addresses()[0])
}

fn all_gone(running: &RunningServer) {
    wait_until("the connection is closed", || running.handle().stats().open == 0);
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HOLD: &str = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_half_closed_client_gets_all_its_answers() {
    let (running, _held) = server();
    let mut client = connect(&running);
    client.send(GET.repeat(100));
    client.close_write();
    for _ in 0..100 {
        assert_eq!(client.answer().text(), "home");
    }
    client.expect_end();
    all_gone(&running);
}

#[test]
fn a_half_closed_client_is_waited_for() {
    let (running, held) = server();
    let mut client = connect(&running);
    client.send(format!("{HOLD}{GET}"));
    client.close_write();
    let exchange = held.recv_timeout(PATIENCE).unwrap();
    assert_eq!(exchange.request().cancelled(), None);
    assert_eq!(exchange.answer("here"), Ok(()));
    assert_eq!((client.answer().text(), client.answer().text()), ("here", "home"));
    client.expect_end();
    all_gone(&running);
}

#[test]
fn a_request_that_is_cut_short_is_never_answered_as_if_it_were_whole() {
    for part in [
        "",
        "GET",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe",
    ] {
        let (running, _held) = server();
        let mut client = connect(&running);
        client.send(GET);
        client.send(part);
        client.close_write();
        assert_eq!(client.answer().text(), "home");
        client.expect_end();
        all_gone(&running);
        let stats = running.handle().stats();
        assert_eq!(stats.answers[0], 1, "{part:?}");
    }
}

#[test]
fn the_holder_of_an_exchange_learns_that_the_client_is_gone() {
    let (running, held) = server();
    let mut client = connect(&running);
    client.send(HOLD);
    let exchange = held.recv_timeout(PATIENCE).unwrap();
    let request = exchange.request().clone();
    assert_eq!(request.cancelled(), None);
    client.reset();
    wait_until("the holder learns it", || request.cancelled().is_some());
    assert_eq!(request.cancelled(), Some(CancelReason::PeerGone));
    assert_eq!(exchange.answer("nobody"), Err(AnswerError::Cancelled(CancelReason::PeerGone)));
    // What it was asked stays readable.
    assert_eq!((request.path(), request.header("host")), ("/hold", Some("a")));
    all_gone(&running);
}

#[test]
fn an_answer_to_a_client_that_closed_is_dropped() {
    // A closed client can't be told from a half-closed one until something is sent to it.
    let path = socket_path();
    let (router, held) = router();
    let server = Server::new(router).config(one_worker()).listen("127.0.0.1:0").unwrap();
    let running =
        server.listen(&format!("unix:{}", path.display())).unwrap().bind().unwrap().start().unwrap();
    for address in running.addresses() {
        let mut client = Client::connect(address);
        client.send(HOLD);
        let exchange = held.recv_timeout(PATIENCE).unwrap();
        drop(client);
        exchange.respond("nobody");
        all_gone(&running);
    }
}

#[test]
fn resets_at_every_phase_end_the_connection_and_nothing_else() {
    let (running, held) = server();
    let mut other = connect(&running);
    assert_eq!(other.get("/").text(), "home");
    let open_is = |count| wait_until("the connection is closed", || running.handle().stats().open == count);
    let post = |length: usize, sent: &str| {
        format!("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{sent}")
    };
    let phases = [
        ("before a request", String::new(), 0),
        ("in a head", "GET / HTTP/1.1\r\nHo".to_owned(), 0),
        ("in collected content", post(900, "abc"), 0),
        ("idle", GET.to_owned(), 1),
        ("in the second head", format!("{GET}GET"), 1),
        (
            "while content is dropped",
            "POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nabc".to_owned(),
            1,
        ),
        ("while the server lingers", post(100_000, "abc"), 1),
        ("in an answer", "GET /huge HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 0),
        ("while requests wait", format!("GET /huge HTTP/1.1\r\nHost: a\r\n\r\n{}", GET.repeat(1000)), 0),
    ];
    for (phase, sent, answers) in phases {
        let before = running.handle().stats();
        let mut client = connect(&running);
        client.send(&sent);
        for _ in 0..answers {
            client.answer();
        }
        wait_until("the server has read it", || {
            let stats = running.handle().stats();
            // Of requests that wait, maybe not all.
            stats.bytes_in - before.bytes_in >= sent.len().min(100) as u64
                && stats.accepted == before.accepted + 1
        });
        client.reset();
        open_is(1);
        assert_eq!(other.get("/").text(), "home", "after a reset {phase}");
    }
    let mut client = connect(&running);
    client.send(format!("{HOLD}{GET}"));
    let exchange = held.recv_timeout(PATIENCE).unwrap();
    client.reset();
    open_is(1);
    assert!(exchange.answer("nobody").is_err());
    assert_eq!(other.get("/").text(), "home");
    wait_until("the content of cut answers is free", || ALIVE.load(Ordering::SeqCst) == 0);
    let stats = running.handle().stats();
    assert_eq!((stats.panics, stats.open), (0, 1));
}

#[test]
fn a_forgotten_exchange_is_answered() {
    let (running, held) = server();
    let mut client = connect(&running);
    client.send(HOLD);
    drop(held.recv_timeout(PATIENCE).unwrap());
    assert_eq!(client.answer().status, 500);
    assert_eq!(client.get("/").text(), "home", "the connection goes on");
}

#[test]
fn a_thousand_clients_come_and_go() {
    let (running, _held) = server();
    for n in 0..1000 {
        let mut client = connect(&running);
        match n % 4 {
            0 => {}
            1 => client.send("GET /"),
            2 => client.send(GET),
            _ => {
                client.send(GET);
                client.reset();
            }
        }
    }
    let handle = running.handle();
    // io_uring does not tell of those that were reset before the worker could ask for their address.
    let told = if on_ring() { 750 } else { 1000 };
    wait_until("all are gone", || handle.stats().accepted >= told && handle.stats().open == 0);
    assert_eq!(connect(&running).get("/").text(), "home");
}

#[test]
fn a_cut_answer_without_a_length_is_reset_so_that_it_does_not_look_whole() {
    use std::io::{Read, Write};
    use std::sync::atomic::AtomicBool;

    static SEEN: AtomicBool = AtomicBool::new(false);
    let mut router = Router::new();
    let cut = flare::later(|exchange: Exchange| {
        exchange.write("half of it").unwrap();
        // Cut when the first half has left: from a thread, behind a client that has it.
        std::thread::spawn(move || {
            wait_until("the half was seen", || SEEN.load(Ordering::Acquire));
            exchange.reset();
        });
    });
    router.get("/cut", cut).unwrap();
    let running = start(router, one_worker());
    let Address::Ip(address) = running.addresses()[0] else { panic!("not TCP") };
    let mut client = std::net::TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(b"GET /cut HTTP/1.0\r\n\r\n").unwrap();
    let mut got = Vec::new();
    let mut room = [0; 4096];
    while !got.ends_with(b"half of it") {
        let count = client.read(&mut room).unwrap();
        assert!(count > 0, "ended before its first half");
        got.extend_from_slice(&room[..count]);
    }
    SEEN.store(true, Ordering::Release);
    let end = client.read(&mut room).unwrap_err();
    assert_eq!(end.kind(), std::io::ErrorKind::ConnectionReset);
}
