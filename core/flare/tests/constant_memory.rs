//! A gibibyte each way, both ways at once, in memory that does not grow with it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test wants to fail here")]
#![allow(clippy::print_stderr, reason = "the figures are worth reading when it fails")]

mod common;
#[path = "common/memory.rs"]
mod memory;

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use bytes::Bytes;
use common::{Client, one_worker, start};
use flare::message::{Pull, Source};
use flare::prelude::*;
use flare::{Event, Flow, RouteOptions};
use flare_net::Stream;

/// How much goes each way.
const TOTAL: u64 = 1 << 30;
const BLOCK: usize = 64 * 1024;
/// The most that memory may grow.
const GROWTH: usize = 16 << 20;
/// Behind the content of an answer: how many bytes of the request's content the server found right.
const COUNT: u64 = 8;

/// Content of which no two blocks are alike: each begins with its number.
struct Content {
    block: Vec<u8>,
    number: u64,
}

impl Content {
    fn new() -> Content {
        Content { block: common::pattern(BLOCK), number: 0 }
    }

    fn next(&mut self) -> &[u8] {
        self.block[..8].copy_from_slice(&self.number.to_be_bytes());
        self.number += 1;
        &self.block
    }
}

/// Compares what comes with what should, and counts it.
struct Check {
    expected: Content,
    count: u64,
}

impl Check {
    fn new() -> Check {
        Check { expected: Content::new(), count: 0 }
    }

    fn take(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            let place = (self.count % BLOCK as u64) as usize;
            let block = if place == 0 { self.expected.next() } else { &self.expected.block };
            let (now, later) = data.split_at(data.len().min(BLOCK - place));
            assert!(block[place..place + now.len()] == *now, "wrong content about byte {}", self.count);
            self.count += now.len() as u64;
            data = later;
        }
    }
}

/// Gives the content, then the count, for which it may have to wait.
struct Counted {
    content: Content,
    left: u64,
    count: Arc<OnceLock<u64>>,
    counted: bool,
}

impl Source for Counted {
    fn length(&self) -> Option<u64> {
        Some(TOTAL + COUNT)
    }

    fn pull(&mut self, _: &Request) -> Pull {
        if let Some(left) = self.left.checked_sub(BLOCK as u64) {
            self.left = left;
            return Pull::Data(Bytes::copy_from_slice(self.content.next()));
        }
        match self.count.get() {
            _ if self.counted => Pull::End,
            None => Pull::WouldBlock,
            Some(count) => {
                self.counted = true;
                Pull::Data(Bytes::copy_from_slice(&count.to_be_bytes()))
            }
        }
    }
}

/// The request comes by reads in a thread of its own; the answer is pulled from a source.
fn reads_and_source(exchange: Exchange) {
    let count = Arc::new(OnceLock::new());
    let source = Counted { content: Content::new(), left: TOTAL, count: Arc::clone(&count), counted: false };
    exchange.answer(Response::new(200).with_body(Body::from_source(source))).unwrap();
    thread::spawn(move || {
        let mut check = Check::new();
        while let Some(data) = exchange.read_blocking().unwrap() {
            check.take(&data);
        }
        count.set(check.count).unwrap();
        exchange.request().wake();
    });
}

/// The request comes by events; the answer is written in a thread of its own.
fn events_and_writes(exchange: Exchange) {
    let (sender, count) = mpsc::channel();
    let mut check = Check::new();
    exchange.on_event(move |event| {
        match event {
            Event::Data(data) => check.take(data),
            Event::End => sender.send(check.count).unwrap(),
            _ => {}
        }
        Flow::Continue
    });
    thread::spawn(move || {
        let length = (TOTAL + COUNT).to_string();
        exchange.draft(|answer| answer.headers_mut().set("content-length", &length)).unwrap().unwrap();
        let mut content = Content::new();
        for _ in 0..TOTAL / BLOCK as u64 {
            exchange.write_blocking(Bytes::copy_from_slice(content.next())).unwrap();
        }
        exchange.write_blocking(count.recv().unwrap().to_be_bytes().to_vec()).unwrap();
        exchange.finish().unwrap();
    });
}

/// The most memory that was seen, by anyone who looks now and then.
#[derive(Default)]
struct Most(AtomicUsize);

impl Most {
    fn look(&self, block: u64) {
        if block.is_multiple_of(256) {
            self.0.fetch_max(memory::resident().unwrap_or_default(), Ordering::Relaxed);
        }
    }
}

fn send_all(stream: &mut Stream, most: &Most) {
    let mut content = Content::new();
    for block in 0..TOTAL / BLOCK as u64 {
        most.look(block);
        stream.write_all(content.next()).unwrap();
    }
}

fn receive_all(stream: &mut Stream, most: &Most) {
    let mut check = Check::new();
    let mut buffer = vec![0; BLOCK];
    for block in 0..TOTAL / BLOCK as u64 {
        most.look(block);
        stream.read_exact(&mut buffer).unwrap();
        check.take(&buffer);
    }
    let mut count = [0; COUNT as usize];
    stream.read_exact(&mut count).unwrap();
    assert_eq!(u64::from_be_bytes(count), TOTAL, "not all of the request came");
}

fn both_ways(name: &str, handler: fn(Exchange)) {
    let mut router = Router::new();
    let options = RouteOptions::default().streaming().body_limit(TOTAL);
    router.add_with("POST", "/", options, flare::later(handler)).unwrap();
    router.get("/", |_: &Request| "still here").unwrap();
    let server = start(router, one_worker());
    let mut client = Client::connect(&server.addresses()[0]);
    let before = memory::resident();
    let most = Most::default();
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", TOTAL));
    let mut sending = client.stream.try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| send_all(&mut sending, &most));
        let head = head(&mut client.stream);
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", TOTAL + COUNT)), "{head}");
        receive_all(&mut client.stream, &most);
    });
    assert_eq!(client.get("/").text(), "still here");
    let most = most.0.into_inner();
    eprintln!("{name}: resident {before:?}, at most {most}");
    if let Some(before) = before {
        assert!(most < before + GROWTH, "{name}: from {before} to {most} bytes");
    }
}

/// A head, in lower case, and not a byte more.
fn head(stream: &mut Stream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head).unwrap().to_lowercase()
}

/// One after the other, because both look at the same memory.
#[test]
fn a_gibibyte_each_way() {
    both_ways("reads and a source", reads_and_source);
    both_ways("events and writes", events_and_writes);
}
