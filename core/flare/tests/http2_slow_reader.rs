//! HTTP/2 over a socket whose client takes an answer slowly.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test wants to fail here")]

mod common;

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::{PATIENCE, one_worker, start};
use flare::message::{Pull, Source};
use flare::prelude::*;
use flare_proto::http2::{ClientConnection, Limits, RequestParts};
use flare_proto::{ContentLength, Headers};

/// Never ends, and tells of each pull.
struct Endless(Sender<()>);

impl Source for Endless {
    fn pull(&mut self, _: &Request) -> Pull {
        // Err: the test is over.
        let _ = self.0.send(());
        Pull::Data(Bytes::from_static(&[b'x'; 16 * 1024]))
    }
}

fn request(wire: &mut ClientConnection, target: &str, out: &mut Vec<u8>) {
    let headers = Headers::new();
    let parts = RequestParts {
        method: "GET",
        scheme: "http",
        authority: "a.test",
        target,
        protocol: None,
        headers: &headers,
        body: ContentLength::None,
    };
    wire.send_request(&parts, out).unwrap();
}

#[test]
fn frames_are_read_while_an_answer_waits_for_its_client() {
    let (pulled, pulls) = channel();
    let (came, comes) = channel();
    let (pulled, came) = (Mutex::new(pulled), Mutex::new(came));
    let mut router = Router::new();
    let endless = move |_: &Request| {
        Response::new(200).with_body(Body::from_source(Endless(pulled.lock().unwrap().clone())))
    };
    router.get("/endless", endless).unwrap();
    router.get("/other", move |_: &Request| came.lock().unwrap().send(()).unwrap()).unwrap();
    let server = start(router, one_worker());
    let Some(flare::Address::Ip(address)) = server.addresses().first() else { panic!("no address") };
    let mut socket = TcpStream::connect(address).unwrap();

    // Windows that are larger than all that the system keeps.
    let limits = Limits { stream_window: 1 << 30, connection_window: 1 << 30, ..Limits::default() };
    let (mut wire, mut out) = (ClientConnection::new(Arc::new(limits)), Vec::new());
    wire.start(&mut out);
    request(&mut wire, "/endless", &mut out);
    socket.write_all(&out).unwrap();
    pulls.recv_timeout(PATIENCE).unwrap();
    // Nothing is read here, so the source is asked until the system takes no more.
    while pulls.recv_timeout(Duration::from_millis(300)) != Err(RecvTimeoutError::Timeout) {}

    out.clear();
    request(&mut wire, "/other", &mut out);
    socket.write_all(&out).unwrap();
    assert_eq!(comes.recv_timeout(PATIENCE), Ok(()), "the request was not read");
}
