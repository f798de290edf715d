//! What makes a connection of QUIC: the name is looked up, then handshakes with its addresses race (RFC 8305) on one driver.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flare_net::{
    Address, DialError, DialFailure, Driver, DriverOptions, Event, Family, Mailbox, MailboxReceiver, Millis,
    Race, Resolution, ResolveError, Step, Target,
};
use flare_quic::{ClientContext, Connection as Quic};

use super::wire::{self, Wire};
use super::{NO_ERROR, OnQuic};
use crate::connect::{ConnectError, ConnectFailure, Connector, Maker, Phase, Turn};

/// Enough for a few sockets.
const EVENTS: usize = 16;
/// Nothing is read from a stream of bytes here.
const READ_BUFFER: usize = 1;

type Answer = Result<Arc<[SocketAddr]>, ResolveError>;

pub(in crate::client) struct Attempts {
    driver: Driver,
    messages: MailboxReceiver<()>,
    connector: Connector,
    context: ClientContext,
    target: Target,
    /// Whom it is for, as it was given.
    text: String,
    /// The name that the server has to prove.
    name: String,
    begun: Instant,
    lookup: Option<Lookup>,
    race: Race,
    running: Vec<Running>,
    /// What is told when all have failed. That of a server which answered is worth more than that of one which did not.
    failure: Option<(Phase, ConnectFailure)>,
}

/// A name that is being looked up.
struct Lookup {
    port: u16,
    answer: Arc<Mutex<Option<Answer>>>,
    /// Dropping it ends the question.
    _asking: Option<flare_net::Asking>,
}

/// A handshake that goes on.
struct Running {
    address: Address,
    wire: Wire,
    quic: Box<Quic>,
}

impl Attempts {
    /// Begins with a target, whose time begins now. The mailbox wakes whoever drives them.
    pub(in crate::client) fn begin(
        connector: &Connector,
        text: &str,
    ) -> Result<(Self, Mailbox<()>), ConnectError> {
        let fail = |phase, failure| ConnectError::new(text, phase, failure);
        let named = |problem: String| fail(Phase::Target, ConnectFailure::ServerName(problem));
        let target =
            Target::parse(text).map_err(|error| fail(Phase::Target, ConnectFailure::Target(error)))?;
        let (name, addresses) = match &target {
            Target::Address(Address::Ip(address)) => (address.ip().to_string(), vec![*address]),
            Target::Address(Address::Unix(_)) => {
                return Err(named("HTTP/3 needs an address with a port".to_owned()));
            }
            Target::Name { host, .. } => (host.as_str().trim_end_matches('.').to_owned(), Vec::new()),
        };
        let context = connector.quic().map_err(|error| named(error.to_string()))?;
        let system = |error| fail(Phase::Connect, ConnectFailure::Io(error));
        let options = DriverOptions { events: EVENTS, read_buffer: READ_BUFFER, ..DriverOptions::default() };
        let driver = Driver::new(options).map_err(system)?;
        let (mailbox, messages) = driver.mailbox(EVENTS).map_err(system)?;
        let lookup = match &target {
            Target::Name { host, port } => Some(Lookup::begin(connector, host, *port, mailbox.clone())),
            Target::Address(_) => None,
        };
        // The first poll begins with the addresses, so it should come without an event.
        driver.wake_self();
        let mut made = Self {
            driver,
            messages,
            connector: connector.clone(),
            context,
            target,
            text: text.to_owned(),
            name,
            begun: Instant::now(),
            lookup,
            race: Race::new([], Duration::ZERO),
            running: Vec::new(),
            failure: None,
        };
        made.set_addresses(addresses);
        Ok((made, mailbox))
    }

    /// The addresses that there are, of a family that is wanted.
    fn set_addresses(&mut self, addresses: Vec<SocketAddr>) {
        let config = self.connector.config();
        let wanted = |address: &SocketAddr| {
            let family = match config.family {
                Family::Any => true,
                Family::Ipv4 => address.is_ipv4(),
                Family::Ipv6 => address.is_ipv6(),
            };
            family && config.local_address.is_none_or(|local| local.is_ipv4() == address.is_ipv4())
        };
        let addresses: Vec<Address> = addresses.into_iter().filter(wanted).map(Address::Ip).collect();
        self.race = Race::new(addresses, config.attempt_delay);
    }

    fn advance(&mut self) -> Result<Turn<Instant, usize>, ConnectError> {
        let now = Instant::now();
        let timeout = self.connector.config().timeout;
        let until = self.begun + timeout;
        if let Some(lookup) = &self.lookup {
            match lookup.take() {
                None if now < until => return Ok(Turn::Until(until)),
                None => return Err(self.fail_dial(DialFailure::ResolveTimeout(timeout))),
                Some(Err(error)) => return Err(self.fail_dial(DialFailure::Resolve(error))),
                Some(Ok(addresses)) => {
                    self.lookup = None;
                    self.set_addresses(addresses);
                }
            }
        }
        loop {
            if let Some(done) = self.go_on(now) {
                return Ok(Turn::Done(done));
            }
            if now >= until {
                return Err(self.fail(ConnectFailure::TlsTimeout(timeout)));
            }
            let passed = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            match self.race.step(Millis(passed)) {
                Step::Connect(address) => self.attempt(address),
                Step::Wait(at) => return Ok(Turn::Until(self.next(at).min(until))),
                Step::Failed => {
                    return Err(match self.failure.take() {
                        Some((phase, failure)) => ConnectError::new(&self.text, phase, failure),
                        None => self.fail_dial(DialFailure::Family(self.connector.config().family)),
                    });
                }
            }
        }
    }

    /// When there is something to do without an event.
    fn next(&self, race: Millis) -> Instant {
        let far = self.begun + self.connector.config().timeout;
        let race = if race == Millis::NEVER { far } else { self.begun + Duration::from_millis(race.0) };
        self.running.iter().filter_map(|attempt| attempt.quic.deadline()).fold(race, Instant::min)
    }

    /// Begins an attempt.
    fn attempt(&mut self, address: Address) {
        let Address::Ip(peer) = address else { return };
        let opened = Wire::open(&mut self.driver, self.connector.config().local_address, peer);
        let (mut wire, path) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let kind = error.kind();
                return self.failed(Address::Ip(peer), kind, Phase::Connect, ConnectFailure::Io(error));
            }
        };
        match Quic::connect(&self.context, &self.name, path, false, Instant::now()) {
            Ok(mut quic) => {
                wire.send(&mut self.driver, &mut quic);
                self.running.push(Running { address: Address::Ip(peer), wire, quic: Box::new(quic) });
            }
            Err(error) => {
                self.driver.close_udp(wire.socket);
                let failure = ConnectFailure::ServerName(error.to_string());
                self.failed(Address::Ip(peer), io::ErrorKind::InvalidInput, Phase::Target, failure);
            }
        }
    }

    fn failed(&mut self, address: Address, kind: io::ErrorKind, phase: Phase, failure: ConnectFailure) {
        self.race.failed(address, kind.into());
        if phase == Phase::Tls || self.failure.as_ref().is_none_or(|(before, _)| *before != Phase::Tls) {
            self.failure = Some((phase, failure));
        }
    }

    /// Goes on with all attempts; those that have failed are closed. The place of one that has made it.
    fn go_on(&mut self, now: Instant) -> Option<usize> {
        let mut at = 0;
        while let Some(Running { wire, quic, .. }) = self.running.get_mut(at) {
            if quic.deadline().is_some_and(|deadline| deadline <= now) {
                quic.timeout(now);
            }
            wire.send(&mut self.driver, quic);
            if quic.is_closing() {
                let Running { address, wire, quic } = self.running.swap_remove(at);
                self.driver.close_udp(wire.socket);
                let tls = |kind, problem| ConnectFailure::Tls { kind, problem };
                let (kind, failure) = match (quic.disbelief(), quic.close_reason()) {
                    (Some(why), _) => (io::ErrorKind::InvalidData, tls("certificate", why.to_owned())),
                    (None, Some(close)) => (io::ErrorKind::InvalidData, tls("alert", close.to_string())),
                    (None, None) => {
                        let timeout = self.connector.config().timeout;
                        (io::ErrorKind::TimedOut, ConnectFailure::TlsTimeout(timeout))
                    }
                };
                self.failed(address, kind, Phase::Tls, failure);
                continue;
            }
            if quic.is_ready() {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    fn fail_dial(&mut self, reason: DialFailure) -> ConnectError {
        self.give_up();
        ConnectError::of_dial(&self.text, Box::new(DialError { target: self.target.clone(), reason }))
    }
}

impl Maker for Attempts {
    type Time = Instant;
    /// The place of the one that has made it.
    type Done = usize;
    type Made = OnQuic;

    fn turn(&mut self, wait: Duration) -> Result<Turn<Instant, usize>, ConnectError> {
        self.driver.wait(Some(wait)).map_err(|error| self.fail(ConnectFailure::Io(error)))?;
        while let Some(event) = self.driver.next() {
            match event {
                Event::Woken => self.messages.take(&mut Vec::new()),
                Event::Datagrams { socket, batch } => {
                    match self.running.iter_mut().find(|attempt| attempt.wire.socket == socket) {
                        Some(attempt) => wire::receive(&mut self.driver, batch, &mut attempt.quic),
                        None => self.driver.recycle_datagrams(batch),
                    }
                }
                Event::DatagramsFlushed { socket } => {
                    if let Some(attempt) = self.running.iter_mut().find(|a| a.wire.socket == socket) {
                        attempt.wire.flushed();
                    }
                }
                _ => {}
            }
        }
        self.advance()
    }

    fn left(&self, at: Instant) -> Duration {
        at.saturating_duration_since(Instant::now())
    }

    fn sleep(&mut self, at: Instant) -> Result<(), ConnectError> {
        if self.driver.is_ready() {
            self.driver.wake_self();
        }
        let after = at.saturating_duration_since(Instant::now());
        self.driver.arm_timer(Some(after)).map_err(|error| self.fail(ConnectFailure::Io(error)))
    }

    fn fail(&mut self, failure: ConnectFailure) -> ConnectError {
        let phase = if self.lookup.is_some() { Phase::Resolve } else { Phase::Tls };
        self.give_up();
        ConnectError::new(&self.text, phase, failure)
    }

    /// Closes everything that was begun, and tells the servers.
    fn give_up(&mut self) {
        self.lookup = None;
        for Running { mut wire, mut quic, .. } in self.running.drain(..) {
            quic.close(NO_ERROR, "");
            wire.send(&mut self.driver, &mut quic);
            self.driver.close_udp(wire.socket);
        }
    }

    /// Others are given up.
    fn finish(mut self, done: usize) -> Option<OnQuic> {
        let winner = (done < self.running.len()).then(|| self.running.swap_remove(done));
        self.give_up();
        // Whatever was set for the attempts is none of the connection's business.
        let _ = self.driver.arm_timer(None);
        winner.map(|winner| OnQuic::new(self.driver, winner.wire, winner.quic))
    }
}

impl AsFd for Attempts {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.driver.as_fd()
    }
}

impl Lookup {
    fn begin(connector: &Connector, host: &flare_net::HostName, port: u16, wake: Mailbox<()>) -> Self {
        let answer = Arc::new(Mutex::new(None));
        let place = Arc::clone(&answer);
        let told = move |found| {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
            // Err: nobody waits for it any more.
            let _ = wake.post(());
        };
        let asking = match connector.resolver().resolve(host, told) {
            Resolution::Asked(asking) => Some(asking),
            Resolution::Known(known) => {
                *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
                None
            }
        };
        Self { port, answer, _asking: asking }
    }

    /// The addresses, once they are known.
    fn take(&self) -> Option<Result<Vec<SocketAddr>, ResolveError>> {
        let found = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let with_port = |address: &SocketAddr| {
            let mut address = *address;
            address.set_port(self.port);
            address
        };
        Some(found.map(|found| found.iter().map(with_port).collect()))
    }
}
