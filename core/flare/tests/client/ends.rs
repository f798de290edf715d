//! How exchanges and connections end, and what is refused.

use flare::client::{ContentLength, Failure, Limits, Request as Ask, RequestError, Session};
use flare::prelude::*;
use flare::testing::TestClient;
use flare_proto::SendError;

use super::joined::{Joined, WIRES, Wire};
use super::memory;

fn server() -> TestClient {
    let mut router = Router::new();
    router.get("/", |_: &Request| "hello").unwrap();
    router.post("/", |request: &Request| request.body().to_vec()).unwrap();
    router
        .get(
            "/cut",
            flare::later(|exchange: Exchange| {
                exchange.write("half").unwrap();
                exchange.reset();
            }),
        )
        .unwrap();
    TestClient::new(router)
}

fn ask(content: ContentLength) -> Ask {
    Ask { content, ..Ask::new("POST", "a.test", "/") }
}

#[test]
fn content_has_to_be_as_long_as_was_announced() {
    for wire in WIRES {
        let mut joined = Joined::new(wire, &server());
        let id = joined.open(&ask(ContentLength::Known(4)));
        assert_eq!(
            joined.session.write(id, b"12345"),
            Err(RequestError::Invalid(SendError::TooLong)),
            "{wire:?}"
        );
        joined.session.write(id, b"1234").unwrap();
        joined.session.finish(id, None).unwrap();
        joined.run();
        assert_eq!(joined.whole(id).text(), "1234");
        assert_eq!(joined.session.write(id, b"x"), Err(RequestError::Over));
        assert_eq!(joined.session.finish(id, None), Err(RequestError::Over));

        let id = joined.open(&ask(ContentLength::Known(4)));
        joined.session.write(id, b"123").unwrap();
        assert_eq!(
            joined.session.finish(id, None),
            Err(RequestError::Invalid(SendError::TooShort)),
            "{wire:?}"
        );
        assert_eq!(joined.session.write(id, b"4"), Err(RequestError::Over));
        // Only HTTP/2 can give up a request without the connection.
        assert_eq!(joined.session.is_over(), wire == Wire::Http1);
    }
}

#[test]
fn what_can_t_be_sent_is_refused_and_costs_nothing() {
    for wire in WIRES {
        let mut joined = Joined::new(wire, &server());
        joined.run();
        let wrong = |ask: Ask, error: SendError, joined: &mut Joined| {
            assert_eq!(joined.session.open(&ask), Err(RequestError::Invalid(error)), "{wire:?} {ask:?}");
        };
        wrong(Ask::new("GET ", "a.test", "/"), SendError::Method, &mut joined);
        wrong(Ask::new("GET", "a.test", "/ /"), SendError::Target, &mut joined);
        wrong(Ask::new("GET", "a b", "/"), SendError::Authority, &mut joined);
        let mut coded = Ask::new("GET", "a.test", "/");
        coded.headers.append("transfer-encoding", "chunked").unwrap();
        wrong(coded, SendError::TransferEncoding, &mut joined);
        let id = joined.open(&ask(ContentLength::Unknown));
        let mut trailers = Headers::new();
        trailers.append("content-length", "1").unwrap();
        joined.session.write(id, b"x").unwrap();
        assert_eq!(
            joined.session.finish(id, Some(&trailers)),
            Err(RequestError::Invalid(SendError::Trailer)),
            "{wire:?}"
        );
        joined.session.finish(id, None).unwrap();
        joined.run();
        assert_eq!(joined.whole(id).text(), "x");
    }
}

#[test]
fn an_answer_that_is_cut_fails() {
    for wire in WIRES {
        let mut joined = Joined::new(wire, &server());
        let id = joined.send("GET", "/cut", b"");
        let failure = joined.answer(id).failure;
        match wire {
            Wire::Http1 => assert_eq!(failure, Some(Failure::Cut)),
            Wire::Http2 => assert!(matches!(failure, Some(Failure::Reset(_))), "{failure:?}"),
        }
        assert!(!joined.answer(id).ended);
    }
}

#[test]
fn a_lost_connection_fails_what_runs_and_takes_nothing_more() {
    for wire in WIRES {
        let mut joined = Joined::new(wire, &server());
        let id = joined.open(&ask(ContentLength::Unknown));
        joined.session.receive_end();
        joined.run();
        assert_eq!(joined.answer(id).failure, Some(Failure::Cut), "{wire:?}");
        assert!(joined.session.is_over() && !joined.session.can_open());
        assert_eq!(joined.session.open(&ask(ContentLength::None)), Err(RequestError::ConnectionOver));
        assert_eq!(joined.session.write(id, b"x"), Err(RequestError::Over));
    }
}

#[test]
fn a_connection_ends_in_peace() {
    for wire in WIRES {
        let mut joined = Joined::new(wire, &server());
        let id = joined.open(&ask(ContentLength::Unknown));
        joined.session.close();
        assert!(!joined.session.can_open() && !joined.session.is_over(), "{wire:?}");
        joined.session.write(id, b"still whole").unwrap();
        joined.session.finish(id, None).unwrap();
        joined.run();
        assert_eq!(joined.whole(id).text(), "still whole");
        assert!(joined.session.is_over(), "{wire:?}");
        // Without an exchange at once.
        let mut joined = Joined::new(wire, &server());
        joined.session.close();
        assert!(joined.session.is_over(), "{wire:?}");
    }
}

#[test]
fn a_draining_server_is_asked_nothing_more() {
    for wire in WIRES {
        let mut joined = Joined::new(wire, &server());
        let id = joined.open(&ask(ContentLength::Unknown));
        joined.server.drain();
        joined.run();
        joined.session.write(id, b"last").unwrap();
        joined.session.finish(id, None).unwrap();
        joined.run();
        assert_eq!(joined.whole(id).text(), "last", "{wire:?}");
        assert!(!joined.session.can_open(), "{wire:?}");
    }
}

#[test]
fn cancelling_lets_go_of_one_exchange() {
    let mut joined = Joined::new(Wire::Http2, &server());
    let kept = joined.open(&ask(ContentLength::Unknown));
    let gone = joined.open(&ask(ContentLength::Unknown));
    joined.session.write(gone, b"never").unwrap();
    joined.session.cancel(gone);
    joined.session.write(kept, b"kept").unwrap();
    joined.session.finish(kept, None).unwrap();
    joined.run();
    assert_eq!(joined.whole(kept).text(), "kept");
    assert_eq!(joined.session.write(gone, b"x"), Err(RequestError::Over));
    let next = joined.send("GET", "/", b"");
    assert_eq!(joined.whole(next).text(), "hello");
}

#[test]
fn answers_that_break_the_rules_end_the_connection() {
    let broken = [
        ("HTTP/1.1 200 OK\nx: y\n\n", "a bare LF"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "two lengths"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "two lengths of one kind"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no chunk size"),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "not asked for"),
        ("SSH-2.0-OpenSSH\r\n", "another protocol"),
    ];
    for (bytes, what) in broken {
        let mut session = Session::http1(Limits::default());
        let id = session.open(&Ask::new("GET", "a.test", "/")).unwrap();
        session.receive(bytes.as_bytes());
        let mut failed = false;
        while let Some(event) = session.next_event() {
            assert_eq!(event.exchange(), id);
            failed |= matches!(event, flare::client::Event::Failed(_, Failure::Malformed(_)));
        }
        assert!(failed && session.is_over(), "{what}");
    }
    let mut session = Session::http2(Limits::default());
    let id = session.open(&Ask::new("GET", "a.test", "/")).unwrap();
    session.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let event = session.next_event().unwrap();
    assert!(
        matches!(event, flare::client::Event::Failed(_, Failure::Malformed(_))) && event.exchange() == id
    );
    assert!(session.is_over());
}

#[test]
fn bytes_that_nobody_asked_for_are_no_answer_to_the_next_request() {
    let mut session = Session::http1(Limits::default());
    session.open(&Ask::new("GET", "a.test", "/")).unwrap();
    session.receive(
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
    );
    assert!(session.is_over() && !session.can_open());
    // Also when the request had not ended yet.
    let mut session = Session::http1(Limits::default());
    let id = session.open(&ask(ContentLength::Unknown)).unwrap();
    session.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n");
    session.finish(id, None).unwrap();
    assert!(session.is_over() && !session.can_open());
}

#[test]
fn what_a_server_says_behind_an_early_answer_is_not_kept() {
    const PIECE: usize = 16 * 1024;
    let mut session = Session::http1(Limits::default());
    let id = session.open(&ask(ContentLength::Unknown)).unwrap();
    session.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let before = memory::resident();
    // A client that sends slowly reads all the time.
    for _ in 0..(128 << 20) / PIECE {
        assert!(session.wants_input());
        session.receive(&[b'x'; PIECE]);
    }
    if let (Some(before), Some(after)) = (before, memory::resident()) {
        assert!(after < before + (64 << 20), "from {before} to {after} bytes");
    }
    // The request is sent to its end, but no other.
    session.write(id, b"rest").unwrap();
    session.finish(id, None).unwrap();
    assert!(String::from_utf8_lossy(session.output()).ends_with("4\r\nrest\r\n0\r\n\r\n"));
    assert!(session.is_over() && !session.can_open());
}

#[test]
fn content_of_an_answer_that_nobody_wants_holds_up_nothing() {
    let mut session = Session::http1(Limits::default());
    let id = session.open(&Ask::new("GET", "a.test", "/")).unwrap();
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n".to_vec();
    answer.resize(answer.len() + 300_000, b'x');
    session.receive(&answer);
    assert!(!session.wants_input());
    session.cancel(id);
    assert!(session.can_open() && session.wants_input() && session.next_event().is_none());
}
