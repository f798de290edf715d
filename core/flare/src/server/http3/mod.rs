//! HTTP/3 on one QUIC connection, without its socket.
//!
//! The protocol's rules are in `flare_proto::http3`, the transport is `flare_quic`. Here requests meet their exchanges: `input.rs` reads,
//! `answer.rs` answers, `lane.rs` is the stream of one request, `outbox.rs` what waits there for the transport, and `own.rs` are the
//! streams that this end opens, and `datagrams.rs` what comes and goes beside the streams. What else waits for one side or the other is in `streams`, which HTTP/2 shares.
//!
//! What the transport does not take stays in its lane, until the transport names the stream; so nothing is dropped, and nothing is held twice.

mod answer;
mod datagrams;
mod input;
mod lane;
mod outbox;
mod own;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use flare_net::{Key, Millis};
use flare_proto::http3::{ConnectionError, ErrorCode, ServerConnection, StreamMap};
use flare_quic::Connection as Quic;

use crate::exchange::{CancelReason, Early, Ends, ExchangeKey};
use crate::log::Level;
use crate::server::environment::Environment;
use crate::server::running::{Answer, News};
use crate::server::streams::Stream;
use lane::{Carried, Lane};
use own::OwnStreams;

/// The server's side of an HTTP/3 connection.
pub(crate) struct Http3 {
    wire: ServerConnection,
    own: OwnStreams,
    /// The requests that have begun to come, and whose answer the transport has not taken.
    lanes: StreamMap<Lane>,
    /// How many of them are exchanges.
    running: usize,
    /// Nothing is read or written any more.
    over: bool,
    ends: Ends,
    /// Whether what is received now comes before the end of the handshake.
    early: Early,
    key: Key,
    /// When it has been idle for too long, while there is no lane.
    idle_deadline: Millis,
    /// No deadline of a lane is earlier. The real one may be later; [`Http3::timeout`] finds out.
    bound: Millis,
    /// The next step of a drain.
    drain: Drain,
    /// Lanes that go on with what was halted.
    unblocked: Vec<u64>,
    /// Lanes whose handler takes content again.
    resumed: Vec<u64>,
    /// Lanes whose turn to send was used up.
    unsent: Vec<u64>,
    /// Lanes whose exchange has datagrams that wait for the transport.
    datagrams_wait: Vec<u64>,
    /// Answers that the transport has taken, and that the peer may not have. To end the connection would cut them.
    leaving: Vec<u64>,
    /// When the last of them was taken.
    left: Millis,
}

/// How far the server's wish to end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drain {
    No,
    /// The client was told. Requests that were on their way then come until this time.
    Announced(Millis),
    /// The client was told which requests are the last. They get their answers.
    Last,
    /// All answers were taken. At this time the connection ends.
    Ending(Millis),
}

impl Http3 {
    /// Of a connection whose streams may be used: opens the control and QPACK streams, SETTINGS wait in them.
    pub(crate) fn new(key: Key, ends: Ends, env: &Environment, quic: &mut Quic) -> Self {
        let mut http3 = Self {
            wire: ServerConnection::new(Arc::clone(&env.service.http3_limits)),
            own: OwnStreams::default(),
            lanes: StreamMap::default(),
            running: 0,
            over: false,
            ends,
            early: Early::No,
            key,
            idle_deadline: env.now + env.service.config.head_timeout,
            bound: Millis::NEVER,
            drain: Drain::No,
            unblocked: Vec::new(),
            resumed: Vec::new(),
            unsent: Vec::new(),
            datagrams_wait: Vec::new(),
            leaving: Vec::new(),
            left: Millis(0),
        };
        // Err: the client stopped one already, which is found again at the next time.
        let _ = http3.own.flush(&mut http3.wire, quic);
        http3
    }

    /// Whether what is received from now on comes before the end of the handshake.
    pub(crate) fn set_early(&mut self, early: Early) {
        self.early = early;
    }

    /// The peer's datagrams were taken: reads streams that became readable, writes those that became writable, takes datagrams.
    pub(crate) fn advance(&mut self, quic: &mut Quic, env: &mut Environment) {
        if self.over {
            return;
        }
        self.wire.set_now(env.now.0);
        let early = self.take_datagrams(quic, env);
        while !self.over
            && let Some(id) = quic.next_readable()
        {
            self.read(id, quic, env);
        }
        self.take_early_datagrams(early, quic, env);
        while !self.over
            && let Some(id) = quic.next_writable()
        {
            self.writable(id, quic, env);
        }
        self.go_on_with_datagrams(quic, env);
        self.settle(quic, env);
    }

    /// Something happened to an exchange, which may be over already.
    pub(crate) fn wake(&mut self, key: ExchangeKey, quic: &mut Quic, env: &mut Environment) {
        if self.over {
            return;
        }
        self.wire.set_now(env.now.0);
        self.look(key.stream, quic, env);
        self.settle(quic, env);
    }

    /// Looks at an exchange: an answer, content for it, or room for content of the request.
    fn look(&mut self, id: u64, quic: &mut Quic, env: &mut Environment) {
        let Some(stream) = self.stream(id) else { return };
        match stream.running.news() {
            News::Reset => return self.reset(id, ErrorCode::Internal, CancelReason::Reset, quic, env),
            News::Proceed => {
                let turn = stream.running.proceed(env);
                self.resumed.push(id);
                return self.turn(id, turn, quic, env);
            }
            News::Open => self.send_interim(id, quic, env),
            News::Answer => {
                if stream.running.asks_with_answer() {
                    self.send_continue(id, quic, env);
                }
                self.send_interim(id, quic, env);
                self.send(id, quic, env);
            }
            News::Content => {
                self.send_datagrams(id, quic, env);
                self.push(id, quic, env);
            }
        }
        if let Some(stream) = self.stream(id) {
            let wanted = stream.running.wants_content(env);
            if wanted {
                self.send_continue(id, quic, env);
                self.feed(id, quic, env);
                self.resumed.push(id);
            }
            self.bound_by(id, env);
        }
    }

    /// Whether an answer's turn was used up: [`Http3::go_on_sending`] has to be called when the others had theirs.
    pub(crate) fn has_more(&self) -> bool {
        !self.unsent.is_empty() && !self.over
    }

    /// Answers whose turn was used up have the next one.
    pub(crate) fn go_on_sending(&mut self, quic: &mut Quic, env: &mut Environment) {
        self.wire.set_now(env.now.0);
        for id in std::mem::take(&mut self.unsent) {
            if self.over {
                return;
            }
            self.push(id, quic, env);
        }
        self.settle(quic, env);
    }

    /// When [`Http3::timeout`] has to be called, unless something happens before.
    pub(crate) fn deadline(&self) -> Millis {
        if self.over {
            return Millis::NEVER;
        }
        let lanes = if self.lanes.is_empty() { self.idle_deadline } else { self.bound };
        match self.drain {
            Drain::Ending(until) => until,
            Drain::Announced(until) => lanes.min(until),
            Drain::Last | Drain::No => lanes,
        }
    }

    /// A deadline passed, or may have.
    pub(crate) fn timeout(&mut self, quic: &mut Quic, env: &mut Environment) {
        if self.over {
            return;
        }
        self.wire.set_now(env.now.0);
        if let Drain::Ending(until) = self.drain
            && until <= env.now
        {
            return self.close(ErrorCode::NoError, "the server ends", CancelReason::Drain, quic, env);
        }
        if self.lanes.is_empty() {
            self.end_idle(quic, env);
        } else if self.bound <= env.now {
            self.bound = Millis::NEVER;
            for id in self.ids() {
                let write_timeout = env.service.config.write_timeout;
                if self.lanes.get(&id).is_some_and(|lane| lane.deadline(write_timeout) <= env.now) {
                    self.late(id, quic, env);
                }
                self.bound_by(id, env);
            }
        }
        self.settle(quic, env);
    }

    /// Ends a connection on which nothing runs, if that has lasted too long.
    fn end_idle(&mut self, quic: &mut Quic, env: &mut Environment) {
        if self.over || self.idle_deadline > env.now || matches!(self.drain, Drain::Ending(_)) {
            return;
        }
        self.forget_arrived(quic);
        let until = self.left + env.service.config.write_timeout;
        if !self.leaving.is_empty() && until > env.now {
            // The client still takes the last answers.
            self.idle_deadline = until;
        } else {
            env.counters.timeouts.add(1);
            self.close(ErrorCode::NoError, "idle for too long", CancelReason::Deadline, quic, env);
        }
    }

    /// A lane's time is over.
    fn late(&mut self, id: u64, quic: &mut Quic, env: &mut Environment) {
        let write_timeout = env.service.config.write_timeout;
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        if lane.outbox.deadline(write_timeout) <= env.now {
            env.counters.timeouts.add(1);
            return self.reset(id, ErrorCode::RequestCancelled, CancelReason::Deadline, quic, env);
        }
        let stream = match &mut lane.carried {
            Carried::Exchange(stream) => stream,
            Carried::Head { .. } | Carried::Refusal { .. } => {
                env.counters.timeouts.add(1);
                return self.refuse_head(id, 408, false, quic, env);
            }
        };
        if stream.running.ring(env) {
            return;
        }
        env.counters.timeouts.add(1);
        let late_answer = stream.running.answer_deadline <= env.now;
        match stream.running.answer {
            Answer::None => self.refuse(id, 408, quic, env),
            Answer::Waiting => {
                stream.running.dismiss(CancelReason::Deadline, env);
                self.refuse(id, if late_answer { 503 } else { 408 }, quic, env);
            }
            Answer::Streaming => {
                self.reset(id, ErrorCode::RequestCancelled, CancelReason::Deadline, quic, env);
            }
        }
    }

    /// The server ends: no more requests are taken, those that run get their answer first.
    pub(crate) fn drain(&mut self, quic: &mut Quic, env: &mut Environment) {
        if self.over || self.drain != Drain::No {
            return;
        }
        self.wire.set_now(env.now.0);
        self.wire.drain();
        self.drain = Drain::Announced(env.now + env.service.config.linger_timeout);
        for lane in self.lanes.values() {
            if let Carried::Exchange(stream) = &lane.carried {
                stream.running.tell_draining(env);
            }
        }
        self.settle(quic, env);
    }

    /// Takes the next steps of a drain that can be taken.
    fn go_on_draining(&mut self, quic: &mut Quic, env: &Environment) {
        if let Drain::Announced(until) = self.drain
            // A request that crosses the end is not lost: its client learns that it may try again.
            && (self.lanes.is_empty() || until <= env.now)
        {
            self.wire.finish_drain();
            self.drain = Drain::Last;
        }
        if self.drain == Drain::Last && self.lanes.is_empty() {
            self.drain = Drain::Ending(env.now + env.service.config.linger_timeout);
        }
        if let Drain::Ending(until) = self.drain {
            self.forget_arrived(quic);
            if self.leaving.is_empty() {
                // Not at once: the GOAWAY has to leave before the end, which drops what waits.
                self.drain = Drain::Ending(until.min(env.now));
            }
        }
    }

    /// After each batch of work: what it made possible is done, and what it made leaves.
    fn settle(&mut self, quic: &mut Quic, env: &mut Environment) {
        while !self.over {
            if let Some(id) = self.unblocked.pop() {
                self.go_on(id, quic, env);
            } else if let Some(id) = self.resumed.pop() {
                self.read(id, quic, env);
            } else {
                break;
            }
        }
        if !self.over {
            self.go_on_draining(quic, env);
            self.flush_own(quic, env);
        }
    }

    /// Sends what waits for the streams of this end.
    fn flush_own(&mut self, quic: &mut Quic, env: &mut Environment) {
        if let Err(stopped) = self.own.flush(&mut self.wire, quic)
            && let Err(error) = self.wire.receive_stop(stopped.id, stopped.code)
        {
            self.fail(error, quic, env);
        }
    }

    /// Forgets answers that the client has.
    fn forget_arrived(&mut self, quic: &mut Quic) {
        // The transport forgets a stream when all of it was acknowledged.
        self.leaving.retain(|&id| quic.capacity(id).is_ok());
    }

    /// The exchange of a lane.
    fn stream(&mut self, id: u64) -> Option<&mut Stream> {
        self.lanes.get_mut(&id)?.stream()
    }

    /// The lanes that there are now.
    fn ids(&self) -> Vec<u64> {
        self.lanes.keys().copied().collect()
    }

    /// A lane's deadline may have become earlier.
    fn bound_by(&mut self, id: u64, env: &Environment) {
        if let Some(lane) = self.lanes.get(&id) {
            self.bound = self.bound.min(lane.deadline(env.service.config.write_timeout));
        }
    }

    /// A lane ends. If it is an exchange, that still has to be concluded.
    fn remove(&mut self, id: u64, env: &Environment) -> Option<Lane> {
        let lane = self.lanes.remove(&id)?;
        if let Carried::Exchange(_) = lane.carried {
            self.running -= 1;
        }
        if self.lanes.is_empty() {
            self.idle_deadline = env.now + env.service.config.idle_timeout;
            self.bound = Millis::NEVER;
        }
        Some(lane)
    }

    /// Ends a lane with what was sent until now: the holder of its exchange learns it.
    fn cancel(&mut self, id: u64, reason: CancelReason, env: &mut Environment) {
        if let Some(Lane { carried: Carried::Exchange(mut stream), outbox, .. }) = self.remove(id, env) {
            // It was counted when its frame began.
            stream.running.body_bytes -= outbox.framed(&stream.outgoing);
            stream.running.dismiss(reason, env);
            stream.running.conclude(false, env);
        }
    }

    fn cancel_all(&mut self, reason: CancelReason, env: &mut Environment) {
        for id in self.ids() {
            self.cancel(id, reason, env);
        }
    }

    /// Resets a stream in both directions, and cancels what it carries.
    fn reset(
        &mut self,
        id: u64,
        code: ErrorCode,
        reason: CancelReason,
        quic: &mut Quic,
        env: &mut Environment,
    ) {
        self.wire.reset(id);
        quic.reset(id, code.number());
        quic.stop(id, code.number());
        self.cancel(id, reason, env);
    }

    /// The client broke the protocol, which ends the connection and everything on it.
    fn fail(&mut self, error: ConnectionError, quic: &mut Quic, env: &mut Environment) {
        self.tell_bad_request(error.reason, env);
        quic.close(error.code.number(), error.reason);
        self.over = true;
        self.cancel_all(CancelReason::PeerGone, env);
    }

    /// Ends the connection and everything on it.
    fn close(
        &mut self,
        code: ErrorCode,
        words: &'static str,
        reason: CancelReason,
        quic: &mut Quic,
        env: &mut Environment,
    ) {
        self.wire.close(code, words);
        quic.close(code.number(), words);
        self.over = true;
        self.cancel_all(reason, env);
    }

    fn tell_bad_request(&self, reason: &str, env: &Environment) {
        env.counters.bad_requests.add(1);
        env.service.log.tell(Level::Debug, "bad request", || format!("{}: {reason}", self.ends.peer));
    }

    /// Whether an exchange runs.
    pub(crate) fn is_active(&self) -> bool {
        self.running > 0
    }

    /// The connection is gone: whoever holds its exchanges learns it.
    pub(crate) fn abort(&mut self, reason: CancelReason, env: &mut Environment) {
        self.over = true;
        self.cancel_all(reason, env);
    }
}
