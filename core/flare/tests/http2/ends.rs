//! How exchanges and connections end: resets, deadlines, drain.

use std::time::Duration;

use flare::{AnswerError, CancelReason, ServerConfig};
use flare_proto::http2::{ErrorCode, Limits, PREFACE};

use crate::client::Client;
use crate::{holding, holding_with};

#[test]
fn answers_may_come_later_and_in_any_order() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let streams: Vec<_> = (0..5).map(|_| client.send("GET", "/wait", &[])).collect();
    let exchanges: Vec<_> = held.try_iter().collect();
    for (at, exchange) in exchanges.into_iter().enumerate().rev() {
        std::thread::spawn(move || exchange.respond(format!("answer {at}"))).join().unwrap();
        assert!(client.step());
        assert_eq!(client.answer(streams[at]).text(), format!("answer {at}"));
    }
    assert!(!client.connection.is_waiting());
}

#[test]
fn a_reset_cancels_its_exchange_alone() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let (lost, kept) = (client.send("GET", "/wait", &[]), client.send("GET", "/wait", &[]));
    let (first, second) = (held.try_recv().unwrap(), held.try_recv().unwrap());
    client.reset(lost);
    assert_eq!(first.request().cancelled(), Some(CancelReason::PeerGone));
    assert_eq!(first.finish(), Err(AnswerError::Cancelled(CancelReason::PeerGone)));
    second.respond("here");
    assert!(client.step());
    assert_eq!(client.answer(kept).text(), "here");
}

#[test]
fn an_exchange_that_is_given_up_resets_its_stream_alone() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let stream = client.send("GET", "/hold", &[]);
    let exchange = held.try_recv().unwrap();
    exchange.write("some").unwrap();
    assert!(client.step());
    drop(exchange);
    assert!(client.step());
    let answer = client.answer(stream);
    assert_eq!((answer.text(), answer.ended, answer.reset), ("some", false, Some(ErrorCode::Internal)));
    assert_eq!(client.get("/").text(), "home");
}

#[test]
fn a_panic_is_a_500_of_its_stream() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    assert_eq!(client.get("/panic").status, 500);
    assert_eq!(client.get("/").text(), "home");
}

#[test]
fn a_lost_connection_cancels_all() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    for _ in 0..3 {
        client.send("GET", "/wait", &[]);
    }
    client.connection.abort();
    let exchanges: Vec<_> = held.try_iter().collect();
    assert_eq!(exchanges.len(), 3);
    for exchange in exchanges {
        assert_eq!(exchange.request().cancelled(), Some(CancelReason::PeerGone));
    }
}

#[test]
fn each_stream_has_its_own_deadlines() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let slow = client.send("GET", "/wait", &[]);
    client.connection.advance(Duration::from_secs(40));
    let later = client.send("GET", "/wait", &[]);
    client.connection.advance(Duration::from_secs(21));
    client.talk();
    let answer = client.answer(slow);
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(client.answer(later).status, 0);
    let exchanges: Vec<_> = held.try_iter().collect();
    assert_eq!(exchanges[0].request().cancelled(), Some(CancelReason::Deadline));
    assert_eq!(exchanges[1].request().cancelled(), None);
}

#[test]
fn content_that_does_not_come_is_a_408() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    let stream = client.begin("POST", "/echo", &[]);
    client.write(stream, b"some", false);
    client.connection.advance(Duration::from_secs(31));
    client.talk();
    assert_eq!(client.answer(stream).status, 408);
    assert_eq!(client.get("/").text(), "home");
}

#[test]
fn a_client_that_opens_no_window_loses_its_stream() {
    let (server, held) = holding();
    let limits = Limits { stream_window: 1000, ..Limits::default() };
    let mut client = Client::with_limits(&server, limits);
    client.greedy = false;
    let stream = client.send("GET", "/wait", &[]);
    held.try_recv().unwrap().respond(vec![b'x'; 10_000]);
    assert!(client.step());
    client.connection.advance(Duration::from_secs(29));
    client.talk();
    assert_eq!(client.answer(stream).reset, None);
    client.connection.advance(Duration::from_secs(2));
    client.talk();
    let answer = client.answer(stream);
    assert_eq!((answer.body.len(), answer.reset), (1000, Some(ErrorCode::Cancel)));
    assert_eq!(client.get("/").text(), "home");
}

#[test]
fn a_stream_that_stalls_after_a_deadline_amid_blocked_output_is_still_lost() {
    let config = ServerConfig { write_timeout: Duration::from_secs(5), ..ServerConfig::default() };
    let (server, held) = holding_with(config);
    let mut connection = server.connect();
    connection.send(
        b"GET /wait HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
          HTTP2-Settings: AAMAAABk\r\n\r\n",
    );
    held.try_recv().unwrap().respond(vec![b'x'; 100_000]);
    assert!(connection.step());
    // Nothing can stall before the preface, so this deadline finds nothing.
    connection.advance(Duration::from_secs(6));
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let acknowledged = [0, 0, 0, 4, 1, 0, 0, 0, 0];
    connection.send(&[&PREFACE[..], &settings, &acknowledged].concat());
    // All that the window takes.
    assert!(connection.received().len() > 65_535);
    connection.advance(Duration::from_secs(11));
    let reset = [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8];
    assert_eq!(connection.received(), reset, "RST_STREAM: CANCEL");
}

#[test]
fn an_idle_connection_ends_in_peace() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    assert_eq!(client.get("/").text(), "home");
    client.connection.advance(Duration::from_secs(74));
    assert!(client.connection.is_open());
    client.connection.advance(Duration::from_secs(1));
    client.talk();
    assert_eq!((client.goaway, client.connection.is_open()), (Some(ErrorCode::NoError), false));
}

#[test]
fn pings_alone_do_not_keep_a_connection() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    assert_eq!(client.get("/").text(), "home");
    for _ in 0..2 {
        client.connection.advance(Duration::from_secs(37));
        client.ping();
    }
    assert!(client.connection.is_open());
    client.connection.advance(Duration::from_secs(1));
    assert!(!client.connection.is_open());
}

#[test]
fn idle_time_begins_when_the_answer_was_taken() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    client.connection.hold_output();
    let stream = client.send("GET", "/", &[]);
    client.connection.advance(Duration::from_secs(80));
    assert!(client.connection.is_open());
    assert!(client.connection.received().is_empty());
    client.connection.release_output();
    client.talk();
    assert_eq!(client.answer(stream).text(), "home");
    client.connection.advance(Duration::from_secs(74));
    assert!(client.connection.is_open());
    client.connection.advance(Duration::from_secs(1));
    assert!(!client.connection.is_open());
}

#[test]
fn a_connection_without_a_request_has_the_time_of_a_head() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    client.connection.advance(Duration::from_secs(29));
    client.ping();
    assert!(client.connection.is_open());
    client.connection.advance(Duration::from_secs(1));
    client.talk();
    assert_eq!((client.goaway, client.connection.is_open()), (Some(ErrorCode::NoError), false));
}

#[test]
fn a_drain_does_not_wait_for_a_client_that_answers_no_ping() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let stream = client.send("GET", "/wait", &[]);
    client.corked = true;
    client.connection.drain();
    held.try_recv().unwrap().respond("at last");
    assert!(client.step());
    assert_eq!(client.answer(stream).text(), "at last");
    assert!(client.connection.is_open(), "the answer to the PING may be on its way");
    client.connection.advance(Duration::from_secs(3));
    client.talk();
    assert_eq!((client.goaways, client.connection.is_open()), (2, false));
}

#[test]
fn a_drain_lets_running_exchanges_end() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let stream = client.send("GET", "/wait", &[]);
    client.connection.drain();
    client.talk();
    assert_eq!((client.goaway, client.goaways), (Some(ErrorCode::NoError), 2));
    assert!(client.connection.is_open());
    held.try_recv().unwrap().respond("at last");
    assert!(client.step());
    assert_eq!(client.answer(stream).text(), "at last");
    assert!(!client.connection.is_open());
}

#[test]
fn a_drain_closes_what_is_idle_at_once() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    client.connection.drain();
    assert!(!client.connection.is_open());
    client.talk();
    assert_eq!(client.goaway, Some(ErrorCode::NoError));
}

#[test]
fn a_drain_ends_with_what_waited_behind_blocked_output() {
    let (server, held) = holding_with(ServerConfig { output_limit: 4096, ..ServerConfig::default() });
    let mut client = Client::new(&server);
    let lost = client.send("GET", "/wait", &[]);
    client.corked = true;
    let streams: Vec<_> = (0..50)
        .map(|_| {
            let stream = client.begin("POST", "/echo", &[]);
            assert_eq!(client.write(stream, &[b'x'; 200], true), 200);
            stream
        })
        .collect();
    client.reset(lost);
    client.connection.drain();
    // Behind all that: the answer to the PING of the drain.
    client.talk();
    client.corked = false;
    client.talk();
    for stream in streams {
        assert_eq!(client.answer(stream).body.len(), 200);
    }
    assert!(held.try_recv().unwrap().request().cancelled().is_some());
    assert_eq!(client.goaways, 2);
    assert!(!client.connection.is_open());
}

#[test]
fn a_client_that_sends_no_more_still_gets_its_answers() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let (whole, cut) = (client.send("GET", "/wait", &[]), client.begin("POST", "/hold", &[]));
    let (first, second) = (held.try_recv().unwrap(), held.try_recv().unwrap());
    client.connection.close_write();
    assert_eq!(second.request().cancelled(), Some(CancelReason::PeerGone));
    first.respond("answered");
    assert!(client.connection.step());
    assert!(!client.connection.is_open());
    client.talk();
    assert_eq!(client.answer(whole).text(), "answered");
    assert_eq!(client.answer(cut).status, 0);
}

#[test]
fn the_cap_on_exchanges_holds_for_streams() {
    let (server, held) = holding_with(ServerConfig { max_exchanges: 2, ..ServerConfig::default() });
    let mut client = Client::new(&server);
    let streams: Vec<_> = (0..3).map(|_| client.send("GET", "/wait", &[])).collect();
    assert_eq!(client.answer(streams[2]).status, 503);
    drop(held.try_recv().unwrap());
    assert!(client.step());
    assert_eq!(client.answer(streams[0]).status, 500);
    assert_eq!(client.get("/").text(), "home");
}

/// A client that has sent half of the preface speaks HTTP/2: it must not be answered in HTTP/1.
#[test]
fn a_drain_amid_the_preface_waits_for_the_rest() {
    for seen in 1..PREFACE.len() {
        let (server, _) = holding();
        let mut connection = server.connect();
        connection.send(&PREFACE[..seen]);
        connection.drain();
        assert!(connection.is_open() && connection.received().is_empty(), "{seen}");
        // Then SETTINGS.
        connection.send(&[&PREFACE[seen..], b"\0\0\0\x04\0\0\0\0\0"].concat());
        let said = connection.received();
        assert_eq!(said.get(3), Some(&4), "{seen}: {}", said.escape_ascii());
        assert!(!connection.is_open(), "{seen}");
        // And a request of HTTP/1 is answered, as the last.
        let mut connection = server.connect();
        connection.send(b"P");
        connection.drain();
        connection.send(b"OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        assert!(connection.received().starts_with(b"HTTP/1.1 "));
        assert!(!connection.is_open());
        // Whoever sends nothing more ends by a deadline.
        let mut connection = server.connect();
        connection.send(b"P");
        connection.drain();
        connection.advance(Duration::from_secs(31));
        assert!(!connection.is_open());
    }
}
