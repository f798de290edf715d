//! What a driver reports.

use crate::{Datagrams, Key, Lease, ListenerKey, Peer, UdpKey};
use std::io;

/// One completion, pulled with [`Driver::next`](crate::Driver::next).
#[derive(Debug)]
pub enum Event {
    /// A listener accepted a connection. It is already being read.
    Accepted {
        /// The listener that accepted it.
        listener: ListenerKey,
        /// The new connection.
        key: Key,
        /// The other end.
        peer: Peer,
    },
    /// A listener could not accept because something ran out: descriptors (EMFILE, ENFILE) or memory (ENOBUFS, ENOMEM). It is paused:
    /// call [`Driver::resume_accept`](crate::Driver::resume_accept) after a moment. The waiting connection is not lost.
    AcceptFailed {
        /// The listener that is now paused.
        listener: ListenerKey,
        /// What the system said.
        error: io::Error,
    },
    /// A connection that [`Driver::connect`](crate::Driver::connect) began is there. From now on it is read.
    Connected {
        /// The connection.
        key: Key,
    },
    /// A connection received bytes: at least one.
    Received {
        /// The connection.
        key: Key,
        /// The bytes, in a buffer to give back with [`Driver::recycle`](crate::Driver::recycle).
        lease: Lease,
    },
    /// The peer will send no more. It may still read: a half-closed peer is not a lost one. Comes after its last bytes.
    ReadClosed {
        /// The connection.
        key: Key,
    },
    /// The connection is lost: reset, both directions closed by the peer, never connected, or a file that was to be sent is too short. Nothing
    /// more comes for this key; close it.
    Failed {
        /// The connection.
        key: Key,
        /// What the system said.
        error: io::Error,
    },
    /// A [`send`](crate::Driver::send) said [`All`](crate::Sent::All), and then the system did not take all of it: the rest waits in the backlog. Only from
    /// a driver with io_uring, where small outputs leave together. `Flushed` follows.
    Blocked {
        /// The connection.
        key: Key,
    },
    /// The backlog of a connection is empty again, after a [`send`](crate::Driver::send) that said
    /// [`Queued`](crate::Sent::Queued), or after `Blocked`.
    Flushed {
        /// The connection.
        key: Key,
    },
    /// Fewer bytes of a connection wait to be sent than [`Driver::set_low_water`](crate::Driver::set_low_water) named. Comes once for each
    /// call. When the backlog is empty, `Flushed` follows.
    Writable {
        /// The connection.
        key: Key,
    },
    /// A UDP socket received datagrams: at least one.
    Datagrams {
        /// The socket.
        socket: UdpKey,
        /// The datagrams, in buffers to give back with [`Driver::recycle_datagrams`](crate::Driver::recycle_datagrams).
        batch: Datagrams,
    },
    /// Everything that waited to be sent by a UDP socket was sent, or refused, after a
    /// [`send_datagrams`](crate::Driver::send_datagrams) that said [`Queued`](crate::Sent::Queued).
    DatagramsFlushed {
        /// The socket.
        socket: UdpKey,
    },
    /// Something was posted to the [`Mailbox`](crate::Mailbox). May come without a message when a burst was taken early.
    Woken,
}
