//! The loop of the relay's thread.

use crate::path::Path;
use crate::weather::Dice;
use crate::{Counts, Weather};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::{Domain, Socket, Type};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Instant;

const FRONT: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);

/// Towards the server, and towards the clients.
const UP: usize = 0;
const DOWN: usize = 1;

/// What the owner wants. It waits for the answer.
pub(crate) enum Command {
    Weather([Weather; 2], Sender<io::Result<()>>),
    Rebind(Option<IpAddr>, Sender<io::Result<()>>),
    End,
}

/// One client: a socket of its own towards the server, so that the server tells the clients apart.
struct Client {
    address: SocketAddr,
    socket: UdpSocket,
    paths: [Path; 2],
}

pub(crate) struct Engine {
    poll: Poll,
    /// What the clients talk to.
    front: UdpSocket,
    server: SocketAddr,
    clients: Vec<Client>,
    by_address: HashMap<SocketAddr, usize>,
    weather: [Weather; 2],
    dice: [Dice; 2],
    counts: Arc<Mutex<[Counts; 2]>>,
    commands: Receiver<Command>,
}

impl Engine {
    pub(crate) fn new(
        at: SocketAddr,
        server: SocketAddr,
        seed: u64,
        weather: [Weather; 2],
        commands: Receiver<Command>,
        counts: Arc<Mutex<[Counts; 2]>>,
    ) -> io::Result<(Engine, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let mut front = bind(at)?;
        poll.registry().register(&mut front, FRONT, Interest::READABLE)?;
        let engine = Engine {
            poll,
            front,
            server,
            clients: Vec::new(),
            by_address: HashMap::new(),
            weather,
            dice: [Dice::new(seed), Dice::new(!seed)],
            counts,
            commands,
        };
        Ok((engine, waker))
    }

    /// Where the clients send to. The address was asked for when it was bound: it can't fail.
    pub(crate) fn address(&self) -> SocketAddr {
        self.front.local_addr().unwrap_or(self.server)
    }

    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(64);
        loop {
            let now = Instant::now();
            let timeout = self.next().map(|at| at.saturating_duration_since(now));
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                panic!("the relay cannot wait: {error}");
            }
            while let Ok(command) = self.commands.try_recv() {
                match command {
                    Command::Weather(weather, done) => {
                        self.weather = weather;
                        // Err: nobody waits for it any more.
                        let _ = done.send(Ok(()));
                    }
                    Command::Rebind(ip, done) => {
                        let _ = done.send(self.rebind(ip));
                    }
                    Command::End => return,
                }
            }
            let sockets: Vec<Token> = events.iter().map(|event| event.token()).collect();
            for token in sockets {
                match token {
                    WAKER => {}
                    FRONT => self.hear_clients(),
                    Token(index) => self.hear_server(index),
                }
            }
            self.forward(Instant::now());
        }
    }

    fn next(&self) -> Option<Instant> {
        self.clients.iter().flat_map(|client| &client.paths).filter_map(Path::next).min()
    }

    fn hear_clients(&mut self) {
        let mut room = vec![0; 1 << 16];
        while let Some((length, from)) = received(&self.front, &mut room) {
            let index = match self.by_address.get(&from) {
                Some(index) => *index,
                None => match self.add_client(from) {
                    Ok(index) => index,
                    Err(error) => panic!("the relay has no socket for another client: {error}"),
                },
            };
            self.arrived(index, UP, room.get(..length).unwrap_or_default());
        }
    }

    fn hear_server(&mut self, index: usize) {
        let mut room = vec![0; 1 << 16];
        while let Some(client) = self.clients.get(index)
            && let Some((length, from)) = received(&client.socket, &mut room)
        {
            if from == self.server {
                self.arrived(index, DOWN, room.get(..length).unwrap_or_default());
            }
        }
    }

    fn add_client(&mut self, address: SocketAddr) -> io::Result<usize> {
        let index = self.clients.len();
        let mut socket = bind(SocketAddr::new(self.address().ip(), 0))?;
        self.poll.registry().register(&mut socket, Token(index), Interest::READABLE)?;
        self.clients.push(Client { address, socket, paths: [Path::default(), Path::default()] });
        self.by_address.insert(address, index);
        Ok(index)
    }

    fn rebind(&mut self, ip: Option<IpAddr>) -> io::Result<()> {
        for (index, client) in self.clients.iter_mut().enumerate() {
            let ip = ip.map_or_else(|| client.socket.local_addr().map(|old| old.ip()), Ok)?;
            // The old one is open until then: so it is another port.
            let mut socket = bind(SocketAddr::new(ip, 0))?;
            self.poll.registry().register(&mut socket, Token(index), Interest::READABLE)?;
            client.socket = socket;
        }
        Ok(())
    }

    /// A datagram has come: what becomes of it?
    fn arrived(&mut self, index: usize, direction: usize, bytes: &[u8]) {
        let weather = self.weather[direction];
        let fate = self.dice[direction].draw(&weather);
        let Some(client) = self.clients.get_mut(index) else { return };
        let path = &mut client.paths[direction];
        let mut counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let counts = &mut counts[direction];
        counts.came += 1;
        if bytes.len() > weather.longest {
            counts.too_long += 1;
        } else if fate.lost {
            counts.lost += 1;
        } else {
            let at = Instant::now() + fate.delay;
            if fate.twice {
                counts.duplicated += 1;
                path.add(at, bytes.to_vec());
            }
            if fate.held && path.hold(at, bytes) {
                counts.reordered += 1;
            } else {
                path.add(at, bytes.to_vec());
            }
        }
    }

    /// Sends everything whose time has come.
    fn forward(&mut self, now: Instant) {
        let mut counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for client in &mut self.clients {
            for direction in [UP, DOWN] {
                for bytes in client.paths[direction].due(now) {
                    let sent = match direction {
                        UP => client.socket.send_to(&bytes, self.server),
                        _ => self.front.send_to(&bytes, client.address),
                    };
                    // What the system does not take is lost, as on a network; the counts show it.
                    counts[direction].left += u64::from(sent.is_ok());
                }
            }
        }
    }
}

/// The next datagram that waits. Errors are answers to earlier ones, such as a port that is gone: nothing a network would tell.
fn received(socket: &UdpSocket, room: &mut [u8]) -> Option<(usize, SocketAddr)> {
    loop {
        match socket.recv_from(room) {
            Ok(received) => return Some(received),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(_) => {}
        }
    }
}

/// A socket with room for bursts, which a relay that loses by a seed must not lose by chance.
fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_recv_buffer_size(4 << 20)?;
    socket.set_send_buffer_size(4 << 20)?;
    socket.bind(&address.into())?;
    Ok(UdpSocket::from_std(socket.into()))
}
