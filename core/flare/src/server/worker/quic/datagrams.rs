//! Datagrams of a worker's UDP sockets: whose they are, and how they leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use flare_net::{Datagrams, Driver, Ecn, Key, Sent, UdpCounters, UdpKey};
use flare_quic::{Path, Route, ServerContext};

use super::{Place, Worker};
use crate::server::shared::Message;

/// About how many bytes of datagrams are taken before connections answer: what a client asks in several datagrams is answered in few.
const TURN: usize = 64 << 10;

/// How many datagrams may be on their way from other workers to one. More are dropped, as by any queue on the way; their senders
/// send again.
const FORWARDED: usize = 4096;

/// About how much is taken from connections before it is given to the system.
const PIECE: usize = 256 << 10;

/// Room for the datagrams of one call of the system.
const RUN: usize = 64 << 10;

/// A datagram that came to another worker than the one whose connection it is of.
pub(crate) struct Forwarded {
    place: usize,
    path: Path,
    ecn: flare_quic::Ecn,
    bytes: Vec<u8>,
}

/// What is known of a datagram beside its bytes.
struct Came {
    /// Of the socket.
    number: usize,
    path: Path,
    ecn: flare_quic::Ecn,
    forwarded: bool,
    now: Instant,
}

/// How many of them wait for a worker.
#[derive(Default)]
pub(crate) struct Waiting(AtomicUsize);

impl Worker {
    /// Datagrams came.
    pub(in super::super) fn received_datagrams(&mut self, socket: UdpKey, batch: &mut Datagrams) {
        let Some(number) = self.quic.places.iter().position(|place| place.socket == socket) else { return };
        let Some(context) = self.quic_context(number) else { return };
        let mut taken = 0;
        loop {
            let now = Instant::now();
            while let Some(datagram) = batch.next() {
                taken += datagram.bytes.len();
                let path = Path { local: datagram.to, peer: datagram.from };
                let came = Came { number, path, ecn: from_net(datagram.ecn), forwarded: false, now };
                self.route_datagram(&came, datagram.bytes, &context);
            }
            if taken >= TURN || !self.driver.receive_more(socket, batch) {
                break;
            }
        }
        self.counters.bytes_in.add(taken as u64);
        self.advance_touched(number);
    }

    /// A datagram that another worker received came.
    pub(in super::super) fn received_forwarded(&mut self, datagram: Forwarded) {
        self.own.forwarded.0.fetch_sub(1, Ordering::Relaxed);
        let Forwarded { place: number, path, ecn, mut bytes } = datagram;
        let Some(context) = self.quic_context(number) else { return };
        let came = Came { number, path, ecn, forwarded: true, now: Instant::now() };
        self.route_datagram(&came, &mut bytes, &context);
        self.advance_touched(number);
    }

    /// What connections are made of that begin now.
    fn quic_context(&self, number: usize) -> Option<Arc<ServerContext>> {
        let place = self.quic.places.get(number)?;
        self.shared.entrances.get(place.entrance)?.tls.as_ref()?.quic_context()
    }

    fn route_datagram(&mut self, came: &Came, bytes: &mut [u8], context: &ServerContext) {
        let Came { number, path, ecn, forwarded, now } = *came;
        let Some(place) = self.quic.places.get_mut(number) else { return };
        let room = !self.env.draining && self.shared.has_room(&self.own);
        let key = match place.endpoint.route(bytes, path, forwarded, room, context, now) {
            Route::Connection(name) => Some(Key::from_u64(name)),
            Route::Begin(quic) => self.begin_quic(number, quic),
            Route::Worker(worker) => {
                self.forward_datagram(worker, Forwarded { place: number, path, ecn, bytes: bytes.to_vec() });
                None
            }
            Route::None => None,
        };
        if let Some(key) = key
            && let Some(connection) = self.quic.connections.get_mut(key)
        {
            // The connection to go when that panics.
            self.at = Some(key);
            connection.quic.receive(bytes, path, ecn);
            self.at = None;
            if !std::mem::replace(&mut connection.touched, true) {
                self.quic.touched.push_back(key);
            }
        }
    }

    fn forward_datagram(&self, worker: u16, datagram: Forwarded) {
        self.counters.quic_forwarded.add(1);
        let Some(other) = self.shared.workers.get(usize::from(worker)) else { return };
        if other.forwarded.0.fetch_add(1, Ordering::Relaxed) >= FORWARDED
            || !other.post(Message::Datagram(Box::new(datagram)))
        {
            other.forwarded.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Looks at the connections that got datagrams of this socket, and sends what they and the endpoint have to say.
    fn advance_touched(&mut self, place: usize) {
        self.take_replies(place);
        while let Some(key) = self.quic.touched.pop_front() {
            if let Some(connection) = self.quic.connections.get_mut(key) {
                connection.touched = false;
                self.at = Some(key);
                self.advance_quic(key);
                self.at = None;
            }
        }
        self.send_datagrams(place);
    }

    /// What the endpoint itself has to say: Retry, version negotiation, stateless reset.
    fn take_replies(&mut self, number: usize) {
        let Some(place) = self.quic.places.get_mut(number) else { return };
        while let Some(reply) = place.endpoint.next_reply() {
            self.quic.transmits.push(&reply.bytes, reply.path.peer, Some(reply.path.local), Ecn::NotEct);
        }
    }

    /// Takes what a connection has to send, unless the system takes nothing for now.
    pub(super) fn transmit_quic(&mut self, key: Key) {
        let Some(connection) = self.quic.connections.get_mut(key) else { return };
        let number = connection.place;
        loop {
            let Some(place) = self.quic.places.get_mut(number) else { return };
            let Some(connection) = self.quic.connections.get_mut(key) else { return };
            if place.blocked {
                if !std::mem::replace(&mut connection.waits, true) {
                    place.waiting.push(key);
                }
                return;
            }
            let Some((run, length)) =
                connection.quic.transmit_into(Instant::now(), self.quic.transmits.space(RUN))
            else {
                return;
            };
            let Path { local, peer } = run.path;
            self.quic.transmits.commit_run(length, run.segment, peer, Some(local), to_net(run.ecn));
            if self.quic.transmits.size() >= PIECE {
                self.send_datagrams(number);
            }
        }
    }

    /// Gives the system what waits to leave by this socket.
    pub(super) fn send_datagrams(&mut self, number: usize) {
        let Some(place) = self.quic.places.get_mut(number) else { return };
        if !self.quic.transmits.is_empty() {
            self.counters.bytes_out.add(self.quic.transmits.size() as u64);
            place.blocked =
                self.driver.send_datagrams(place.socket, &mut self.quic.transmits) == Sent::Queued;
        }
        let counted = place.count(&self.driver);
        self.counters.datagrams_in.add(counted.came);
        self.counters.datagrams_out.add(counted.sent);
        self.counters.datagrams_dropped.add(counted.dropped);
        self.counters.quic_retries.add(counted.retries);
        self.counters.quic_refused.add(counted.refused);
    }

    /// The system takes datagrams again.
    pub(in super::super) fn datagrams_flushed(&mut self, socket: UdpKey) {
        let Some(number) = self.quic.places.iter().position(|place| place.socket == socket) else { return };
        let Some(place) = self.quic.places.get_mut(number) else { return };
        place.blocked = false;
        for key in std::mem::take(&mut place.waiting) {
            if let Some(connection) = self.quic.connections.get_mut(key) {
                connection.waits = false;
                self.settle_quic(key);
            }
        }
        self.send_datagrams(number);
    }
}

/// What a socket and its endpoint did since it was asked last.
struct Counted {
    came: u64,
    sent: u64,
    dropped: u64,
    retries: u64,
    refused: u64,
}

impl Place {
    fn count(&mut self, driver: &Driver) -> Counted {
        let now = (driver.udp_counters(self.socket), self.endpoint.counters());
        let before = std::mem::replace(&mut self.counted, now);
        let dropped = |udp: UdpCounters| udp.refused + udp.overflowed;
        Counted {
            came: now.0.received - before.0.received,
            sent: now.0.sent - before.0.sent,
            dropped: dropped(now.0) - dropped(before.0),
            retries: now.1.retries - before.1.retries,
            refused: now.1.refused - before.1.refused,
        }
    }
}

fn from_net(ecn: Ecn) -> flare_quic::Ecn {
    match ecn {
        Ecn::NotEct => flare_quic::Ecn::NotCapable,
        Ecn::Ect0 => flare_quic::Ecn::Capable0,
        Ecn::Ect1 => flare_quic::Ecn::Capable1,
        Ecn::Ce => flare_quic::Ecn::Congested,
    }
}

fn to_net(ecn: flare_quic::Ecn) -> Ecn {
    match ecn {
        flare_quic::Ecn::NotCapable => Ecn::NotEct,
        flare_quic::Ecn::Capable0 => Ecn::Ect0,
        flare_quic::Ecn::Capable1 => Ecn::Ect1,
        flare_quic::Ecn::Congested => Ecn::Ce,
    }
}
