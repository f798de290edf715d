//! Upstreams: connections whose bytes become the content of an answer.
//!
//! A relay is a handler that lives in the worker. It owns the right to answer, and writes to the exchange like any other; so
//! framing, credit and the ways an exchange can end are those of every streamed answer. Until its upstream is there it waits in `dialing.rs`.

use std::time::Duration;

use bytes::Bytes;
use flare_net::{DialOptions, Key, Millis, Resolver, Stream, TimerId};
use flare_proto::http1::BodyLength;

use super::Worker;
use crate::exchange::{Exchange, Read, RelayRequest, To};
use crate::server::connections::Connections;

/// The answer waits up to this many bytes for the client, beside what its connection holds, before the upstream is not read any more.
const HIGH: usize = 128 * 1024;
/// And is read again below this.
const LOW: usize = 64 * 1024;
/// Content of the request waits up to this many bytes for the upstream before no more is taken from the client.
const FORWARD: usize = 64 * 1024;

/// One exchange and the upstream that answers it.
pub(super) struct Relay {
    exchange: Exchange,
    prologue: Bytes,
    /// The client takes nothing, so the upstream is not read.
    paused: bool,
    /// The content of the request goes to the upstream, and has not ended.
    forwards: bool,
    silence: Duration,
    /// When the upstream has been silent for too long.
    deadline: Millis,
    timer: Option<TimerId>,
    /// When the timer fires; the real deadline may be later, never earlier.
    armed: Millis,
}

/// Where the relay of an exchange is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The number of its dial.
    Dialing(u32),
    /// The upstream that it is connected to.
    Open(Key),
}

impl Relay {
    /// The connection of the client.
    pub(super) fn client(&self) -> Key {
        self.exchange.request().block.channel.key.connection
    }

    /// Whether nobody waits for the content any more.
    pub(super) fn is_over(&self) -> bool {
        let block = &self.exchange.request().block;
        block.channel.state.cancelled().is_some()
            || (block.channel.stream.is_used() && block.channel.stream.lock().over)
    }

    fn next_deadline(&self) -> Millis {
        if self.paused { Millis::NEVER } else { self.deadline }
    }

    /// It did not work: an error while the head can still be one, else a cut.
    pub(super) fn fail(&self, status: u16) {
        if self.exchange.is_started() {
            self.exchange.reset();
        } else if self.exchange.draft(|answer| answer.set_status_only(status)).is_ok() {
            // Err: it was answered or cancelled in between.
            let _ = self.exchange.finish();
        }
    }
}

/// The relays of a worker.
pub(super) struct Relays {
    /// By the key of the upstream. Boxed, because their keys are few among those of the clients.
    open: Connections<Box<Relay>>,
}

impl Relays {
    pub(super) fn new() -> Self {
        Self { open: Connections::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn has(&mut self, upstream: Key) -> bool {
        self.open.get_mut(upstream).is_some()
    }
}

impl Worker {
    /// Whether any exchange is answered by an upstream.
    pub(super) fn has_relays(&self) -> bool {
        !self.relays.is_empty() || !self.dials.is_empty()
    }

    /// Begins a relay.
    pub(super) fn relay(&mut self, request: RelayRequest) {
        let RelayRequest { exchange, upstream } = request;
        let relay = Box::new(Relay {
            exchange,
            prologue: upstream.prologue,
            paused: false,
            forwards: upstream.forwards,
            silence: upstream.silence_timeout,
            deadline: Millis::NEVER,
            timer: None,
            armed: Millis::NEVER,
        });
        if relay.is_over() {
            // A stream closes as it drops.
            return;
        }
        match upstream.to {
            To::Target(target) => {
                let options = DialOptions { timeout: upstream.connect_timeout, ..DialOptions::default() };
                let resolver = upstream.resolver.as_ref().unwrap_or_else(|| Resolver::system());
                self.dial(relay, target, resolver, &options);
            }
            To::Connected(stream) => self.take_stream(relay, stream),
        }
    }

    fn take_stream(&mut self, relay: Box<Relay>, stream: Stream) {
        match self.driver.insert(stream) {
            Ok(key) => {
                self.watch(key, relay);
                self.relay_connected(key);
            }
            Err(_) => relay.fail(502),
        }
    }

    /// The upstream has a key: from now on it lives and ends with the connection of its client.
    pub(super) fn watch(&mut self, key: Key, mut relay: Box<Relay>) {
        let Some(relays) = self.relays_of(relay.client()) else { return self.driver.close(key) };
        relays.push(Way::Open(key));
        relay.armed = relay.next_deadline();
        relay.timer = Some(self.wheel.arm(relay.armed, key.to_u64()));
        self.relays.open.insert(key, relay);
    }

    /// The upstream is there: it gets the prologue, and content of the request.
    pub(super) fn relay_connected(&mut self, key: Key) {
        let Some(relay) = self.relays.open.get_mut(key) else { return };
        relay.deadline = self.env.now + relay.silence;
        self.output.push_shared(std::mem::take(&mut relay.prologue));
        let block = &relay.exchange.request().block;
        let collected = block.length == BodyLength::Empty || block.body.get().is_some();
        let ends = relay.forwards && collected;
        if ends {
            relay.forwards = false;
            let body = block.body.get().map(Vec::as_slice).unwrap_or_default();
            self.output.push_shared(Bytes::copy_from_slice(body));
        }
        self.send_upstream(key);
        if ends {
            // Err: it is lost, which its own event tells.
            let _ = self.driver.shutdown_write(key);
        }
        self.arm_relay(key);
        self.forward(key);
    }

    /// Content came.
    pub(super) fn relay_received(&mut self, key: Key, data: &[u8]) {
        let Some(relay) = self.relays.open.get_mut(key) else { return };
        relay.deadline = self.env.now + relay.silence;
        // A relay that is paused in time is never refused.
        if relay.exchange.write(Bytes::copy_from_slice(data)).is_err() {
            relay.exchange.reset();
            self.close_upstream(key);
            return;
        }
        if relay.exchange.request().block.channel.stream.lock().outbound() >= HIGH {
            relay.paused = true;
            self.driver.pause_read(key);
        }
    }

    /// The upstream sends nothing more: the content is whole.
    pub(super) fn relay_ended(&mut self, key: Key) {
        let Some(relay) = self.relays.open.get_mut(key) else { return };
        // Err: the exchange is over in another way.
        let _ = relay.exchange.finish();
        self.close_upstream(key);
    }

    /// The upstream is lost.
    pub(super) fn relay_failed(&mut self, key: Key) {
        if let Some(relay) = self.close_upstream(key) {
            relay.fail(502);
        }
    }

    /// After the client's connection worked: its relays end with their exchanges, and flow with them.
    pub(super) fn follow(&mut self, client: Key) {
        let mut next = 0;
        // A relay that ends leaves its place to another one.
        while let Some(relays) = self.relays_of(client)
            && let Some(&way) = relays.get(next)
        {
            let goes_on = match way {
                Way::Open(key) => self.follow_one(key),
                Way::Dialing(number) => !self.end_dial(number),
            };
            if goes_on {
                next += 1;
            }
        }
    }

    /// The same for one of them. False: it is over.
    fn follow_one(&mut self, key: Key) -> bool {
        let Some(relay) = self.relays.open.get_mut(key) else { return true };
        if relay.is_over() {
            self.close_upstream(key);
            return false;
        }
        if relay.paused && relay.exchange.request().block.channel.stream.lock().outbound() < LOW {
            relay.paused = false;
            relay.deadline = self.env.now + relay.silence;
            self.driver.resume_read(key);
            self.arm_relay(key);
        }
        self.forward(key)
    }

    /// Sends content of the request to the upstream, as much as it takes. False: the relay is over.
    pub(super) fn forward(&mut self, key: Key) -> bool {
        loop {
            let Some(relay) = self.relays.open.get_mut(key) else { return false };
            if !relay.forwards || self.driver.backlog(key) >= FORWARD {
                return true;
            }
            match relay.exchange.read() {
                Ok(Read::Data(data)) => {
                    relay.deadline = self.env.now + relay.silence;
                    self.output.push_shared(data);
                    self.send_upstream(key);
                }
                Ok(Read::End) => {
                    relay.forwards = false;
                    // Err: it is lost, which its own event tells.
                    let _ = self.driver.shutdown_write(key);
                }
                Ok(Read::WouldBlock) => return true,
                Err(_) => {
                    self.close_upstream(key);
                    return false;
                }
            }
        }
    }

    fn send_upstream(&mut self, key: Key) {
        if self.driver.send(key, &mut self.output).is_err() {
            // It may have answered before it closed: reading finds that out, and the loss too.
            self.output.clear();
            if let Some(relay) = self.relays.open.get_mut(key) {
                relay.forwards = false;
            }
        }
    }

    /// Makes sure that the timer fires no later than the deadline.
    fn arm_relay(&mut self, key: Key) {
        let Some(relay) = self.relays.open.get_mut(key) else { return };
        let deadline = relay.next_deadline();
        if deadline < relay.armed || relay.timer.is_none() {
            if let Some(timer) = relay.timer.take() {
                self.wheel.cancel(timer);
            }
            relay.timer = Some(self.wheel.arm(deadline, key.to_u64()));
            relay.armed = deadline;
        }
    }

    /// A timer of an upstream fired.
    pub(super) fn relay_deadline(&mut self, key: Key) {
        let Some(relay) = self.relays.open.get_mut(key) else { return };
        relay.timer = None;
        if relay.next_deadline() > self.env.now {
            return self.arm_relay(key);
        }
        self.counters.timeouts.add(1);
        relay.fail(504);
        self.close_upstream(key);
    }

    /// Closes an upstream, and gives back what is left of its relay.
    pub(super) fn close_upstream(&mut self, key: Key) -> Option<Box<Relay>> {
        let mut relay = self.relays.open.remove(key)?;
        if let Some(timer) = relay.timer.take() {
            self.wheel.cancel(timer);
        }
        self.driver.close(key);
        if let Some(relays) = self.relays_of(relay.client()) {
            relays.retain(|way| *way != Way::Open(key));
        }
        Some(relay)
    }
}
