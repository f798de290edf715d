//! Relays whose upstream is on its way: a name that is looked up, addresses that are tried.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use flare_net::{Dial, DialFailure, DialOptions, Key, Millis, Progress, Resolver, Target, TimerId};

use super::relay::{Relay, Way};
use super::{DIAL_TIMERS, Worker};
use crate::log::Level;
use crate::server::connections::Connections;
use crate::server::shared::Message;

/// A relay whose upstream is on its way.
struct Dialing {
    relay: Box<Relay>,
    dial: Dial,
    timer: Option<TimerId>,
    /// When the timer fires.
    armed: Millis,
}

/// Those of a worker, by a number that is not soon used again.
pub(super) struct Dials {
    open: HashMap<u32, Dialing>,
    /// Whose each connection is that is being made.
    attempts: Connections<u32>,
    next: u32,
}

impl Dials {
    pub(super) fn new() -> Self {
        Self { open: HashMap::new(), attempts: Connections::new(), next: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn number(&mut self) -> u32 {
        while self.open.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        number
    }
}

impl Worker {
    /// Begins to connect to the upstream of a relay.
    pub(super) fn dial(
        &mut self,
        relay: Box<Relay>,
        target: Target,
        resolver: &Resolver,
        options: &DialOptions,
    ) {
        let number = self.dials.number();
        let Some(relays) = self.relays_of(relay.client()) else { return };
        relays.push(Way::Dialing(number));
        let own = Arc::clone(&self.own);
        let wake = move || {
            // False: the worker has ended, and the dial with it.
            own.post(Message::Dial(number));
        };
        let dial = Dial::new(target, options, resolver, self.env.now, wake);
        let dialing = Dialing { relay, dial, timer: None, armed: Millis::NEVER };
        self.dials.open.insert(number, dialing);
        self.advance_dial(number);
    }

    /// Does what can be done for a dial now.
    pub(super) fn advance_dial(&mut self, number: u32) {
        let Some(Dialing { dial, timer, armed, .. }) = self.dials.open.get_mut(&number) else { return };
        let attempts = &mut self.dials.attempts;
        match dial.advance(&mut self.driver, self.env.now, |key| attempts.insert(key, number)) {
            Progress::Until(at) => {
                if at != *armed {
                    if let Some(timer) = timer.take() {
                        self.wheel.cancel(timer);
                    }
                    *timer = Some(self.wheel.arm(at, DIAL_TIMERS | u64::from(number)));
                    *armed = at;
                }
            }
            Progress::Connected(key, _) => {
                if let Some(relay) = self.close_dial(number) {
                    self.watch(key, relay);
                    self.relay_connected(key);
                }
            }
            Progress::Failed(error) => {
                let late =
                    matches!(error.reason, DialFailure::ResolveTimeout(_) | DialFailure::ConnectTimeout(..));
                self.env.service.log.tell(Level::Debug, "upstream not reached", || error.to_string());
                if let Some(relay) = self.close_dial(number) {
                    if late {
                        self.counters.timeouts.add(1);
                    }
                    relay.fail(if late { 504 } else { 502 });
                }
            }
        }
    }

    /// The timer of a dial fired.
    pub(super) fn dial_timer(&mut self, number: u32) {
        if let Some(dialing) = self.dials.open.get_mut(&number) {
            dialing.timer = None;
            dialing.armed = Millis::NEVER;
            self.advance_dial(number);
        }
    }

    /// A connection is there that was being made.
    pub(super) fn dial_connected(&mut self, key: Key) {
        if let Some(number) = self.dials.attempts.remove(key)
            && let Some(dialing) = self.dials.open.get_mut(&number)
        {
            dialing.dial.connected(key);
            self.advance_dial(number);
        }
    }

    /// A connection could not be made. False: it is none of these.
    pub(super) fn dial_failed(&mut self, key: Key, error: io::Error) -> bool {
        let Some(number) = self.dials.attempts.remove(key) else { return false };
        if let Some(dialing) = self.dials.open.get_mut(&number) {
            dialing.dial.failed(&mut self.driver, key, error);
            self.advance_dial(number);
        }
        true
    }

    /// Whether nobody waits for the answer of this one any more; then it is closed.
    pub(super) fn end_dial(&mut self, number: u32) -> bool {
        let over = self.dials.open.get(&number).is_none_or(|dialing| dialing.relay.is_over());
        if over {
            self.close_dial(number);
        }
        over
    }

    /// Gives a dial up, if it is not over, and gives back what is left of its relay.
    pub(super) fn close_dial(&mut self, number: u32) -> Option<Box<Relay>> {
        let mut dialing = self.dials.open.remove(&number)?;
        for key in dialing.dial.keys() {
            self.dials.attempts.remove(key);
        }
        dialing.dial.close(&mut self.driver);
        if let Some(timer) = dialing.timer {
            self.wheel.cancel(timer);
        }
        if let Some(relays) = self.relays_of(dialing.relay.client()) {
            relays.retain(|way| *way != Way::Dialing(number));
        }
        Some(dialing.relay)
    }
}
