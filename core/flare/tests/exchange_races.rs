//! Exchanges that are answered, written, read and given up by other threads, in an order that differs each time.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test wants to fail here")]

mod common;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use common::{Client, PATIENCE, one_worker, start};
use flare::prelude::*;
use flare::testing::TestClient;
use flare::{Address, AnswerError, CancelReason, RouteOptions};

const THREADS: usize = 4;
const CLIENTS: usize = 4;
/// Exchanges of each client.
const EXCHANGES: usize = 1000;

/// A number below `most`, other ones in each run.
struct Dice(RandomState, u64);

impl Dice {
    fn new() -> Dice {
        Dice(RandomState::new(), 0)
    }

    fn below(&mut self, most: u64) -> u64 {
        let mut hasher = self.0.build_hasher();
        self.1 += 1;
        hasher.write_u64(self.1);
        hasher.finish() % most
    }
}

/// The parts of an answer: its name, many times, so that a part in the wrong place or exchange shows.
fn parts(name: &str) -> Vec<String> {
    (0..1 + name.len() % 7).map(|part| format!("{name}.{part};")).collect()
}

/// Answers one exchange in one of the ways there are, after reading what it was sent. Says its name.
fn serve(exchange: &Exchange, dice: &mut Dice) -> Result<String, AnswerError> {
    let mut name = Vec::new();
    while let Some(data) = exchange.read_blocking()? {
        name.extend_from_slice(&data);
    }
    let name = String::from_utf8(name).unwrap();
    let whole = parts(&name).concat();
    match dice.below(3) {
        0 => exchange.answer(whole)?,
        1 => {
            let length = whole.len().to_string();
            exchange.draft(|answer| answer.headers_mut().set("content-length", &length))?.unwrap();
            parts(&name).into_iter().try_for_each(|part| exchange.write_blocking(part))?;
            exchange.finish()?;
        }
        _ => {
            exchange.draft(|answer| answer.body_mut().copy_from(whole.as_bytes()))?;
            exchange.finish()?;
        }
    }
    Ok(name)
}

/// What became of all exchanges.
#[derive(Default)]
struct Served {
    names: Vec<String>,
    left: usize,
}

fn serve_all(queue: &Mutex<Receiver<Exchange>>, served: &Mutex<Served>) {
    let mut dice = Dice::new();
    loop {
        let Ok(exchange) = queue.lock().unwrap().recv() else { return };
        let result = serve(&exchange, &mut dice);
        let mut served = served.lock().unwrap();
        match result {
            Ok(name) => served.names.push(name),
            Err(AnswerError::Cancelled(CancelReason::PeerGone)) => served.left += 1,
            Err(other) => panic!("{other}"),
        }
    }
}

/// Asks many times, in pieces, and leaves in the middle of some. Says the names of what was asked whole, and how often it left.
fn ask_all(address: &Address, number: usize) -> (Vec<String>, usize) {
    let mut dice = Dice::new();
    let mut client = Client::connect(address);
    let (mut names, mut left) = (Vec::new(), 0);
    for exchange in 0..EXCHANGES {
        let name = format!("{number}-{exchange}-{}", "x".repeat(dice.below(50) as usize));
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", name.len()));
        let (first, second) = name.split_at(dice.below(name.len() as u64) as usize);
        client.send(first);
        if dice.below(10) == 0 {
            client = Client::connect(address);
            left += 1;
            continue;
        }
        client.send(second);
        assert_eq!(client.answer().text(), parts(&name).concat());
        names.push(name);
    }
    (names, left)
}

#[test]
fn everything_is_answered_once_and_in_order() {
    let (sender, queue) = channel();
    let sender = Mutex::new(sender);
    let handler = flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap());
    let mut router = Router::new();
    router.add_with("POST", "/", RouteOptions::default().streaming(), handler).unwrap();
    let server = start(router, one_worker());
    let (queue, served) = (Arc::new(Mutex::new(queue)), Arc::new(Mutex::new(Served::default())));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (queue, served) = (Arc::clone(&queue), Arc::clone(&served));
            thread::spawn(move || serve_all(&queue, &served))
        })
        .collect();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let address = server.addresses()[0].clone();
            thread::spawn(move || ask_all(&address, number))
        })
        .collect();
    let (mut asked, mut left) = (Vec::new(), 0);
    for client in clients {
        let (names, times) = client.join().unwrap();
        asked.extend(names);
        left += times;
    }
    server.handle().drain(PATIENCE);
    assert_eq!(server.wait().aborted(), 0);
    // The server is gone, and with it the queue's other end: the threads end.
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let mut served = served.lock().unwrap();
    asked.sort();
    served.names.sort();
    assert!(served.names == asked, "{} asked, {} served", asked.len(), served.names.len());
    assert_eq!(served.left, left);
}

#[test]
fn who_reads_after_an_answer_that_was_given_in_the_call_does_not_wait() {
    let (sender, kept) = channel();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    let handler = flare::later(move |exchange: Exchange| {
        exchange.answer("enough").unwrap();
        sender.lock().unwrap().send(exchange).unwrap();
    });
    router.add_with("POST", "/", RouteOptions::default().streaming(), handler).unwrap();
    let client = TestClient::new(router);
    let mut connection = client.connect();
    connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    let exchange = kept.try_recv().unwrap();
    let (sender, read) = channel();
    thread::spawn(move || sender.send(exchange.read_blocking()).unwrap());
    assert_eq!(read.recv_timeout(PATIENCE), Ok(Err(AnswerError::Answered)));
}
