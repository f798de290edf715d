//! QUIC: the connections behind a worker's UDP sockets.
//!
//! Datagrams come in batches (`datagrams.rs`). Each goes to its connection; then each connection that got some is looked at once: its
//! streams are read and written, what it has to send leaves in one batch, and its timer is set. A connection has a key of the driver's,
//! like those with a socket of their own, so that messages, timers and relays name both alike.

mod datagrams;
mod ending;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use flare_net::{Address, Driver, Key, Millis, Peer, TimerId, Transmits, UdpCounters, UdpKey};
use flare_quic::{Connection, Endpoint, EndpointCounters, Path, Stats};

use super::Worker;
use super::relay::Way;
use crate::exchange::{CancelReason, Early, Ends, ExchangeKey};
use crate::server::connections::Connections;
use crate::server::counters::Counters;
use crate::server::http3::Http3;
use crate::server::shared::{Message, Shared};
use crate::server::sockets::Sockets;
pub(crate) use datagrams::{Forwarded, Waiting};

/// The UDP sockets of a worker and the connections behind them.
pub(super) struct Quic {
    places: Vec<Place>,
    /// Boxed, because their keys are among those of all connections.
    connections: Connections<Box<QuicConnection>>,
    /// Those that have not ended, as handlers and reports see it.
    live: usize,
    /// Connections that got datagrams and were not looked at yet.
    touched: VecDeque<Key>,
    /// What leaves next, of all connections.
    transmits: Transmits,
}

/// A UDP socket, and who is behind it.
struct Place {
    socket: UdpKey,
    endpoint: Endpoint,
    /// The place of its address among those of the server.
    entrance: usize,
    /// The system takes no more datagrams for now.
    blocked: bool,
    /// Connections that have something to send when it does.
    waiting: Vec<Key>,
    /// What of both is in the counters.
    counted: (UdpCounters, EndpointCounters),
}

/// A QUIC connection and what the worker knows of it.
struct QuicConnection {
    quic: Box<Connection>,
    /// What it speaks, once its streams may be used.
    http3: Option<Box<Http3>>,
    place: usize,
    /// How early data is marked.
    early: Early,
    timer: Option<TimerId>,
    /// When the timer fires; the real deadline may be later, never earlier.
    armed: Millis,
    touched: bool,
    waits: bool,
    /// It was told to go on sending.
    told: bool,
    /// It has ended but for its last words, which it repeats for a while to a peer that did not hear them (RFC 9000, 10.2).
    over: bool,
    relays: Vec<Way>,
    /// What of its packets is in the counters: how many were lost, and sent again.
    counted: (u64, u64),
}

impl Quic {
    /// Watches the UDP sockets of a worker.
    pub(super) fn new(
        driver: &mut Driver,
        shared: &Shared,
        index: usize,
        sockets: &mut Sockets,
    ) -> std::io::Result<Self> {
        let mut places = Vec::new();
        for (entrance, socket) in sockets.datagrams.drain(..) {
            let Some(keys) = &shared.quic else { continue };
            // There are at most 1024 workers.
            let number = u16::try_from(index).unwrap_or(u16::MAX);
            let endpoint = Endpoint::new(Arc::clone(keys), number);
            let socket = driver.bind_udp(socket)?;
            let (waiting, counted) = Default::default();
            places.push(Place { socket, endpoint, entrance, blocked: false, waiting, counted });
        }
        Ok(Self {
            places,
            connections: Connections::new(),
            live: 0,
            touched: VecDeque::new(),
            transmits: Transmits::new(),
        })
    }

    /// Whether no connection is left, but for last words.
    pub(super) fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The upstreams that answer exchanges of a connection.
    pub(super) fn relays(&mut self, key: Key) -> Option<&mut Vec<Way>> {
        let connection = self.connections.get_mut(key)?;
        (!connection.over).then_some(&mut connection.relays)
    }

    /// Whatever happened: the next connection must not send datagrams of this one.
    pub(super) fn clear(&mut self) {
        self.transmits.clear();
    }
}

impl QuicConnection {
    /// Adds what it lost since the last time.
    fn count(&mut self, counters: &Counters) {
        let Stats { lost, retransmitted, .. } = self.quic.stats();
        let before = std::mem::replace(&mut self.counted, (lost, retransmitted));
        counters.quic_lost.add(lost - before.0);
        counters.quic_retransmitted.add(retransmitted - before.1);
    }

    /// The earliest of what may have to be done.
    fn deadline(&self, clock: flare_net::Clock) -> Millis {
        let transport = self.quic.deadline().map_or(Millis::NEVER, |at| clock.at(at));
        let session = match &self.http3 {
            _ if self.over => Millis::NEVER,
            Some(http3) => http3.deadline(),
            // The end of a handshake is the transport's.
            None => Millis::NEVER,
        };
        transport.min(session)
    }
}

impl Worker {
    /// A client begins.
    fn begin_quic(&mut self, place: usize, quic: Box<Connection>) -> Option<Key> {
        let Place { entrance, endpoint, .. } = self.quic.places.get_mut(place)?;
        let tls = self.shared.entrances.get(*entrance)?.tls.as_ref()?;
        let early = tls.early();
        let key = self.driver.reserve().ok()?;
        let mut connection = Box::new(QuicConnection {
            quic,
            http3: None,
            place,
            early,
            timer: None,
            armed: Millis::NEVER,
            touched: false,
            waits: false,
            told: false,
            over: false,
            relays: Vec::new(),
            counted: (0, 0),
        });
        endpoint.insert(key.to_u64(), &mut connection.quic);
        self.quic.connections.insert(key, connection);
        self.quic.live += 1;
        self.counters.accepted.add(1);
        // What it returns is about listeners. Here `room` is asked before each connection.
        self.shared.opened();
        Some(key)
    }

    /// After datagrams came: streams are read and written.
    fn advance_quic(&mut self, key: Key) {
        self.begin_http3(key);
        let Some(connection) = self.quic.connections.get_mut(key) else { return };
        if let Some(http3) = &mut connection.http3 {
            http3.set_early(if connection.quic.is_early() { connection.early } else { Early::No });
            http3.advance(&mut connection.quic, &mut self.env);
        }
        self.settle_quic(key);
    }

    /// Once streams may be used, HTTP/3 begins.
    fn begin_http3(&mut self, key: Key) {
        let Some(connection) = self.quic.connections.get_mut(key) else { return };
        if connection.http3.is_some() || connection.over || !connection.quic.is_ready() {
            return;
        }
        let Some(handshake) = connection.quic.handshake() else { return };
        let session = Arc::clone(&handshake.session);
        self.counters.tls_handshakes.add(1);
        self.counters.quic_handshakes.add(1);
        self.counters.tls_resumed.add(u64::from(session.is_resumed()));
        let Path { local, peer } = connection.quic.path();
        let ends = Ends { peer: Peer::Ip(peer), local: Arc::new(Address::Ip(local)), tls: Some(session) };
        connection.http3 = Some(Box::new(Http3::new(key, ends, &self.env, &mut connection.quic)));
    }

    /// Something happened to an exchange.
    pub(super) fn wake_quic(&mut self, exchange: ExchangeKey) {
        let key = exchange.connection;
        let Some(connection) = self.quic.connections.get_mut(key) else { return };
        if let Some(http3) = &mut connection.http3 {
            let place = connection.place;
            http3.wake(exchange, &mut connection.quic, &mut self.env);
            self.settle_quic(key);
            self.send_datagrams(place);
        }
    }

    /// Everybody else had a turn since an answer of this connection used up its own.
    pub(super) fn go_on_quic(&mut self, key: Key) {
        let Some(connection) = self.quic.connections.get_mut(key) else { return };
        connection.told = false;
        if let Some(http3) = &mut connection.http3
            && http3.has_more()
        {
            let place = connection.place;
            http3.go_on_sending(&mut connection.quic, &mut self.env);
            self.settle_quic(key);
            self.send_datagrams(place);
        }
    }

    /// A timer of a connection fired. False: it is no connection of this kind.
    pub(super) fn quic_deadline(&mut self, key: Key) -> bool {
        let Some(connection) = self.quic.connections.get_mut(key) else { return false };
        connection.timer = None;
        connection.count(&self.counters);
        let (place, now) = (connection.place, Instant::now());
        if connection.quic.deadline().is_some_and(|at| at <= now) {
            connection.quic.timeout(now);
        }
        match &mut connection.http3 {
            _ if connection.over => {}
            Some(http3) if http3.deadline() <= self.env.now => {
                http3.timeout(&mut connection.quic, &mut self.env);
            }
            _ => {}
        }
        self.settle_quic(key);
        self.send_datagrams(place);
        true
    }

    /// After a connection worked: what it has to send is taken, and it ends, or its timer is set. The caller sends what was taken.
    fn settle_quic(&mut self, key: Key) {
        self.transmit_quic(key);
        let Some(connection) = self.quic.connections.get_mut(key) else { return };
        if let Some(place) = self.quic.places.get_mut(connection.place) {
            place.endpoint.settle(key.to_u64(), &mut connection.quic);
        }
        let (closing, closed) = (connection.quic.is_closing(), connection.quic.is_closed());
        if closing || closed {
            self.end_quic(key, CancelReason::PeerGone);
        }
        if closed {
            self.forget_quic(key);
        } else {
            self.arm_quic(key);
            self.tell_more(key);
            if self.has_relays() {
                self.follow(key);
            }
        }
    }

    /// Has a connection come back behind the others, if it could send more than its turn allowed.
    fn tell_more(&mut self, key: Key) {
        if let Some(connection) = self.quic.connections.get_mut(key)
            && !connection.told
            && connection.http3.as_ref().is_some_and(|http3| http3.has_more())
        {
            connection.told = true;
            self.mail.push_back(Message::GoOn(key));
        }
    }

    fn arm_quic(&mut self, key: Key) {
        let Some(connection) = self.quic.connections.get_mut(key) else { return };
        let deadline = connection.deadline(self.clock);
        if deadline < connection.armed || connection.timer.is_none() {
            if let Some(timer) = connection.timer.take() {
                self.wheel.cancel(timer);
            }
            connection.timer = Some(self.wheel.arm(deadline, key.to_u64()));
            connection.armed = deadline;
        }
    }
}
