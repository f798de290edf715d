//! A client's socket and a server's, as values: without a network, with a clock that is moved, and with bytes that travel in parts.

use std::sync::Arc;
use std::time::Duration;

use flare_proto::websocket::{Connection, DeflateConfig, Limits as WireLimits, MaskKeys, Role};

use super::asking::Asking;
use super::error::OpenFailure;
use super::event::{Closed, Event};
use super::handshake::Offer;
use super::options::Options;
use super::place::Place;
use super::session::{Session, Times};
use crate::client::{Limits, Session as Http};
use crate::message::Request;
use crate::router::Router;
use crate::server::ServerConfig;
use crate::testing::{TestClient, TestConnection};
use crate::websocket::{Message, SendError, WebSocket, WsOptions};

const LIMIT: usize = 4 << 20;

/// A server that echoes, and closes with 4000 when it is told so.
fn server(options: WsOptions) -> TestClient {
    let mut router = Router::new();
    let accept = |_: &Request| {
        |socket: &WebSocket, message: Message<'_>| match message {
            Message::Text("close") => socket.close(4000, "as you wish").unwrap(),
            message => socket.send(message).unwrap(),
        }
    };
    router.ws_with("/", options.message_limit(LIMIT), accept).unwrap();
    TestClient::with_config(router, ServerConfig::default())
}

struct Joined {
    client: Session,
    server: TestConnection,
    on_the_way: Vec<u8>,
    /// How many bytes travel at a time.
    step: usize,
    now: u64,
}

impl Joined {
    /// Opens a socket, on HTTP/2 or on HTTP/1.1.
    fn open(server: &TestClient, http2: bool, step: usize, options: &Options) -> Result<Self, OpenFailure> {
        let deflate = options.deflate.then(|| DeflateConfig {
            send_takeover: options.deflate_takeover,
            receive_takeover: options.deflate_takeover,
            ..DeflateConfig::default()
        });
        let place = Place::parse("ws://a.test/").unwrap();
        let random = (!http2).then_some([7; 16]);
        let (offer, request) = Offer::new(&place, options, deflate.as_ref(), random)?;
        let http = if http2 { Http::http2(Limits::default()) } else { Http::http1(Limits::default()) };
        let mut asking = Asking::new(http, offer, request);
        let mut server = server.connect();
        let mut on_the_way = Vec::new();
        loop {
            let answer = asking.advance()?;
            if let Some((exchange, agreed)) = answer {
                let mut number = 0u32;
                let keys = MaskKeys::new(move || {
                    number = number.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
                    number.to_be_bytes()
                });
                let limits = WireLimits { message_bytes: LIMIT, frame_bytes: LIMIT, ..WireLimits::default() };
                let wire = Connection::new(Role::Client(keys), Arc::new(limits), agreed.deflate);
                let client = Session::new(asking.http, exchange, wire, Times::of(options), 0);
                return Ok(Self { client, server, on_the_way, step, now: 0 });
            }
            let moved = travel(&mut asking.http, &mut server, &mut on_the_way, step, Http::receive);
            assert!(moved, "nothing moves");
        }
    }

    /// Moves bytes until nothing moves, and gives what happened.
    fn run(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            while let Some(event) = self.client.next_event() {
                let is_last = matches!(event, Event::Closed(_));
                events.push(event);
                if is_last {
                    break;
                }
            }
            // The bytes go through the session, which notes that it heard something.
            let Self { client, server, on_the_way, step, .. } = self;
            let sent = std::mem::take(client.http.output());
            let mut moved = !sent.is_empty();
            sent.chunks(*step).for_each(|part| server.send(part));
            while server.try_step() {}
            on_the_way.extend(server.received());
            while client.wants_input() && !on_the_way.is_empty() {
                let part: Vec<u8> = on_the_way.drain(..on_the_way.len().min(*step)).collect();
                client.receive(&part);
                moved = true;
            }
            if on_the_way.is_empty() && !server.is_open() && client.wants_input() {
                client.http.receive_end();
                moved = true;
            }
            let is_over = matches!(events.last(), Some(Event::Closed(_)));
            if !moved || is_over {
                return events;
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.server.advance(time);
        self.now += u64::try_from(time.as_millis()).unwrap();
        self.client.set_now(self.now);
    }
}

fn travel(
    http: &mut Http,
    server: &mut TestConnection,
    on_the_way: &mut Vec<u8>,
    step: usize,
    mut receive: impl FnMut(&mut Http, &[u8]),
) -> bool {
    let sent = std::mem::take(http.output());
    sent.chunks(step).for_each(|part| server.send(part));
    while server.try_step() {}
    on_the_way.extend(server.received());
    let read = !on_the_way.is_empty();
    if read {
        // One part at a time, so that what comes behind the answer is not read with it.
        let part: Vec<u8> = on_the_way.drain(..on_the_way.len().min(step)).collect();
        receive(http, &part);
    }
    !sent.is_empty() || read
}

/// On each wire, with parts of each size.
fn each(options: &Options, server_options: &WsOptions, mut test: impl FnMut(&mut Joined)) {
    let server = server(server_options.clone());
    for http2 in [false, true] {
        for step in [1, 2, 3, 7, 100, usize::MAX] {
            test(&mut Joined::open(&server, http2, step, options).unwrap());
        }
    }
}

fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

fn closed(code: u16, reason: &str, clean: bool) -> Event {
    Event::Closed(Closed { code, reason: reason.to_owned(), clean })
}

#[test]
fn messages_in_parts_of_each_size() {
    for (deflate, takeover) in [(false, false), (true, false), (true, true)] {
        let mut options = Options::default();
        (options.deflate, options.deflate_takeover) = (deflate, takeover);
        let server_options = WsOptions { deflate, deflate_takeover: takeover, ..WsOptions::default() };
        each(&options, &server_options, |joined| {
            let long = "\u{fc}ber und \u{fc}ber ".repeat(30);
            joined.client.send(Message::Text("a")).unwrap();
            joined.client.send(Message::Binary(&[0xff; 130])).unwrap();
            joined.client.ping(b"p").unwrap();
            joined.client.send(Message::Text(&long)).unwrap();
            joined.client.send(Message::Text("")).unwrap();
            let mut events = joined.run();
            // The server answers a Ping at once, and messages in their order.
            events.retain(|event| *event != Event::Pong(b"p".to_vec()));
            assert_eq!(events, [text("a"), Event::Binary(vec![0xff; 130]), text(&long), text("")]);
        });
    }
}

#[test]
fn either_side_closes() {
    each(&Options::default(), &WsOptions::default(), |joined| {
        joined.client.send(Message::Text("close")).unwrap();
        assert_eq!(joined.run(), [closed(4000, "as you wish", true)]);
        assert_eq!(joined.client.send(Message::Text("more")), Err(SendError::Closed));
        assert_eq!(joined.client.deadline(), None);
    });
    each(&Options::default(), &WsOptions::default(), |joined| {
        joined.client.send(Message::Text("last")).unwrap();
        joined.client.close(3001, "done").unwrap();
        assert_eq!(joined.client.close(3001, ""), Err(SendError::Closed));
        assert!(!joined.client.is_open());
        assert_eq!(joined.run().last(), Some(&closed(3001, "", true)));
    });
}

#[test]
fn a_message_is_taken_whole_or_refused() {
    let server = server(WsOptions::default());
    for http2 in [false, true] {
        let mut joined = Joined::open(&server, http2, usize::MAX, &Options::default()).unwrap();
        let data = vec![1; 100_000];
        let mut sent = 0;
        while joined.client.send(Message::Binary(&data)).is_ok() {
            sent += 1;
            assert!(sent < 50);
        }
        // Above 256 KiB, and one more, which waits for its turn.
        assert!((3..=5).contains(&sent), "{sent}");
        assert_eq!(joined.client.refuse(), SendError::WouldBlock);
        let events = joined.run();
        assert_eq!(events.iter().filter(|event| **event == Event::Writable).count(), 1);
        let came = events.iter().filter(|event| matches!(event, Event::Binary(got) if *got == data)).count();
        assert_eq!(came, sent);
        assert!(joined.client.has_room());
    }
}

#[test]
fn a_server_is_stopped_while_nobody_receives() {
    let server = server(WsOptions::default());
    for http2 in [false, true] {
        let mut joined = Joined::open(&server, http2, usize::MAX, &Options::default()).unwrap();
        let data = vec![1; 100_000];
        let mut read = 0;
        for _ in 0..200 {
            // The server answers each, and nobody takes an event.
            let _ = joined.client.send(Message::Binary(&data));
            let sent = std::mem::take(joined.client.http.output());
            joined.server.send(&sent);
            while joined.server.try_step() {}
            joined.on_the_way.extend(joined.server.received());
            while joined.client.wants_input() && !joined.on_the_way.is_empty() {
                let length = joined.on_the_way.len().min(16 * 1024);
                let part: Vec<u8> = joined.on_the_way.drain(..length).collect();
                joined.client.receive(&part);
                read += length;
            }
        }
        // HTTP/1.1 stops reading, HTTP/2 gives no more credit.
        assert!((256 * 1024..400 * 1024).contains(&read), "{read}, on HTTP/2: {http2}");
        let events = joined.run();
        assert!(events.len() >= 3 && events.iter().all(|event| matches!(event, Event::Binary(_))));
    }
}

#[test]
fn silence_is_asked_about() {
    let second = Duration::from_secs(1);
    let options = Options::default().ping(10 * second, 5 * second);
    each(&options, &WsOptions::default(), |joined| {
        for _ in 0..3 {
            joined.pass(10 * second);
            assert_eq!(joined.run(), [Event::Pong(Vec::new())]);
            joined.pass(5 * second);
        }
        // The Ping leaves, and nothing comes.
        let quiet = |joined: &mut Joined| joined.client.next_event();
        joined.pass(10 * second);
        joined.pass(10 * second);
        joined.pass(5 * second);
        let end = closed(1006, "the Ping was not answered", false);
        assert_eq!(quiet(joined), Some(end.clone()));
        assert_eq!(quiet(joined), Some(end));
    });
}

#[test]
fn a_close_is_waited_for_no_longer_than_said() {
    let second = Duration::from_secs(1);
    each(&Options::default().close_timeout(3 * second), &WsOptions::default(), |joined| {
        joined.client.close(1000, "").unwrap();
        joined.pass(2 * second);
        assert_eq!(joined.client.next_event(), None);
        joined.pass(second);
        assert_eq!(joined.client.next_event(), Some(closed(1006, "the Close frame was not answered", false)));
    });
}

#[test]
fn a_server_that_is_cut_off() {
    each(&Options::default(), &WsOptions::default(), |joined| {
        joined.client.http.lose();
        assert_eq!(joined.run(), [closed(1006, "the connection was cut", false)]);
    });
}

#[test]
fn a_server_without_sockets_on_http2() {
    let mut config = ServerConfig::default();
    config.http2.extended_connect = false;
    let server = TestClient::with_config(Router::new(), config);
    let failure = Joined::open(&server, true, 1, &Options::default()).err().unwrap();
    assert!(matches!(failure, OpenFailure::NoHttp2), "{failure:?}");
}
