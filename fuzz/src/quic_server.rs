//! Datagrams to the server's side of QUIC, without a socket: whose they are, and what strangers get.
//!
//! An input: the settings, and steps. A step sends bytes as they are, a packet made to measure, or what a real client has to send, as it is,
//! changed, or again from elsewhere. What has to hold: each worker's datagrams are its own; an answer to a stranger is one, to who asked, and no
//! longer than that; nothing is said to version negotiation; an address that has proved nothing gets three times what it sent at most; a client
//! whose datagrams come through unchanged gets its handshake; and at the end all that was known is forgotten.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use flare_quic::{
    ClientContext, Connection, Ecn, Endpoint, EndpointShared, Path, QuicSettings, Retry, Route, ServerContext,
};
use flare_tls::{ClientTls, Identity, ServerTls, Trust};

use crate::PLANTED;
use crate::input::Input;

/// Handshakes at once.
const HANDSHAKES: usize = 4;

/// Steps of an input.
const STEPS: usize = 64;

/// One address of each side: the server's is 0.
pub(crate) fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number], 4000))
}

fn settings(retry: Retry) -> QuicSettings {
    QuicSettings { retry, max_handshakes: HANDSHAKES, path_mtu_discovery: false, ..QuicSettings::default() }
}

pub(crate) fn context() -> &'static ServerContext {
    static CONTEXT: OnceLock<ServerContext> = OnceLock::new();
    CONTEXT.get_or_init(|| {
        let identity = Identity::self_signed(&["localhost"]).expect("names are good");
        ServerContext::new(&ServerTls::new(identity), &settings(Retry::Never)).expect("the settings are good")
    })
}

fn client_context() -> &'static ClientContext {
    static CONTEXT: OnceLock<ClientContext> = OnceLock::new();
    CONTEXT.get_or_init(|| {
        let tls = ClientTls { trust: Trust::InsecureAnyCertificate, ..ClientTls::default() };
        ClientContext::new(&tls, &settings(Retry::Never)).expect("the settings are good")
    })
}

/// A packet with a long header. `token`: of an Initial packet. `full`: as long as the first of a client has to be.
pub(crate) fn long(
    first: u8,
    version: u32,
    destination: &[u8],
    source: &[u8],
    token: Option<&[u8]>,
    full: bool,
) -> Vec<u8> {
    let mut packet = vec![first];
    packet.extend_from_slice(&version.to_be_bytes());
    for id in [destination, source] {
        packet.push(id.len() as u8);
        packet.extend_from_slice(id);
    }
    if let Some(token) = token {
        // In two bytes.
        packet.extend_from_slice(&(0x4000 | token.len() as u16).to_be_bytes());
        packet.extend_from_slice(token);
    }
    // The length of the rest, in two bytes.
    packet.extend_from_slice(&[0x44, 0x00]);
    if full {
        packet.resize(packet.len().max(1200), 0);
    }
    packet
}

/// The IDs of a long header, and what is behind.
pub(crate) fn parts(packet: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let rest = packet.get(5..).filter(|_| packet[0] & 0x80 != 0)?;
    let (length, rest) = rest.split_first()?;
    let (destination, rest) = rest.split_at_checked(usize::from(*length))?;
    let (length, rest) = rest.split_first()?;
    let (source, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((destination, source, rest))
}

/// Whether a connection begins. It gets the datagram, and is forgotten.
pub(crate) fn begin(endpoint: &mut Endpoint, datagram: &[u8], path: Path, now: Instant) -> bool {
    let mut datagram = datagram.to_vec();
    let Route::Begin(mut connection) = endpoint.route(&mut datagram, path, false, true, context(), now)
    else {
        return false;
    };
    endpoint.insert(0, &mut connection);
    connection.receive(&mut datagram, path, Ecn::NotCapable);
    endpoint.settle(0, &mut connection);
    endpoint.remove(&mut connection);
    true
}

/// One worker.
struct Worker {
    endpoint: Endpoint,
    connections: BTreeMap<u64, Box<Connection>>,
}

struct World {
    workers: Vec<Worker>,
    next: u64,
    /// What was sent to the server so far, and what it sent back, by the client's address.
    counted: BTreeMap<SocketAddr, (usize, usize)>,
    /// What the server sent, and where to.
    back: Vec<(SocketAddr, Vec<u8>)>,
    /// IDs of the server, which its packets had.
    ids: Vec<Vec<u8>>,
    now: Instant,
}

impl World {
    fn new(retry: Retry) -> Self {
        let shared = EndpointShared::new(settings(retry), 2).expect("there are random numbers");
        let worker = |number| Worker {
            endpoint: Endpoint::new(Arc::clone(&shared), number),
            connections: BTreeMap::new(),
        };
        Self {
            workers: vec![worker(0), worker(1)],
            next: 0,
            counted: BTreeMap::new(),
            back: Vec::new(),
            ids: Vec::new(),
            now: Instant::now(),
        }
    }

    /// A datagram comes to a worker. `room`: whether the server takes connections.
    fn deliver(&mut self, at: usize, datagram: &[u8], from: SocketAddr, room: bool) {
        self.counted.entry(from).or_default().0 += datagram.len();
        let path = Path { local: address(0), peer: from };
        if let Some(other) = self.route(at, datagram, path, false, room) {
            assert_ne!(other, at, "its own datagram is another's");
            assert_eq!(self.route(other, datagram, path, true, room), None, "sent round in circles");
        }
    }

    /// The other worker whose it is.
    fn route(
        &mut self,
        at: usize,
        datagram: &[u8],
        path: Path,
        forwarded: bool,
        room: bool,
    ) -> Option<usize> {
        let worker = &mut self.workers[at];
        let mut bytes = datagram.to_vec();
        let name = match worker.endpoint.route(&mut bytes, path, forwarded, room, context(), self.now) {
            Route::Worker(other) => {
                assert!(worker.endpoint.next_reply().is_none(), "another's datagram was answered");
                return Some(usize::from(other));
            }
            Route::Connection(name) => Some(name),
            Route::Begin(mut connection) => {
                assert!(room && datagram.len() >= 1200 && datagram[0] & 0xb0 == 0x80, "{datagram:?} begins");
                self.next += 1;
                worker.endpoint.insert(self.next, &mut connection);
                worker.connections.insert(self.next, connection);
                assert!(worker.endpoint.handshakes() <= HANDSHAKES);
                Some(self.next)
            }
            Route::None => None,
        };
        let mut replies = 0;
        while let Some(reply) = worker.endpoint.next_reply() {
            replies += 1;
            assert!(name.is_none() && replies == 1, "several answers");
            assert_eq!(reply.path, path);
            let mut length = reply.bytes.len();
            // PLANTED: a stateless reset of one length is a byte too long.
            length += usize::from(PLANTED && datagram.len() == 37 && reply.bytes[0] & 0x80 == 0);
            let short = reply.bytes[0] & 0x80 == 0;
            assert!(length <= datagram.len() - usize::from(short), "{length} bytes for {}", datagram.len());
            assert_ne!(
                datagram.get(1..5),
                Some(&[0; 4][..]).filter(|_| !short),
                "version negotiation was answered"
            );
            self.back.push((path.peer, reply.bytes));
        }
        let name = name?;
        let connection = worker.connections.get_mut(&name).expect("it is known");
        connection.receive(&mut bytes, path, Ecn::NotCapable);
        self.settle(at, name);
        None
    }

    /// Sends what a connection has to send.
    fn settle(&mut self, at: usize, name: u64) {
        let Worker { endpoint, connections } = &mut self.workers[at];
        let Some(connection) = connections.get_mut(&name) else { return };
        let mut out = Vec::new();
        while let Some(run) = connection.transmit(Instant::now(), &mut out) {
            let counted = self.counted.entry(run.path.peer).or_default();
            counted.1 += out.len();
            assert!(connection.is_ready() || counted.1 <= 3 * counted.0, "amplified: {counted:?}");
            for datagram in out.chunks(run.segment) {
                if let Some((_, source, _)) = parts(datagram)
                    && !self.ids.iter().any(|id| id == source)
                {
                    self.ids.push(source.to_vec());
                }
                self.back.push((run.path.peer, datagram.to_vec()));
            }
            out.clear();
        }
        endpoint.settle(name, connection);
        if connection.is_closed() {
            endpoint.remove(connection);
            connections.remove(&name);
        }
    }

    /// Time passes for whoever waits for it.
    fn timeouts(&mut self) {
        for at in 0..self.workers.len() {
            let names: Vec<u64> = self.workers[at].connections.keys().copied().collect();
            for name in names {
                if let Some(connection) = self.workers[at].connections.get_mut(&name) {
                    connection.timeout(Instant::now());
                    self.settle(at, name);
                }
            }
        }
    }

    fn end(mut self) {
        for Worker { endpoint, connections } in &mut self.workers {
            for connection in connections.values_mut() {
                endpoint.remove(connection);
            }
            assert_eq!(endpoint.handshakes(), 0);
            let left = format!("{endpoint:?}");
            assert!(left.contains("ids: 0,"), "{left}");
        }
    }
}

/// The real client, on address 1. It comes to worker 0.
struct Client {
    connection: Connection,
    /// Whether all that it sent came as it was.
    whole: bool,
}

impl Client {
    fn new() -> Self {
        let path = Path { local: address(1), peer: address(0) };
        let connection = Connection::connect(client_context(), "localhost", path, false, Instant::now());
        Self { connection: connection.expect("the name is good"), whole: true }
    }

    /// Takes what came for it, and says what it sends.
    fn go(&mut self, world: &mut World) -> Vec<Vec<u8>> {
        let path = Path { local: address(1), peer: address(0) };
        for (to, mut datagram) in std::mem::take(&mut world.back) {
            if to == path.local {
                self.connection.receive(&mut datagram, path, Ecn::NotCapable);
            }
        }
        let (mut all, mut out) = (Vec::new(), Vec::new());
        while let Some(run) = self.connection.transmit(Instant::now(), &mut out) {
            all.extend(out.chunks(run.segment).map(<[u8]>::to_vec));
            out.clear();
        }
        all
    }
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let retry = [Retry::Never, Retry::UnderLoad, Retry::Always][usize::from(flags) % 3];
    let mut world = World::new(retry);
    let mut client: Option<Client> = None;
    let mut sent: Vec<Vec<u8>> = Vec::new();
    let mut alone = true;
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        let step = input.byte();
        // The rest of the byte: to which worker, from which address, and whether there is room.
        let (at, from, room) = (usize::from(step >> 4 & 1), address(1 + (step >> 5 & 1)), step & 0x80 == 0);
        match step % 8 {
            0 => {
                let datagram = input.bytes();
                world.deliver(at, datagram, from, room);
            }
            1 => {
                let first = 0x80 | input.byte();
                let version = [1, 0, 2, 0x6b33_43cf, 0x1a2a_3a4a][usize::from(input.byte()) % 5];
                let (destination, source, token) = (input.bytes(), input.bytes(), input.bytes());
                let token = (first & 0x30 == 0).then_some(token);
                let packet = long(first, version, destination, source, token, input.byte() & 1 == 0);
                world.deliver(at, &packet, from, room);
            }
            // A packet to an ID of the server, or nearly.
            2 => {
                let (first, which, flip) =
                    (input.byte(), usize::from(input.byte()), usize::from(input.byte()));
                let mut id = match world.ids.len() {
                    0 => vec![0; 16],
                    count => world.ids[which % count].clone(),
                };
                if let Some(byte) = id.get_mut(flip) {
                    *byte ^= 1;
                }
                let packet = match first & 0x80 {
                    0 => [&[first | 0x40][..], &id, input.bytes()].concat(),
                    _ => long(first, 1, &id, b"client", None, false),
                };
                world.deliver(at, &packet, from, room);
            }
            // The real client, as it is.
            3 => {
                let client = client.get_or_insert_with(Client::new);
                for datagram in client.go(&mut world) {
                    sent.push(datagram.clone());
                    client.whole &= room;
                    world.deliver(0, &datagram, address(1), room);
                }
            }
            // What it sends, changed.
            4 => {
                let client = client.get_or_insert_with(Client::new);
                let (place, value) =
                    (usize::from(input.byte()) << 3 | usize::from(step >> 4 & 7), input.byte());
                for mut datagram in client.go(&mut world) {
                    client.whole = false;
                    match datagram.get_mut(place) {
                        Some(byte) => *byte ^= value,
                        None => datagram.truncate(usize::from(value)),
                    }
                    world.deliver(at, &datagram, address(1), room);
                }
            }
            // Something again, from anywhere.
            5 => {
                let which = usize::from(input.byte());
                if let Some(datagram) = sent.get(which % sent.len().max(1)).cloned() {
                    alone = false;
                    world.deliver(at, &datagram, from, room);
                }
            }
            6 => world.now += Duration::from_millis(u64::from(input.byte())),
            _ => world.timeouts(),
        }
        alone &= matches!(step % 8, 3 | 6 | 7);
    }
    if let Some(client) = &mut client
        && client.whole
        && alone
    {
        for _ in 0..8 {
            for datagram in client.go(&mut world) {
                world.deliver(0, &datagram, address(1), true);
            }
        }
        assert!(client.connection.is_ready(), "no handshake");
    }
    world.end();
}
