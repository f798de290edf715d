//! Upstreams for tests, and servers that relay them.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use flare::prelude::*;
use flare::server::RunningServer;
use flare::{Address, Upstream};

use super::{Client, PATIENCE, one_worker, start};

/// Short enough to wait for, long enough for what should be done before.
pub const SHORT: Duration = Duration::from_millis(150);
/// What a deadline may come early by: the worker's clock counts whole milliseconds.
pub const TICK: Duration = Duration::from_millis(1);
pub const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A listener for one test, on TCP.
pub fn tcp() -> (TcpListener, Address) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().into();
    (listener, address)
}

/// The connections that come, in the order they come, in a thread of their own each.
pub fn upstream(
    listener: TcpListener,
    times: usize,
    serve: impl Fn(TcpStream) + Clone + Send + 'static,
) -> JoinHandle<()> {
    thread::spawn(move || {
        let served: Vec<_> = (0..times)
            .map(|_| {
                let (stream, _) = listener.accept().unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.set_write_timeout(Some(PATIENCE)).unwrap();
                let serve = serve.clone();
                thread::spawn(move || serve(stream))
            })
            .collect();
        served.into_iter().for_each(|thread| thread.join().unwrap());
    })
}

/// A server whose `/` is answered by what this makes.
pub fn proxy(make: impl Fn(&Request) -> Upstream + Send + Sync + 'static) -> RunningServer {
    let mut router = Router::new();
    let relay = move |exchange: Exchange| {
        let upstream = make(exchange.request());
        exchange.relay(upstream).unwrap();
    };
    router.get("/", flare::later(relay)).unwrap();
    router.get("/here", |_: &Request| "here").unwrap();
    start(router, one_worker())
}

pub fn connect(running: &RunningServer) -> Client {
    Client::connect(&running.addresses()[0])
}

/// A line, without its end.
pub fn line(stream: &mut impl Read) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

/// The chunks of an answer up to its end.
pub fn chunked(client: &mut Client) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut size = Vec::new();
        while !size.ends_with(b"\r\n") {
            size.extend(client.exactly(1));
        }
        let text = std::str::from_utf8(&size).unwrap().trim_end();
        let size = usize::from_str_radix(text, 16).unwrap();
        body.extend(client.exactly(size));
        assert_eq!(client.exactly(2), b"\r\n");
        if size == 0 {
            return body;
        }
    }
}

/// The head of an answer, in lower case.
pub fn head(client: &mut Client) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.extend(client.exactly(1));
    }
    String::from_utf8(text).unwrap().to_lowercase()
}
