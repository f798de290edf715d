//! Proxies that tell whom they speak for, in front of everything else; and both ends of a connection as requests show them.
#![allow(clippy::unwrap_used)]

mod common;

use std::net::Shutdown;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{Client, one_worker, socket_path, wait_until};
use flare::log::{Level, Log};
use flare::prelude::*;
use flare::server::RunningServer;

const V1: &str = "PROXY TCP4 192.0.2.1 198.51.100.2 50000 443\r\n";
const BOTH: &str = "192.0.2.1:50000 198.51.100.2:443";

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, family], &length, body].concat()
}

/// A server that says who asks, and what its log told.
struct Told {
    running: RunningServer,
    log: Arc<Mutex<Vec<String>>>,
}

impl Told {
    fn serve(address: &str, change: impl FnOnce(&mut ServerConfig)) -> Told {
        Told::serve_all(&[address], change)
    }

    fn serve_all(addresses: &[&str], change: impl FnOnce(&mut ServerConfig)) -> Told {
        let mut router = Router::new();
        let ends = |request: &Request| format!("{} {}", request.peer(), request.local_address());
        router.get("/", ends).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let sink = move |_: Level, line: &str| lines.lock().unwrap().push(line.to_owned());
        let mut config = one_worker();
        change(&mut config);
        let server = Server::new(router).config(config).log(Log::new(Level::Warn, sink));
        let server = addresses.iter().fold(server, |server, address| server.listen(address).unwrap());
        Told { running: server.bind().unwrap().start().unwrap(), log }
    }

    /// A server whose peers on this machine are proxies.
    fn behind_proxies() -> Told {
        Told::serve("127.0.0.1:0", |config| config.proxy_protocol.from = "127.0.0.0/8".parse().unwrap())
    }

    fn connect(&self) -> Client {
        Client::connect(&self.running.addresses()[0])
    }

    fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Waits for the only line of the log.
    fn line(&self) -> String {
        wait_until("the log tells", || !self.lines().is_empty());
        let lines = self.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines[0].clone()
    }
}

#[test]
fn without_proxies_a_request_shows_the_ends_of_its_socket() {
    let told = Told::serve("127.0.0.1:0", |_| {});
    let mut client = told.connect();
    let flare_net::Stream::Tcp(stream) = &client.stream else { panic!() };
    let ends = format!("{} {}", stream.local_addr().unwrap(), stream.peer_addr().unwrap());
    assert_eq!(client.get("/").text(), ends);
    assert_eq!(client.get("/").text(), ends, "the second on a connection");

    // A header from whoever is not asked for one is a bad request.
    let mut other = told.connect();
    other.send(V1);
    other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(other.answer().status, 400);
}

#[test]
fn on_a_wildcard_address_each_connection_knows_its_own() {
    let told = Told::serve("0.0.0.0:0", |_| {});
    let flare::Address::Ip(bound) = &told.running.addresses()[0] else { panic!() };
    for host in ["127.0.0.1", "127.0.0.2"] {
        let to: std::net::SocketAddr = format!("{host}:{}", bound.port()).parse().unwrap();
        let mut client = Client::connect(&to.into());
        assert!(client.get("/").text().ends_with(&format!(" {to}")), "{to}");
    }
}

#[test]
fn two_listeners_are_told_apart_on_one_worker() {
    let told = Told::serve_all(&["127.0.0.1:0", "127.0.0.2:0"], |_| {});
    for _ in 0..3 {
        for address in told.running.addresses() {
            let mut client = Client::connect(address);
            assert!(client.get("/").text().ends_with(&format!(" {address}")), "{address}");
        }
    }
}

#[test]
fn a_unix_socket_is_its_path() {
    let path = socket_path();
    let told = Told::serve(&format!("unix:{}", path.display()), |_| {});
    assert_eq!(told.connect().get("/").text(), format!("unix: unix:{}", path.display()));
}

#[test]
fn a_header_of_each_kind_is_believed() {
    let told = Told::behind_proxies();
    let inet = [192, 0, 2, 1, 198, 51, 100, 2, 0xc3, 0x50, 0x01, 0xbb];
    let mut inet6 = [0; 36];
    (inet6[15], inet6[31], inet6[33], inet6[35]) = (1, 2, 3, 4);
    let mut unix = [0; 216];
    unix[108..118].copy_from_slice(b"/run/a.soc");
    for (header, ends) in [
        (V1.as_bytes().to_vec(), BOTH),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n".to_vec(), "[2001:db8::1]:1 [2001:db8::2]:2"),
        (v2(0x21, 0x11, &inet), BOTH),
        (v2(0x21, 0x11, &[&inet[..], &[4, 0, 1, 0]].concat()), BOTH),
        (v2(0x21, 0x21, &inet6), "[::1]:3 [::2]:4"),
        (v2(0x21, 0x31, &unix), "unix: unix:/run/a.soc"),
    ] {
        let mut client = told.connect();
        client.send(header);
        assert_eq!(client.get("/").text(), ends);
        assert_eq!(client.get("/").text(), ends, "the second on a connection");
    }
    assert!(told.lines().is_empty());
}

#[test]
fn who_speaks_for_itself_keeps_the_ends_of_its_socket() {
    let told = Told::behind_proxies();
    for header in
        [b"PROXY UNKNOWN\r\n".to_vec(), v2(0x20, 0, &[]), v2(0x21, 0, &[1, 2]), v2(0x21, 0x12, &[0; 12])]
    {
        let mut client = told.connect();
        let flare_net::Stream::Tcp(stream) = &client.stream else { panic!() };
        let ends = format!("{} {}", stream.local_addr().unwrap(), stream.peer_addr().unwrap());
        client.send(header);
        assert_eq!(client.get("/").text(), ends);
    }
}

#[test]
fn header_and_request_may_come_in_any_pieces() {
    let told = Told::behind_proxies();
    let bytes = format!("{V1}GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for at in 0..bytes.len() {
        let mut client = told.connect();
        let (first, second) = bytes.split_at(at);
        client.send(first);
        client.send(second);
        assert_eq!((client.answer().text(), client.answer().text()), (BOTH, BOTH), "split at {at}");
    }
    let mut slow = told.connect();
    for byte in bytes.as_bytes() {
        slow.send([*byte]);
    }
    assert_eq!((slow.answer().text(), slow.answer().text()), (BOTH, BOTH));
}

#[test]
fn a_missing_or_malformed_header_closes_and_is_logged() {
    for (bytes, problem) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "no PROXY header"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 x 1\r\n", "the PROXY line has a malformed port"),
    ] {
        let told = Told::behind_proxies();
        let mut client = told.connect();
        let flare_net::Stream::Tcp(stream) = &client.stream else { panic!() };
        let own = stream.local_addr().unwrap();
        client.send(bytes);
        client.expect_lost();
        assert_eq!(told.line(), format!("PROXY header refused: from {own}: {problem}"));
        let stats = told.running.handle().stats();
        assert_eq!((stats.bad_requests, stats.requests), (1, 0));
        wait_until("it is closed", || told.running.handle().stats().open == 0);
    }
}

#[test]
fn a_flood_of_bad_headers_is_logged_a_few_times() {
    let told = Told::behind_proxies();
    for _ in 0..50 {
        let mut client = told.connect();
        client.send("X");
        client.expect_lost();
    }
    assert!((1..40).contains(&told.lines().len()), "{:?}", told.lines().len());
}

#[test]
fn a_header_that_is_late_closes() {
    let told = Told::serve("127.0.0.1:0", |config| {
        config.proxy_protocol.from = "127.0.0.1".parse().unwrap();
        config.proxy_protocol.timeout = Duration::from_millis(100);
    });
    let start = Instant::now();
    let mut silent = told.connect();
    let mut half = told.connect();
    half.send("PROXY TCP4 ");
    silent.expect_lost();
    half.expect_lost();
    assert!(start.elapsed() >= Duration::from_millis(95));
    wait_until("both are closed", || told.running.handle().stats().open == 0);
    assert_eq!(told.running.handle().stats().timeouts, 2);
    assert!(told.lines().iter().all(|line| line.ends_with("it did not come in time")), "{:?}", told.lines());
}

#[test]
fn a_connection_that_ends_within_its_header_is_logged_and_an_empty_one_is_not() {
    let told = Told::behind_proxies();
    told.connect().stream.shutdown(Shutdown::Write).unwrap();
    told.connect().reset();
    let mut half = told.connect();
    half.send("PROXY ");
    half.close_write();
    half.expect_end();
    assert!(told.line().ends_with("the connection ended within it"));
    wait_until("all are closed", || told.running.handle().stats().open == 0);
    assert_eq!(told.running.handle().stats().bad_requests, 1);
}

#[test]
fn others_are_served_as_they_are_or_refused() {
    let served = Told::serve("127.0.0.1:0", |config| {
        config.proxy_protocol.from = "10.0.0.0/8, unix".parse().unwrap();
    });
    assert!(served.connect().get("/").text().starts_with("127.0.0.1:"));

    let refused = Told::serve("127.0.0.1:0", |config| {
        config.proxy_protocol.from = "10.0.0.0/8".parse().unwrap();
        config.proxy_protocol.only = true;
    });
    refused.connect().expect_lost();
    assert!(refused.line().contains("is not in proxy_protocol_from"));
    wait_until("it is closed", || refused.running.handle().stats().open == 0);
}

#[test]
fn only_the_listeners_that_are_named_ask_for_headers() {
    let path = socket_path();
    let unix = format!("unix:{}", path.display());
    let told = Told::serve_all(&["127.0.0.1:0", &unix], |config| {
        config.proxy_protocol.from = "127.0.0.1 unix".parse().unwrap();
        config.proxy_protocol.on = vec![unix.clone()];
    });
    assert!(told.connect().get("/").text().starts_with("127.0.0.1:"));
    let mut client = Client::connect(&told.running.addresses()[1]);
    client.send(V1);
    assert_eq!(client.get("/").text(), BOTH);
}

#[test]
fn a_listener_that_does_not_exist_is_named() {
    let mut config = one_worker();
    config.proxy_protocol.from = "127.0.0.1".parse().unwrap();
    config.proxy_protocol.on = vec!["127.0.0.1:1".to_owned()];
    let server = Server::new(Router::new()).config(config).listen("127.0.0.1:0").unwrap();
    let error = server.bind().err().unwrap().to_string();
    assert_eq!(error, "setting proxy_protocol_on: the server does not listen on \"127.0.0.1:1\"");
}

#[test]
fn a_drain_does_not_wait_for_headers() {
    let told = Told::behind_proxies();
    let mut client = told.connect();
    client.send("PROXY ");
    wait_until("it is there", || told.running.handle().stats().bytes_in > 0);
    let start = Instant::now();
    told.running.handle().drain(common::PATIENCE);
    client.expect_lost();
    let report = told.running.wait();
    assert!(start.elapsed() < common::PATIENCE / 2);
    assert_eq!((report.finished(), report.aborted()), (1, 0));
}

#[test]
fn the_cap_on_connections_counts_those_that_wait() {
    let told = Told::serve("127.0.0.1:0", |config| {
        config.proxy_protocol.from = "127.0.0.1".parse().unwrap();
        config.max_connections = 1;
    });
    let first = told.connect();
    let mut second = told.connect();
    second.send(V1);
    second.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_until("the first is there", || told.running.handle().stats().accepted == 1);
    first.reset();
    assert_eq!(second.answer().text(), BOTH);
}
