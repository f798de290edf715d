//! What a client asks for, and gets, on any wire.

use flare::client::{ContentLength, Request as Ask, RequestError};
use flare::prelude::*;
use flare::testing::TestClient;
use flare::{Event, Flow, RouteOptions};

use super::joined::{Joined, WIRES, Wire};

fn server() -> TestClient {
    let mut router = Router::new();
    router.get("/", |_: &Request| "hello").unwrap();
    router.get("/large", |_: &Request| vec![7u8; 3 << 20]).unwrap();
    router.post("/echo", |request: &Request| request.body().to_vec()).unwrap();
    let trailing = |exchange: Exchange| {
        let came = exchange.request().trailers().get_str("came").map(str::to_owned).unwrap_or_default();
        exchange.add_trailer("went", came).unwrap().unwrap();
        exchange.write(exchange.request().body().to_vec()).unwrap();
        exchange.finish().unwrap();
    };
    router.post("/trailers", flare::later(trailing)).unwrap();
    let early = |exchange: Exchange| {
        exchange.inform(103, Headers::new()).unwrap();
        exchange.respond("late");
    };
    router.get("/early", flare::later(early)).unwrap();
    let duplex = |exchange: Exchange| {
        exchange.start().unwrap();
        exchange.drive(|exchange, event| {
            match event {
                Event::Data(data) => exchange.write(data.to_ascii_uppercase()).unwrap(),
                Event::End => exchange.finish().unwrap(),
                _ => {}
            }
            Flow::Continue
        });
    };
    let streaming = RouteOptions { streaming: true, ..RouteOptions::default() };
    router.add_with("POST", "/duplex", streaming.clone(), flare::later(duplex)).unwrap();
    let shout = |exchange: Exchange| {
        exchange.switch_protocol("shout").unwrap();
        exchange.drive(|exchange, event| {
            match event {
                Event::Data(data) => exchange.write(data.to_ascii_uppercase()).unwrap(),
                Event::End => exchange.finish().unwrap(),
                _ => {}
            }
            Flow::Continue
        });
    };
    router.add("*", "/shout", flare::later(shout)).unwrap();
    let refuse = |exchange: Exchange| exchange.respond(Response::status_only(403));
    router.add_with("POST", "/refused", streaming, flare::later(refuse)).unwrap();
    TestClient::new(router)
}

#[test]
fn answers_come_whole_however_bytes_are_split() {
    for wire in WIRES {
        for step in [usize::MAX, 1000, 7, 1] {
            let mut joined = Joined::new(wire, &server());
            joined.step = step;
            let hello = joined.send("GET", "/", b"");
            assert_eq!(
                (joined.whole(hello).status, joined.whole(hello).text()),
                (200, "hello"),
                "{wire:?} {step}"
            );
            assert_eq!(joined.whole(hello).headers.get_str("content-length"), Some("5"));
            let head = joined.send("HEAD", "/", b"");
            assert_eq!((joined.whole(head).status, joined.whole(head).text()), (200, ""));
            let echo = joined.send("POST", "/echo", b"and back");
            assert_eq!(joined.whole(echo).text(), "and back");
            let missing = joined.send("GET", "/missing?x=1", b"");
            assert_eq!(joined.whole(missing).status, 404);
            let early = joined.send("GET", "/early", b"");
            assert_eq!((&joined.whole(early).interim[..], joined.whole(early).text()), (&[103][..], "late"));
            assert!(joined.session.can_open() && !joined.session.is_over());
        }
    }
}

#[test]
fn content_of_unknown_length_and_trailers_go_both_ways() {
    for wire in WIRES {
        let mut joined = Joined::new(wire, &server());
        let ask = Ask { content: ContentLength::Unknown, ..Ask::new("POST", "a.test", "/trailers") };
        let id = joined.open(&ask);
        joined.session.write(id, b"some ").unwrap();
        joined.run();
        joined.session.write(id, b"content").unwrap();
        let mut trailers = Headers::new();
        trailers.append("came", "with it").unwrap();
        joined.session.finish(id, Some(&trailers)).unwrap();
        joined.run();
        assert_eq!(joined.whole(id).text(), "some content", "{wire:?}");
        // The client of HTTP/1.1 did not say that it takes trailers; this server sends them with chunks all the same.
        assert_eq!(joined.whole(id).trailers.get_str("went"), Some("with it"), "{wire:?}");
        let again = joined.send("GET", "/", b"");
        assert_eq!(joined.whole(again).text(), "hello");
    }
}

#[test]
fn large_content_goes_both_ways_within_limits() {
    for wire in WIRES {
        let mut joined = Joined::new(wire, &server());
        let large = joined.send("GET", "/large", b"");
        assert_eq!(joined.whole(large).body.len(), 3 << 20, "{wire:?}");
        let body: Vec<u8> = (0..900_000u32).map(|at| (at % 251) as u8).collect();
        let echo = joined.send("POST", "/echo", &body);
        assert!(joined.whole(echo).body == body, "{wire:?}");
    }
}

#[test]
fn content_that_is_not_used_stops_the_server() {
    const MOST: usize = 256 * 1024;
    for wire in WIRES {
        let mut joined = Joined::new(wire, &server());
        (joined.greedy, joined.step) = (false, 16 * 1024);
        let large = joined.send("GET", "/large", b"");
        let came = joined.answer(large).body.len();
        assert!(
            !joined.answer(large).ended && came >= MOST / 2 && came <= MOST + joined.step,
            "{wire:?} {came}"
        );
        let mut used = came;
        while !joined.answer(large).ended {
            joined.session.consumed(large, used);
            let before = joined.answer(large).body.len();
            joined.run();
            used = joined.answer(large).body.len() - before;
            assert!(used > 0 || joined.answer(large).ended, "{wire:?}: nothing moves");
        }
        assert_eq!(joined.whole(large).body.len(), 3 << 20);
    }
}

#[test]
fn an_answer_may_begin_before_the_request_has_ended() {
    for wire in WIRES {
        let mut joined = Joined::new(wire, &server());
        let id =
            joined.open(&Ask { content: ContentLength::Unknown, ..Ask::new("POST", "a.test", "/duplex") });
        for word in ["one ", "two ", "three"] {
            joined.session.write(id, word.as_bytes()).unwrap();
            joined.run();
        }
        assert_eq!((joined.answer(id).text(), joined.answer(id).ended), ("ONE TWO THREE", false), "{wire:?}");
        joined.session.finish(id, None).unwrap();
        joined.run();
        assert!(joined.whole(id).ended);
    }
}

#[test]
fn an_exchange_becomes_a_stream_of_bytes() {
    for wire in WIRES {
        let mut joined = Joined::new(wire, &server());
        joined.run();
        assert!(joined.session.takes_protocols(), "{wire:?}");
        let ask = Ask { protocol: Some("shout".to_owned()), ..Ask::new("GET", "a.test", "/shout") };
        let id = joined.open(&ask);
        assert!(joined.answer(id).switched, "{wire:?}");
        joined.session.write(id, b"raw bytes\r\n\r\n").unwrap();
        joined.run();
        assert_eq!(joined.answer(id).text(), "RAW BYTES\r\n\r\n");
        joined.session.finish(id, None).unwrap();
        assert_eq!(joined.session.ends_output(), wire == Wire::Http1);
        joined.run();
        if joined.session.ends_output() {
            joined.server.close_write();
            joined.run();
        }
        assert!(joined.whole(id).ended, "{wire:?}");
    }
}

#[test]
fn a_hundred_exchanges_run_at_a_time_where_the_wire_can() {
    let mut joined = Joined::new(Wire::Http2, &server());
    let ids: Vec<_> = (0..100)
        .map(|_| {
            joined
                .session
                .open(&Ask { content: ContentLength::Unknown, ..Ask::new("POST", "a.test", "/echo") })
                .unwrap()
        })
        .collect();
    joined.run();
    for (at, id) in ids.iter().enumerate() {
        joined.session.write(*id, format!("number {at}").as_bytes()).unwrap();
    }
    joined.run();
    for id in &ids {
        joined.session.finish(*id, None).unwrap();
    }
    joined.run();
    for (at, id) in ids.iter().enumerate() {
        assert_eq!(joined.whole(*id).text(), format!("number {at}"));
    }
    // HTTP/1.1 takes one at a time, and says so.
    let mut joined = Joined::new(Wire::Http1, &server());
    let ask = Ask { content: ContentLength::Unknown, ..Ask::new("POST", "a.test", "/echo") };
    let first = joined.open(&ask);
    assert!(!joined.session.can_open());
    assert_eq!(joined.session.open(&ask), Err(RequestError::Busy));
    joined.session.finish(first, None).unwrap();
    joined.run();
    assert!(joined.whole(first).ended && joined.session.can_open());
}

#[test]
fn a_refusal_ends_the_exchange_before_the_request_is_whole() {
    for wire in WIRES {
        let mut joined = Joined::new(wire, &server());
        let id = joined
            .open(&Ask { content: ContentLength::Known(1 << 20), ..Ask::new("POST", "a.test", "/refused") });
        assert_eq!(joined.whole(id).status, 403, "{wire:?}");
        joined.session.cancel(id);
        joined.run();
        // Over HTTP/1.1 the rest of the content would have to follow, so the connection ends.
        assert_eq!(joined.session.is_over(), wire == Wire::Http1);
    }
}
