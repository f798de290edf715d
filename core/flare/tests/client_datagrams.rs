//! Datagrams of a client's exchanges (RFC 9297), on every wire, with servers of flare and one that breaks the rules.
#![cfg(feature = "http3")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test wants to fail here")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use flare::client::{Client, Event, ExchangeId, Failure, Request as Ask, RequestError};
use flare::connect::{ConnectConfig, Connector};
use flare::prelude::*;
use flare::server::RunningServer;
use flare::tls::{ClientTls, Identity, ServerTls, Trust};
use flare::{Event as Happened, Flow};

const PATIENCE: Duration = Duration::from_secs(20);

/// `/echo` sends datagrams back, and says goodbye when the client closes its side; `/cut` ends within a capsule; `/hundred` sends many
/// for each that comes.
fn server(datagrams: bool) -> RunningServer {
    let mut router = Router::new();
    let echo = |exchange: Exchange| {
        exchange.switch_to_datagrams("echo").unwrap();
        exchange.drive(|exchange, event| {
            match event {
                Happened::Datagram(datagram) => exchange.send_datagram(datagram).unwrap(),
                Happened::End => {
                    exchange.send_datagram(b"bye").unwrap();
                    exchange.finish().unwrap();
                }
                _ => {}
            }
            Flow::Continue
        });
    };
    router.add("*", "/echo", flare::later(echo)).unwrap();
    let bytes = |exchange: Exchange| {
        exchange.switch_protocol("echo").unwrap();
        exchange.write("\x00\x02hi\x21\x01x\x00").unwrap();
        exchange.finish().unwrap();
    };
    router.add("*", "/cut", flare::later(bytes)).unwrap();
    let hundred = |exchange: Exchange| {
        exchange.switch_to_datagrams("echo").unwrap();
        exchange.drive(|exchange, event| {
            if let Happened::Datagram(_) = event {
                for number in 0..100_u8 {
                    // Err: some of the hundred before still wait.
                    let _ = exchange.send_datagram(&[number]);
                }
            }
            Flow::Continue
        });
    };
    router.add("*", "/hundred", flare::later(hundred)).unwrap();
    router.add("*", "/no", |_: &Request| (403, "no")).unwrap();
    let mut config = ServerConfig { http3_enabled: true, ..ServerConfig::default() };
    config.http3.datagrams = datagrams;
    let tls = ServerTls::new(Identity::self_signed(&["localhost"]).unwrap());
    let server = Server::new(router).config(config).listen("127.0.0.1:0").unwrap();
    server.listen_tls("127.0.0.1:0", tls).unwrap().bind().unwrap().start().unwrap()
}

/// One client for each wire.
fn clients(server: &RunningServer) -> Vec<Client> {
    let address = server.addresses()[0].to_string();
    let connect = || Connector::default().connect(&address).unwrap();
    let tls = ClientTls { trust: Trust::InsecureAnyCertificate, ..ClientTls::default() };
    let connector = Connector::new(ConnectConfig::default().with_tls(tls)).unwrap();
    let http3 = Client::connect_http3(&connector, &server.addresses()[1].to_string()).unwrap();
    let mut all = vec![Client::http1(connect()), Client::http2(connect()), http3];
    // Those that ask may only do so when the server has said that it takes protocols.
    for client in &mut all {
        assert_eq!(client.fetch(&ask("/", None), b"").unwrap().head.status, 404);
    }
    all
}

fn ask(path: &str, protocol: Option<&str>) -> Ask {
    let mut ask = Ask::new("GET", "localhost", path);
    ask.scheme = String::new();
    (ask.protocol, ask.datagrams) = (protocol.map(str::to_owned), protocol.is_some());
    ask
}

fn next(client: &mut Client) -> Event {
    client.next_event(Some(PATIENCE)).unwrap().unwrap()
}

fn switched(client: &mut Client) -> ExchangeId {
    let id = client.open(&ask("/echo", Some("echo"))).unwrap();
    assert!(matches!(client.send_datagram(id, b"early"), Err(RequestError::Invalid(_))));
    assert_eq!(client.max_datagram_size(id), 0);
    match next(client) {
        Event::Switched(of, response) if of == id => {
            assert_eq!(response.headers.get_str("capsule-protocol"), Some("?1"));
        }
        other => panic!("{other:?}"),
    }
    id
}

#[test]
fn datagrams_go_both_ways_on_every_wire() {
    for takes in [true, false] {
        let server = server(takes);
        for (wire, mut client) in clients(&server).into_iter().enumerate() {
            let id = switched(&mut client);
            let most = client.max_datagram_size(id);
            // Over QUIC they have to fit into a packet.
            assert_eq!(most < 1500, wire == 2 && takes, "wire {wire}: {most}");
            assert_eq!(client.send_datagram(id, &vec![0; most + 1]), Err(RequestError::TooLarge { most }));
            for datagram in [&b"one"[..], b"", &vec![b'x'; most.min(30_000)]] {
                client.send_datagram(id, datagram).unwrap();
                match next(&mut client) {
                    Event::Datagram(of, came) => assert_eq!((of, &came[..]), (id, datagram), "wire {wire}"),
                    other => panic!("wire {wire}: {other:?}"),
                }
            }
            client.finish(id, None).unwrap();
            // They may overtake the stream's end.
            let mut last = [next(&mut client), next(&mut client)].map(|event| format!("{event:?}"));
            last.sort();
            assert!(last[0].starts_with("Datagram(") && last[0].contains("bye"), "wire {wire}: {last:?}");
            assert!(last[1].starts_with("End("), "wire {wire}: {last:?}");
            assert!(client.send_datagram(id, b"late").is_err());
        }
        assert_eq!(server.handle().stats().http_datagrams_in, 9);
    }
}

#[test]
fn an_answer_that_is_no_switch_is_an_answer() {
    let server = server(true);
    for (wire, mut client) in clients(&server).into_iter().enumerate() {
        let id = client.open(&ask("/no", Some("echo"))).unwrap();
        assert!(matches!(next(&mut client), Event::Head(_, head) if head.status == 403), "wire {wire}");
        assert!(matches!(next(&mut client), Event::Data(_, data) if data == "no"), "wire {wire}");
        assert!(matches!(client.send_datagram(id, b"x"), Err(RequestError::Invalid(_))));
    }
}

#[test]
fn a_stream_that_ends_within_a_capsule_has_failed() {
    let server = server(true);
    for (wire, mut client) in clients(&server).into_iter().enumerate() {
        client.open(&ask("/cut", Some("echo"))).unwrap();
        assert!(matches!(next(&mut client), Event::Switched(..)), "wire {wire}");
        assert!(matches!(next(&mut client), Event::Datagram(_, datagram) if datagram == "hi"), "wire {wire}");
        match next(&mut client) {
            Event::Failed(_, Failure::Malformed(why)) => assert!(why.contains("capsule"), "{why}"),
            other => panic!("wire {wire}: {other:?}"),
        }
    }
}

#[test]
fn what_nobody_takes_is_bounded() {
    const ROUNDS: usize = 5;
    let server = server(true);
    for (wire, mut client) in clients(&server).into_iter().enumerate().skip(1) {
        let id = client.open(&ask("/hundred", Some("echo"))).unwrap();
        assert!(matches!(next(&mut client), Event::Switched(..)));
        for _ in 0..ROUNDS {
            client.send_datagram(id, b"go").unwrap();
            // Another exchange is waited for: events of this one are kept meanwhile.
            assert_eq!(client.fetch(&ask("/", None), b"").unwrap().head.status, 404);
        }
        let mut came = 0;
        while let Ok(event) = client.next_event(Some(Duration::from_millis(300))) {
            assert!(matches!(event, Some(Event::Datagram(..))), "{event:?}");
            came += 1;
        }
        // Those of the last round may come when it is over.
        assert!((128..=228).contains(&came), "wire {wire}: {came} of {}", 100 * ROUNDS);
    }
}

#[test]
fn capsules_that_bring_nothing_do_not_prolong_the_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut head, mut buffer) = (Vec::new(), [0; 1000]);
        while !head.ends_with(b"\r\n\r\n") {
            let count = stream.read(&mut buffer).unwrap();
            assert!(count > 0);
            head.extend_from_slice(&buffer[..count]);
        }
        let text = String::from_utf8(head).unwrap();
        assert!(text.contains("\r\ncapsule-protocol: ?1\r\n"), "{text}");
        let answer = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
        // Unknown capsules, until the client has left.
        while stream.write_all(b"\x21\x01x").is_ok() {}
    });
    let mut client = Client::http1(Connector::default().connect(&address).unwrap());
    client.open(&ask("/", Some("echo"))).unwrap();
    assert!(matches!(next(&mut client), Event::Switched(..)));
    let error = client.next_event(Some(Duration::from_millis(200))).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock), "{error}");
    drop(client);
    server.join().unwrap();
}
