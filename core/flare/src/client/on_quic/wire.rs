//! A UDP socket to one server, and what brings datagrams from and to it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use flare_net::{Datagrams, Driver, Ecn, Sent, Transmits, UdpKey, UdpOptions, UdpSocket};
use flare_quic::{Connection as Quic, Path};

/// Room for the datagrams of one call of the system.
const RUN: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Wire {
    pub(super) socket: UdpKey,
    transmits: Transmits,
    /// The system takes no more for now.
    blocked: bool,
}

impl Wire {
    /// A socket that talks to this peer, on a driver, and both ends of it.
    pub(super) fn open(
        driver: &mut Driver,
        own: Option<IpAddr>,
        peer: SocketAddr,
    ) -> io::Result<(Self, Path)> {
        let own = match own {
            Some(own) => own,
            None => route(peer)?,
        };
        let socket = UdpSocket::bind(&SocketAddr::new(own, 0), &UdpOptions::default())?;
        let path = Path { local: socket.local_address(), peer };
        let socket = driver.bind_udp(socket)?;
        Ok((Self { socket, transmits: Transmits::new(), blocked: false }, path))
    }

    /// Sends what the connection has to say, unless the system takes nothing for now.
    pub(super) fn send(&mut self, driver: &mut Driver, quic: &mut Quic) {
        while !self.blocked
            && let Some((run, length)) = quic.transmit_into(Instant::now(), self.transmits.space(RUN))
        {
            self.transmits.commit_run(length, run.segment, run.path.peer, None, Ecn::NotEct);
            self.blocked = driver.send_datagrams(self.socket, &mut self.transmits) == Sent::Queued;
        }
    }

    /// The system takes more again.
    pub(super) fn flushed(&mut self) {
        self.blocked = false;
    }
}

/// Gives datagrams to the connection that they are for.
pub(super) fn receive(driver: &mut Driver, mut batch: Datagrams, quic: &mut Quic) {
    while let Some(datagram) = batch.next() {
        let path = Path { local: datagram.to, peer: datagram.from };
        quic.receive(datagram.bytes, path, flare_quic::Ecn::NotCapable);
    }
    driver.recycle_datagrams(batch);
}

/// The address from which the system reaches a peer. Nothing is sent.
fn route(peer: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = if peer.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    let probe = std::net::UdpSocket::bind(SocketAddr::new(any, 0))?;
    probe.connect(peer)?;
    Ok(probe.local_addr()?.ip())
}
