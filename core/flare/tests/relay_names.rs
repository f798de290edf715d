//! Upstreams by name: looked up off the worker, all addresses tried, and given up with their clients.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use common::relay::{GET, SHORT, TICK, chunked, connect, head, line, proxy, upstream};
use common::{Client, PATIENCE, wait_until};
use flare::Upstream;
use flare::connect::{HostName, Lookup, ResolveError, Resolver, ResolverOptions};
use flare::server::RunningServer;

type Found = Result<Vec<SocketAddr>, ResolveError>;

/// Says that it was asked, and answers when the test says what.
struct Told {
    asked: Mutex<Sender<()>>,
    answers: Mutex<Receiver<Found>>,
}

impl Lookup for Told {
    fn lookup(&self, _: &HostName) -> Found {
        self.asked.lock().unwrap().send(()).unwrap();
        self.answers.lock().unwrap().recv_timeout(PATIENCE).unwrap_or(Err(ResolveError::NotFound))
    }
}

/// A resolver, what it is asked, and how to answer.
fn told() -> (Resolver, Receiver<()>, Sender<Found>) {
    let ((to_asked, asked), (tell, answers)) = (channel(), channel());
    let told = Told { asked: Mutex::new(to_asked), answers: Mutex::new(answers) };
    (Resolver::new(ResolverOptions { threads: 1, ..ResolverOptions::default() }, told), asked, tell)
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// The content of an answer that comes in chunks.
fn content(client: &mut Client) -> Vec<u8> {
    head(client);
    chunked(client)
}

fn relayed(running: &RunningServer) -> Vec<u8> {
    let mut client = connect(running);
    client.send(GET);
    content(&mut client)
}

#[test]
fn a_lookup_that_takes_long_holds_up_nobody_else() {
    let (listener, address) = listener();
    let serving = upstream(listener, 1, |mut stream| {
        assert_eq!(line(&mut stream), "give");
        stream.write_all(b"at last").unwrap();
    });
    let (resolver, asked, tell) = told();
    let target = format!("upstream.example:{}", address.port());
    let running =
        proxy(move |_| Upstream::to(&target).unwrap().resolver(resolver.clone()).prologue("give\n"));
    let mut waits = connect(&running);
    waits.send(GET);
    asked.recv_timeout(PATIENCE).unwrap();
    // The only worker serves others meanwhile.
    assert_eq!(connect(&running).get("/here").text(), "here");
    tell.send(Ok(vec![address])).unwrap();
    assert_eq!(content(&mut waits), b"at last");
    serving.join().unwrap();
}

#[test]
fn all_addresses_of_a_name_are_tried() {
    let (listener, address) = listener();
    let serving = upstream(listener, 1, |mut stream| stream.write_all(b"here").unwrap());
    let dead: Vec<SocketAddr> =
        ["127.0.0.2", "[::1]"].iter().map(|host| format!("{host}:0").parse().unwrap()).collect();
    let (resolver, _asked, tell) = told();
    tell.send(Ok([dead, vec![address]].concat())).unwrap();
    let target = format!("a:{}", address.port());
    let running = proxy(move |_| Upstream::to(&target).unwrap().resolver(resolver.clone()));
    assert_eq!(relayed(&running), b"here");
    serving.join().unwrap();
}

#[test]
fn a_name_that_is_not_found_is_a_502_and_one_without_an_answer_a_504() {
    let (resolver, _asked, tell) = told();
    tell.send(Err(ResolveError::NotFound)).unwrap();
    let running =
        proxy(move |_| Upstream::to("a:1").unwrap().resolver(resolver.clone()).connect_timeout(PATIENCE));
    assert_eq!(connect(&running).get("/").status, 502);

    let (resolver, _asked, _tell) = told();
    let running =
        proxy(move |_| Upstream::to("a:1").unwrap().resolver(resolver.clone()).connect_timeout(SHORT));
    let start = Instant::now();
    let mut client = connect(&running);
    assert_eq!(client.get("/").status, 504);
    assert!(start.elapsed() >= SHORT - TICK);
    assert_eq!(client.get("/here").text(), "here");
    assert_eq!(running.handle().stats().timeouts, 1);
}

#[test]
fn a_client_that_leaves_ends_the_lookup() {
    let (resolver, asked, tell) = told();
    let (listener, address) = listener();
    let target = format!("a:{}", address.port());
    let running = proxy(move |_| Upstream::to(&target).unwrap().resolver(resolver.clone()));
    let mut client = connect(&running);
    client.send(GET);
    asked.recv_timeout(PATIENCE).unwrap();
    client.reset();
    wait_until("the connection is closed", || running.handle().stats().open == 0);
    tell.send(Ok(vec![address])).unwrap();
    // Whoever comes next finds the answer in the cache, and is the only one to connect.
    let serving = upstream(listener.try_clone().unwrap(), 1, |mut stream| stream.write_all(b"once").unwrap());
    assert_eq!(relayed(&running), b"once");
    serving.join().unwrap();
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn what_is_no_address_is_refused_at_once() {
    for text in ["", "a", "a b:1", "127.1:80", "unix:"] {
        assert!(matches!(Upstream::to(text), Err(flare::Error::Address { .. })), "{text}");
    }
}
