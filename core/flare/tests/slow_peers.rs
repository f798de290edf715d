//! A thousand clients that read, and a thousand that write, a byte each 100 ms, beside one that does not.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test wants to fail here")]
#![allow(clippy::print_stderr, reason = "the figures are worth reading when it fails")]

mod common;
#[path = "common/memory.rs"]
mod memory;

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Client, PATIENCE, on_ring, wait_until, workers};
use flare::message::{Pull, Source};
use flare::prelude::*;
use flare::{Address, Event, Flow, RouteOptions};
use flare_net::Stream;

const READERS: usize = 1000;
const WRITERS: usize = 1000;
/// Two for each slow connection, both ends being here, and some for everything else.
const DESCRIPTORS: u64 = 2 * (READERS + WRITERS) as u64 + 200;
/// What the slow ones take between two bytes.
const STEP: Duration = Duration::from_millis(100);
/// How many bytes they get to, at least.
const STEPS: usize = 30;
/// And at most: none of them is done before all who are quick were served.
const MOST_STEPS: usize = CONTENT - 1;
/// How many answers the quick client gets meanwhile, at least.
const ANSWERS: usize = 100;
/// Far longer than all of it takes: nobody is served because another one's time was up.
const LIMIT: Duration = Duration::from_secs(3600);
/// What 2,000 connections may take beside the kernel's part, their clients here included.
const ALL_PEERS: usize = 16 << 20;
/// What memory may waver by while nothing but slow bytes come and go.
const FLAT: usize = 4 << 20;

const PIECE: usize = 64 * 1024;
/// More than the kernel and the server hold together for one client, so that the source has to wait.
const PIECES: usize = 12;
/// The content of a slow request.
const CONTENT: usize = 300;

static ZEROS: [u8; PIECE] = [0; PIECE];

/// Content that is there in memory once, however many read it.
struct Pieces {
    left: usize,
    ended: Arc<AtomicUsize>,
}

impl Source for Pieces {
    fn length(&self) -> Option<u64> {
        Some((PIECES * PIECE) as u64)
    }

    fn pull(&mut self, _: &Request) -> Pull {
        if self.left == 0 {
            return Pull::End;
        }
        self.left -= 1;
        if self.left == 0 {
            self.ended.fetch_add(1, Ordering::Relaxed);
        }
        Pull::Data(Bytes::from_static(&ZEROS))
    }
}

fn router(ended: &Arc<AtomicUsize>) -> Router {
    let ended = Arc::clone(ended);
    let mut router = Router::new();
    router.get("/", |_: &Request| "hello").unwrap();
    let long = move |_: &Request| {
        let source = Pieces { left: PIECES, ended: Arc::clone(&ended) };
        Response::new(200).with_body(Body::from_source(source))
    };
    router.get("/long", long).unwrap();
    let sum = flare::later(|exchange: Exchange| {
        let mut sum = 0;
        exchange.drive(move |exchange, event| {
            match event {
                Event::Data(data) => sum += data.iter().map(|&byte| u32::from(byte)).sum::<u32>(),
                Event::End => exchange.answer(sum.to_string()).unwrap(),
                _ => {}
            }
            Flow::Continue
        });
    });
    router.add_with("POST", "/sum", RouteOptions::default().streaming(), sum).unwrap();
    router
}

fn connect(address: &Address) -> Stream {
    Client::connect(address).stream
}

fn set_waiting(stream: &Stream, waits: bool) {
    socket2::SockRef::from(stream).set_nonblocking(!waits).unwrap();
}

/// What the server still sends, up to a clean end.
fn rest(stream: &mut Stream) -> Vec<u8> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    rest
}

struct SlowReader {
    stream: Stream,
    received: Vec<u8>,
}

impl SlowReader {
    fn connect(address: &Address) -> SlowReader {
        let mut stream = connect(address);
        stream.write_all(b"GET /long HTTP/1.1\r\nHost: slow\r\nConnection: close\r\n\r\n").unwrap();
        SlowReader { stream, received: Vec::new() }
    }

    fn step(&mut self) {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).expect("a slow reader has to wait, or was cut");
        self.received.extend(byte);
    }

    /// In a hurry at last: the whole answer must have come.
    fn end(mut self) {
        self.received.append(&mut rest(&mut self.stream));
        let (head, content) = self.received.split_at(self.received.len() - PIECES * PIECE);
        let head = std::str::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
        assert!(content.chunks(PIECE).all(|piece| piece == ZEROS));
    }
}

struct SlowWriter {
    stream: Stream,
    message: Vec<u8>,
    sent: usize,
    sum: u32,
}

impl SlowWriter {
    /// Half of them are slow from their first byte on, half of them within the content.
    fn connect(address: &Address, number: usize) -> SlowWriter {
        let head = format!(
            "POST /sum HTTP/1.1\r\nHost: slow\r\nConnection: close\r\nContent-Length: {CONTENT}\r\n\r\n"
        );
        let content: Vec<u8> = (number..number + CONTENT).map(|byte| byte as u8).collect();
        let sum = content.iter().map(|&byte| u32::from(byte)).sum();
        let at_once = if number.is_multiple_of(2) { head.len() } else { 0 };
        let mut stream = connect(address);
        stream.write_all(&head.as_bytes()[..at_once]).unwrap();
        SlowWriter { stream, message: [head.as_bytes(), &content].concat(), sent: at_once, sum }
    }

    fn step(&mut self) {
        let next = &self.message[self.sent..=self.sent];
        self.sent += self.stream.write(next).expect("a slow writer was cut");
        let early = self.stream.read(&mut [0]);
        assert!(early.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "answered early");
    }

    fn end(mut self) {
        set_waiting(&self.stream, true);
        self.stream.write_all(&self.message[self.sent..]).unwrap();
        let answer = String::from_utf8(rest(&mut self.stream)).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{}", self.sum)), "{answer}");
    }
}

/// All slow peers, driven by one thread.
struct Slow {
    readers: Vec<SlowReader>,
    writers: Vec<SlowWriter>,
}

impl Slow {
    fn connect(unix: &Address, tcp: &Address) -> Slow {
        // The kernel takes a fixed amount for a reader on a Unix socket; on TCP over loopback it takes megabytes.
        let readers: Vec<_> = (0..READERS).map(|_| SlowReader::connect(unix)).collect();
        let writers: Vec<_> = (0..WRITERS).map(|number| SlowWriter::connect(tcp, number)).collect();
        writers.iter().for_each(|writer| set_waiting(&writer.stream, false));
        Slow { readers, writers }
    }

    fn step(&mut self, progress: &Progress) {
        self.readers.iter_mut().for_each(SlowReader::step);
        self.writers.iter_mut().for_each(SlowWriter::step);
        progress.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// Byte by byte until both sides have come far enough, but never to the end.
    fn go_on(&mut self, progress: &Progress) {
        while !progress.is_done() {
            thread::sleep(STEP);
            if progress.steps.load(Ordering::Relaxed) < MOST_STEPS {
                self.step(progress);
            }
        }
    }
}

/// How far both sides are. Each goes on until the other has come far enough.
#[derive(Default)]
struct Progress {
    steps: AtomicUsize,
    answers: AtomicUsize,
}

impl Progress {
    fn is_done(&self) -> bool {
        self.steps.load(Ordering::Relaxed) >= STEPS && self.answers.load(Ordering::Relaxed) >= ANSWERS
    }
}

/// The slowest answer of those that a quick client got while the others were slow. Each of them came, and no slow one was done before.
fn ask_beside(driver: &JoinHandle<Slow>, address: &Address, progress: &Progress) -> Duration {
    let mut slowest = Duration::ZERO;
    let mut client = Client::connect(address);
    while !progress.is_done() && !driver.is_finished() {
        let asked = Instant::now();
        if progress.answers.load(Ordering::Relaxed).is_multiple_of(10) {
            client = Client::connect(address);
        }
        assert_eq!(client.get("/").text(), "hello");
        progress.answers.fetch_add(1, Ordering::Relaxed);
        slowest = slowest.max(asked.elapsed());
        // So that the server, and not this client, has the cores.
        thread::yield_now();
    }
    slowest
}

#[test]
fn others_are_unharmed_and_memory_is_flat() {
    if on_ring() {
        // The memory is that of the process, in which other tests run.
        return;
    }
    let limit = flare_net::raise_descriptor_limit().unwrap();
    if limit < DESCRIPTORS {
        return eprintln!("skipped: needs {DESCRIPTORS} descriptors, and this process may have {limit}");
    }
    let ended = Arc::new(AtomicUsize::new(0));
    let path = common::socket_path();
    let config = ServerConfig {
        head_timeout: LIMIT,
        body_timeout: LIMIT,
        handler_timeout: LIMIT,
        stream_timeout: LIMIT,
        write_timeout: LIMIT,
        ..workers(2)
    };
    let server = Server::new(router(&ended)).config(config).listen("127.0.0.1:0").unwrap();
    let server = server.listen(&format!("unix:{}", path.display())).unwrap().bind().unwrap().start().unwrap();
    let [tcp, unix] = [server.addresses()[0].clone(), server.addresses()[1].clone()];
    let handle = server.handle();

    let before = memory::resident();
    let mut slow = Slow::connect(&unix, &tcp);
    wait_until("all are there", || handle.stats().open == (READERS + WRITERS) as u64);
    let progress = Arc::new(Progress::default());
    // Each reader has the begin of its answer then, so all that they take is there.
    slow.step(&progress);
    let loaded = memory::resident();

    let driver = {
        let progress = Arc::clone(&progress);
        thread::spawn(move || {
            slow.go_on(&progress);
            slow
        })
    };
    let slowest = ask_beside(&driver, &tcp, &progress);
    let slow = driver.join().unwrap();
    let after = memory::resident();

    let [steps, answers] = [&progress.steps, &progress.answers].map(|count| count.load(Ordering::Relaxed));
    eprintln!(
        "{answers} answers in {steps} steps, the slowest after {slowest:?}; resident {before:?} {loaded:?} {after:?}"
    );
    if let (Some(before), Some(loaded), Some(after)) = (before, loaded, after) {
        assert!(loaded < before + ALL_PEERS, "{before} to {loaded} bytes for {} peers", READERS + WRITERS);
        assert!(after < loaded + FLAT, "{loaded} to {after} bytes while they were slow");
    }
    assert_eq!(ended.load(Ordering::Relaxed), 0, "content was made that nobody had room for");
    assert_eq!(handle.stats().timeouts, 0);

    slow.readers.into_iter().for_each(SlowReader::end);
    slow.writers.into_iter().for_each(SlowWriter::end);
    assert_eq!(ended.load(Ordering::Relaxed), READERS);
    wait_until("all are gone", || handle.stats().open <= 1);
    handle.drain(PATIENCE);
    assert_eq!(server.wait().aborted(), 0);
    assert!(!path.exists() || std::fs::remove_file(path).is_ok());
}
