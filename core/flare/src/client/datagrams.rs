//! Datagrams of exchanges (RFC 9297): in QUIC DATAGRAM frames where both ends agreed on them, otherwise in capsules of the stream.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use flare_proto::{SendError, capsule};

use super::{Client, Event, ExchangeId, Failure, RequestError};

/// The longest datagram of a stream of capsules, in bytes.
const MOST: usize = 64 * 1024;

/// So many wait for who takes events. More are dropped.
pub(super) const QUEUED: usize = 128;

/// The exchanges of a client that have datagrams, and what was found in their streams.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    streams: BTreeMap<ExchangeId, Stream>,
    found: VecDeque<Event>,
}

#[derive(Debug)]
struct Stream {
    capsules: capsule::Datagrams,
    /// The server took the protocol: what comes are capsules.
    switched: bool,
}

/// What becomes of an event.
pub(super) enum Looked {
    /// It is passed on.
    At(Event),
    /// It was content, which was used: so many bytes.
    Into(ExchangeId, usize),
    /// The stream ended within a capsule.
    Cut(ExchangeId),
}

impl Datagrams {
    /// This exchange has asked for a protocol with datagrams.
    pub(super) fn begin(&mut self, exchange: ExchangeId) {
        let stream = Stream { capsules: capsule::Datagrams::new(MOST), switched: false };
        self.streams.insert(exchange, stream);
    }

    pub(super) fn forget(&mut self, exchange: ExchangeId) {
        self.streams.remove(&exchange);
        self.found.retain(|event| event.exchange() != exchange);
    }

    /// Whether datagrams of this exchange can be sent.
    fn can_send(&self, exchange: ExchangeId) -> bool {
        self.streams.get(&exchange).is_some_and(|stream| stream.switched)
    }

    /// The next datagram that was found.
    pub(super) fn pop(&mut self) -> Option<Event> {
        self.found.pop_front()
    }

    /// Looks at an event of the connection.
    pub(super) fn look(&mut self, event: Event) -> Looked {
        let id = event.exchange();
        let Some(stream) = self.streams.get_mut(&id) else { return Looked::At(event) };
        match &event {
            Event::Switched(..) => stream.switched = true,
            Event::Data(_, data) if stream.switched => {
                let mut input = &data[..];
                while let Some(found) = stream.capsules.next(&mut input) {
                    if let capsule::Found::Datagram(datagram) = found {
                        self.found.push_back(Event::Datagram(id, Bytes::copy_from_slice(datagram)));
                    }
                }
                return Looked::Into(id, data.len());
            }
            Event::End(..) => {
                let is_cut = stream.switched && !stream.capsules.is_between();
                self.streams.remove(&id);
                if is_cut {
                    return Looked::Cut(id);
                }
            }
            Event::Failed(..) => drop(self.streams.remove(&id)),
            _ => {}
        }
        Looked::At(event)
    }
}

/// What a stream of capsules that ends within one is.
pub(super) const CUT: Failure = Failure::Malformed("a stream of capsules that ends within one");

impl Client {
    /// Sends a datagram of an exchange that asked for [datagrams](super::Request::datagrams) and whose server took the protocol
    /// ([`Event::Switched`]). It is taken whole or not at all; that it was taken does not say that it arrives.
    ///
    /// # Errors
    /// [`RequestError::TooLarge`]; [`RequestError::WouldBlock`]: too many wait, send a newer one later; [`RequestError::Invalid`] where there are no
    /// datagrams; [`RequestError::Over`].
    pub fn send_datagram(&mut self, exchange: ExchangeId, datagram: &[u8]) -> Result<(), RequestError> {
        if !self.datagrams.can_send(exchange) {
            return Err(RequestError::Invalid(SendError::Upgrade));
        }
        let most = self.max_datagram_size(exchange);
        if datagram.len() > most {
            return Err(RequestError::TooLarge { most });
        }
        if self.carrier.datagram_room(exchange).is_some() {
            self.carrier.send_datagram(exchange, datagram)?;
        } else {
            let mut bytes = Vec::with_capacity(8 + datagram.len());
            capsule::write_datagram(&mut bytes, datagram);
            self.carrier.write(exchange, &bytes)?;
        }
        self.carrier.send();
        Ok(())
    }

    /// The most bytes that a datagram to the server may have now; 0 where there are none. With HTTP/3 it changes with the network's path.
    #[must_use]
    pub fn max_datagram_size(&self, exchange: ExchangeId) -> usize {
        if self.datagrams.can_send(exchange) {
            self.carrier.datagram_room(exchange).unwrap_or(MOST)
        } else {
            0
        }
    }
}
