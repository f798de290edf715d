//! Datagrams of requests (RFC 9297): in QUIC DATAGRAM frames, and in capsules where these were not agreed on.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use flare_proto::capsule::{self, Found};
use flare_proto::http3;

use super::{Client, serving};
use crate::message::Request;
use crate::router::Router;
use crate::server::ServerConfig;
use crate::server::environment::Service;
use crate::websocket::{Message, WebSocket};
use crate::{AnswerError, CancelReason, DatagramError, Event, Exchange, Flow, later};

/// H3_DATAGRAM_ERROR and H3_MESSAGE_ERROR.
const DATAGRAM_ERROR: u64 = 0x33;
const MESSAGE_ERROR: u64 = 0x10e;

/// `/echo` sends datagrams back, and says goodbye when the client closes its side. `/hold` gives its exchange to the test.
fn router() -> (Router, Receiver<Exchange>) {
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    router.add("*", "/echo", later(echo)).unwrap();
    router.add("*", "/hold", later(move |exchange| sender.lock().unwrap().send(exchange).unwrap())).unwrap();
    router.get("/", |_: &Request| "home").unwrap();
    router.ws("/ws", |_: &Request| |_: &WebSocket, _: Message<'_>| {}).unwrap();
    (router, receiver)
}

fn echo(exchange: Exchange) {
    exchange.switch_to_datagrams("echo").unwrap();
    exchange.drive(|exchange, event| {
        match event {
            Event::Datagram(datagram) => exchange.send_datagram(datagram).unwrap(),
            Event::End => {
                exchange.send_datagram(b"bye").unwrap();
                exchange.finish().unwrap();
            }
            Event::Data(data) => panic!("{data:?} is no content"),
            _ => {}
        }
        Flow::Continue
    });
}

/// A server that takes datagrams, or not.
fn server(datagrams: bool) -> (Service, Receiver<Exchange>) {
    let (router, receiver) = router();
    let http3 = http3::Limits { datagrams, ..ServerConfig::default().http3 };
    (serving(router, ServerConfig { http3, ..ServerConfig::default() }), receiver)
}

/// A client of a server where both take datagrams, after its SETTINGS have arrived.
fn joined() -> (Client, Receiver<Exchange>) {
    let (service, held) = server(true);
    let mut client = Client::with_datagrams(&service);
    assert_eq!(client.get("/").text(), "home");
    (client, held)
}

fn as_capsules(datagrams: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for datagram in datagrams {
        capsule::write_datagram(&mut out, datagram);
    }
    out
}

/// The stream of an answer, taken apart.
fn in_capsules(mut body: &[u8]) -> Vec<Vec<u8>> {
    let (mut capsules, mut all) = (capsule::Datagrams::new(1 << 20), Vec::new());
    while let Some(found) = capsules.next(&mut body) {
        let Found::Datagram(datagram) = found else { panic!("{found:?}") };
        all.push(datagram.to_vec());
    }
    assert!(capsules.is_between());
    all
}

fn switched(client: &mut Client, target: &str) -> u64 {
    let id = client.offer(target, "echo", &[("capsule-protocol", "?1")]);
    client.until("the switch", |client| client.answer(id).status != 0);
    let answer = client.answer(id);
    assert_eq!((answer.status, answer.header("capsule-protocol")), (200, Some("?1")));
    id
}

#[test]
fn datagrams_are_frames_where_both_take_them() {
    let (mut client, _) = joined();
    let (one, two) = (switched(&mut client, "/echo"), switched(&mut client, "/echo"));
    for (id, text) in [(one, &b"first"[..]), (two, b"second"), (one, b""), (one, b"third")] {
        assert!(client.datagram(id, text));
    }
    client.until("echoes", |client| client.answer(one).datagrams.len() == 3);
    assert_eq!(client.answer(one).datagrams, [&b"first"[..], b"", b"third"]);
    assert_eq!(client.answer(two).datagrams, [b"second"]);
    assert!(client.answer(one).body.is_empty(), "nothing went by the stream");
    // A capsule counts as much.
    client.write(two, &as_capsules(&[b"by the stream"]), false);
    client.until("its echo", |client| client.answer(two).datagrams.len() == 2);
    assert_eq!(client.answer(two).datagrams[1], b"by the stream");
    client.write(two, b"", true);
    assert!(client.whole(two).body.is_empty());
    assert_eq!(client.answer(two).datagrams[2], b"bye");
    assert!(!client.answer(one).ended);
    assert_eq!(client.server.env.counters.http_datagrams_in.get(), 5);
    assert_eq!(client.server.env.counters.http_datagrams_dropped.get(), 0);
}

#[test]
fn what_comes_in_one_flight_with_the_begin_or_the_end_of_its_stream_counts() {
    let (mut client, held) = joined();
    let id = switched(&mut client, "/echo");
    client.datagram(id, b"last");
    client.write(id, b"", true);
    assert_eq!(client.whole(id).datagrams, [&b"last"[..], b"bye"]);
    client.datagram(id + 4, b"first");
    assert_eq!(client.offer("/hold", "echo", &[]), id + 4);
    let exchange = held.try_recv().unwrap();
    exchange.switch_to_datagrams("echo").unwrap();
    assert_eq!(exchange.read_datagram().unwrap().unwrap(), &b"first"[..]);
}

#[test]
fn they_are_capsules_where_one_end_does_not() {
    for (server_takes, client_takes) in [(false, false), (false, true), (true, false)] {
        let (service, _) = server(server_takes);
        let mut client = if client_takes { Client::with_datagrams(&service) } else { Client::new(&service) };
        let id = switched(&mut client, "/echo");
        let large = vec![b'x'; 20_000];
        let sent = as_capsules(&[b"one", &large, b""]);
        for piece in sent.chunks(7_000) {
            client.write(id, piece, false);
        }
        client.write(id, b"", true);
        let body = client.whole(id).body.clone();
        assert_eq!(in_capsules(&body), [&b"one"[..], &large, b"", b"bye"]);
    }
}

#[test]
fn what_comes_before_the_handler_decides_waits_and_is_bounded() {
    let (mut client, held) = joined();
    let id = client.offer("/hold", "echo", &[]);
    let exchange = held.try_recv().unwrap();
    for number in 0..200_u8 {
        client.datagram(id, &[number]);
        if number % 50 == 0 {
            client.talk();
        }
    }
    client.talk();
    let counters = &client.server.env.counters;
    assert_eq!((counters.http_datagrams_in.get(), counters.http_datagrams_dropped.get()), (128, 72));
    assert!(matches!(exchange.read_datagram(), Err(AnswerError::Misuse(_))));
    exchange.switch_to_datagrams("echo").unwrap();
    for number in 0..128 {
        assert_eq!(exchange.read_datagram().unwrap().unwrap(), [number][..]);
    }
    assert_eq!(exchange.read_datagram(), Ok(None));
    // From now on they come to who watches, once told.
    let (sender, told) = channel();
    exchange.watch(move |event| {
        sender.send(format!("{event:?}")).unwrap();
        Flow::Continue
    });
    client.datagram(id, b"next");
    client.until("it", |client| client.server.env.counters.http_datagrams_in.get() == 129);
    assert_eq!(exchange.read_datagram().unwrap().unwrap(), &b"next"[..]);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), ["Readable"]);
}

#[test]
fn a_handler_that_pauses_gets_them_later() {
    let (mut client, held) = joined();
    let id = client.offer("/hold", "echo", &[]);
    let exchange = held.try_recv().unwrap();
    exchange.switch_to_datagrams("echo").unwrap();
    let (sender, heard) = channel();
    exchange.on_event(move |event| {
        if let Event::Datagram(datagram) = event {
            sender.send(datagram.to_vec()).unwrap();
        }
        Flow::Pause
    });
    for text in [b"a", b"b", b"c"] {
        client.datagram(id, text);
    }
    client.until("the first", |client| client.server.env.counters.http_datagrams_in.get() == 3);
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [b"a"]);
    for expected in [b"b", b"c"] {
        exchange.resume();
        client.step();
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn what_is_sent_is_bounded_and_told() {
    let (mut client, held) = joined();
    let id = client.offer("/hold", "echo", &[]);
    let exchange = held.try_recv().unwrap();
    assert_eq!(exchange.max_datagram_size(), 0);
    assert!(matches!(exchange.send_datagram(b"x"), Err(DatagramError::Closed(AnswerError::Misuse(_)))));
    assert!(matches!(exchange.switch_to_datagrams("other"), Err(AnswerError::Misuse(_))));
    exchange.switch_to_datagrams("echo").unwrap();
    let most = exchange.max_datagram_size();
    assert!((1000..1500).contains(&most), "{most}");
    assert_eq!(exchange.send_datagram(&vec![0; most + 1]), Err(DatagramError::TooLarge { most }));
    assert!(matches!(exchange.write("bytes"), Err(AnswerError::Misuse(_))));
    let largest = vec![7; most];
    let taken = (0..1000).filter(|_| exchange.send_datagram(&largest).is_ok()).count();
    assert_eq!((taken, exchange.send_datagram(&largest)), (128 * 1024 / most, Err(DatagramError::Full)));
    // All that was taken leaves, though the transport's own queue and window are smaller than that.
    client.step();
    client.until("all", |client| client.answer(id).datagrams.len() == taken);
    assert!(client.answer(id).datagrams.iter().all(|datagram| *datagram == largest));
    exchange.send_datagram(b"more").unwrap();
    exchange.finish().unwrap();
    assert_eq!(exchange.send_datagram(b"x"), Err(DatagramError::Closed(AnswerError::Answered)));
    client.step();
    assert_eq!(client.whole(id).datagrams.last().unwrap(), b"more");
}

#[test]
fn a_request_without_a_use_for_them_is_reset() {
    let (mut client, held) = joined();
    let get = client.send("GET", "/hold", &[]);
    let exchange = held.try_recv().unwrap();
    let begun = client.send("GET", "/hold", &[]);
    let answering = held.try_recv().unwrap();
    answering.write("some").unwrap();
    client.step();
    let socket = client.offer("/ws", "websocket", &[("sec-websocket-version", "13")]);
    client.until("the socket", |client| client.answer(socket).status == 200);
    for id in [get, begun, socket] {
        client.datagram(id, b"x");
        client.until("a reset", |client| client.answer(id).reset.is_some());
        assert_eq!(client.answer(id).reset, Some(DATAGRAM_ERROR));
    }
    assert_eq!(exchange.request().cancelled(), Some(CancelReason::PeerGone));
    assert_eq!(client.get("/").text(), "home", "the connection goes on");
}

#[test]
fn a_handler_that_accepts_a_protocol_without_them_later_has_its_request_reset() {
    let (mut client, held) = joined();
    let id = client.offer("/hold", "echo", &[]);
    let exchange = held.try_recv().unwrap();
    client.datagram(id, b"x");
    client.talk();
    exchange.switch_protocol("echo").unwrap();
    client.step();
    client.until("a reset", |client| client.answer(id).reset.is_some());
    assert_eq!(client.answer(id).reset, Some(DATAGRAM_ERROR));
    assert_eq!(exchange.request().cancelled(), Some(CancelReason::PeerGone));
}

#[test]
fn those_of_no_request_are_dropped() {
    let (mut client, _) = joined();
    let id = switched(&mut client, "/echo");
    client.write(id, b"", true);
    client.whole(id);
    client.datagram(id, b"over");
    client.datagram(40, b"not there yet");
    client.until("both", |client| client.server.env.counters.http_datagrams_dropped.get() == 2);
    assert_eq!(client.get("/").text(), "home");
}

#[test]
fn what_can_not_be_one_ends_the_connection() {
    for bytes in [&b""[..], b"\x40", b"\xd0\x00\x00\x00\x00\x00\x00\x00"] {
        let (mut client, _) = joined();
        assert!(client.quic.write_datagram(bytes.to_vec()));
        client.until("the end", |client| client.closed().is_some());
        assert_eq!(client.closed(), Some(DATAGRAM_ERROR));
    }
}

#[test]
fn a_stream_that_ends_within_a_capsule_is_malformed() {
    let (mut client, _) = joined();
    let id = switched(&mut client, "/echo");
    client.write(id, b"\x00\x05half", true);
    client.until("a reset", |client| client.answer(id).reset.is_some());
    assert_eq!(client.answer(id).reset, Some(MESSAGE_ERROR));
}

#[test]
fn an_exchange_that_is_refused_may_have_got_some() {
    let (mut client, held) = joined();
    let id = client.offer("/hold", "echo", &[]);
    client.datagram(id, b"early");
    client.talk();
    held.try_recv().unwrap().respond(403);
    client.step();
    client.datagram(id, b"late");
    assert_eq!(client.whole(id).status, 403);
}
