//! The server's end of one connection, without a worker: the test moves its datagrams and its time.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use flare_net::{Address, Key, Millis, Peer};
use flare_quic::{Connection, Ecn, Endpoint, EndpointShared, Path, QuicSettings, Route, ServerContext};
use flare_tls::{Identity, ServerTls};

use super::client::Link;
use crate::exchange::{CancelReason, Ends};
use crate::server::environment::{Environment, Service};
use crate::server::http3::Http3;
use crate::testing::inbox::{Inbox, Message};
use crate::websocket::Topics;

/// How long a test waits for an answer from another thread.
const PATIENCE: Duration = Duration::from_secs(10);

/// A certificate for all tests.
static IDENTITY: LazyLock<ServerTls> =
    LazyLock::new(|| ServerTls::new(Identity::self_signed(&["localhost"]).unwrap()));

pub struct Served {
    context: ServerContext,
    endpoint: Endpoint,
    pub quic: Option<Box<Connection>>,
    pub http3: Option<Http3>,
    pub env: Environment,
    late: Receiver<Message>,
    topics: Topics,
}

impl Served {
    pub fn new(service: &Service, quic: &QuicSettings) -> Self {
        let (home, late) = Inbox::new();
        let shared = EndpointShared::new(quic.clone(), 1).unwrap();
        Self {
            context: ServerContext::new(&IDENTITY, quic).unwrap(),
            endpoint: Endpoint::new(shared, 0),
            quic: None,
            http3: None,
            env: Environment::new(service.clone(), home, Arc::default(), Millis(0), 1),
            late,
            topics: Topics::default(),
        }
    }

    /// Takes datagrams, as a worker does: first all of them, then what they bring.
    pub fn receive(&mut self, datagrams: Vec<Vec<u8>>, path: Path) {
        for mut datagram in datagrams {
            let now = Instant::now();
            match self.endpoint.route(&mut datagram, path, false, true, &self.context, now) {
                Route::Begin(mut quic) => {
                    self.endpoint.insert(0, &mut quic);
                    self.quic.get_or_insert(quic).receive(&mut datagram, path, Ecn::NotCapable);
                }
                Route::Connection(_) => {
                    if let Some(quic) = &mut self.quic {
                        quic.receive(&mut datagram, path, Ecn::NotCapable);
                    }
                }
                Route::Worker(_) | Route::None => {}
            }
        }
        let Some(quic) = &mut self.quic else { return };
        if quic.is_closing() {
            if let Some(mut http3) = self.http3.take() {
                http3.abort(CancelReason::PeerGone, &mut self.env);
            }
            return;
        }
        if self.http3.is_none() && quic.is_ready() {
            let local = Arc::new(Address::Ip(path.local));
            let ends = Ends { peer: Peer::Ip(path.peer), local, tls: None };
            self.http3 = Some(Http3::new(Key::from_u64(0), ends, &self.env, quic));
        }
        if let Some(http3) = &mut self.http3 {
            http3.advance(quic, &mut self.env);
        }
    }

    /// What it sends now.
    pub fn transmit(&mut self) -> Vec<Vec<u8>> {
        let Some(quic) = &mut self.quic else { return Vec::new() };
        let now = Instant::now();
        if quic.deadline().is_some_and(|at| at <= now) {
            quic.timeout(now);
        }
        let mut all = drain(quic);
        while let Some(http3) = &mut self.http3
            && http3.deadline() <= self.env.now
        {
            let before = http3.deadline();
            http3.timeout(quic, &mut self.env);
            all.append(&mut drain(quic));
            assert!(http3.deadline() > self.env.now || http3.deadline() != before);
        }
        while let Some(http3) = &mut self.http3
            && http3.has_more()
        {
            http3.go_on_sending(quic, &mut self.env);
            all.append(&mut drain(quic));
        }
        self.endpoint.settle(0, quic);
        all
    }

    /// Waits for the next thing that another thread does to an exchange. False: nothing came.
    pub fn step(&mut self) -> bool {
        let Ok(message) = self.late.recv_timeout(PATIENCE) else { return false };
        self.do_as_told(message);
        true
    }

    /// As [`Served::step`], but does not wait.
    pub fn try_step(&mut self) -> bool {
        let Ok(message) = self.late.try_recv() else { return false };
        self.do_as_told(message);
        true
    }

    fn do_as_told(&mut self, message: Message) {
        match message {
            Message::Wake(key) => {
                if let (Some(http3), Some(quic)) = (&mut self.http3, &mut self.quic) {
                    http3.wake(key, quic, &mut self.env);
                }
            }
            Message::Topic(command) => self.topics.take(command),
            Message::Publish(publication) => self.topics.publish(&publication),
        }
    }

    /// Begins to drain, as a server that ends.
    pub fn drain(&mut self) {
        self.env.draining = true;
        if let (Some(http3), Some(quic)) = (&mut self.http3, &mut self.quic) {
            http3.drain(quic, &mut self.env);
        }
    }

    /// Whether the connection goes on.
    pub fn is_open(&self) -> bool {
        self.quic.as_ref().is_some_and(|quic| !quic.is_closing())
    }
}

impl Link for Served {
    fn give(&mut self, datagrams: Vec<Vec<u8>>, path: Path) {
        self.receive(datagrams, path);
    }

    fn take(&mut self) -> Vec<Vec<u8>> {
        self.transmit()
    }

    fn work(&mut self) -> bool {
        self.try_step()
    }

    fn wait(&mut self, until: Instant) {
        let own = self.quic.as_ref().and_then(|quic| quic.deadline());
        let until = own.map_or(until, |own| own.min(until));
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
    }
}

/// All that a connection sends now, datagram by datagram.
pub fn drain(quic: &mut Connection) -> Vec<Vec<u8>> {
    let (mut all, mut out) = (Vec::new(), Vec::new());
    while let Some(run) = quic.transmit(Instant::now(), &mut out) {
        all.extend(out.chunks(run.segment).map(<[u8]>::to_vec));
        out.clear();
    }
    all
}
