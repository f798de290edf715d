//! One call for each datagram, for systems whose calls know no more.

use super::BATCH;
use crate::udp::datagrams::{Haul, Received};
use crate::udp::deliver::{Message, Outlet};
use crate::{BpfInstruction, Ecn, UdpSocket};
use socket2::Socket;
use std::io;
use std::net::SocketAddr;

/// What the system says about the size of a buffer is what it was told.
pub(crate) const COUNTED_TWICE: usize = 1;

/// Nothing is known here that such a socket needs.
pub(crate) fn prepare(_socket: &Socket, _address: &SocketAddr, _join: bool) -> io::Result<()> {
    Ok(())
}

/// Whether the system cuts messages into datagrams.
pub(crate) fn segments(_socket: &Socket) -> bool {
    false
}

/// No such system has programs that choose among sockets.
pub(crate) fn steer(_socket: &UdpSocket, _program: &[BpfInstruction]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Buffers for one batch.
pub(crate) struct Inbox {
    buffer: Vec<u8>,
    room: usize,
}

impl Inbox {
    /// Rooms of so many bytes for one datagram each.
    pub(crate) fn new(room: usize) -> Inbox {
        Inbox { buffer: vec![0; room * BATCH], room }
    }

    /// Receives until nothing is left or every room is used.
    pub(crate) fn receive(&mut self, socket: &UdpSocket, into: &mut Vec<Received>) -> io::Result<Haul> {
        for (room, space) in self.buffer.chunks_exact_mut(self.room).enumerate() {
            match socket.socket.recv_from(space) {
                Ok((length, from)) => into.push(Received {
                    room,
                    length,
                    segment: length.max(1),
                    from,
                    to: socket.local_address(),
                    ecn: Ecn::NotEct,
                }),
                Err(error) if into.is_empty() => return Err(error),
                // With what has come; an error comes again, or was one datagram's.
                Err(error) => {
                    return Ok(Haul { full: error.kind() != io::ErrorKind::WouldBlock, truncated: 0 });
                }
            }
        }
        Ok(Haul { full: true, truncated: 0 })
    }

    /// The bytes of one room.
    pub(crate) fn bytes(&mut self, room: usize) -> &mut [u8] {
        let begin = room * self.room;
        self.buffer.get_mut(begin..begin + self.room).unwrap_or_default()
    }
}

/// The way out through a socket.
pub(crate) struct Way<'a>(pub(crate) &'a UdpSocket);

impl Outlet for Way<'_> {
    fn send<'a>(&mut self, messages: impl Iterator<Item = Message<'a>>) -> io::Result<usize> {
        let mut sent = 0;
        for message in messages {
            match self.0.socket.send_to(message.bytes, message.to) {
                Ok(_) => sent += 1,
                Err(error) if sent == 0 => return Err(error),
                // The next call begins with this one.
                Err(_) => break,
            }
        }
        Ok(sent)
    }
}
