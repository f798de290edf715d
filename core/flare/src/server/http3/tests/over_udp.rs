//! The same over UDP: a server with its workers, and clients with a socket each.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flare_proto::http3::{ErrorCode, Limits};
use flare_quic::{ClientContext, Path, QuicSettings, Retry};
use flare_tls::{EarlyData, Identity, ServerTls};

use super::client::{Client, Link, context, settings};
use super::pattern;
use crate::message::{Body, FileBody, Request, Response};
use crate::router::Router;
use crate::server::{RunningServer, Server, ServerConfig};
use crate::websocket::{Message, WebSocket};
use crate::{Address, CancelReason, Exchange, RouteOptions, later};

/// A socket that is connected to nobody.
struct Socket {
    socket: UdpSocket,
    server: SocketAddr,
}

impl Socket {
    fn new(server: SocketAddr) -> Self {
        Self { socket: bound(), server }
    }
}

fn bound() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

impl Link for Socket {
    fn give(&mut self, datagrams: Vec<Vec<u8>>, _: Path) {
        for datagram in datagrams {
            // Err: the socket is full, which is as if the datagram were lost.
            let _ = self.socket.send_to(&datagram, self.server);
        }
    }

    fn take(&mut self) -> Vec<Vec<u8>> {
        let mut buffer = [0; 2048];
        let mut all = Vec::new();
        while let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            assert_eq!(from, self.server);
            all.push(buffer[..length].to_vec());
        }
        all
    }

    fn work(&mut self) -> bool {
        false
    }

    fn wait(&mut self, until: Instant) {
        let time = until.saturating_duration_since(Instant::now()).max(Duration::from_micros(100));
        self.socket.set_nonblocking(false).unwrap();
        self.socket.set_read_timeout(Some(time)).unwrap();
        // Err: nothing came meanwhile.
        let _ = self.socket.peek_from(&mut [0]);
        self.socket.set_nonblocking(true).unwrap();
    }
}

type Wired = Client<Socket>;

fn connect(server: SocketAddr, context: &ClientContext, early: bool) -> Wired {
    let socket = Socket::new(server);
    let path = Path { local: socket.socket.local_addr().unwrap(), peer: server };
    Client::over(socket, path, context, early, Limits::default())
}

fn joined(server: SocketAddr) -> Wired {
    let mut client = connect(server, &context(&settings()), false);
    client.until("SETTINGS", |client| client.wire.peer_settings().extended_connect);
    client
}

fn start_with(router: Router, config: ServerConfig, tls: ServerTls) -> (RunningServer, SocketAddr) {
    let config = ServerConfig { http3_enabled: true, ..config };
    let server = Server::new(router).config(config).listen_tls("127.0.0.1:0", tls).unwrap();
    let running = server.bind().unwrap().start().unwrap();
    let Some(Address::Ip(address)) = running.addresses().first().cloned() else { panic!("no address") };
    (running, address)
}

fn tls() -> ServerTls {
    ServerTls::new(Identity::self_signed(&["localhost"]).unwrap())
}

fn start(router: Router, workers: usize) -> (RunningServer, SocketAddr) {
    start_with(router, ServerConfig { workers, ..ServerConfig::default() }, tls())
}

#[test]
fn many_clients_are_served_by_several_workers() {
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    router.post("/echo", |request: &Request| Response::bytes(request.body().to_vec())).unwrap();
    let (server, address) = start(router, 3);
    let mut clients: Vec<Wired> = (0..12).map(|_| joined(address)).collect();
    for (at, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.get("/").text(), "home");
        let content = pattern(at * 30_000);
        let id = client.begin("POST", "/echo", &[]);
        client.write(id, &content, true);
        assert!(client.whole(id).body == content);
    }
    let stats = server.handle().stats();
    assert_eq!((stats.accepted, stats.open, stats.requests, stats.answers[0]), (12, 12, 24, 24));
    assert_eq!((stats.tls_handshakes, stats.bad_requests), (12, 0));
    assert!(stats.bytes_in > 12 * 1200 && stats.bytes_out > 12 * 1200);
}

#[test]
fn answers_come_from_other_threads_in_any_order_and_size() {
    let mut router = Router::new();
    let late = |exchange: Exchange| {
        std::thread::spawn(move || {
            let length = exchange.request().param("length").unwrap().parse().unwrap();
            exchange.respond(pattern(length));
        });
    };
    router.get("/:length", later(late)).unwrap();
    let (_server, address) = start(router, 1);
    let mut client = joined(address);
    let lengths: Vec<usize> = (0..60).map(|at| at * at * 100).collect();
    let ids: Vec<u64> = lengths.iter().map(|length| client.send("GET", &format!("/{length}"), &[])).collect();
    for (id, length) in ids.into_iter().zip(lengths) {
        assert!(client.whole(id).body == pattern(length), "{length}");
    }
}

#[test]
fn files_and_streams_come_whole() {
    let path = std::env::temp_dir().join(format!("flare-http3-udp-{}", std::process::id()));
    let content = pattern(3_000_000);
    std::fs::write(&path, &content).unwrap();
    let file = FileBody::whole(std::fs::File::open(&path).unwrap()).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut router = Router::new();
    let give = move |_: &Request| {
        let mut answer = Response::status_only(200);
        *answer.body_mut() = Body::from(file.clone());
        answer
    };
    router.get("/file", give).unwrap();
    let stream = |exchange: Exchange| {
        std::thread::spawn(move || {
            for at in 0..200_u8 {
                exchange.write_blocking(vec![at; 10_000]).unwrap();
            }
            exchange.finish().unwrap();
        });
    };
    router.get("/stream", later(stream)).unwrap();
    let (_server, address) = start(router, 1);
    let mut client = joined(address);
    let (file, stream) = (client.send("GET", "/file", &[]), client.send("GET", "/stream", &[]));
    assert!(client.whole(file).body == content);
    let streamed: Vec<u8> = (0..200_u8).flat_map(|at| [at; 10_000]).collect();
    assert!(client.whole(stream).body == streamed);
}

#[test]
fn what_udp_and_quic_do_is_counted() {
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    let quic = QuicSettings { retry: Retry::Always, ..QuicSettings::default() };
    let (server, address) = start_with(router, ServerConfig { quic, ..ServerConfig::default() }, tls());
    let mut client = joined(address);
    assert_eq!(client.get("/").text(), "home");
    let stats = server.handle().stats();
    assert_eq!((stats.quic_handshakes, stats.tls_handshakes), (1, 1));
    // One, unless the machine is so slow that the client asks twice.
    assert!(stats.quic_retries >= 1, "{stats:?}");
    assert_eq!((stats.quic_refused, stats.datagrams_dropped), (0, 0));
    assert!(stats.datagrams_in >= 3 && stats.datagrams_out >= 3, "{stats:?}");
    // A token from elsewhere. The payload is not looked at.
    let mut packet = vec![0xc0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 3, 0x72, 0, 0];
    packet.resize(1200, 0);
    let stranger = bound();
    stranger.set_nonblocking(false).unwrap();
    stranger.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stranger.send_to(&packet, address).unwrap();
    // It is counted when it has left.
    stranger.recv_from(&mut [0; 2048]).unwrap();
    client.until("the refusal", |_| server.handle().stats().quic_refused == 1);
    // What does not arrive is counted when a timer of its connection fires behind the loss. What comes first may be a lone
    // acknowledgement, whose loss nobody notices: then once more.
    let before = server.handle().stats();
    client.until("losses", |client| {
        client.is_deaf = true;
        let slow = client.send("GET", "/", &[]);
        client.until("an answer, which is lost", |client| !client.server.take().is_empty());
        client.is_deaf = false;
        assert_eq!(client.whole(slow).text(), "home");
        let stats = server.handle().stats();
        stats.quic_lost > before.quic_lost && stats.quic_retransmitted > before.quic_retransmitted
    });
}

#[test]
fn a_drain_lets_running_exchanges_end_and_closes_idle_connections() {
    let held = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&held);
    let mut router = Router::new();
    router.get("/wait", later(move |exchange| into.lock().unwrap().push(exchange))).unwrap();
    let (server, address) = start(router, 2);
    let (mut idle, mut busy, mut stuck) = (joined(address), joined(address), joined(address));
    let id = busy.send("GET", "/wait", &[]);
    let lost = stuck.send("GET", "/wait", &[]);
    busy.until("the handler", |_| held.lock().unwrap().len() == 2);
    server.handle().drain(Duration::from_secs(3));
    idle.until("the end", |client| client.closed().is_some());
    assert_eq!(idle.closed(), Some(ErrorCode::NoError.number()));
    let mut held = std::mem::take(&mut *held.lock().unwrap());
    let at = held.iter().position(|exchange| exchange.request().peer().port() == busy.port()).unwrap();
    let content = pattern(500_000);
    held.swap_remove(at).respond(content.clone());
    busy.until("the end", |client| client.closed().is_some());
    assert!(busy.answer(id).ended && busy.answer(id).body == content, "the end cut an answer");
    let report = server.wait();
    assert_eq!(held[0].request().cancelled(), Some(CancelReason::Drain));
    assert_eq!((report.finished(), report.aborted()), (2, 1));
    stuck.until("the end", |client| client.quic.is_closing());
    assert!(!stuck.answer(lost).ended);
}

#[test]
fn an_exchange_that_another_thread_resets_ends_at_once_and_alone() {
    let held = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&held);
    let mut router = Router::new();
    router.get("/:name", later(move |exchange| into.lock().unwrap().push(exchange))).unwrap();
    let (server, address) = start(router, 2);
    let mut client = joined(address);
    let (lost, kept) = (client.send("GET", "/lost", &[]), client.send("GET", "/kept", &[]));
    client.until("the handler", |_| held.lock().unwrap().len() == 2);
    let mut held = std::mem::take(&mut *held.lock().unwrap());
    let at = held.iter().position(|exchange| exchange.request().param("name") == Some("lost")).unwrap();
    let exchange = held.swap_remove(at);
    std::thread::spawn(move || exchange.reset()).join().unwrap();
    client.until("the reset", |client| client.answer(lost).reset.is_some());
    assert_eq!(client.answer(lost).reset, Some(ErrorCode::Internal.number()));
    let exchange = held.swap_remove(0);
    std::thread::spawn(move || exchange.respond("kept")).join().unwrap();
    assert_eq!(client.whole(kept).text(), "kept");
    assert_eq!(server.handle().stats().open, 1);
}

#[test]
fn a_server_that_another_thread_stops_cuts_its_connections_and_keeps_nothing() {
    let token = Arc::new(());
    let (ended, ends) = std::sync::mpsc::channel();
    let mut router = Router::new();
    let (kept, ended) = (Arc::clone(&token), Mutex::new(ended));
    let stream = move |exchange: Exchange| {
        let (kept, ended) = (Arc::clone(&kept), ended.lock().unwrap().clone());
        std::thread::spawn(move || {
            while exchange.write_blocking(vec![7; 10_000]).is_ok() {}
            let why = exchange.request().cancelled();
            drop((exchange, kept));
            ended.send(why).unwrap();
        });
    };
    router.get("/stream", later(stream)).unwrap();
    let (server, address) = start(router, 2);
    // Their sockets hold what the windows let through: else the end is lost behind it.
    let narrow = context(&QuicSettings { stream_window: 50_000, connection_window: 50_000, ..settings() });
    let mut clients: Vec<Wired> = (0..4).map(|_| connect(address, &narrow, false)).collect();
    for client in &mut clients {
        client.until("the handshake", |client| client.quic.is_ready());
        let id = client.send("GET", "/stream", &[]);
        client.until("some of it", |client| client.answer(id).body.len() > 100_000);
    }
    let handle = server.handle().clone();
    let begin = Instant::now();
    std::thread::spawn(move || handle.stop()).join().unwrap();
    for client in &mut clients {
        client.until("the end", |client| client.quic.is_closing());
        assert_eq!(ends.recv().unwrap(), Some(CancelReason::Drain));
    }
    let report = server.wait();
    assert_eq!((report.finished(), report.aborted()), (0, 4));
    // Far less than the idle timeout of 30 s, which would end it anyway.
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert_eq!(Arc::strong_count(&token), 1, "a handler or an exchange is left");
}

trait Port {
    fn port(&self) -> u16;
}

impl Port for Wired {
    fn port(&self) -> u16 {
        self.server.socket.local_addr().unwrap().port()
    }
}

impl Port for flare_net::Peer {
    fn port(&self) -> u16 {
        match self {
            Self::Ip(address) => address.port(),
            _ => 0,
        }
    }
}

#[test]
fn a_client_whose_address_changes_goes_on() {
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    router.get("/large", |_: &Request| pattern(2_000_000)).unwrap();
    let (server, address) = start(router, 2);
    let mut client = joined(address);
    assert_eq!(client.get("/").text(), "home");
    let large = client.send("GET", "/large", &[]);
    client.until("some of it", |client| client.answer(large).body.len() > 100_000);
    // What a NAT does that forgot a binding: the client does not know.
    client.server.socket = bound();
    assert_eq!(client.get("/").text(), "home");
    assert!(client.whole(large).body == pattern(2_000_000));
    assert_eq!(server.handle().stats().accepted, 1);
}

/// Twenty clients of four workers, whose addresses change a few times each. Says how many datagrams came to a worker that was not theirs.
fn forwarded_of_wanderers(steering: bool) -> u64 {
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    let quic = QuicSettings { steering, ..QuicSettings::default() };
    let (server, address) =
        start_with(router, ServerConfig { workers: 4, quic, ..ServerConfig::default() }, tls());
    let mut clients: Vec<Wired> = (0..20).map(|_| joined(address)).collect();
    // Nobody else gets the address that a client has left, to which some still comes.
    let mut left = Vec::new();
    for _ in 0..3 {
        for client in &mut clients {
            left.push(std::mem::replace(&mut client.server.socket, bound()));
            assert!(!client.quic.is_closing(), "{:?}", client.quic.close_reason());
            assert_eq!(client.get("/").text(), "home");
        }
    }
    let stats = server.handle().stats();
    assert_eq!((stats.accepted, stats.requests), (20, 60));
    stats.quic_forwarded
}

#[test]
#[cfg(target_os = "linux")]
fn the_system_gives_datagrams_to_the_worker_whose_connection_they_are_of() {
    assert_eq!(forwarded_of_wanderers(true), 0);
}

#[test]
fn without_steering_workers_hand_datagrams_on() {
    // Of 60 new addresses three of four come to another worker: that fewer than 20 do has a chance of 1 in 10^11.
    let forwarded = forwarded_of_wanderers(false);
    assert!(forwarded >= 20, "{forwarded}");
}

#[test]
fn early_requests_are_marked_and_unsafe_ones_refused() {
    for unsafe_methods in [false, true] {
        let mut router = Router::new();
        router.add("*", "/", |request: &Request| format!("early: {}", request.is_early())).unwrap();
        let mut tls = tls();
        tls.resumption.tickets = false;
        tls.early_data = Some(EarlyData { unsafe_methods, ..EarlyData::default() });
        let config = ServerConfig { workers: 1, ..ServerConfig::default() };
        let (server, address) = start_with(router, config, tls);
        let shared = context(&settings());
        let mut first = connect(address, &shared, false);
        first.until("the handshake", |client| client.quic.is_ready());
        assert_eq!(first.get("/").text(), "early: false");
        first.quic.close(ErrorCode::NoError.number(), "");
        first.talk();
        drop(first);
        let mut again = connect(address, &shared, true);
        // What comes after the end of the handshake is not early, even if it was sent before: so that does not end yet.
        again.is_deaf = true;
        again.talk();
        assert!(again.quic.is_ready(), "the session allows it");
        let (safe, other) = (again.send("GET", "/", &[]), again.send("DELETE", "/", &[]));
        again.until("two requests", |_| server.handle().stats().requests == 3);
        again.is_deaf = false;
        assert_eq!(again.whole(safe).text(), "early: true");
        assert_eq!(again.whole(other).status, if unsafe_methods { 200 } else { 425 });
        assert!(!again.quic.is_early_refused());
        assert_eq!(again.get("/").text(), "early: false");
    }
}

#[test]
fn websockets_talk_over_udp() {
    let mut router = Router::new();
    let echo = |socket: &WebSocket, message: Message<'_>| socket.send(message).unwrap();
    router.ws("/ws", move |_: &Request| echo).unwrap();
    let (_server, address) = start(router, 1);
    let mut client = joined(address);
    let id = client.offer("/ws", "websocket", &[("sec-websocket-version", "13")]);
    client.until("the switch", |client| client.answer(id).status == 200);
    for round in 1..=3 {
        // "hello", and its echo.
        client.write(id, b"\x81\x85\x01\x02\x03\x04\x69\x67\x6f\x68\x6e", false);
        client.until("the echo", |client| client.answer(id).body == b"\x81\x05hello".repeat(round));
    }
}

#[test]
fn content_that_is_not_taken_holds_up_its_client_alone() {
    let mut router = Router::new();
    let held = Arc::new(Mutex::new(None));
    let into = Arc::clone(&held);
    let hold = later(move |exchange| *into.lock().unwrap() = Some(exchange));
    router.add_with("POST", "/hold", RouteOptions::default().streaming(), hold).unwrap();
    router.get("/", |_: &Request| "home").unwrap();
    let (_server, address) = start(router, 1);
    let mut client = joined(address);
    let id = client.begin("POST", "/hold", &[]);
    let content = pattern(2_000_000);
    client.write(id, &content, true);
    client.until("the handler", |_| held.lock().unwrap().is_some());
    assert_eq!(client.get("/").text(), "home");
    assert!(client.waiting(id) > 1_000_000, "nothing stopped the client");
    let exchange = held.lock().unwrap().take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        while let Some(piece) = exchange.read_blocking().unwrap() {
            all.extend_from_slice(&piece);
        }
        exchange.respond("all of it");
        all
    });
    assert_eq!(client.whole(id).text(), "all of it");
    assert!(reader.join().unwrap() == content);
}
