//! Options of UDP sockets on Linux.

use crate::{BpfInstruction, UdpSocket};
use socket2::Socket;
use std::io;
use std::mem::size_of;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

/// Linux doubles the size of a buffer that it is asked for, for its own overhead, and says the double (socket(7)).
pub(crate) const COUNTED_TWICE: usize = 2;

/// Sets what a QUIC endpoint needs: no fragments, and for each datagram its local address and ECN field; with `join`, datagrams that
/// arrive as one message where the kernel joins them.
pub(crate) fn prepare(socket: &Socket, address: &SocketAddr, join: bool) -> io::Result<()> {
    if address.is_ipv6() {
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_PROBE)?;
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?;
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVTCLASS, 1)?;
    } else {
        set(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?;
    }
    // Mapped addresses of an IPv6 socket travel as IPv4, and by its options.
    set(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE)?;
    set(socket, libc::IPPROTO_IP, libc::IP_RECVTOS, 1)?;
    if join {
        // Kernels before 5.0 do not have it, and nothing else changes.
        let _ = set(socket, libc::SOL_UDP, libc::UDP_GRO, 1);
    }
    Ok(())
}

/// Whether the kernel cuts messages into datagrams: from 4.18 on. The device may refuse later.
pub(crate) fn segments(socket: &Socket) -> bool {
    // 0 is what it is anyway: each message names its own size.
    set(socket, libc::SOL_UDP, libc::UDP_SEGMENT, 0).is_ok()
}

/// Lets a program choose among the sockets of one address (SO_ATTACH_REUSEPORT_CBPF, socket(7)).
pub(crate) fn steer(socket: &UdpSocket, program: &[BpfInstruction]) -> io::Result<()> {
    let mut filter: Vec<libc::sock_filter> = program
        .iter()
        .map(|one| libc::sock_filter { code: one.code, jt: one.if_true, jf: one.if_false, k: one.operand })
        .collect();
    let length = u16::try_from(filter.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog { len: length, filter: filter.as_mut_ptr() };
    let size = size_of::<libc::sock_fprog>() as libc::socklen_t;
    // SAFETY: the descriptor is open; the kernel reads the program's head and as many instructions as it says, both of which outlive the call.
    let result = unsafe {
        libc::setsockopt(
            socket.socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            (&raw const program).cast(),
            size,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn set(socket: &Socket, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the descriptor is open, and the kernel reads one int, which outlives the call.
    let result =
        unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), length) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
