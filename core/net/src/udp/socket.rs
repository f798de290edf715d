//! UDP sockets.

use super::system;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::{SocketAddr, UdpSocket as Inner};
use std::os::fd::{AsFd, BorrowedFd};

/// How to bind a UDP socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpOptions {
    /// Whether several sockets share one address and the system spreads senders over them (SO_REUSEPORT): the datagrams of one address and
    /// port always come to the same socket, as long as none is added or closed. All of them must set it, and belong to one user. Default
    /// false.
    pub reuse_port: bool,
    /// Whether an IPv6 socket takes IPv6 only, and not IPv4 as mapped addresses. Default true.
    pub v6_only: bool,
    /// How many bytes of received datagrams the system should keep until they are taken. It may give less (`net.core.rmem_max`): see
    /// [`UdpSocket::receive_buffer`]. Its own overhead counts. Default 4 MiB.
    pub receive_buffer: usize,
    /// How many bytes of datagrams the system should take that the network has not taken yet. It may give less (`net.core.wmem_max`): see
    /// [`UdpSocket::send_buffer`]. Default 4 MiB.
    pub send_buffer: usize,
    /// How many bytes of datagrams may wait here when the system takes no more. What does not fit is dropped. Default 1 MiB.
    pub unsent_limit: usize,
    /// Whether the system may join datagrams that it received (GRO), where it can. It is seen only in fewer calls. Default true.
    pub join: bool,
    /// Whether the system may be given several datagrams as one message, and cut it (GSO), where it can. It is seen only in fewer calls.
    /// Default true.
    pub segment: bool,
}

impl Default for UdpOptions {
    fn default() -> UdpOptions {
        UdpOptions {
            reuse_port: false,
            v6_only: true,
            receive_buffer: 4 << 20,
            send_buffer: 4 << 20,
            unsent_limit: 1 << 20,
            join: true,
            segment: true,
        }
    }
}

/// A bound UDP socket. It is read once [`Driver::bind_udp`](crate::Driver::bind_udp) has it; until then the system keeps what comes.
///
/// On Linux its datagrams are never fragmented, and the system does not judge their size by what it believes of the path
/// (IP_PMTUDISC_PROBE): who sends finds out itself what the path takes (RFC 8899). One that is too long for the first link is refused and
/// counted.
#[derive(Debug)]
pub struct UdpSocket {
    pub(crate) socket: Inner,
    address: SocketAddr,
    receive_buffer: usize,
    send_buffer: usize,
    pub(crate) unsent_limit: usize,
    /// Whether the system cuts messages into datagrams.
    pub(crate) segments: bool,
}

impl UdpSocket {
    /// Binds. Port 0 asks for any free port.
    ///
    /// # Errors
    /// `AddrInUse` when another socket has the address, `AddrNotAvailable` when this machine does not have it, `PermissionDenied` for ports
    /// that are not allowed, and what else the system says. Less buffer than asked for is no error.
    pub fn bind(address: &SocketAddr, options: &UdpOptions) -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::for_address(*address), Type::DGRAM, Some(Protocol::UDP))?;
        if options.reuse_port {
            socket.set_reuse_port(true)?;
        }
        if address.is_ipv6() {
            socket.set_only_v6(options.v6_only)?;
        }
        socket.set_nonblocking(true)?;
        at_most(options.receive_buffer, |size| socket.set_recv_buffer_size(size));
        at_most(options.send_buffer, |size| socket.set_send_buffer_size(size));
        system::prepare(&socket, address, options.join)?;
        let segments = options.segment && system::segments(&socket);
        socket.bind(&(*address).into())?;
        let socket = Inner::from(socket);
        let options_of = SockRef::from(&socket);
        Ok(UdpSocket {
            address: socket.local_addr()?,
            receive_buffer: options_of.recv_buffer_size()? / system::COUNTED_TWICE,
            send_buffer: options_of.send_buffer_size()? / system::COUNTED_TWICE,
            unsent_limit: options.unsent_limit,
            segments,
            socket,
        })
    }

    /// Where it is bound: with the port the system chose when port 0 was asked for.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// How many bytes the system keeps until they are received, in the measure of [`UdpOptions::receive_buffer`].
    pub fn receive_buffer(&self) -> usize {
        self.receive_buffer
    }

    /// How many bytes the system takes before the network does, in the measure of [`UdpOptions::send_buffer`].
    pub fn send_buffer(&self) -> usize {
        self.send_buffer
    }
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Sets a buffer to what was asked, or to what the system takes: some refuse what is too much, Linux gives what it has.
fn at_most(asked: usize, set: impl Fn(usize) -> io::Result<()>) {
    // The system counts in an int, and may double it.
    let mut size = asked.min(i32::MAX as usize / 2);
    while size > 0 && set(size).is_err() {
        size /= 2;
    }
}
