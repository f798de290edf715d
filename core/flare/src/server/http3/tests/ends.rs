//! How exchanges and connections end: resets, deadlines, drain.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use flare_proto::http3::ErrorCode;

use super::{Client, holding, holding_with, pattern};
use crate::log::AccessRecord;
use crate::server::ServerConfig;
use crate::{AnswerError, CancelReason};

#[test]
fn answers_may_come_later_and_in_any_order() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let ids: Vec<_> = (0..5).map(|_| client.send("GET", "/wait", &[])).collect();
    let exchanges: Vec<_> = held.try_iter().collect();
    for (at, exchange) in exchanges.into_iter().enumerate().rev() {
        std::thread::spawn(move || exchange.respond(format!("answer {at}"))).join().unwrap();
        assert!(client.step());
        assert_eq!(client.whole(ids[at]).text(), format!("answer {at}"));
    }
    assert!(!client.server.http3.as_ref().unwrap().is_active());
}

#[test]
fn a_reset_cancels_its_exchange_alone() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let (lost, kept) = (client.begin("POST", "/hold", &[]), client.send("GET", "/wait", &[]));
    let (first, second) = (held.try_recv().unwrap(), held.try_recv().unwrap());
    client.reset(lost);
    client.until("the cancel", |_| first.request().cancelled().is_some());
    assert_eq!(first.request().cancelled(), Some(CancelReason::PeerGone));
    assert_eq!(first.finish(), Err(AnswerError::Cancelled(CancelReason::PeerGone)));
    second.respond("here");
    assert_eq!(client.whole(kept).text(), "here");
}

#[test]
fn a_client_that_wants_no_answer_cancels_its_exchange() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    for streams in [false, true] {
        let id = client.send("GET", "/hold", &[]);
        let exchange = held.try_recv().unwrap();
        if streams {
            exchange.write("some").unwrap();
            assert!(client.step());
        }
        // The request has come whole, so STOP_SENDING is all that the client can say.
        client.quic.stop(id, ErrorCode::RequestCancelled.number());
        client.until("the cancel", |_| exchange.request().cancelled().is_some());
        assert_eq!(exchange.request().cancelled(), Some(CancelReason::PeerGone), "{streams}");
    }
    assert_eq!(client.get("/").text(), "home");
}

#[test]
fn a_request_that_is_cut_is_never_answered_as_if_it_were_whole() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let id = client.begin("POST", "/wait", &[]);
    client.write(id, b"part", false);
    client.quic.reset(id, ErrorCode::RequestCancelled.number());
    client.until("the reset", |client| client.answer(id).reset.is_some());
    assert!(held.try_recv().is_err());
    let id = client.begin("POST", "/wait", &[("content-length", "5")]);
    client.give(id, &[0, 4, b'p', b'a', b'r', b't'], true);
    client.until("the reset", |client| client.answer(id).reset.is_some());
    assert_eq!(client.answer(id).reset, Some(ErrorCode::Message.number()));
    assert!(held.try_recv().is_err());
}

#[test]
fn an_exchange_that_is_given_up_resets_its_stream_alone() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let id = client.send("GET", "/hold", &[]);
    let exchange = held.try_recv().unwrap();
    exchange.write("some").unwrap();
    client.until("the content", |client| client.answer(id).text() == "some");
    drop(exchange);
    client.until("the reset", |client| client.answer(id).reset.is_some());
    assert_eq!(client.answer(id).reset, Some(ErrorCode::Internal.number()));
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
    client.quic.close(ErrorCode::NoError.number(), "");
    client.talk();
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
    client.advance(Duration::from_secs(40));
    let later = client.send("GET", "/wait", &[]);
    client.advance(Duration::from_secs(21));
    let answer = client.whole(slow);
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
    let id = client.begin("POST", "/echo", &[]);
    client.write(id, b"some", false);
    client.advance(Duration::from_secs(31));
    assert_eq!(client.whole(id).status, 408);
    assert_eq!(client.get("/").text(), "home");
    assert_eq!(client.server.env.in_flight, 0);
}

#[test]
fn a_client_that_opens_no_window_loses_its_stream() {
    let (server, held) = holding();
    let mut client = Client::with_window(&server, 2000);
    client.greedy = false;
    let id = client.send("GET", "/wait", &[]);
    held.try_recv().unwrap().respond(pattern(20_000));
    assert!(client.step());
    client.advance(Duration::from_secs(29));
    assert!(client.server.http3.as_ref().unwrap().is_active());
    client.advance(Duration::from_secs(2));
    assert!(!client.server.http3.as_ref().unwrap().is_active());
    client.greedy = true;
    client.use_content();
    client.until("the reset", |client| client.answer(id).reset.is_some());
    assert_eq!(client.answer(id).reset, Some(ErrorCode::RequestCancelled.number()));
    assert_eq!(client.get("/").text(), "home");
}

#[test]
fn the_access_log_tells_how_much_of_a_cut_answer_was_sent() {
    let (mut service, held) = holding();
    let told = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&told);
    service.access = Some(Arc::new(move |record: &AccessRecord<'_>| {
        into.lock().unwrap().push((record.status, record.body_bytes, record.whole));
    }));
    let mut client = Client::with_window(&service, 2000);
    assert_eq!(client.get("/").text(), "home");
    client.greedy = false;
    let id = client.send("GET", "/wait", &[]);
    held.try_recv().unwrap().respond(pattern(100_000));
    assert!(client.step());
    client.reset(id);
    client.until("the cancel", |client| !client.server.http3.as_ref().unwrap().is_active());
    let told = told.lock().unwrap();
    assert_eq!(told[0], (200, 4, true));
    let (status, bytes, whole) = told[1];
    assert!(status == 200 && (1000..=2000).contains(&bytes) && !whole, "{bytes}");
}

#[test]
fn a_client_that_takes_a_little_now_and_then_keeps_its_stream() {
    let (server, held) = holding();
    let mut client = Client::with_window(&server, 4000);
    client.greedy = false;
    let id = client.send("GET", "/wait", &[]);
    held.try_recv().unwrap().respond(pattern(20_000));
    assert!(client.step());
    client.until("the end", |client| {
        client.use_content();
        client.advance(Duration::from_secs(20));
        client.answer(id).ended
    });
    assert!(client.answer(id).body == pattern(20_000));
}

#[test]
fn an_idle_connection_ends_in_peace() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    assert_eq!(client.get("/").text(), "home");
    client.advance(Duration::from_secs(74));
    assert!(client.server.is_open());
    client.advance(Duration::from_secs(1));
    client.until("the end", |client| client.closed().is_some());
    assert_eq!(client.closed(), Some(ErrorCode::NoError.number()));
}

#[test]
fn a_connection_without_a_request_has_the_time_of_a_head() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    client.advance(Duration::from_secs(29));
    assert!(client.server.is_open());
    client.advance(Duration::from_secs(1));
    client.until("the end", |client| client.closed().is_some());
    assert_eq!(client.closed(), Some(ErrorCode::NoError.number()));
}

#[test]
fn a_drain_lets_running_exchanges_end() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let id = client.send("GET", "/wait", &[]);
    client.server.drain();
    client.until("the GOAWAY", |client| client.goaways.len() == 1);
    // What was on its way is still taken.
    let late = open_late(&mut client);
    client.advance(Duration::from_secs(3));
    client.until("the second GOAWAY", |client| client.goaways.len() == 2);
    assert_eq!(client.goaways, [(1 << 62) - 4, late + 4]);
    let too_late = open_late(&mut client);
    client.until("the refusal", |client| client.answer(too_late).reset.is_some());
    assert_eq!(client.answer(too_late).reset, Some(ErrorCode::RequestRejected.number()));
    assert!(client.server.is_open());
    let content = pattern(300_000);
    held.try_recv().unwrap().respond(content.clone());
    held.try_recv().unwrap().respond("late");
    client.until("the end", |client| client.closed().is_some());
    assert_eq!(client.closed(), Some(ErrorCode::NoError.number()));
    assert!(client.answer(id).ended && client.answer(id).body == content, "the end cut an answer");
}

/// Sends a request as a client does that has not seen the GOAWAY. Of the answer it does not see more than a reset.
fn open_late(client: &mut Client) -> u64 {
    let id = client.quic.open_bidirectional().unwrap();
    // HEADERS: :method GET, :scheme https, :authority a, :path /wait (RFC 9204, 4.5).
    let head = [1, 14, 0, 0, 0xd1, 0xd7, 0x50, 1, b'a', 0x51, 5, b'/', b'w', b'a', b'i', b't'];
    client.give(id, &head, true);
    id
}

#[test]
fn a_drain_closes_what_is_idle_at_once() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    client.server.drain();
    client.until("the end", |client| client.closed().is_some());
    assert_eq!(client.closed(), Some(ErrorCode::NoError.number()));
    assert_eq!(client.goaways.last(), Some(&0));
}

#[test]
fn the_end_does_not_wait_for_ever_for_a_client_that_takes_nothing() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    client.greedy = false;
    client.send("GET", "/wait", &[]);
    held.try_recv().unwrap().respond(pattern(10_000));
    assert!(client.server.step());
    // What was sent is lost, so it stays without acknowledgement.
    client.server.transmit();
    client.server.drain();
    client.server.transmit();
    assert!(client.server.is_open());
    client.server.env.now = client.server.env.now + Duration::from_secs(3);
    client.server.transmit();
    assert!(!client.server.is_open());
}

#[test]
fn the_cap_on_exchanges_holds_for_streams() {
    let (server, held) = holding_with(ServerConfig { max_exchanges: 2, ..ServerConfig::default() });
    let mut client = Client::new(&server);
    let ids: Vec<_> = (0..3).map(|_| client.send("GET", "/wait", &[])).collect();
    assert_eq!(client.whole(ids[2]).status, 503);
    drop(held.try_recv().unwrap());
    assert_eq!(client.whole(ids[0]).status, 500);
    assert_eq!(client.get("/").text(), "home");
}
