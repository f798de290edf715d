//! Batches of received datagrams, in buffers that the driver lends out and takes back.

use super::system::Inbox;
use super::{Ecn, UdpSocket};
use std::fmt;
use std::io;
use std::net::SocketAddr;

/// The most batches kept for reuse. A worker holds one at a time as a rule.
const KEPT: usize = 4;

/// Room for one message. No datagram is longer, and what Linux joins into one message is not either, unless its limits were raised
/// (`gro_max_size`).
const ROOM: usize = 1 << 16;

/// One received datagram.
#[derive(Debug)]
pub struct Datagram<'a> {
    /// Its content, in place: it may be changed, for instance decrypted.
    pub bytes: &'a mut [u8],
    /// Who sent it.
    pub from: SocketAddr,
    /// The address of this machine that it was sent to, with the port of the socket. On systems other than Linux it is the address that the
    /// socket is bound to, which may be the one that stands for all.
    pub to: SocketAddr,
    /// Its ECN field. Always [`Ecn::NotEct`] on systems other than Linux.
    pub ecn: Ecn,
}

/// Datagrams that were received by one call: [`Datagrams::next`] gives one after the other. Give the batch back with
/// [`Driver::recycle_datagrams`](crate::Driver::recycle_datagrams); a batch that is dropped instead costs the driver an allocation later, and
/// nothing else.
pub struct Datagrams {
    batch: Box<Batch>,
}

struct Batch {
    inbox: Inbox,
    messages: Vec<Received>,
    /// The message from which the next datagram comes.
    at: usize,
    /// How much of that message was given already.
    given: usize,
}

/// What the system says about one message.
pub(crate) struct Received {
    /// Which room of the inbox it is in.
    pub(crate) room: usize,
    pub(crate) length: usize,
    /// The size of each datagram in it but the last. At least 1.
    pub(crate) segment: usize,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) ecn: Ecn,
}

/// What one call brought.
#[derive(Copy, Clone, Default, Debug)]
pub(crate) struct Haul {
    /// There may be more.
    pub(crate) full: bool,
    /// Messages that did not fit into their room.
    pub(crate) truncated: usize,
}

impl Datagrams {
    fn new(room: usize) -> Datagrams {
        let batch = Batch { inbox: Inbox::new(room), messages: Vec::new(), at: 0, given: 0 };
        Datagrams { batch: Box::new(batch) }
    }

    /// Receives what waits, without blocking, in place of what is here.
    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> io::Result<Haul> {
        let batch = &mut *self.batch;
        batch.messages.clear();
        (batch.at, batch.given) = (0, 0);
        batch.inbox.receive(socket, &mut batch.messages)
    }

    /// The next datagram, in the order of arrival. `None`: that was all.
    // Not an iterator: each datagram is lent until the next call.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Datagram<'_>> {
        let batch = &mut *self.batch;
        let message = batch.messages.get(batch.at)?;
        let begin = batch.given;
        let end = message.length.min(begin + message.segment);
        if end < message.length {
            batch.given = end;
        } else {
            batch.at += 1;
            batch.given = 0;
        }
        let bytes = batch.inbox.bytes(message.room).get_mut(begin..end)?;
        Some(Datagram { bytes, from: message.from, to: message.to, ecn: message.ecn })
    }

    /// How many datagrams are left.
    pub fn len(&self) -> usize {
        let left = self.batch.messages.get(self.batch.at..).unwrap_or_default();
        let count = |message: &Received| message.length.div_ceil(message.segment).max(1);
        let given = left.first().map_or(0, |first| self.batch.given / first.segment);
        left.iter().map(count).sum::<usize>() - given
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.batch.at >= self.batch.messages.len()
    }

    /// How many bytes all of them have.
    pub(crate) fn size(&self) -> usize {
        self.batch.messages.iter().map(|message| message.length).sum()
    }
}

impl fmt::Debug for Datagrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes are a peer's: they do not belong in a log by accident.
        f.debug_struct("Datagrams").field("left", &self.len()).finish_non_exhaustive()
    }
}

/// The batches that are not lent out.
pub(crate) struct Batches {
    spare: Vec<Datagrams>,
}

impl Batches {
    pub(crate) const fn new() -> Batches {
        Batches { spare: Vec::new() }
    }

    pub(crate) fn take(&mut self) -> Datagrams {
        self.spare.pop().unwrap_or_else(|| Datagrams::new(ROOM))
    }

    pub(crate) fn give_back(&mut self, batch: Datagrams) {
        if self.spare.len() < KEPT {
            self.spare.push(batch);
        }
    }
}
