//! A client that resets its connection behind each byte of its request, on each wire: handlers are told, what they hold is freed, and others
//! go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flare::Body;
use flare::message::{Pull, Source};
use flare::prelude::*;

use crate::common::{Client, one_worker, start, wait_until};

/// Counts those that are alive.
pub struct Alive(Arc<AtomicUsize>);

impl Alive {
    pub fn new(count: &Arc<AtomicUsize>) -> Alive {
        count.fetch_add(1, Ordering::SeqCst);
        Alive(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A request with content, over HTTP/1.1.
pub fn http1() -> Vec<u8> {
    b"POST /all HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"
        .to_vec()
}

/// The same over HTTP/2: preface, SETTINGS, HEADERS, DATA. Written by hand, so that each byte is known.
pub fn http2() -> Vec<u8> {
    let mut out = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    // POST, http, :path /all, :authority a
    out.extend_from_slice(b"\0\0\x0b\x01\x04\0\0\0\x01\x83\x86\x04\x04/all\x01\x01a");
    out.extend_from_slice(b"\0\0\x05\0\x01\0\0\0\x01hello");
    out
}

/// An answer without end, with something behind it that has to go.
pub struct Endless(#[allow(dead_code, reason = "it is held")] pub Alive);

impl Source for Endless {
    fn pull(&mut self, _: &Request) -> Pull {
        Pull::Data(vec![b'x'; 10_000].into())
    }
}

#[test]
fn behind_every_byte_of_a_request() {
    for whole in [http1(), http2()] {
        let alive = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&alive);
        let mut router = Router::new();
        router.get("/", |_: &Request| "home").unwrap();
        let answers = Arc::new(AtomicUsize::new(0));
        let answered = Arc::clone(&answers);
        router
            .post("/all", move |_: &Request| {
                answered.fetch_add(1, Ordering::SeqCst);
                Response::new(200).with_body(Body::from_source(Endless(Alive::new(&count))))
            })
            .unwrap();
        let running = start(router, one_worker());
        let address = &running.addresses()[0];
        let mut other = Client::connect(address);
        for end in 0..=whole.len() {
            let before = running.handle().stats().bytes_in;
            let mut client = Client::connect(address);
            client.send(&whole[..end]);
            wait_until("it was read", || running.handle().stats().bytes_in >= before + end as u64);
            client.reset();
            wait_until("its connection is closed", || running.handle().stats().open == 1);
            assert_eq!(other.get("/").text(), "home", "after {end} bytes");
        }
        wait_until("nothing is held", || alive.load(Ordering::SeqCst) == 0);
        // The whole request alone is one.
        assert_eq!((answers.load(Ordering::SeqCst), running.handle().stats().panics), (1, 0));
    }
}
