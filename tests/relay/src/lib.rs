//! A bad network for tests: a UDP relay that stands between the clients of a protocol and their server, and loses, repeats, reorders and
//! delays datagrams, drops those that are too long, and gives the clients other addresses while they talk.
//!
//! What happens to a datagram is drawn from a seed, for each direction in the order of arrival. So a run differs from the next only by
//! that order, and a failure comes back more often than by chance.
//!
//! ```
//! use flare_test_relay::{Relay, Weather};
//! use std::net::UdpSocket;
//!
//! # fn main() -> std::io::Result<()> {
//! let server = UdpSocket::bind("127.0.0.1:0")?;
//! let twice = Weather { duplicate: 1.0, ..Weather::FAIR };
//! let relay = Relay::start(server.local_addr()?, 7, twice, Weather::FAIR)?;
//!
//! let client = UdpSocket::bind("127.0.0.1:0")?;
//! client.send_to(b"hello", relay.address())?;
//! let mut room = [0; 100];
//! for _ in 0..2 {
//!     let (length, from) = server.recv_from(&mut room)?;
//!     assert_eq!(&room[..length], b"hello");
//!     server.send_to(b"welcome", from)?;
//! }
//! let (length, from) = client.recv_from(&mut room)?;
//! assert_eq!((&room[..length], from), (&b"welcome"[..], relay.address()));
//! # Ok(())
//! # }
//! ```

mod engine;
mod path;
mod weather;

use engine::{Command, Engine};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
pub use weather::Weather;

/// What became of the datagrams of one direction so far.
#[derive(Copy, Clone, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Datagrams that came to the relay.
    pub came: u64,
    /// Datagrams that left it: copies count.
    pub left: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Lost because they were longer than [`Weather::longest`].
    pub too_long: u64,
    /// Sent twice.
    pub duplicated: u64,
    /// Held back until the next of the same client had passed.
    pub reordered: u64,
}

/// A relay on a thread of its own. Dropping it ends the thread, and what was under way is lost.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    commands: Sender<Command>,
    waker: mio::Waker,
    counts: Arc<Mutex<[Counts; 2]>>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Begins to relay between any number of clients and this server. Both directions have a weather of their own: `up` is towards the
    /// server.
    ///
    /// # Errors
    /// What the system says when there are no sockets or threads left.
    pub fn start(server: SocketAddr, seed: u64, up: Weather, down: Weather) -> io::Result<Relay> {
        let any_port = SocketAddr::new(if server.is_ipv4() { [127, 0, 0, 1].into() } else { LOOPBACK_6 }, 0);
        Relay::start_at(any_port, server, seed, up, down)
    }

    /// The same, with the address for the clients.
    ///
    /// # Errors
    /// Also `AddrInUse`.
    pub fn start_at(
        at: SocketAddr,
        server: SocketAddr,
        seed: u64,
        up: Weather,
        down: Weather,
    ) -> io::Result<Relay> {
        let (commands, inbox) = channel();
        let counts = Arc::new(Mutex::new([Counts::default(); 2]));
        let (engine, waker) = Engine::new(at, server, seed, [up, down], inbox, Arc::clone(&counts))?;
        let address = engine.address();
        let thread = std::thread::Builder::new().name("relay".into()).spawn(move || engine.run())?;
        Ok(Relay { address, commands, waker, counts, thread: Some(thread) })
    }

    /// Where the clients send to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather of both directions, for what arrives from now on.
    ///
    /// # Errors
    /// When the thread of the relay has ended, which it does only by a panic.
    pub fn set_weather(&self, up: Weather, down: Weather) -> io::Result<()> {
        self.command(|done| Command::Weather([up, down], done))
    }

    /// Gives every client another address towards the server, as a router does that has forgotten a connection: another port, and this IP
    /// address if one is given. What the server sends to the old ones is lost. The clients notice nothing. Done when it returns.
    ///
    /// # Errors
    /// What the system says of the new address.
    pub fn rebind(&self, ip: Option<IpAddr>) -> io::Result<()> {
        self.command(|done| Command::Rebind(ip, done))
    }

    /// What became of the datagrams towards the server, and of those towards the clients.
    pub fn counts(&self) -> (Counts, Counts) {
        let counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        (counts[0], counts[1])
    }

    /// Sends a command, and waits until it was carried out.
    fn command(&self, make: impl FnOnce(Sender<io::Result<()>>) -> Command) -> io::Result<()> {
        let (done, wait) = channel();
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "the relay's thread is gone");
        self.commands.send(make(done)).map_err(|_| gone())?;
        self.waker.wake()?;
        wait.recv().map_err(|_| gone())?
    }
}

const LOOPBACK_6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

impl Drop for Relay {
    fn drop(&mut self) {
        // Err: it has ended already.
        let _ = self.commands.send(Command::End);
        if self.waker.wake().is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}
