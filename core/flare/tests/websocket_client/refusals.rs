//! Servers that open no socket, or one that may not be believed.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use flare::client::Failure;
use flare::websocket::client::{OpenError, OpenFailure, Opener, Options};

use super::peer::{accepting, read_head, serving};

/// What becomes of opening at a server that answers a request with this.
fn answered(answer: impl FnOnce(&str) -> String + Send + 'static) -> OpenError {
    let (uri, thread) = serving(move |mut stream| {
        let head = read_head(&mut stream);
        stream.write_all(answer(&head).as_bytes()).unwrap();
    });
    let error = Opener::new(Options::default()).unwrap().open(&uri).unwrap_err();
    thread.join().unwrap();
    assert!(error.to_string().contains(&uri), "{error}");
    error
}

#[test]
fn answers_that_refuse() {
    for (answer, status, content, temporary) in [
        (
            "401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 5\r\n\r\nno, u",
            401,
            "no, u",
            false,
        ),
        ("302 Found\r\nLocation: ws://elsewhere/\r\nContent-Length: 0\r\n\r\n", 302, "", false),
        ("200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 200, "hi", false),
        ("503 Busy\r\n\r\nuntil the end", 503, "until the end", true),
        // What came of it until it was cut.
        ("429 Slow\r\nContent-Length: 100\r\n\r\npart", 429, "part", true),
        ("426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\nContent-Length: 0\r\n\r\n", 426, "", false),
    ] {
        let error = answered(move |_| format!("HTTP/1.1 {answer}"));
        let refusal = error.refusal().unwrap();
        assert_eq!((refusal.response.status, &*refusal.content), (status, content.as_bytes()));
        assert_eq!(error.is_temporary(), temporary, "{error}");
    }
    let location =
        answered(|_| "HTTP/1.1 307 T\r\nLocation: wss://b/\r\nContent-Length: 0\r\n\r\n".to_owned());
    assert_eq!(location.refusal().unwrap().response.headers.get_str("location"), Some("wss://b/"));
}

#[test]
fn of_a_long_answer_that_refuses_the_begin_is_kept() {
    let (uri, thread) = serving(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 404 No\r\n\r\n").unwrap();
        let mut count = 0;
        // Err: the client has enough.
        while stream.write_all(&[b'x'; 4096]).is_ok() {
            count += 4096;
            assert!(count < 1 << 30);
        }
    });
    let error = Opener::new(Options::default()).unwrap().open(&uri).unwrap_err();
    assert_eq!(error.refusal().unwrap().content.len(), 16 * 1024);
    thread.join().unwrap();
}

#[test]
fn answers_that_break_the_rules() {
    let wrong = |from: &'static str, to: &'static str| {
        let error = answered(move |head| {
            let right = accepting(head, "");
            assert!(right.contains(from));
            right.replace(from, to)
        });
        assert!(!error.is_temporary(), "{error}");
        error
    };
    let accept = wrong("Accept: ", "Accept: x");
    assert!(matches!(accept.failure(), OpenFailure::Answer("has a wrong Sec-WebSocket-Accept")), "{accept}");
    let error = wrong("Connection: Upgrade\r\n", "Connection: close\r\n");
    assert!(matches!(error.failure(), OpenFailure::Answer(_)), "{error}");
    let error = wrong("Upgrade: websocket", "Upgrade: h2c");
    assert!(matches!(error.failure(), OpenFailure::Answer("switches to another protocol")), "{error}");
    let error = wrong("\r\n\r\n", "\r\nSec-WebSocket-Protocol: mine\r\n\r\n");
    assert!(matches!(error.failure(), OpenFailure::Handshake(_)), "{error}");
    let error = wrong("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    assert!(matches!(error.failure(), OpenFailure::Answer(_)), "{error}");
    let error = wrong("HTTP/1.1", "HTTP/1.0");
    assert!(matches!(error.failure(), OpenFailure::Exchange(Failure::Malformed(_))), "{error}");
    let error = answered(|_| "220 smtp.example ESMTP\r\n".to_owned());
    assert!(matches!(error.failure(), OpenFailure::Exchange(Failure::Malformed(_))), "{error}");
    let error = answered(|_| String::new());
    assert!(matches!(error.failure(), OpenFailure::Exchange(Failure::Cut)), "{error}");
    assert!(error.is_temporary());
}

#[test]
fn a_slow_handshake_ends_at_its_deadline() {
    let short = Duration::from_millis(150);
    for trickle in [false, true] {
        let (uri, thread) = serving(move |mut stream| {
            read_head(&mut stream);
            let mut answer = b"HTTP/1.1 101 Switching Protocols\r\nX: ".to_vec();
            answer.resize(100_000, b'x');
            for byte in answer {
                // The client goes, which reading shows; a byte now and then must not keep it.
                if trickle && stream.write_all(&[byte]).is_err() {
                    return;
                }
                stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
                match stream.read(&mut [0]) {
                    Ok(_) => return,
                    Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return,
                    Err(_) => {}
                }
            }
        });
        let begun = Instant::now();
        let error = Opener::new(Options::default().open_timeout(short)).unwrap().open(&uri).unwrap_err();
        assert!(matches!(error.failure(), OpenFailure::Timeout(after) if *after == short), "{error}");
        assert!(begun.elapsed() >= short && error.is_temporary());
        thread.join().unwrap();
    }
}
