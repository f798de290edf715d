//! The client over HTTP/3, with our server.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use flare::RouteOptions;
use flare::client::{Client, ClientError, ContentLength, Event, Failure, Request as Ask, RequestError};
use flare::connect::{ConnectConfig, ConnectFailure, Connector, Phase};
use flare::message::Version;
use flare::prelude::*;
use flare::server::RunningServer;
use flare::tls::ClientTls;

use super::support::{Authority, start};

/// More than fits into the windows of a stream at once.
const LARGE: usize = 3_000_000;

fn programs() -> Router {
    let mut router = Router::new();
    router.get("/version", |request: &Request| format!("{:?}", request.version())).unwrap();
    router.post("/echo", |request: &Request| request.body().to_vec()).unwrap();
    let duplex = |exchange: Exchange| {
        exchange.draft(|draft| draft.trailers_mut().append("x-sum", "all").unwrap()).unwrap();
        exchange.start().unwrap();
        exchange.drive(|exchange, event| {
            match event {
                flare::Event::Data(data) => exchange.write(data.to_ascii_uppercase()).unwrap(),
                flare::Event::End => exchange.finish().unwrap(),
                _ => {}
            }
            flare::Flow::Continue
        });
    };
    let streaming = RouteOptions { streaming: true, ..RouteOptions::default() };
    router.add_with("POST", "/duplex", streaming.clone(), flare::later(duplex)).unwrap();
    let early = |exchange: Exchange| exchange.respond(Response::bytes(vec![7; LARGE]));
    router.add_with("POST", "/early", streaming.clone(), flare::later(early)).unwrap();
    let refuse = |exchange: Exchange| exchange.respond("no");
    router.add_with("POST", "/refuse", streaming, flare::later(refuse)).unwrap();
    router.get("/never", flare::later(std::mem::forget)).unwrap();
    router
}

pub(super) struct Served {
    _running: RunningServer,
    authority: Authority,
    pub(super) target: String,
}

pub(super) fn served() -> Served {
    let authority = Authority::new();
    let config = ServerConfig { http3_enabled: true, ..ServerConfig::default() };
    let (running, address) = start(programs(), config, authority.server());
    Served { _running: running, authority, target: format!("localhost:{}", address.port()) }
}

impl Served {
    pub(super) fn connector(&self) -> Connector {
        let tls = ClientTls::with_roots(self.authority.pem());
        Connector::new(ConnectConfig::default().with_tls(tls)).unwrap()
    }

    fn client(&self) -> Client {
        Client::connect_http3(&self.connector(), &self.target).unwrap()
    }
}

fn ask(method: &str, path: &str) -> Ask {
    Ask { scheme: String::new(), ..Ask::new(method, "localhost", path) }
}

#[test]
fn answers_come_whole_one_after_the_other_and_at_once() {
    let served = served();
    let mut client = served.client();
    assert!(client.is_multiplexed() && client.connection().is_none());
    assert_eq!(client.tls().and_then(|tls| tls.alpn()), Some(&b"h3"[..]));
    let answer = client.fetch(&ask("GET", "/version"), b"").unwrap();
    assert_eq!((answer.head.version, &answer.content[..]), (Version::Http3, &b"Http3"[..]));
    assert_eq!(client.fetch(&ask("GET", "/none"), b"").unwrap().head.status, 404);
    for size in [1, 1200, 65_536, 3_000_000] {
        let body: Vec<u8> = (0..size).map(|at: u32| (at % 251) as u8).collect();
        assert!(client.fetch(&ask("POST", "/echo"), &body).unwrap().content == body, "{size}");
    }
    let mut waiting: Vec<_> = (0..50u8)
        .map(|n| {
            let asked = Ask { content: ContentLength::Known(1000), ..ask("POST", "/echo") };
            let id = client.open(&asked).unwrap();
            client.write(id, &[n; 1000]).unwrap();
            client.finish(id, None).unwrap();
            (id, n, Vec::new())
        })
        .collect();
    while !waiting.is_empty() {
        match client.next_event(Some(Duration::from_secs(20))).unwrap().unwrap() {
            Event::Head(_, head) => assert_eq!(head.status, 200),
            Event::Data(id, data) => {
                let one = waiting.iter_mut().find(|one| one.0 == id).unwrap();
                one.2.extend_from_slice(&data);
            }
            Event::End(id, _) => {
                let at = waiting.iter().position(|one| one.0 == id).unwrap();
                let (_, n, content) = waiting.swap_remove(at);
                assert!(content == [n; 1000]);
            }
            Event::Writable(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn content_flows_both_ways_with_trailers() {
    let served = served();
    let mut client = served.client();
    let id = client.open(&Ask { content: ContentLength::Unknown, ..ask("POST", "/duplex") }).unwrap();
    for word in ["one", "two", "three"] {
        client.write(id, word.as_bytes()).unwrap();
        let mut got = Vec::new();
        while got.len() < word.len() {
            if let Event::Data(_, data) = client.next_event(Some(Duration::from_secs(20))).unwrap().unwrap() {
                got.extend_from_slice(&data);
            }
        }
        assert_eq!(got, word.to_ascii_uppercase().as_bytes());
    }
    client.finish(id, None).unwrap();
    match client.next_event(Some(Duration::from_secs(20))).unwrap().unwrap() {
        Event::End(_, trailers) => assert_eq!(trailers.get_str("x-sum"), Some("all")),
        other => panic!("{other:?}"),
    }
}

/// RFC 9114, 4.1: a server that has answered stops the rest of the request, and the answer is to be delivered whole.
#[test]
fn an_answer_is_whole_though_the_rest_of_its_request_is_not_wanted() {
    let served = served();
    let mut client = served.client();
    let id = client.open(&Ask { content: ContentLength::Unknown, ..ask("POST", "/early") }).unwrap();
    let (mut got, mut ended, mut over) = (0, false, false);
    let until = Instant::now() + Duration::from_secs(20);
    while !(ended && over) {
        assert!(Instant::now() < until, "{got} bytes, ended {ended}, over {over}");
        over = over || client.try_write(id, &[0; 10_000]) == Err(RequestError::Over);
        match client.next_event(Some(Duration::from_millis(1))) {
            Ok(Some(Event::Data(_, data))) => got += data.len(),
            Ok(Some(Event::End(..))) => ended = true,
            Ok(Some(Event::Head(_, head))) => assert_eq!(head.status, 200),
            Ok(Some(Event::Writable(_))) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert!(
                matches!(error.kind(), std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock),
                "{error}"
            ),
        }
    }
    assert_eq!(got, LARGE);
    // Nor does it keep who waits for the server to take more, or who has given all.
    client.set_timeout(Duration::from_secs(20));
    let id = client.open(&Ask { content: ContentLength::Unknown, ..ask("POST", "/refuse") }).unwrap();
    let refused = loop {
        if let Err(error) = client.write(id, &[0; 100_000]) {
            break error;
        }
    };
    assert!(matches!(refused, ClientError::Request(RequestError::Over)), "{refused}");
    client.cancel(id);
    assert_eq!(client.fetch(&ask("POST", "/early"), &[0; 1_000_000]).unwrap().content.len(), LARGE);
    // Nothing of it is left: the connection serves others, and ends when it is told to.
    assert_eq!(client.fetch(&ask("GET", "/version"), b"").unwrap().content, b"Http3");
    client.close();
    while let Some(event) = client.next_event(Some(Duration::from_secs(20))).unwrap() {
        assert!(matches!(event, Event::Writable(_)), "{event:?}");
    }
    assert!(client.is_over());
}

#[test]
fn a_loop_is_woken_by_the_descriptor() {
    let served = served();
    let mut client = served.client();
    let id = client.open(&ask("GET", "/version")).unwrap();
    let mut content = Vec::new();
    let until = Instant::now() + Duration::from_secs(20);
    'all: loop {
        loop {
            match client.next_event(Some(Duration::ZERO)) {
                Ok(Some(Event::Data(_, data))) => content.extend_from_slice(&data),
                Ok(Some(Event::End(ended, _))) if ended == id => break 'all,
                Ok(Some(Event::Head(..))) => {}
                Ok(other) => panic!("{other:?}"),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        let fd = client.as_fd();
        let mut fds = [rustix::event::PollFd::new(&fd, rustix::event::PollFlags::IN)];
        let left = until.saturating_duration_since(Instant::now());
        assert_eq!(
            rustix::event::poll(&mut fds, Some(&left.try_into().unwrap())).unwrap(),
            1,
            "nothing came"
        );
    }
    assert_eq!(content, b"Http3");
}

#[test]
fn an_exchange_may_be_cancelled_and_the_connection_goes_on() {
    let served = served();
    let mut client = served.client();
    client.set_timeout(Duration::from_millis(50));
    assert!(matches!(client.fetch(&ask("GET", "/never"), b""), Err(ClientError::TimedOut)));
    client.set_timeout(Duration::from_secs(20));
    assert_eq!(client.fetch(&ask("GET", "/version"), b"").unwrap().content, b"Http3");
    let id = client.open(&ask("GET", "/never")).unwrap();
    client.abort();
    match client.next_event(Some(Duration::from_secs(20))).unwrap() {
        Some(Event::Failed(failed, Failure::Cut)) => assert_eq!(failed, id),
        other => panic!("{other:?}"),
    }
    assert!(client.is_over() && client.next_event(None).unwrap().is_none());
}

#[test]
fn a_server_that_is_not_believed_or_not_there_is_told_by_its_step() {
    let served = served();
    let other = Authority::new();
    let tls = ClientTls::with_roots(other.pem());
    let connector = Connector::new(ConnectConfig::default().with_tls(tls)).unwrap();
    let error = Client::connect_http3(&connector, &served.target).unwrap_err();
    match error.failure() {
        ConnectFailure::Tls { kind: "certificate", problem } => {
            assert!(problem.contains("invalid peer certificate"), "{error}")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(error.phase(), Phase::Tls);

    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let config = ConnectConfig::default().with_timeout(Duration::from_millis(100));
    let connector = Connector::new(config).unwrap();
    let target = nobody.local_addr().unwrap().to_string();
    let error = Client::connect_http3(&connector, &target).unwrap_err();
    assert!(matches!(error.failure(), ConnectFailure::TlsTimeout(_)), "{error}");
    let error = Client::connect_http3(&connector, "unix:/run/none.sock").unwrap_err();
    assert_eq!(error.phase(), Phase::Target);
}
