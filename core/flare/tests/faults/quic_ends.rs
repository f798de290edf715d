//! A client of HTTP/3 that vanishes, or closes, at each phase of its connection: the handshake by the datagram, the request by the byte, the answer. Handlers are told,
//! what they hold is freed, and others go on.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use flare::Body;
use flare::client;
use flare::prelude::*;
use flare::tls::ClientTls;
use flare_quic::{ClientContext, Connection, Ecn, Path, QuicSettings, Run};

use crate::common::{PATIENCE, one_worker, wait_until};
use crate::resets::{Alive, Endless};
use crate::wires::{Wire, ask, serve};

/// How a client ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// Its socket is gone, without a word.
    Vanishes,
    /// CONNECTION_CLOSE with H3_NO_ERROR.
    Closes,
    /// CONNECTION_CLOSE with H3_INTERNAL_ERROR.
    Fails,
}

/// Where it ends.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Behind so many datagrams of its own.
    Sent(usize),
    /// Behind so many datagrams of the server.
    Got(usize),
    /// Behind so many bytes of its request.
    Asked(usize),
    /// Behind so many bytes of the answer.
    Answered(usize),
}

/// Who vanished is known by that alone.
const IDLE: Duration = Duration::from_secs(3);

/// A control stream with its SETTINGS (RFC 9114, 6.2.1).
const CONTROL: &[u8] = b"\0\x04\0";

/// POST, https, an authority and a path, and content: written by hand, so that each byte is known.
fn request() -> Vec<u8> {
    let section = b"\0\0\xd4\xd7\x50\x09localhost\x51\x04/all";
    [&[1, section.len() as u8][..], section, b"\0\x05hello"].concat()
}

/// Another client, that stays.
struct Other {
    client: client::Client,
    asked: Instant,
}

impl Other {
    fn home(&mut self) {
        assert_eq!(&self.client.fetch(&ask("/"), b"").unwrap().content[..], b"home");
        self.asked = Instant::now();
    }

    /// On a busy machine the first client may take longer than this one may be idle.
    fn stay(&mut self) {
        if self.asked.elapsed() > IDLE / 6 {
            self.home();
        }
    }
}

struct Client {
    socket: UdpSocket,
    path: Path,
    quic: Connection,
    /// Datagrams that it sent and got, bytes of its request, and of the answer.
    sent: usize,
    got: usize,
    asked: usize,
    answered: usize,
    stream: Option<u64>,
}

impl Client {
    fn connect(context: &ClientContext, peer: SocketAddr) -> Client {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let path = Path { local: socket.local_addr().unwrap(), peer };
        let quic = Connection::connect(context, "localhost", path, false, Instant::now()).unwrap();
        Client { socket, path, quic, sent: 0, got: 0, asked: 0, answered: 0, stream: None }
    }

    fn is_at(&self, phase: Phase) -> bool {
        match phase {
            Phase::Sent(count) => self.sent >= count,
            Phase::Got(count) => self.got >= count,
            Phase::Asked(count) => self.stream.is_some() && self.asked >= count,
            Phase::Answered(count) => self.answered >= count,
        }
    }

    /// Goes on as a good client does, until the phase.
    fn run(&mut self, phase: Phase, other: &mut Other) {
        let begun = Instant::now();
        while !self.is_at(phase) {
            other.stay();
            assert!(begun.elapsed() < PATIENCE, "never at {phase:?}");
            assert!(!self.quic.is_closing(), "{:?} at {phase:?}", self.quic.close_reason());
            self.ask(phase);
            self.send(phase);
            if !self.is_at(phase) {
                self.receive();
                self.read();
            }
        }
        if let Phase::Asked(_) = phase {
            // What was asked is sent.
            self.send(phase);
        }
    }

    /// As much of the request as belongs to the phase.
    fn ask(&mut self, phase: Phase) {
        if !self.quic.is_ready() || self.stream.is_some() {
            return;
        }
        let control = self.quic.open_unidirectional().unwrap();
        assert_eq!(self.quic.write(control, CONTROL, false), Ok(CONTROL.len()));
        let stream = self.quic.open_bidirectional().unwrap();
        let request = request();
        let part = if let Phase::Asked(count) = phase { &request[..count] } else { &request[..] };
        if !part.is_empty() {
            let ends = part.len() == request.len();
            assert_eq!(self.quic.write(stream, part, ends), Ok(part.len()));
        }
        self.stream = Some(stream);
        self.asked = part.len();
    }

    fn send(&mut self, phase: Phase) {
        let mut out = Vec::new();
        while let Some(Run { segment, .. }) = self.quic.transmit(Instant::now(), &mut out) {
            for datagram in out.chunks(segment) {
                if matches!(phase, Phase::Sent(_)) && self.is_at(phase) {
                    return;
                }
                self.socket.send_to(datagram, self.path.peer).unwrap();
                self.sent += 1;
            }
            out.clear();
        }
    }

    fn receive(&mut self) {
        let wait = self.quic.deadline().map_or(PATIENCE, |at| at.saturating_duration_since(Instant::now()));
        self.socket.set_read_timeout(Some(wait.max(Duration::from_millis(1)))).unwrap();
        let mut room = [0; 2048];
        match self.socket.recv_from(&mut room) {
            Ok((length, _)) => {
                self.got += 1;
                self.quic.receive(&mut room[..length], self.path, Ecn::NotCapable);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.quic.timeout(Instant::now()),
            Err(error) => panic!("{error}"),
        }
    }

    fn read(&mut self) {
        let mut room = [0; 4096];
        while let Some(stream) = self.quic.next_readable() {
            while let Ok(read) = self.quic.read(stream, &mut room) {
                if Some(stream) == self.stream {
                    self.answered += read.length;
                }
                if read.length == 0 {
                    break;
                }
            }
        }
    }

    fn end(mut self, end: End) {
        match end {
            End::Vanishes => return,
            End::Closes => self.quic.close(0x100, "bye"),
            End::Fails => self.quic.close(0x102, "it broke"),
        }
        let mut out = Vec::new();
        while let Some(Run { segment, .. }) = self.quic.transmit(Instant::now(), &mut out) {
            for datagram in out.chunks(segment) {
                self.socket.send_to(datagram, self.path.peer).unwrap();
            }
            out.clear();
        }
    }
}

#[test]
fn at_every_phase_of_a_connection() {
    let alive = Arc::new(AtomicUsize::new(0));
    let (count, begun) = (Arc::clone(&alive), Arc::new(AtomicUsize::new(0)));
    let number = Arc::clone(&begun);
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    let endless = move |_: &Request| {
        number.fetch_add(1, Ordering::SeqCst);
        Response::new(200).with_body(Body::from_source(Endless(Alive::new(&count))))
    };
    router.post("/all", endless).unwrap();
    let mut config = ServerConfig { idle_timeout: Duration::from_secs(60), ..one_worker() };
    config.quic.idle_timeout = IDLE;
    let served = serve(router, config);
    let flare::Address::Ip(address) = served.running.addresses()[1].clone() else { panic!("no port") };
    let context = ClientContext::new(&ClientTls::with_roots(served.pem()), &QuicSettings::default()).unwrap();
    let mut other = Other { client: served.door().connect(Wire::Http3).unwrap(), asked: Instant::now() };
    other.home();

    let length = request().len();
    let mut phases: Vec<Phase> = (1..=4).map(Phase::Sent).chain((1..=6).map(Phase::Got)).collect();
    phases.extend((0..=length).map(Phase::Asked));
    phases.extend([1, 2, 100, 5_000, 100_000, 2_000_000].map(Phase::Answered));
    let ends = [End::Closes, End::Fails, End::Vanishes];
    for end in ends {
        for &phase in &phases {
            let before = begun.load(Ordering::SeqCst);
            let mut client = Client::connect(&context, address);
            client.run(phase, &mut other);
            if matches!(phase, Phase::Asked(count) if count == length) {
                wait_until("its handler was called", || begun.load(Ordering::SeqCst) > before);
            }
            client.end(end);
            other.home();
        }
        // Of those who close in the handshake the server may know no connection, or not believe the close yet: they vanish then.
        wait_until("only the other is there", || {
            other.home();
            served.running.handle().stats().open == 1
        });
        wait_until("nothing is held", || alive.load(Ordering::SeqCst) == 0);
    }
    let stats = served.running.handle().stats();
    assert_eq!(stats.panics, 0);
    assert!(begun.load(Ordering::SeqCst) >= ends.len() * 7, "{begun:?}");
}
