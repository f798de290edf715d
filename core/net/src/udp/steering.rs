//! Which of the sockets that share a port gets a datagram, by its bytes.

use super::system;
use crate::UdpSocket;
use std::io;

/// An instruction of classic BPF, as `struct sock_filter` of Linux has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BpfInstruction {
    /// What is done.
    pub code: u16,
    /// How many instructions are skipped when a comparison holds.
    pub if_true: u8,
    /// The same when it does not.
    pub if_false: u8,
    /// What it is done with.
    pub operand: u32,
}

impl UdpSocket {
    /// Lets a program choose among the sockets that share this one's address ([`UdpOptions::reuse_port`](crate::UdpOptions::reuse_port)). It
    /// is run on the payload of each message that comes, which may be several datagrams of one sender (GRO), and returns the place of a
    /// socket in the order in which they were bound, from 0. Where it returns more than there are, the system chooses by the addresses, as
    /// without a program. Reading beyond the end returns 0: programs have to look at the length first.
    ///
    /// It holds for all sockets of the address until the last is closed. When one is closed the last takes its place, so what the program
    /// means by a place is then wrong: whoever gets a datagram must not take for granted that it is his. It needs no privilege.
    ///
    /// # Errors
    /// `Unsupported` where the system is not Linux. Else what it says: the program is not valid or too long, no other socket shares the
    /// address, or such programs are not allowed here.
    pub fn steer(&self, program: &[BpfInstruction]) -> io::Result<()> {
        system::steer(self, program)
    }
}
