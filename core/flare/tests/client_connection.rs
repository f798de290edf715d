//! A client on a socket, beside a server of flare and servers that misbehave.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test wants to fail here")]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::PATIENCE;
use flare::client::{Client, ClientError, ContentLength, Event, Failure, Request as Ask, RequestError};
#[cfg(feature = "http3")]
use flare::connect::ConnectConfig;
use flare::connect::Connector;
use flare::prelude::*;
use flare::server::RunningServer;
#[cfg(feature = "http3")]
use flare::tls::{ClientTls, Identity, ServerTls, Trust};
use flare::{Event as Happened, Flow, RouteOptions};

const SHORT: Duration = Duration::from_millis(200);

fn server() -> RunningServer {
    let mut router = Router::new();
    router.get("/", |_: &Request| "hello").unwrap();
    router.get("/large", |_: &Request| vec![b'x'; 4 << 20]).unwrap();
    let options = RouteOptions { body_limit: Some(64 << 20), ..RouteOptions::default() };
    router.add_with("POST", "/echo", options, |request: &Request| request.body().to_vec()).unwrap();
    // Kept for ever, without an answer.
    let (sender, receiver) = channel();
    std::mem::forget(receiver);
    let sender = Arc::new(Mutex::new(sender));
    let keep = flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap());
    let streaming = RouteOptions { streaming: true, ..RouteOptions::default() };
    router.add_with("*", "/never", streaming.clone(), keep).unwrap();
    let duplex = |exchange: Exchange| {
        exchange.start().unwrap();
        exchange.drive(|exchange, event| {
            match event {
                Happened::Data(data) => exchange.write(data.to_ascii_uppercase()).unwrap(),
                Happened::End => exchange.finish().unwrap(),
                _ => {}
            }
            Flow::Continue
        });
    };
    router.add_with("POST", "/duplex", streaming, flare::later(duplex)).unwrap();
    start(router, ServerConfig::default())
}

/// A server on all wires: without TLS at its first address, by QUIC at its second.
#[cfg(feature = "http3")]
fn start(router: Router, config: ServerConfig) -> RunningServer {
    let tls = ServerTls::new(Identity::self_signed(&["localhost"]).unwrap());
    let config = ServerConfig { http3_enabled: true, ..config };
    let server = Server::new(router).config(config).listen("127.0.0.1:0").unwrap();
    server.listen_tls("127.0.0.1:0", tls).unwrap().bind().unwrap().start().unwrap()
}

#[cfg(not(feature = "http3"))]
fn start(router: Router, config: ServerConfig) -> RunningServer {
    Server::new(router).config(config).listen("127.0.0.1:0").unwrap().bind().unwrap().start().unwrap()
}

/// One client for each wire: HTTP/1.1, then those that run several exchanges at a time.
fn clients(server: &RunningServer) -> Vec<Client> {
    let address = server.addresses()[0].to_string();
    let connect = || Connector::default().connect(&address).unwrap();
    #[allow(unused_mut, reason = "without HTTP/3 that is all")]
    let mut all = vec![Client::http1(connect()), Client::http2(connect())];
    #[cfg(feature = "http3")]
    {
        let tls = ClientTls { trust: Trust::InsecureAnyCertificate, ..ClientTls::default() };
        let connector = Connector::new(ConnectConfig::default().with_tls(tls)).unwrap();
        all.push(Client::connect_http3(&connector, &server.addresses()[1].to_string()).unwrap());
    }
    all
}

fn get(target: &str) -> Ask {
    Ask::new("GET", "a.test", target)
}

#[test]
fn whole_answers_one_after_another() {
    let server = server();
    for mut client in clients(&server) {
        for _ in 0..3 {
            let answer = client.fetch(&get("/"), b"").unwrap();
            assert_eq!((answer.head.status, &answer.content[..]), (200, &b"hello"[..]));
        }
        assert_eq!(client.fetch(&get("/large"), b"").unwrap().content.len(), 4 << 20);
        let body: Vec<u8> = (0..5_000_000u32).map(|at| (at % 253) as u8).collect();
        let answer = client.fetch(&Ask::new("POST", "a.test", "/echo"), &body).unwrap();
        assert!(answer.content == body);
        assert!(client.can_open() && !client.is_over());
        client.set_max_content(1000);
        assert!(matches!(client.fetch(&get("/large"), b""), Err(ClientError::TooLong)));
    }
}

/// Takes events: content has to come, or the end, and then until nothing more comes for a moment. How much content that was, which nobody has
/// used, and whether the answer has ended.
fn unused(client: &mut Client) -> (usize, bool) {
    let mut held = 0;
    loop {
        match client.next_event_unused(Some(if held == 0 { PATIENCE } else { SHORT })) {
            Ok(Some(Event::Data(_, data))) => held += data.len(),
            Ok(Some(Event::Head(..))) => {}
            Ok(Some(Event::End(..))) => return (held, true),
            Err(error) if held > 0 && matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return (held, false);
            }
            other => panic!("{other:?} after {held} bytes"),
        }
    }
}

#[test]
fn content_that_nobody_uses_stops_the_server() {
    let server = server();
    for mut client in clients(&server) {
        let id = client.open(&get("/large")).unwrap();
        let (mut held, mut ended) = unused(&mut client);
        // On a busy machine the server may pause before it has to. HTTP/1.1 tells when it stops to read.
        while !client.is_multiplexed() && client.wants_read() && !ended {
            let more = unused(&mut client);
            (held, ended) = (held + more.0, more.1);
        }
        assert!(!ended && held < 3 << 20, "{held}");
        let mut all = held;
        while !ended {
            client.consumed(id, held);
            assert!(client.wants_read());
            (held, ended) = unused(&mut client);
            all += held;
        }
        assert_eq!(all, 4 << 20);
    }
}

#[test]
fn content_flows_both_ways_and_waits_for_the_server() {
    let server = server();
    for mut client in clients(&server) {
        let ask = Ask { content: ContentLength::Unknown, ..Ask::new("POST", "a.test", "/duplex") };
        let id = client.open(&ask).unwrap();
        let (mut came, mut ended) = (0, false);
        for _ in 0..200 {
            client.write(id, &[b'a'; 1000]).unwrap();
            // What comes back has to be taken meanwhile, or the server stops reading.
            while let Ok(Some(event)) = client.next_event(Some(Duration::ZERO)) {
                if let Event::Data(_, data) = event {
                    assert!(data.iter().all(|byte| *byte == b'A'));
                    came += data.len();
                }
            }
        }
        client.finish(id, None).unwrap();
        while !ended {
            match client.next_event(Some(PATIENCE)).unwrap().unwrap() {
                Event::Data(_, data) => came += data.len(),
                Event::End(..) => ended = true,
                Event::Head(..) | Event::Writable(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(came, 200_000);
    }
}

#[test]
fn a_write_waits_and_ends_when_nobody_reads() {
    let server = server();
    for mut client in clients(&server) {
        client.set_timeout(SHORT);
        // A route that keeps its exchange and never reads.
        let ask = Ask { content: ContentLength::Unknown, ..Ask::new("POST", "a.test", "/never") };
        let id = client.open(&ask).unwrap();
        let mut refused = None;
        for _ in 0..400 {
            if let Err(error) = client.write(id, &vec![b'a'; 1 << 20]) {
                refused = Some(error);
                break;
            }
        }
        assert!(matches!(refused, Some(ClientError::TimedOut)), "{refused:?}");
    }
}

#[test]
fn other_exchanges_wait_while_one_is_fetched() {
    let server = server();
    for mut client in clients(&server).into_iter().filter(Client::is_multiplexed) {
        let large = client.open(&get("/large")).unwrap();
        assert_eq!(client.fetch(&get("/"), b"").unwrap().content, b"hello");
        let mut came = 0;
        loop {
            match client.next_event(Some(PATIENCE)).unwrap().unwrap() {
                Event::Data(id, data) => {
                    assert_eq!(id, large);
                    came += data.len();
                }
                Event::End(..) => break,
                Event::Head(_, response) => assert_eq!(response.status, 200),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(came, 4 << 20);
    }
}

#[test]
fn an_answer_that_does_not_come_is_given_up() {
    let server = server();
    for mut client in clients(&server) {
        client.set_timeout(SHORT);
        let begun = Instant::now();
        assert!(matches!(client.fetch(&get("/never"), b""), Err(ClientError::TimedOut)));
        assert!(begun.elapsed() >= SHORT);
        client.set_timeout(PATIENCE);
        // HTTP/1.1 lets go of the connection, the others of the one exchange.
        let next = client.fetch(&get("/"), b"");
        if client.is_multiplexed() {
            assert_eq!(next.unwrap().content, b"hello");
        } else {
            assert!(matches!(next, Err(ClientError::Request(RequestError::ConnectionOver))), "{next:?}");
        }
    }
}

#[test]
fn nothing_is_waited_for_without_time() {
    let server = server();
    for mut client in clients(&server) {
        client.open(&get("/never")).unwrap();
        let error = client.next_event(Some(Duration::ZERO)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    }
}

#[test]
fn a_server_that_ends_is_noticed() {
    let running = server();
    let mut clients = clients(&running);
    for client in &mut clients {
        client.fetch(&get("/"), b"").unwrap();
    }
    running.handle().drain(PATIENCE);
    for client in &mut clients {
        while client.next_event(Some(PATIENCE)).unwrap().is_some() {}
        assert!(client.is_over());
        assert!(matches!(
            client.fetch(&get("/"), b""),
            Err(ClientError::Request(RequestError::ConnectionOver))
        ));
    }
}

/// What a client makes of a server that takes a request and answers with these bytes. `reset`: it ends by a reset.
fn answered_with(bytes: &'static [u8], reset: bool) -> Result<flare::client::Answer, ClientError> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (read, has_read) = channel::<()>();
    let other = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        let _ = socket.read(&mut buffer).unwrap();
        socket.write_all(bytes).unwrap();
        if reset {
            // The client has read what was sent; a reset would take it away otherwise.
            has_read.recv().unwrap();
            socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
        }
    });
    let mut client = Client::http1(Connector::default().connect(&address).unwrap());
    client.set_timeout(PATIENCE);
    let answer = if reset {
        let id = client.open(&get("/")).unwrap();
        let mut read = Some(read);
        loop {
            match client.next_event(Some(PATIENCE)).unwrap() {
                Some(Event::Data(..)) => {
                    let _ = read.take().map(|read| read.send(()));
                }
                Some(Event::Head(..)) => {}
                Some(Event::Failed(failed, failure)) if failed == id => {
                    break Err(ClientError::Failed(failure));
                }
                other => panic!("{other:?}"),
            }
        }
    } else {
        client.fetch(&get("/"), b"")
    };
    other.join().unwrap();
    answer
}

#[test]
fn the_end_of_the_connection_may_be_the_end_of_the_answer() {
    let answer = answered_with(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", false).unwrap();
    assert_eq!(answer.content, b"until the end");
    let cut = answered_with(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", false);
    assert!(matches!(cut, Err(ClientError::Failed(Failure::Cut))), "{cut:?}");
    let silent = answered_with(b"", false);
    assert!(matches!(silent, Err(ClientError::Failed(Failure::Cut))), "{silent:?}");
    // A reset is no end.
    let reset = answered_with(b"HTTP/1.1 200 OK\r\n\r\nuntil the", true);
    assert!(matches!(reset, Err(ClientError::Failed(Failure::Cut))), "{reset:?}");
    let broken = answered_with(b"220 smtp.example ESMTP\r\n", false);
    assert!(matches!(broken, Err(ClientError::Failed(Failure::Malformed(_)))), "{broken:?}");
}

/// A server that reads requests and answers none, and tells of each exchange whose client has left.
fn deaf(half_close: bool) -> (RunningServer, std::sync::mpsc::Receiver<&'static str>) {
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    let mut router = Router::new();
    let wait = move |exchange: Exchange| {
        let tell = tell.lock().unwrap().clone();
        tell.send("asked").unwrap();
        exchange.drive(move |_, event| {
            if matches!(event, Happened::Cancelled) {
                tell.send("left").unwrap();
            }
            Flow::Continue
        });
    };
    router.get("/", flare::later(wait)).unwrap();
    let config = ServerConfig { workers: 1, half_close, ..ServerConfig::default() };
    (start(router, config), told)
}

#[test]
fn whoever_lets_go_of_an_exchange_is_noticed() {
    let (server, told) = deaf(false);
    for mut client in clients(&server) {
        let id = client.open(&get("/")).unwrap();
        assert_eq!(told.recv_timeout(PATIENCE), Ok("asked"));
        client.cancel(id);
        // The client lives on, and so does its connection, but with HTTP/1.1.
        assert_eq!(told.recv_timeout(PATIENCE), Ok("left"));
        assert_eq!(client.can_open(), client.is_multiplexed());
    }
}

#[test]
fn a_half_closed_client_is_lost_where_the_settings_say_so() {
    for half_close in [false, true] {
        let (server, told) = deaf(half_close);
        for mut client in clients(&server) {
            // QUIC has no half of a connection to close.
            if client.connection().is_none() {
                continue;
            }
            client.open(&get("/")).unwrap();
            assert_eq!(told.recv_timeout(PATIENCE), Ok("asked"));
            client.connection().unwrap().close_write().unwrap();
            let left = told.recv_timeout(if half_close { SHORT } else { PATIENCE });
            assert_eq!(left.is_ok(), !half_close, "{left:?}");
        }
    }
}

#[test]
fn a_connection_that_is_shared_can_be_ended_from_outside() {
    let server = server();
    let address = server.addresses()[0].to_string();
    for http2 in [false, true] {
        let connection = Arc::new(Connector::default().connect(&address).unwrap());
        let shared = Arc::clone(&connection);
        let mut client = if http2 { Client::http2(shared) } else { Client::http1(shared) };
        let id = client.open(&get("/never")).unwrap();
        let other = thread::spawn(move || connection.close());
        let event = client.next_event(Some(PATIENCE)).unwrap();
        assert!(matches!(event, Some(Event::Failed(failed, Failure::Cut)) if failed == id), "{event:?}");
        other.join().unwrap().unwrap();
        assert!(client.next_event(Some(PATIENCE)).unwrap().is_none());
    }
}

#[test]
fn the_scheme_is_that_of_the_connection_and_settings_have_names() {
    let mut router = Router::new();
    router.get("/", |request: &Request| format!("{:?}", request.version())).unwrap();
    let server = start(router, ServerConfig::default());
    for mut client in clients(&server) {
        let ask = Ask { scheme: String::new(), ..get("/") };
        assert_eq!(client.fetch(&ask, b"").unwrap().head.status, 200);
        client.set_number("timeout_ms", 1000).unwrap();
        client.set_number("max_content", 3).unwrap();
        assert!(matches!(client.fetch(&get("/"), b""), Err(ClientError::TooLong)));
        for (name, value, text) in [
            ("timeout_ms", 0, "setting timeout_ms: 0 is not within 1 to 86400000"),
            ("max_content", -1, "setting max_content: -1 is negative"),
            ("colour", 1, "setting colour: there is no such number setting"),
        ] {
            assert_eq!(client.set_number(name, value).unwrap_err().to_string(), text);
        }
    }
}
