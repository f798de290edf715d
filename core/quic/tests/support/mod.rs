//! A server and its clients, joined by a wire in memory that can lose, reorder and repeat datagrams. quiche reads the clock itself, so
//! the world runs in real time; it sleeps only until the next deadline.
#![allow(dead_code)] // each test program uses what it needs

#[path = "../../../tls/tests/support/authority.rs"]
pub mod authority;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flare_quic::{
    ClientContext, Connection, Ecn, Endpoint, EndpointShared, Path, QuicSettings, Reply, Route, Run,
    ServerContext, StreamError,
};
use flare_tls::{ClientTls, Identity, ServerTls, Trust};

pub const SERVER: &str = "10.0.0.1:443";

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub fn server_tls() -> ServerTls {
    ServerTls::new(Identity::self_signed(&["localhost"]).unwrap())
}

pub fn insecure() -> ClientTls {
    ClientTls { trust: Trust::InsecureAnyCertificate, ..ClientTls::default() }
}

/// Random numbers by a seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % limit
    }
}

/// What the wire does to datagrams, in percent.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    pub lost: u64,
    pub repeated: u64,
    pub reordered: u64,
    /// Larger ones are lost. 0: none.
    pub largest: usize,
}

pub struct Datagram {
    pub bytes: Vec<u8>,
    /// As the receiver sees it.
    pub path: Path,
}

pub struct Worker {
    pub endpoint: Endpoint,
    pub connections: BTreeMap<u64, Box<Connection>>,
    /// Datagrams that were given to it by other workers.
    pub forwarded: usize,
}

pub struct World {
    pub context: ServerContext,
    pub shared: Arc<EndpointShared>,
    pub workers: Vec<Worker>,
    pub clients: Vec<Connection>,
    pub faults: Faults,
    pub random: Random,
    /// Whether another connection may begin.
    pub room: bool,
    pub next_name: u64,
    pub to_server: VecDeque<Datagram>,
    pub to_clients: VecDeque<Datagram>,
    /// Everything that was sent: towards the server, and its size.
    pub sent: Vec<(bool, usize)>,
    /// Runs that were sent, as (segment, bytes).
    pub runs: Vec<(usize, usize)>,
    /// Addresses of clients that are replaced on the way, as a NAT does.
    pub rebound: BTreeMap<SocketAddr, SocketAddr>,
}

impl World {
    pub fn new(tls: &ServerTls, quic: &QuicSettings) -> Self {
        Self::with_workers(tls, quic, 1)
    }

    pub fn with_workers(tls: &ServerTls, quic: &QuicSettings, workers: u16) -> Self {
        let shared = EndpointShared::new(quic.clone(), workers).unwrap();
        let worker = |number| Worker {
            endpoint: Endpoint::new(Arc::clone(&shared), number),
            connections: BTreeMap::new(),
            forwarded: 0,
        };
        Self {
            context: ServerContext::new(tls, quic).unwrap(),
            workers: (0..workers).map(worker).collect(),
            shared: Arc::clone(&shared),
            clients: Vec::new(),
            faults: Faults::default(),
            random: Random::new(1),
            room: true,
            next_name: 0,
            to_server: VecDeque::new(),
            to_clients: VecDeque::new(),
            sent: Vec::new(),
            runs: Vec::new(),
            rebound: BTreeMap::new(),
        }
    }

    /// With default settings, and a client that is connected.
    pub fn joined() -> Self {
        let mut world = Self::new(&server_tls(), &QuicSettings::default());
        world.connect(&client_context());
        world.settle_handshakes();
        world
    }

    pub fn connect(&mut self, context: &ClientContext) -> usize {
        self.connect_to(context, "localhost", false)
    }

    pub fn connect_to(&mut self, context: &ClientContext, name: &str, early: bool) -> usize {
        let local = SocketAddr::new("10.0.1.1".parse().unwrap(), 2000 + self.clients.len() as u16);
        let path = Path { local, peer: address(SERVER) };
        self.clients.push(Connection::connect(context, name, path, early, Instant::now()).unwrap());
        self.clients.len() - 1
    }

    pub fn settle_handshakes(&mut self) {
        self.run("the handshakes", |world| {
            world.clients.iter().all(|client| client.handshake().is_some())
                && world
                    .workers
                    .iter()
                    .all(|worker| worker.connections.values().all(|each| each.handshake().is_some()))
        });
    }

    /// The only connection of the server.
    pub fn server(&mut self) -> &mut Connection {
        let mut all = self.workers.iter_mut().flat_map(|worker| worker.connections.values_mut());
        let first = all.next().unwrap();
        assert!(all.next().is_none());
        first
    }

    pub fn client(&mut self) -> &mut Connection {
        &mut self.clients[0]
    }

    pub fn connections(&self) -> usize {
        self.workers.iter().map(|worker| worker.connections.len()).sum()
    }

    /// Lets everything go on until `done`.
    pub fn run(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let begin = Instant::now();
        loop {
            let moved = self.turn();
            if done(self) {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{what}: it takes too long");
            if !moved {
                self.wait();
            }
        }
    }

    /// Until nothing is on its way and nothing is to be sent at once.
    pub fn run_out(&mut self) {
        while self.turn() {}
    }

    /// Sends and delivers what there is. Whether there was anything.
    pub fn turn(&mut self) -> bool {
        let now = Instant::now();
        self.send(now);
        let (for_server, for_clients) =
            (std::mem::take(&mut self.to_server), std::mem::take(&mut self.to_clients));
        let moved = !for_server.is_empty() || !for_clients.is_empty();
        for datagram in for_server {
            self.arrive(datagram);
        }
        for mut datagram in for_clients {
            let own = |client: &&mut Connection| client.path().local == datagram.path.local;
            if let Some(client) = self.clients.iter_mut().find(own) {
                client.receive(&mut datagram.bytes, datagram.path, Ecn::NotCapable);
            }
        }
        moved
    }

    /// A datagram at the server: by its address it comes to one of the workers, as with SO_REUSEPORT.
    fn arrive(&mut self, mut datagram: Datagram) {
        let now = Instant::now();
        let first = usize::from(datagram.path.peer.port()) % self.workers.len();
        let room = self.room;
        let worker = &mut self.workers[first];
        let route =
            worker.endpoint.route(&mut datagram.bytes, datagram.path, false, room, &self.context, now);
        let (worker, route) = match route {
            Route::Worker(number) => {
                let worker = &mut self.workers[usize::from(number)];
                worker.forwarded += 1;
                let route =
                    worker.endpoint.route(&mut datagram.bytes, datagram.path, true, room, &self.context, now);
                assert!(!matches!(route, Route::Worker(_)), "it was forwarded twice");
                (worker, route)
            }
            route => (worker, route),
        };
        let name = match route {
            Route::Connection(name) => name,
            Route::Begin(mut connection) => {
                let name = self.next_name;
                self.next_name += 1;
                worker.endpoint.insert(name, &mut connection);
                worker.connections.insert(name, connection);
                name
            }
            Route::None => return,
            Route::Worker(_) => unreachable!(),
        };
        let connection = worker.connections.get_mut(&name).unwrap();
        connection.receive(&mut datagram.bytes, datagram.path, Ecn::NotCapable);
        worker.endpoint.settle(name, connection);
    }

    /// What there is to send now, and nothing is delivered.
    pub fn send_now(&mut self) {
        self.send(Instant::now());
    }

    fn send(&mut self, now: Instant) {
        let mut wire = Vec::new();
        for worker in &mut self.workers {
            let mut over = Vec::new();
            for (name, connection) in &mut worker.connections {
                if connection.deadline().is_some_and(|deadline| deadline <= now) {
                    connection.timeout(now);
                }
                drain(connection, now, &mut wire, &mut self.runs);
                worker.endpoint.settle(*name, connection);
                if connection.is_closed() {
                    over.push(*name);
                }
            }
            for name in over {
                if let Some(mut connection) = worker.connections.remove(&name) {
                    worker.endpoint.remove(&mut connection);
                }
            }
            while let Some(Reply { path, bytes }) = worker.endpoint.next_reply() {
                wire.push(Datagram { bytes, path });
            }
        }
        for client in &mut self.clients {
            if client.deadline().is_some_and(|deadline| deadline <= now) {
                client.timeout(now);
            }
            drain(client, now, &mut wire, &mut self.runs);
        }
        for datagram in wire {
            self.post(datagram);
        }
    }

    /// Puts a datagram, with the path as its sender sees it, on the wire.
    pub fn post(&mut self, datagram: Datagram) {
        let to_server = datagram.path.peer == address(SERVER);
        self.sent.push((to_server, datagram.bytes.len()));
        let too_large = self.faults.largest != 0 && datagram.bytes.len() > self.faults.largest;
        if too_large || self.random.below(100) < self.faults.lost {
            return;
        }
        let (mut local, mut peer) = (datagram.path.local, datagram.path.peer);
        if to_server {
            local = self.rebound.get(&local).copied().unwrap_or(local);
        } else {
            peer = self.rebound.iter().find(|(_, new)| **new == peer).map_or(peer, |(old, _)| *old);
        }
        let path = Path { local: peer, peer: local };
        let queue = if to_server { &mut self.to_server } else { &mut self.to_clients };
        let copies = 1 + usize::from(self.random.below(100) < self.faults.repeated);
        for _ in 0..copies {
            let datagram = Datagram { bytes: datagram.bytes.clone(), path };
            if !queue.is_empty() && self.random.below(100) < self.faults.reordered {
                let place = self.random.below(queue.len() as u64) as usize;
                queue.insert(place, datagram);
            } else {
                queue.push_back(datagram);
            }
        }
    }

    /// Sleeps until the next deadline of anybody.
    pub fn wait(&self) {
        let servers = self.workers.iter().flat_map(|worker| worker.connections.values()).map(|each| &**each);
        let next = servers.chain(&self.clients).filter_map(Connection::deadline).min();
        let longest = Instant::now() + Duration::from_millis(50);
        let until = next.map_or(longest, |next| next.min(longest));
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
    }
}

/// All that a connection sends now, datagram by datagram.
fn drain(
    connection: &mut Connection,
    now: Instant,
    wire: &mut Vec<Datagram>,
    runs: &mut Vec<(usize, usize)>,
) {
    let mut out = Vec::new();
    while let Some(Run { path, segment, .. }) = connection.transmit(now, &mut out) {
        assert!(!out.is_empty() && out.len() <= 65_507, "{} bytes", out.len());
        assert!(out.len().div_ceil(segment) <= 64, "{} of {segment}", out.len());
        runs.push((segment, out.len()));
        wire.extend(out.chunks(segment).map(|bytes| Datagram { bytes: bytes.to_vec(), path }));
        out.clear();
    }
}

pub fn client_context() -> ClientContext {
    ClientContext::new(&insecure(), &QuicSettings::default()).unwrap()
}

/// Bytes that tell where they are.
pub fn pattern(length: usize, stream: u64) -> Vec<u8> {
    (0..length)
        .map(|index| {
            (index as u64).wrapping_mul(31).wrapping_add(stream).to_le_bytes()[0] ^ (index >> 8) as u8
        })
        .collect()
}

/// Content that is written as far as it goes.
pub struct Sender {
    pub stream: u64,
    pub content: Vec<u8>,
    pub sent: usize,
    pub done: bool,
}

impl Sender {
    pub fn new(stream: u64, content: Vec<u8>) -> Self {
        Self { stream, content, sent: 0, done: false }
    }

    /// Writes what goes, with the end behind it.
    pub fn go(&mut self, connection: &mut Connection) {
        while !self.done {
            let rest = &self.content[self.sent..];
            match connection.write(self.stream, rest, true) {
                Ok(taken) => {
                    self.sent += taken;
                    if taken < rest.len() {
                        return;
                    }
                    self.done = true;
                }
                Err(StreamError::Blocked) => return,
                Err(error) => panic!("stream {}: {error:?}", self.stream),
            }
        }
    }
}

/// Reads a stream to its end or as far as it goes. True: the end was there.
pub fn read_all(connection: &mut Connection, stream: u64, into: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match connection.read(stream, &mut buffer) {
            Ok(read) => {
                into.extend_from_slice(&buffer[..read.length]);
                if read.fin {
                    return true;
                }
            }
            Err(StreamError::Blocked) => return false,
            Err(error) => panic!("stream {stream}: {error:?}"),
        }
    }
}
