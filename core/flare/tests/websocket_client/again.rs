//! Opening in several attempts.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use flare::websocket::client::{Backoff, Event, OpenFailure, Opener, Options};

use super::messages::next;
use super::peer::{accept, read_head, serving_each};

const SHORT: Duration = Duration::from_millis(40);

fn backoff(attempts: u32) -> Backoff {
    Backoff::default().with_waits(SHORT, 2 * SHORT).with_attempts(attempts)
}

#[test]
fn a_server_that_comes_back_is_found() {
    let (uri, threads) = serving_each(vec![
        Box::new(drop),
        Box::new(|mut stream| {
            read_head(&mut stream);
            stream.write_all(b"HTTP/1.1 503 Not yet\r\nContent-Length: 0\r\n\r\n").unwrap();
        }),
        Box::new(|mut stream| {
            accept(&mut stream);
            stream.write_all(b"\x81\x05hello").unwrap();
        }),
    ]);
    let opener = Opener::new(Options::default()).unwrap();
    let begun = Instant::now();
    let opening = opener.begin_again(&uri, &backoff(5)).unwrap();
    let socket = loop {
        if let Some(socket) = opening.wait(None).unwrap() {
            break socket;
        }
    };
    assert_eq!(opening.failed_attempts(), 2);
    // At least half of each wait.
    assert!(begun.elapsed() >= SHORT / 2 + SHORT);
    assert_eq!(next(&socket), Event::Text("hello".to_owned()));
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn attempts_are_counted() {
    let (uri, threads) = serving_each(vec![Box::new(drop), Box::new(drop), Box::new(drop)]);
    let error = Opener::new(Options::default()).unwrap().open_again(&uri, &backoff(3)).unwrap_err();
    assert!(matches!(error.failure(), OpenFailure::Exchange(_)), "{error}");
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_server_that_asks_for_time_gets_it() {
    let busy = |stream: &mut std::net::TcpStream| {
        read_head(stream);
        stream.write_all(b"HTTP/1.1 503 No\r\nRetry-After: 1000\r\nContent-Length: 0\r\n\r\n").unwrap();
    };
    let (uri, threads) = serving_each(vec![
        Box::new(move |mut stream| busy(&mut stream)),
        Box::new(move |mut stream| busy(&mut stream)),
    ]);
    // As long as the longest wait, and no longer.
    let backoff = Backoff::default().with_waits(Duration::ZERO, 3 * SHORT).with_attempts(2);
    let begun = Instant::now();
    let error = Opener::new(Options::default()).unwrap().open_again(&uri, &backoff).unwrap_err();
    assert!(begun.elapsed() >= 3 * SHORT - Duration::from_millis(1));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1000)));
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn what_is_wrong_in_itself_is_not_tried_again() {
    let (uri, threads) = serving_each(vec![Box::new(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n").unwrap();
    })]);
    let error = Opener::new(Options::default()).unwrap().open_again(&uri, &backoff(9)).unwrap_err();
    assert_eq!(error.refusal().unwrap().response.status, 401);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_wait_can_be_cancelled() {
    // Nobody listens there any more.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let long = Duration::from_secs(1000);
    let backoff = Backoff::default().with_waits(long, long).with_wait_first();
    let opener = Opener::new(Options::default()).unwrap();
    let opening = Arc::new(opener.begin_again(&format!("ws://{address}/"), &backoff).unwrap());
    let waiting = Arc::clone(&opening);
    let thread = thread::spawn(move || waiting.wait(None).unwrap_err());
    opening.cancel();
    assert!(matches!(thread.join().unwrap().failure(), OpenFailure::Cancelled));
    assert_eq!(opening.failed_attempts(), 0);
}
