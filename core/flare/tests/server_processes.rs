//! What concerns a whole process: signals, and running out of descriptors. The server runs in a child of this test.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use common::{Client, PATIENCE, one_worker, start, wait_until};
use flare::prelude::*;
use flare::{Address, ServerHandle};

/// Tells this program that it is the child.
const CHILD: &str = "FLARE_TEST_SERVER_CHILD";
/// Its `drain_timeout`, in milliseconds.
const DRAIN: &str = "FLARE_TEST_SERVER_DRAIN_MS";

/// In the child: a server that tells its address and, when it was drained by signals, how that went.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    static HANDLE: OnceLock<ServerHandle> = OnceLock::new();
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    router
        .get("/accept_errors", |_: &Request| HANDLE.get().unwrap().stats().accept_errors.to_string())
        .unwrap();
    router.get("/hold", flare::later(std::mem::forget)).unwrap();
    let mut config = one_worker();
    if let Some(text) = std::env::var_os(DRAIN) {
        config.drain_timeout = Duration::from_millis(text.to_str().unwrap().parse().unwrap());
    }
    let running = start(router, config);
    HANDLE.set(running.handle()).unwrap();
    let signals = running.handle().drain_on_signals().unwrap();
    // The standard output is full of the test harness's own lines.
    eprintln!("address {}", running.addresses()[0]);
    let report = running.wait();
    eprintln!("finished {} aborted {}", report.finished(), report.aborted());
    drop(signals);
}

struct Server {
    process: Child,
    lines: Lines<BufReader<ChildStderr>>,
    address: Address,
}

impl Server {
    /// Runs the child; `limits` are commands of the shell that run before.
    fn run(limits: &str) -> Server {
        let mut process = Command::new("sh")
            .arg("-c")
            .arg(format!("{limits} exec \"$0\" --exact child --nocapture --test-threads=1"))
            .arg(std::env::current_exe().unwrap())
            .env(CHILD, "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = next(&mut lines, "address ");
        let address = flare_net::resolve(&address).unwrap().remove(0);
        Server { process, lines, address }
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.process.id());
        assert!(Command::new("sh").arg("-c").arg(kill).status().unwrap().success());
    }

    fn connect(&self) -> Client {
        Client::connect(&self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Err: it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The rest of the next line that begins like this.
fn next(lines: &mut Lines<BufReader<ChildStderr>>, begin: &str) -> String {
    for line in lines {
        if let Some(rest) = line.unwrap().strip_prefix(begin) {
            return rest.to_owned();
        }
    }
    String::new()
}

#[test]
fn a_signal_drains_and_a_second_one_cuts() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::run("");
        let mut idle = server.connect();
        assert_eq!(idle.get("/").status, 200);
        let mut busy = server.connect();
        busy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
        // A request that came later is answered: so the one before has reached its handler.
        assert_eq!(server.connect().get("/").status, 200);
        server.signal(signal);
        idle.expect_end();
        assert!(flare_net::Stream::connect(&server.address).is_err(), "somebody still listens");
        server.signal(signal);
        busy.expect_lost();
        let report = next(&mut server.lines, "finished ");
        assert!(report.ends_with(" aborted 1"), "{report:?}");
        assert!(server.process.wait().unwrap().success());
    }
}

#[test]
fn the_drain_of_a_signal_has_a_deadline() {
    let mut server = Server::run(&format!("export {DRAIN}=100;"));
    let mut busy = server.connect();
    busy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(server.connect().get("/").status, 200);
    server.signal("TERM");
    busy.expect_lost();
    let report = next(&mut server.lines, "finished ");
    assert!(report.ends_with(" aborted 1"), "{report:?}");
    assert!(server.process.wait().unwrap().success());
}

#[test]
fn a_server_without_work_ends_at_the_first_signal() {
    let mut server = Server::run("");
    let start = Instant::now();
    server.signal("TERM");
    assert!(server.process.wait().unwrap().success());
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn without_descriptors_the_server_waits_and_recovers() {
    let server = Server::run("ulimit -n 40;");
    let mut first = server.connect();
    assert_eq!(first.get("/").status, 200);
    let mut clients: Vec<_> = (0..100).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    let errors = |client: &mut Client| client.get("/accept_errors").text().parse::<u64>().unwrap();
    wait_until("it runs out", || errors(&mut first) > 0);
    // It tries again from time to time, and has time for those who are there.
    let (before, start) = (errors(&mut first), Instant::now());
    while start.elapsed() < Duration::from_millis(500) {
        assert_eq!(first.get("/").status, 200);
    }
    let tried = errors(&mut first) - before;
    assert!((2..=10).contains(&tried), "{tried} tries in {:?}", start.elapsed());
    // Each one that leaves makes room for one that waits: nobody was lost.
    for mut client in clients {
        assert_eq!(client.answer().text(), "home");
    }
    assert_eq!(first.get("/").status, 200);
}
