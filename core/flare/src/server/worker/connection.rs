//! A connection of a worker: between its session and its socket.

use std::io;

use flare_net::{Driver, Key, Millis, Output, Sent, TimerId, Wheel};

use super::Worker;
use super::relay::Way;
use super::secure::{Secure, SecureShared};
use crate::exchange::CancelReason;
use crate::server::counters::Counters;
use crate::server::session::{Next, Session};
use crate::server::shared::Message;

/// How often in one turn a session may go on whose output left at once. A client that takes all, from a source that never ends,
/// would else have the worker for itself.
const ROUNDS: u32 = 4;

/// A connection and what the worker knows of it.
pub(crate) struct Connection {
    pub(super) session: Session,
    /// What stands between the session and the socket, if the connection is encrypted.
    pub(super) secure: Option<Box<Secure>>,
    pub(super) timer: Option<TimerId>,
    /// When the timer fires; the real deadline may be later, never earlier.
    pub(super) armed: Millis,
    /// When the peer must have taken some of the backlog.
    write_deadline: Millis,
    /// Bytes that wait to be given to the system.
    backlog: usize,
    /// Bytes that the peer had not taken when they were last counted. When they are fewer than this and what was added, it took some.
    undelivered: usize,
    pub(super) paused: bool,
    pub(super) closing: Closing,
    /// The upstreams that answer its exchanges.
    pub(super) relays: Vec<Way>,
}

/// How far the end of a connection is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    No,
    /// Closes when the backlog is gone.
    Flushing {
        linger: bool,
    },
    /// Our side is closed; what the peer sends is dropped until it closes too.
    Lingering {
        until: Millis,
    },
}

impl Connection {
    pub(super) fn new(session: Session, secure: Option<Box<Secure>>) -> Self {
        let shaken = secure.as_ref().map_or(Millis::NEVER, |secure| secure.deadline());
        Self {
            armed: session.deadline(false).min(shaken),
            session,
            secure,
            timer: None,
            write_deadline: Millis::NEVER,
            backlog: 0,
            undelivered: 0,
            paused: false,
            closing: Closing::No,
            relays: Vec::new(),
        }
    }

    /// The earliest of what may end this connection.
    #[inline]
    fn deadline(&self) -> Millis {
        match (self.closing, &self.secure) {
            // Before the end of the handshake nothing else counts.
            (Closing::No, Some(secure)) if secure.deadline() != Millis::NEVER => secure.deadline(),
            (Closing::No, _) => self.session.deadline(self.backlog > 0).min(self.write_deadline),
            (Closing::Flushing { .. }, _) => self.write_deadline,
            (Closing::Lingering { until }, _) => until,
        }
    }

    /// Gives output to the system, through TLS if the connection is encrypted, and empties it.
    #[inline(always)]
    fn send(
        &mut self,
        key: Key,
        output: &mut Output,
        driver: &mut Driver,
        shared: &mut SecureShared,
        counters: &Counters,
    ) -> io::Result<Sent> {
        let Some(secure) = &mut self.secure else {
            counters.bytes_out.add(output.len() as u64);
            return driver.send(key, output);
        };
        let last = matches!(self.session.next(), Next::Close { .. });
        secure.send(key, last, output, driver, shared, counters)
    }

    /// Whether the TLS handshake has not ended.
    pub(super) fn is_shaking(&self) -> bool {
        self.secure.as_ref().is_some_and(|secure| secure.deadline() != Millis::NEVER)
    }

    /// Bytes of the session that wait to be encrypted.
    fn unsealed(&self) -> usize {
        self.secure.as_ref().map_or(0, |secure| secure.waiting())
    }
}

impl Worker {
    pub(super) fn read_closed(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else {
            if !self.header_ended(key) {
                self.relay_ended(key);
            }
            return;
        };
        if connection.closing == Closing::No {
            if connection.is_shaking() {
                return self.handshake_left(key);
            }
            connection.session.read_closed(&mut self.env, &mut self.output);
            self.settle(key);
        } else if matches!(connection.closing, Closing::Lingering { .. }) {
            self.close(key, CancelReason::PeerGone);
        }
    }

    /// What the driver said to be sent was not taken whole.
    pub(super) fn blocked(&mut self, key: Key) {
        if self.connections.get_mut(key).is_some() {
            self.queued(key, 0);
            self.arm(key);
        }
    }

    pub(super) fn flushed(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else {
            self.forward(key);
            return;
        };
        connection.write_deadline = Millis::NEVER;
        connection.backlog = 0;
        if connection.unsealed() > 0 {
            let sent =
                connection.send(key, &mut self.output, &mut self.driver, &mut self.secure, &self.counters);
            match sent {
                Ok(Sent::All) => {}
                Ok(Sent::Queued) => {
                    self.queued(key, 0);
                    return self.arm(key);
                }
                Err(_) => return self.close(key, CancelReason::PeerGone),
            }
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.closing == Closing::No {
            connection.session.flushed(&mut self.env, &mut self.output);
        }
        self.settle(key);
    }

    /// The session of a connection goes on whose turn was used up.
    pub(super) fn go_on(&mut self, key: Key) {
        if self.begin_in_line(key) {
            return;
        }
        if self.connections.get_mut(key).is_none() {
            self.go_on_quic(key);
        } else if self.driver.backlog(key) == 0 {
            // With a backlog it is not flushed any more; its own event will tell.
            self.flushed(key);
        }
    }

    /// The connection is lost, or was never made.
    pub(super) fn failed(&mut self, key: Key, error: io::Error) {
        if self.dial_failed(key, error) {
        } else if self.relays.has(key) {
            self.relay_failed(key);
        } else if self.connections.get_mut(key).is_some_and(|connection| connection.is_shaking()) {
            self.handshake_left(key);
        } else if !self.header_ended(key) {
            self.close(key, CancelReason::PeerGone);
        }
    }

    /// After a session worked: its output leaves, its socket does what it wants, and so does its upstream.
    pub(super) fn settle(&mut self, key: Key) {
        self.transmit(key);
        if self.has_relays() {
            self.follow(key);
        }
    }

    fn transmit(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let mut rounds = 0;
        // A session that stopped for its output may go on at once when the output left at once.
        loop {
            if self.output.is_empty() {
                break;
            }
            let made = self.output.len();
            let sent =
                connection.send(key, &mut self.output, &mut self.driver, &mut self.secure, &self.counters);
            match sent {
                Ok(Sent::All) => {
                    if connection.closing != Closing::No {
                        break;
                    }
                    rounds += 1;
                    if rounds == ROUNDS {
                        self.mail.push_back(Message::GoOn(key));
                        break;
                    }
                    connection.session.flushed(&mut self.env, &mut self.output);
                }
                Ok(Sent::Queued) => {
                    self.queued(key, made);
                    break;
                }
                Err(_) => {
                    self.output.clear();
                    return self.close(key, CancelReason::PeerGone);
                }
            }
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        match connection.closing {
            Closing::No => {}
            // Its session is over, and the end is that which was decided then.
            Closing::Flushing { linger } => return self.finish(key, linger),
            Closing::Lingering { .. } => return self.arm(key),
        }
        match connection.session.next() {
            Next::Read if !connection.paused => {}
            Next::Read => {
                connection.paused = false;
                self.driver.resume_read(key);
            }
            Next::Pause if !connection.paused => {
                connection.paused = true;
                self.driver.pause_read(key);
            }
            Next::Close { linger } => return self.finish(key, linger),
            Next::Abort => {
                if connection.session.is_until_close() {
                    self.driver.reset_on_close(key);
                }
                return self.close(key, CancelReason::Reset);
            }
            Next::Pause => {}
        }
        arm(&mut self.wheel, key, connection);
    }

    /// Some of the output waits. `made`: how much was added to it.
    pub(super) fn queued(&mut self, key: Key, made: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let (unsealed, backlog) = (connection.unsealed(), self.driver.backlog(key));
        if unsealed > 0 && backlog == 0 && !connection.is_shaking() {
            // The turn is used up, and no event will tell.
            self.mail.push_back(Message::GoOn(key));
        }
        let undelivered = self.driver.undelivered(key) + unsealed;
        let taken = undelivered < connection.undelivered + made;
        if connection.write_deadline == Millis::NEVER || taken {
            // From this moment, not from the turn's begin: a handler may have taken long in between.
            connection.write_deadline = self.clock.now() + self.env.service.config.write_timeout;
        }
        (connection.backlog, connection.undelivered) = (backlog + unsealed, undelivered);
        let limit = self.env.service.config.output_limit;
        if connection.backlog >= limit {
            connection.session.block(connection.backlog, limit);
        }
    }

    /// The session is over: closes when the output is gone, and gently when the peer may still be sending.
    pub(super) fn finish(&mut self, key: Key, linger: bool) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.secure.is_some() && connection.unsealed() == 0 {
            match self.end_secure(key) {
                Ok(Sent::All) => {}
                Ok(Sent::Queued) => self.queued(key, 0),
                Err(_) => return self.close(key, CancelReason::PeerGone),
            }
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        if self.driver.backlog(key) + connection.unsealed() > 0 {
            connection.closing = Closing::Flushing { linger };
            if !connection.paused {
                connection.paused = true;
                self.driver.pause_read(key);
            }
            return self.arm(key);
        }
        if !linger || self.driver.shutdown_write(key).is_err() {
            return self.close(key, CancelReason::PeerGone);
        }
        connection.closing =
            Closing::Lingering { until: self.env.now + self.env.service.config.linger_timeout };
        if std::mem::take(&mut connection.paused) {
            self.driver.resume_read(key);
        }
        self.arm(key);
    }

    /// Makes sure that the timer fires no later than the next deadline. Later deadlines cost nothing here: the timer finds out.
    fn arm(&mut self, key: Key) {
        if let Some(connection) = self.connections.get_mut(key) {
            arm(&mut self.wheel, key, connection);
        }
    }

    pub(super) fn deadline(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else {
            if !self.header_late(key) && !self.quic_deadline(key) {
                self.relay_deadline(key);
            }
            return;
        };
        connection.timer = None;
        let now = self.env.now;
        if connection.deadline() > now {
            return self.arm(key);
        }
        match connection.closing {
            Closing::Lingering { .. } => self.close(key, CancelReason::PeerGone),
            _ if connection.write_deadline <= now => {
                let undelivered = self.driver.undelivered(key) + connection.unsealed();
                if undelivered < connection.undelivered {
                    connection.undelivered = undelivered;
                    connection.write_deadline = now + self.env.service.config.write_timeout;
                    self.arm(key);
                } else {
                    self.counters.timeouts.add(1);
                    self.close(key, CancelReason::PeerGone);
                }
            }
            Closing::Flushing { .. } => self.arm(key),
            Closing::No if connection.is_shaking() => self.handshake_timed_out(key),
            Closing::No => {
                connection.session.timeout(&mut self.env, &mut self.output);
                self.settle(key);
            }
        }
    }

    pub(super) fn close(&mut self, key: Key, reason: CancelReason) {
        let Some(mut connection) = self.connections.remove(key) else {
            if !self.close_quic(key, reason) {
                self.close_awaited(key);
            }
            return;
        };
        if let Some(timer) = connection.timer.take() {
            self.wheel.cancel(timer);
        }
        // Let go behind the abort, which says why their exchanges ended.
        let relays: Vec<_> = connection.relays.drain(..).filter_map(|way| self.close_way(way)).collect();
        if self.env.draining {
            let unsent = self.driver.backlog(key) + connection.unsealed();
            let unfinished = connection.session.is_active() || unsent > 0;
            if reason == CancelReason::Drain && unfinished {
                self.report.aborted += 1;
            } else {
                self.report.finished += 1;
            }
        }
        connection.session.abort(reason, &mut self.env);
        if let Some(secure) = connection.secure.take() {
            self.leave_secure(key, &secure);
        }
        drop(relays);
        self.driver.close(key);
        self.counters.closed.add(1);
        self.shared.closed();
    }
}

/// See [`Worker::arm`].
#[inline(always)]
fn arm(wheel: &mut Wheel, key: Key, connection: &mut Connection) {
    let deadline = connection.deadline();
    if deadline < connection.armed || connection.timer.is_none() {
        if let Some(timer) = connection.timer.take() {
            wheel.cancel(timer);
        }
        connection.timer = Some(wheel.arm(deadline, key.to_u64()));
        connection.armed = deadline;
    }
}
