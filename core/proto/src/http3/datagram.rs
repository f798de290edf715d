//! Datagrams that belong to a request (RFC 9297 section 2).

use super::connection::Connection;
use super::error::{ConnectionError, ErrorCode};
use super::event::Event;
use super::receive::Received;
use super::role::Role;
use crate::{SendError, varint};

/// The ids of requests are multiples of this, and sent without it.
const QUARTER: u64 = 4;

impl<R: Role> Connection<R> {
    /// A datagram of the transport came. Those of requests that are over, or did not come yet, are dropped.
    ///
    /// # Errors
    /// It does not say whose it is, or none was asked for. The connection is over.
    pub fn receive_datagram<'a>(&mut self, datagram: &'a [u8]) -> Received<'a, R::Info> {
        self.guarded(|connection| {
            let wrong = |reason| ConnectionError::new(ErrorCode::Datagram, reason);
            if !connection.limits.datagrams {
                return Err(wrong("a datagram that was not asked for"));
            }
            let mut bytes = datagram;
            let quarter = varint::take(&mut bytes).ok_or(wrong("a datagram without a stream"))?;
            let stream = quarter.checked_mul(QUARTER).filter(|&id| id <= varint::MOST);
            let stream = stream.ok_or(wrong("a datagram of a stream that can't be"))?;
            let is_told = connection.is_told(stream);
            Ok(is_told.then_some(Event::Datagram { stream, bytes }))
        })
    }

    /// Writes what a datagram of this request begins with; what it carries follows.
    ///
    /// # Errors
    /// [`SendError::Closed`]: the stream is over. [`SendError::Upgrade`]: the peer does not take datagrams, or this end does not.
    pub fn begin_datagram(&self, stream: u64, out: &mut Vec<u8>) -> Result<(), SendError> {
        self.datagram_overhead(stream)?;
        varint::write(out, stream / QUARTER);
        Ok(())
    }

    /// How many bytes of a datagram of this request are not what it carries.
    ///
    /// # Errors
    /// As [`Connection::begin_datagram`].
    pub fn datagram_overhead(&self, stream: u64) -> Result<usize, SendError> {
        if !self.streams.get(stream).is_some_and(|_| self.is_told(stream)) {
            return Err(SendError::Closed);
        }
        if !self.peer.datagrams || !self.limits.datagrams {
            return Err(SendError::Upgrade);
        }
        Ok(varint::length_of(stream / QUARTER))
    }
}
