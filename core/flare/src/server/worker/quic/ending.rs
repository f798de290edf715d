//! How QUIC connections end: one by one, and with their worker.

use std::time::{Duration, Instant};

use flare_net::Key;

use super::{Way, Worker};
use crate::exchange::CancelReason;
use crate::log::Level;

/// How long a worker that ends stays for last words that can't leave at once: until the first probe (RFC 9002, 6.2.1) where a round trip
/// takes 150 ms.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// H3_NO_ERROR (RFC 9114, 8.1).
const NO_ERROR: u64 = 0x100;

impl Worker {
    /// The connection has ended for its handlers. What is left of it are its last words.
    pub(super) fn end_quic(&mut self, key: Key, reason: CancelReason) {
        let Some(connection) = self.quic.connections.get_mut(key) else { return };
        if std::mem::replace(&mut connection.over, true) {
            return;
        }
        let ways: Vec<Way> = connection.relays.drain(..).collect();
        let http3 = connection.http3.take();
        let failed = http3.is_none().then(|| (connection.quic.path().peer, connection.quic.close_reason()));
        // Let go behind the abort, which says why their exchanges ended.
        let relays: Vec<_> = ways.into_iter().filter_map(|way| self.close_way(way)).collect();
        if let Some((peer, why)) = failed {
            self.counters.tls_failed.add(1);
            self.env.service.log.tell(Level::Info, "QUIC handshake failed", || match why {
                Some(close) => format!("{peer}: {close}"),
                None => format!("{peer}: it took too long"),
            });
        }
        let active = http3.as_ref().is_some_and(|http3| http3.is_active());
        if let Some(mut http3) = http3 {
            http3.abort(reason, &mut self.env);
        }
        drop(relays);
        if self.env.draining {
            if reason == CancelReason::Drain && active {
                self.report.aborted += 1;
            } else {
                self.report.finished += 1;
            }
        }
        self.quic.live -= 1;
        self.counters.closed.add(1);
        self.shared.closed();
    }

    /// Drops a connection. False: it is none of this kind.
    pub(in super::super) fn close_quic(&mut self, key: Key, reason: CancelReason) -> bool {
        if !self.cut_quic(key, reason) {
            return false;
        }
        self.forget_quic(key);
        true
    }

    /// Ends a connection for its handlers and says so to its peer. False: it is none of this kind.
    fn cut_quic(&mut self, key: Key, reason: CancelReason) -> bool {
        let Some(connection) = self.quic.connections.get_mut(key) else { return false };
        connection.quic.close(NO_ERROR, "");
        self.speak_quic(key);
        self.end_quic(key, reason);
        true
    }

    /// Nothing of it is left here.
    pub(super) fn forget_quic(&mut self, key: Key) {
        let Some(mut connection) = self.quic.connections.remove(key) else { return };
        connection.count(&self.counters);
        if let Some(timer) = connection.timer.take() {
            self.wheel.cancel(timer);
        }
        if let Some(place) = self.quic.places.get_mut(connection.place) {
            place.endpoint.remove(&mut connection.quic);
        }
        self.driver.release(key);
    }

    /// The server ends: requests that run get their answer first. Whoever only shakes hands is sent away.
    pub(in super::super) fn drain_quic(&mut self) {
        for key in self.quic.connections.keys() {
            let Some(connection) = self.quic.connections.get_mut(key) else { continue };
            match &mut connection.http3 {
                _ if connection.over => {}
                Some(http3) => http3.drain(&mut connection.quic, &mut self.env),
                None => connection.quic.close(NO_ERROR, "the server ends"),
            }
            let place = connection.place;
            self.settle_quic(key);
            self.send_datagrams(place);
        }
    }

    /// Cuts what is left: the worker ends.
    pub(in super::super) fn close_all_quic(&mut self) {
        let keys = self.quic.connections.keys();
        for &key in &keys {
            self.cut_quic(key, CancelReason::Drain);
        }
        self.say_last_words(&keys);
        for key in keys {
            self.forget_quic(key);
        }
    }

    /// Where the congestion window is full, a CONNECTION_CLOSE leaves with the next probe only. A peer that never got it would take the
    /// connection for alive until its idle timeout. Acknowledgements could open the window earlier, but the worker reads no more.
    fn say_last_words(&mut self, keys: &[Key]) {
        let end = Instant::now() + LAST_WORDS;
        while let Some(next) = keys.iter().filter_map(|&key| self.last_words_at(key)).min()
            && next.max(Instant::now()) <= end
        {
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            let now = Instant::now();
            for &key in keys {
                if self.last_words_at(key).is_some_and(|at| at <= now) {
                    if let Some(connection) = self.quic.connections.get_mut(key) {
                        connection.quic.timeout(now);
                    }
                    self.speak_quic(key);
                }
            }
        }
    }

    /// When a connection may say that it ends, if it has not.
    fn last_words_at(&mut self, key: Key) -> Option<Instant> {
        let connection = self.quic.connections.get_mut(key)?;
        if connection.quic.owes_close() { connection.quic.deadline() } else { None }
    }

    /// Sends what a connection has to say.
    fn speak_quic(&mut self, key: Key) {
        let Some(place) = self.quic.connections.get_mut(key).map(|connection| connection.place) else {
            return;
        };
        self.transmit_quic(key);
        self.send_datagrams(place);
    }
}
