//! Datagrams of exchanges in QUIC DATAGRAM frames (RFC 9297, 2.1).

use bytes::Bytes;
use flare_proto::http3::{self, ErrorCode};

use super::{Http3, Stream};
use crate::client::datagrams::QUEUED;
use crate::client::{Event, ExchangeId, Failure, RequestError};

impl Http3 {
    /// Takes the datagrams that came. Gives those that may have overtaken the head of their answer.
    pub(super) fn take_datagrams(&mut self) -> Vec<(u64, Bytes)> {
        let mut early = Vec::new();
        let mut buffer = std::mem::take(&mut self.buffer);
        while !self.over
            && let Some(length) = self.quic.read_datagram(&mut buffer)
        {
            match self.machine.receive_datagram(buffer.get(..length).unwrap_or_default()) {
                Ok(Some(http3::Event::Datagram { stream, bytes })) => {
                    let bytes = Bytes::copy_from_slice(bytes);
                    if self.streams.get(&stream).is_some_and(|stream| stream.switched) {
                        self.datagram(stream, bytes);
                    } else if early.len() < QUEUED {
                        early.push((stream, bytes));
                    }
                }
                // Of an exchange that is over.
                Ok(_) => {}
                Err(error) => {
                    self.quic.close(error.code.number(), error.reason);
                    self.fail_all(Failure::Malformed(error.reason));
                }
            }
        }
        self.buffer = buffer;
        early
    }

    /// A datagram of an exchange came.
    pub(super) fn datagram(&mut self, id: u64, bytes: Bytes) {
        match self.streams.get(&id) {
            Some(Stream { has_datagrams: false, .. }) => {
                // It has to be terminated (RFC 9297, 2).
                let failure = Failure::Malformed("a datagram of a request that has no use for it");
                self.tell(id, Event::Failed(ExchangeId(id), failure));
                self.reset(id, ErrorCode::Datagram);
            }
            Some(Stream { switched: true, ended: false, .. }) if self.datagrams < QUEUED => {
                self.datagrams += 1;
                self.events.push_back(Event::Datagram(ExchangeId(id), bytes));
            }
            // Too many wait, it is over, or nobody knows yet whether the server takes the protocol.
            Some(_) | None => {}
        }
    }

    /// How many bytes a datagram of an exchange may have in a QUIC DATAGRAM frame. `None`: the server takes none.
    pub(in crate::client) fn datagram_room(&self, exchange: ExchangeId) -> Option<usize> {
        let overhead = self.machine.datagram_overhead(exchange.0).ok()?;
        self.quic.datagram_room()?.checked_sub(overhead)
    }

    pub(in crate::client) fn send_datagram(
        &mut self,
        exchange: ExchangeId,
        datagram: &[u8],
    ) -> Result<(), RequestError> {
        self.sending(exchange.0)?;
        let mut bytes = Vec::with_capacity(8 + datagram.len());
        self.machine.begin_datagram(exchange.0, &mut bytes)?;
        bytes.extend_from_slice(datagram);
        if self.quic.write_datagram(bytes) { Ok(()) } else { Err(RequestError::WouldBlock) }
    }
}
