//! A client over TLS that resets its connection behind each byte that it sends, from its first flight to its goodbye, and within the answer: handlers are told,
//! what they hold is freed, and others go on.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flare::Body;
use flare::prelude::*;
use flare::server::RunningServer;
use rustls::client::Resumption;
use rustls::{ClientConfig, ClientConnection, SupportedProtocolVersion, version};

use crate::common::{one_worker, wait_until};
use crate::resets::{Alive, Endless, http1, http2};
use crate::support::{self, Authority, tcp};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];

/// A client that offers one version, and a key exchange with short messages, as each of their bytes is tried. Its handshakes are all alike.
fn client(authority: &Authority, version: &'static SupportedProtocolVersion) -> ClientConfig {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.kx_groups = vec![rustls::crypto::aws_lc_rs::kx_group::X25519];
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(authority.roots())
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config
}

/// For a request that is written.
fn with_alpn(config: &ClientConfig, request: &[u8]) -> Arc<ClientConfig> {
    let protocol = if request.starts_with(b"PRI") { &b"h2"[..] } else { b"http/1.1" };
    let mut config = config.clone();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

/// A client that ends in the middle.
struct Cut<'a> {
    stream: TcpStream,
    tls: ClientConnection,
    request: &'a [u8],
    /// The most bytes of the connection that it sends, and that it takes.
    most: (usize, usize),
    sent: usize,
    got: usize,
}

impl Cut<'_> {
    /// Goes on until the most of one of them, or until the server has heard its goodbye.
    fn run(&mut self) {
        let (mut asked, mut is_whole) = (false, false);
        loop {
            if !self.tls.is_handshaking() && !std::mem::replace(&mut asked, true) {
                self.tls.writer().write_all(self.request).unwrap();
            }
            if is_whole {
                self.tls.send_close_notify();
            }
            while self.tls.wants_write() {
                let mut out = Vec::new();
                self.tls.write_tls(&mut out).unwrap();
                let room = self.most.0 - self.sent;
                self.stream.write_all(&out[..out.len().min(room)]).unwrap();
                self.sent += out.len().min(room);
                if out.len() >= room {
                    return;
                }
            }
            if is_whole || self.got == self.most.1 {
                return;
            }
            let mut room = vec![0; (self.most.1 - self.got).min(16_384)];
            let count = self.stream.read(&mut room).unwrap();
            assert!(count > 0, "the server ended it");
            self.got += count;
            let mut bytes = &room[..count];
            while !bytes.is_empty() {
                self.tls.read_tls(&mut bytes).unwrap();
                self.tls.process_new_packets().unwrap();
                let mut piece = [0; 16_384];
                while let Ok(count @ 1..) = self.tls.reader().read(&mut piece) {
                    is_whole |= piece[..count].windows(4).any(|four| four == b"home");
                }
            }
        }
    }

    fn reset(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

struct Served {
    running: RunningServer,
    address: SocketAddr,
    alive: Arc<AtomicUsize>,
    authority: Authority,
}

/// Answers requests to `/all` without end, and others with "home".
fn serve(io_uring: bool) -> Served {
    let alive = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&alive);
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    router.post("/one", |_: &Request| "home").unwrap();
    let endless =
        move |_: &Request| Response::new(200).with_body(Body::from_source(Endless(Alive::new(&count))));
    router.post("/all", endless).unwrap();
    let authority = Authority::new();
    let config = ServerConfig { io_uring, ..one_worker() };
    let (running, address) = support::start(router, config, authority.server());
    Served { running, address, alive, authority }
}

impl Served {
    /// A client that takes and sends no more than this, and resets then. How much it sent and got.
    fn cut(&self, config: &Arc<ClientConfig>, request: &[u8], most: (usize, usize)) -> (usize, usize) {
        let before = self.running.handle().stats().bytes_in;
        let tls = ClientConnection::new(Arc::clone(config), "localhost".try_into().unwrap()).unwrap();
        let stream = tcp(self.address);
        let mut cut = Cut { stream, tls, request, most, sent: 0, got: 0 };
        cut.run();
        let (sent, got) = (cut.sent, cut.got);
        wait_until("it was read", || self.running.handle().stats().bytes_in >= before + sent as u64);
        cut.reset();
        wait_until("its connection is closed", || self.running.handle().stats().open == 1);
        (sent, got)
    }

    fn check(self) {
        wait_until("nothing is held", || self.alive.load(Ordering::SeqCst) == 0);
        assert_eq!(self.running.handle().stats().panics, 0);
    }
}

/// The requests of `resets.rs`, whose answers are whole: "/one" is as long as "/all".
fn requests() -> [Vec<u8>; 2] {
    [http1(), http2()].map(|mut request| {
        let at = request.windows(4).position(|four| four == b"/all").unwrap();
        request[at..at + 4].copy_from_slice(b"/one");
        // The content of the second has no end there.
        if request.starts_with(b"PRI") {
            request.extend_from_slice(b"\0\0\0\0\x01\0\0\0\x01");
        }
        request
    })
}

#[test]
fn behind_every_byte_that_a_client_of_tls_sends() {
    for (io_uring, version) in [(false, VERSIONS[0]), (false, VERSIONS[1]), (true, VERSIONS[0])] {
        let served = serve(io_uring);
        let config = client(&served.authority, version);
        let mut other = support::connect(served.address, &Arc::new(config.clone()));
        assert_eq!(other.get("/").0, 200);
        for request in requests() {
            let config = with_alpn(&config, &request);
            let (whole, _) = served.cut(&config, &request, (usize::MAX, usize::MAX));
            assert!(whole > 300 + request.len(), "handshake, request and goodbye are {whole} bytes");
            for end in 0..whole {
                assert_eq!(served.cut(&config, &request, (end, usize::MAX)).0, end);
                assert_eq!(other.get("/"), (200, b"home".to_vec()), "after {end} bytes, {version:?}");
            }
        }
        drop(other);
        served.check();
    }
}

#[test]
fn wherever_a_client_of_tls_stops_to_read() {
    for (io_uring, version) in [(false, VERSIONS[0]), (false, VERSIONS[1]), (true, VERSIONS[0])] {
        let served = serve(io_uring);
        let config = client(&served.authority, version);
        let mut other = support::connect(served.address, &Arc::new(config.clone()));
        assert_eq!(other.get("/").0, 200);
        for request in [http1(), http2()] {
            let config = with_alpn(&config, &request);
            // Flights of the handshake, the head of the answer and its first records; then its content, as far as the client's window of HTTP/2 lets it come.
            for end in (0..3_000).step_by(29).chain((3_000..60_000).step_by(3_001)) {
                assert_eq!(served.cut(&config, &request, (usize::MAX, end)).1, end);
                assert_eq!(other.get("/"), (200, b"home".to_vec()), "after {end} bytes, {version:?}");
            }
        }
        drop(other);
        served.check();
    }
}
