//! Accepting connections, and when not to.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use flare_net::{Address, Key, ListenerKey, Millis, Peer};

use super::{ACCEPT_TIMER, Connection, Worker};
use crate::exchange::Ends;
use crate::log::Level;
use crate::server::proxy_protocol::Introduction;
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
    pub(super) fn accepted(&mut self, listener: ListenerKey, key: Key, peer: Peer) {
        self.counters.accepted.add(1);
        if !self.shared.opened() && self.accepting != Accepting::Over && !self.shared.has_room(&self.own) {
            self.accepting = Accepting::Full;
            for listener in &self.listeners {
                self.driver.pause_accept(*listener);
            }
        }
        let proxied = self.shared.entrances.get(listener.index()).is_some_and(|entrance| entrance.proxied);
        if proxied {
            match self.env.service.config.proxy_protocol.expects(peer) {
                Introduction::None => {}
                Introduction::Header => return self.await_header(listener, key, peer),
                Introduction::Refused => return self.refuse(key, peer),
            }
        }
        let ends = self.ends(listener, key, peer);
        self.open(listener, key, ends);
    }

    /// The ends of a connection as its socket has them.
    pub(super) fn ends(&self, listener: ListenerKey, key: Key, peer: Peer) -> Ends {
        let entrance = self.shared.entrances.get(listener.index());
        let own = match entrance {
            // Err: the peer is gone, which reading will tell.
            Some(entrance) if entrance.wildcard => self.driver.local_address(key).ok().map(Arc::new),
            _ => None,
        };
        let place = || self.places.get(listener.index()).cloned();
        Ends { peer, local: own.or_else(place).unwrap_or_else(|| Arc::new(Address::Unix(None))), tls: None }
    }

    /// Closes a connection that nobody may make.
    fn refuse(&mut self, key: Key, peer: Peer) {
        self.env.service.log.tell(Level::Warn, "connection refused", || {
            format!("{peer} is not in proxy_protocol_from, and proxy_protocol_only is set")
        });
        self.driver.close(key);
        self.counters.closed.add(1);
        self.shared.closed();
    }

    /// A connection begins.
    pub(super) fn open(&mut self, listener: ListenerKey, key: Key, ends: Ends) {
        let tls = self.shared.entrances.get(listener.index()).and_then(|entrance| entrance.tls.as_ref());
        let secure = tls.map(|tls| Box::new(tls.accept(ends.clone(), self.env.now)));
        let session = Session::new(key, ends, &self.env);
        let mut connection = Connection::new(session, secure);
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
