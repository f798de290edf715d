//! Accepting connections, and when not to.

use std::io;
use std::time::Duration;

use flare_net::{Key, Millis, Peer};

use super::{ACCEPT_TIMER, Connection, Worker};
use crate::log::Level;
use crate::server::session::Session;

/// How long a worker waits before it accepts again after the process ran out of descriptors or memory.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Whether a worker accepts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepting {
    Yes,
    /// Too many connections are open.
    Full,
    /// The process ran out of something.
    BackOff {
        until: Millis,
    },
    /// The server ends.
    Over,
}

impl Worker {
    pub(super) fn accepted(&mut self, key: Key, peer: Peer) {
        self.counters.accepted.add(1);
        if !self.shared.opened() && self.accepting != Accepting::Over && !self.shared.has_room(&self.own) {
            self.accepting = Accepting::Full;
            for listener in &self.listeners {
                self.driver.pause_accept(*listener);
            }
        }
        let session = Session::new(key, peer, &self.env);
        let mut connection = Connection::new(session);
        connection.timer = Some(self.wheel.arm(connection.armed, key.to_u64()));
        self.connections.insert(key, connection);
    }

    pub(super) fn accept_failed(&mut self, error: &io::Error) {
        self.counters.accept_errors.add(1);
        self.env.service.log.tell(Level::Warn, "accept failed", || error.to_string());
        // When it is full, all listeners go on together as soon as there is room.
        if !matches!(self.accepting, Accepting::Over | Accepting::Full) {
            let until = self.env.now + BACK_OFF;
            self.accepting = Accepting::BackOff { until };
            self.wheel.arm(until, ACCEPT_TIMER);
        }
    }

    fn resume_accept(&mut self) {
        if self.accepting != Accepting::Over {
            self.accepting = Accepting::Yes;
            for listener in &self.listeners {
                self.driver.resume_accept(*listener);
            }
        }
    }
    /// The time after running out is over, unless it has begun again since.
    pub(super) fn accept_again(&mut self) {
        if matches!(self.accepting, Accepting::BackOff { until } if until <= self.env.now) {
            self.resume_accept();
        }
    }

    /// There was no room for more connections, and now there may be.
    pub(super) fn accept_with_room(&mut self) {
        if self.accepting == Accepting::Full && self.shared.has_room(&self.own) {
            self.resume_accept();
        }
    }

    /// Accepts no more, for good.
    pub(super) fn stop_accepting(&mut self) {
        self.accepting = Accepting::Over;
        for listener in std::mem::take(&mut self.listeners) {
            self.driver.close_listener(listener);
        }
    }
}
