//! How QUIC connections end with their worker.

use std::time::{Duration, Instant};

use flare_net::Key;

use super::{NO_ERROR, Worker};
use crate::exchange::CancelReason;

/// How long a worker that ends stays for last words that can't leave at once: the probe timeout (RFC 9002, 6.2.1) of most paths.
const LAST_WORDS: Duration = Duration::from_millis(500);

impl Worker {
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

    /// Ends a connection for its handlers and says so to its peer. False: it is none of this kind.
    pub(super) fn cut_quic(&mut self, key: Key, reason: CancelReason) -> bool {
        let Some(connection) = self.quic.connections.get_mut(key) else { return false };
        connection.quic.close(NO_ERROR, "");
        self.speak_quic(key);
        self.end_quic(key, reason);
        true
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
            && next <= end
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
            if now >= end {
                return;
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
