//! HTTP/3 on a UDP socket and a driver of its own, for a thread that blocks or a loop that polls.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use flare_net::{
    Address, Driver, DriverOptions, Ecn, Event as NetEvent, Family, Resolution, Target, Transmits, UdpKey,
    UdpOptions, UdpSocket,
};
use flare_proto::http3::Limits;
use flare_quic::{Connection as Quic, Path};

use super::Event;
use super::http3::Http3;
use crate::connect::{ConnectError, ConnectFailure, Connector, Phase};
use crate::message::TlsSession;

/// Enough for one socket.
const EVENTS: usize = 4;
/// Nothing is read from a stream of bytes here.
const READ_BUFFER: usize = 1;

/// H3_NO_ERROR (RFC 9114, 8.1).
const NO_ERROR: u64 = 0x100;

#[derive(Debug)]
pub(super) struct OnQuic {
    link: Link,
    pub(super) http3: Http3,
    begun: Instant,
}

/// A UDP socket, and what brings datagrams from and to it.
#[derive(Debug)]
struct Link {
    driver: Driver,
    socket: UdpKey,
    transmits: Transmits,
    scratch: Vec<u8>,
    /// The system takes no more for now.
    blocked: bool,
}

impl OnQuic {
    /// Connects to an address or a name with a port, and waits for the end of the handshake.
    pub(super) fn connect(connector: &Connector, target: &str) -> Result<Self, ConnectError> {
        let fail = |phase, failure| ConnectError::new(target, phase, failure);
        let parsed =
            Target::parse(target).map_err(|error| fail(Phase::Target, ConnectFailure::Target(error)))?;
        let until = Instant::now() + connector.config().timeout;
        let (name, addresses) = addresses(connector, &parsed, until, target)?;
        let mut last = None;
        for address in addresses {
            match Self::connect_to(connector, &name, address, until, target) {
                Ok(made) => return Ok(made),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| {
            let none = io::Error::new(io::ErrorKind::AddrNotAvailable, "no address of this family");
            fail(Phase::Connect, ConnectFailure::Io(none))
        }))
    }

    fn connect_to(
        connector: &Connector,
        name: &str,
        peer: SocketAddr,
        until: Instant,
        target: &str,
    ) -> Result<Self, ConnectError> {
        let fail = |phase, failure| ConnectError::new(target, phase, failure);
        let system = |error| fail(Phase::Connect, ConnectFailure::Io(error));
        let named = |problem: String| fail(Phase::Target, ConnectFailure::ServerName(problem));
        let context = connector.quic().map_err(|error| named(error.to_string()))?;
        let (mut link, local) = Link::open(connector.config().local_address, peer).map_err(system)?;
        let path = Path { local, peer };
        let mut quic = Quic::connect(&context, name, path, false, Instant::now())
            .map_err(|error| named(error.to_string()))?;
        while !quic.is_ready() && !quic.is_closing() {
            link.send(&mut quic);
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                quic.close(NO_ERROR, "");
                link.send(&mut quic);
                return Err(fail(Phase::Tls, ConnectFailure::TlsTimeout(connector.config().timeout)));
            }
            link.wait(&mut quic, Some(left)).map_err(system)?;
        }
        link.send(&mut quic);
        if quic.is_closing() {
            return Err(fail(
                Phase::Tls,
                match quic.close_reason() {
                    Some(close) => ConnectFailure::Tls { kind: "quic", problem: close.to_string() },
                    None => ConnectFailure::TlsTimeout(connector.config().timeout),
                },
            ));
        }
        let http3 = Http3::new(Box::new(quic), Arc::new(Limits::default()));
        let mut made = Self { link, http3, begun: Instant::now() };
        made.send();
        Ok(made)
    }

    pub(super) fn tls(&self) -> Option<&TlsSession> {
        self.http3.quic.handshake().map(|handshake| &*handshake.session)
    }

    /// Sends what can be sent without waiting.
    pub(super) fn send(&mut self) {
        self.http3.set_now(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX));
        self.link.send(&mut self.http3.quic);
    }

    pub(super) fn step(&mut self, timeout: Option<Duration>) -> io::Result<Option<Event>> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            self.send();
            if let Some(event) = self.http3.next_event() {
                return Ok(Some(event));
            }
            if self.http3.is_over() {
                return Ok(None);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let came = self.link.wait(&mut self.http3.quic, left)?;
            self.http3.advance();
            if !came && left.is_some_and(|left| left.is_zero()) {
                self.send();
                self.link.sleep(&self.http3.quic)?;
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
    }

    /// Ends the connection at once.
    pub(super) fn abort(&mut self) {
        self.http3.quic.close(NO_ERROR, "");
        self.http3.advance();
        self.send();
    }
}

impl Drop for OnQuic {
    /// The server is told, so that it does not wait for a client that is gone.
    fn drop(&mut self) {
        self.http3.quic.close(NO_ERROR, "");
        self.send();
    }
}

impl AsFd for OnQuic {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.driver.as_fd()
    }
}

impl Link {
    /// A socket that talks to this peer, and its own address.
    fn open(own: Option<IpAddr>, peer: SocketAddr) -> io::Result<(Self, SocketAddr)> {
        let own = match own {
            Some(own) => own,
            None => route(peer)?,
        };
        let mut driver = Driver::new(DriverOptions { events: EVENTS, read_buffer: READ_BUFFER })?;
        let socket = UdpSocket::bind(&SocketAddr::new(own, 0), &UdpOptions::default())?;
        let local = socket.local_address();
        let socket = driver.bind_udp(socket)?;
        let (transmits, scratch) = (Transmits::new(), Vec::new());
        Ok((Self { driver, socket, transmits, scratch, blocked: false }, local))
    }

    /// Sends what the connection has to say, unless the system takes nothing for now.
    fn send(&mut self, quic: &mut Quic) {
        while !self.blocked
            && let Some(run) = quic.transmit(Instant::now(), &mut self.scratch)
        {
            for datagram in self.scratch.chunks(run.segment.max(1)) {
                self.transmits.push(datagram, run.path.peer, None, Ecn::NotEct);
            }
            self.scratch.clear();
            let sent = self.driver.send_datagrams(self.socket, &mut self.transmits);
            self.blocked = sent == flare_net::Sent::Queued;
        }
    }

    /// Waits for datagrams or the connection's deadline, at most this long. Whether anything happened.
    fn wait(&mut self, quic: &mut Quic, most: Option<Duration>) -> io::Result<bool> {
        let deadline = quic.deadline();
        let until = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let wait = match (until, most) {
            (Some(until), Some(most)) => Some(until.min(most)),
            (until, most) => until.or(most),
        };
        self.driver.wait(wait)?;
        let mut came = false;
        while let Some(event) = self.driver.next() {
            match event {
                NetEvent::Datagrams { mut batch, .. } => {
                    while let Some(datagram) = batch.next() {
                        let path = Path { local: datagram.to, peer: datagram.from };
                        quic.receive(datagram.bytes, path, flare_quic::Ecn::NotCapable);
                    }
                    self.driver.recycle_datagrams(batch);
                    came = true;
                }
                NetEvent::DatagramsFlushed { .. } => (self.blocked, came) = (false, true),
                _ => {}
            }
        }
        let now = Instant::now();
        if deadline.is_some_and(|at| at <= now) {
            quic.timeout(now);
            came = true;
        }
        Ok(came)
    }

    /// Before a loop goes on: makes the descriptor readable when there is more to do, or at the connection's deadline.
    fn sleep(&mut self, quic: &Quic) -> io::Result<()> {
        if self.driver.is_ready() {
            self.driver.wake_self();
        }
        let after = quic.deadline().map(|at| at.saturating_duration_since(Instant::now()));
        self.driver.arm_timer(after)
    }
}

/// The address from which the system reaches a peer. Nothing is sent.
fn route(peer: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = if peer.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    let probe = std::net::UdpSocket::bind(SocketAddr::new(any, 0))?;
    probe.connect(peer)?;
    Ok(probe.local_addr()?.ip())
}

/// The name that the server has to prove, and where to look for it.
fn addresses(
    connector: &Connector,
    target: &Target,
    until: Instant,
    text: &str,
) -> Result<(String, Vec<SocketAddr>), ConnectError> {
    let fail = |failure| ConnectError::new(text, Phase::Resolve, failure);
    let (name, found) = match target {
        Target::Address(Address::Ip(address)) => (address.ip().to_string(), vec![*address]),
        Target::Address(Address::Unix(_)) => {
            let problem = "HTTP/3 needs an address with a port".to_owned();
            return Err(ConnectError::new(text, Phase::Target, ConnectFailure::ServerName(problem)));
        }
        Target::Name { host, port } => {
            let (sender, answer) = sync_channel(1);
            let asked = connector.resolver().resolve(host, move |answer| {
                // Err: nobody waits any more.
                let _ = sender.send(answer);
            });
            let answer = match asked {
                Resolution::Known(answer) => Ok(answer),
                Resolution::Asked(asking) => {
                    let got = answer.recv_timeout(until.saturating_duration_since(Instant::now()));
                    drop(asking);
                    got
                }
            };
            let system = |kind, error: String| fail(ConnectFailure::Io(io::Error::new(kind, error)));
            let found = match answer {
                Ok(Ok(found)) => found,
                Ok(Err(error)) => return Err(system(io::ErrorKind::NotFound, error.to_string())),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let problem = "its name was not found in time".to_owned();
                    return Err(system(io::ErrorKind::TimedOut, problem));
                }
            };
            let with_port = |address: &SocketAddr| SocketAddr::new(address.ip(), *port);
            (host.as_str().trim_end_matches('.').to_owned(), found.iter().map(with_port).collect())
        }
    };
    let family = connector.config().family;
    let wanted = |address: &SocketAddr| match family {
        Family::Any => true,
        Family::Ipv4 => address.is_ipv4(),
        Family::Ipv6 => address.is_ipv6(),
    };
    Ok((name, found.into_iter().filter(wanted).collect()))
}
