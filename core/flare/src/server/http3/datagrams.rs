//! Datagrams of requests in QUIC DATAGRAM frames (RFC 9297, 2.1). Those in capsules are content of a stream like any other.

use flare_proto::http3::{ErrorCode, Event};
use flare_quic::Connection as Quic;

use super::Http3;
use super::lane::Carried;
use crate::exchange::CancelReason;
use crate::server::environment::Environment;
use crate::server::running::Running;

/// The largest datagram that is read of the transport, in bytes: larger than a packet.
const READ: usize = 2048;

/// So many datagrams are kept until the streams were read that came with them.
const EARLY: usize = 64;

impl Http3 {
    /// Takes the datagrams that came, before the streams: what comes behind the end of its stream is dropped. Gives those whose request is not known,
    /// which may come in the same packet: [`Http3::take_early_datagrams`] is for them.
    pub(super) fn take_datagrams(&mut self, quic: &mut Quic, env: &mut Environment) -> Vec<Vec<u8>> {
        let (mut buffer, mut early) = ([0; READ], Vec::new());
        while !self.over
            && let Some(length) = quic.read_datagram(&mut buffer)
        {
            let datagram = buffer.get(..length).unwrap_or_default();
            if self.take_datagram(datagram, quic, env) {
            } else if early.len() < EARLY {
                early.push(datagram.to_vec());
            } else {
                env.counters.http_datagrams_dropped.add(1);
            }
        }
        early
    }

    /// Takes datagrams again whose request was not known. If it is not yet, it is over, or they have overtaken it by more, and are not waited for
    /// (RFC 9297, 2.1).
    pub(super) fn take_early_datagrams(
        &mut self,
        early: Vec<Vec<u8>>,
        quic: &mut Quic,
        env: &mut Environment,
    ) {
        for datagram in early {
            if !self.over && !self.take_datagram(&datagram, quic, env) {
                env.counters.http_datagrams_dropped.add(1);
            }
        }
    }

    /// False: there is no such request.
    fn take_datagram(&mut self, datagram: &[u8], quic: &mut Quic, env: &mut Environment) -> bool {
        match self.wire.receive_datagram(datagram) {
            Ok(Some(Event::Datagram { stream, bytes })) => self.datagram(stream, bytes, quic, env),
            Ok(_) => return false,
            Err(error) => self.fail(error, quic, env),
        }
        true
    }

    /// A datagram of a request came.
    fn datagram(&mut self, id: u64, bytes: &[u8], quic: &mut Quic, env: &mut Environment) {
        let taken = match self.lanes.get_mut(&id).map(|lane| &mut lane.carried) {
            Some(Carried::Exchange(stream)) => stream.running.take_datagram(bytes, env),
            // It was refused, or its answer is whole.
            Some(Carried::Head { .. } | Carried::Refusal { .. }) | None => {
                env.counters.http_datagrams_dropped.add(1);
                Ok(())
            }
        };
        if taken.is_err() {
            self.refuse_datagrams(id, quic, env);
        }
    }

    /// A datagram came for a request that has no use for it, which has to be terminated (RFC 9297, 2).
    pub(super) fn refuse_datagrams(&mut self, id: u64, quic: &mut Quic, env: &mut Environment) {
        self.tell_bad_request("a datagram of a request that has no use for it", env);
        self.reset(id, ErrorCode::Datagram, CancelReason::PeerGone, quic, env);
    }

    /// Tells an exchange that may become a stream of datagrams how large they may be.
    pub(super) fn measure_datagrams(&self, id: u64, running: &Running, quic: &Quic) {
        let block = &running.request.block;
        if block.offers_switch
            && let Some(room) = self.datagram_room(id, quic)
        {
            block.channel.stream.lock().datagrams.get_or_insert_default().carried = Some(room);
        }
    }

    /// How many bytes a datagram of a request may have now. `None`: the transport does not carry them.
    fn datagram_room(&self, id: u64, quic: &Quic) -> Option<usize> {
        quic.datagram_room()?.checked_sub(self.wire.datagram_overhead(id).ok()?)
    }

    /// Sends the datagrams that wait in a request's exchange, as many as the transport takes.
    pub(super) fn send_datagrams(&mut self, id: u64, quic: &mut Quic, env: &Environment) {
        if self.stream(id).is_none_or(|stream| !stream.running.has_datagrams()) {
            return;
        }
        let room = self.datagram_room(id, quic);
        let Self { wire, lanes, datagrams_wait, .. } = self;
        let Some(stream) = lanes.get_mut(&id).and_then(|lane| lane.stream()) else { return };
        loop {
            let next = {
                let mut stream = stream.running.request.block.channel.stream.lock();
                let Some(datagrams) = &mut stream.datagrams else { return };
                datagrams.carried = room;
                if room.is_none() {
                    // They are capsules, and content of the stream.
                    return;
                }
                if quic.is_full_of_datagrams() {
                    if datagrams.is_sending() && !datagrams_wait.contains(&id) {
                        datagrams_wait.push(id);
                    }
                    return;
                }
                datagrams.pop_outbound()
            };
            let Some(datagram) = next else { return };
            stream.running.stays_alive(env);
            let mut bytes = Vec::with_capacity(8 + datagram.len());
            let begun = wire.begin_datagram(id, &mut bytes);
            bytes.extend_from_slice(&datagram);
            if begun.is_err() || !quic.write_datagram(bytes) {
                // The path has become narrower since it was taken.
                env.counters.http_datagrams_dropped.add(1);
            }
        }
    }

    /// Sends datagrams that waited for the transport.
    pub(super) fn go_on_with_datagrams(&mut self, quic: &mut Quic, env: &Environment) {
        if !quic.is_full_of_datagrams() {
            for id in std::mem::take(&mut self.datagrams_wait) {
                self.send_datagrams(id, quic, env);
            }
        }
    }
}
