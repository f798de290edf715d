//! HTTP/2 on one connection, without its socket.
//!
//! The protocol's rules are in `flare_proto::http2`. Here its streams meet their exchanges: `input.rs` reads, `answer.rs` writes. What
//! waits for one side or the other is in `streams`, which HTTP/3 shares.

mod answer;
mod input;

use std::sync::Arc;

use flare_net::{Key, Millis, Output};
use flare_proto::http1::BodyLength;
use flare_proto::http2::{ErrorCode, ServerConnection, Stall, StreamKey};

use crate::exchange::{CancelReason, Early, Ends, ExchangeKey};
use crate::server::environment::Environment;
use crate::server::http1::ToHttp2;
use crate::server::running::{Answer, News, Opening};
use crate::server::session::Next;
use crate::server::streams::Stream;

/// The server's side of an HTTP/2 connection.
pub(crate) struct Http2 {
    wire: ServerConnection,
    /// The streams whose exchange runs, by slot.
    streams: Vec<Option<Slot>>,
    /// How many there are.
    running: usize,
    /// The connection ends like this.
    end: Option<Next>,
    /// The peer will send nothing more.
    read_closed: bool,
    /// And all that it sent was used.
    input_over: bool,
    /// So much output waits that no content is added. Frames are still read: a client that takes an answer slowly may reset it,
    /// acknowledge settings, and ask for more.
    full: bool,
    /// So much output waits that nothing is read which could make more.
    blocked: bool,
    /// The client has not sent its preface. One that switched may have room for little behind the 101: curl has 32 KiB.
    fresh: bool,
    ends: Ends,
    /// Whether what is received now comes before the end of the TLS handshake.
    early: Early,
    key: Key,
    /// When it has been idle for too long, while no exchange runs.
    idle_deadline: Millis,
    /// Of the last answers some may still be here. Other output does not make the connection less idle: a PING is no use of it.
    answered: bool,
    /// When the client must have acknowledged our settings.
    settings_deadline: Millis,
    /// When the frame or field section that is coming began, by the wire's account, and when it must be whole.
    unfinished: (Option<u64>, Millis),
    /// No deadline of a stream is earlier. The real one may be later; [`Http2::timeout`] finds out.
    bound: Millis,
    /// Input that can't be used yet.
    pending: Vec<u8>,
}

/// A stream and its name; slots are used again.
struct Slot {
    key: StreamKey,
    stream: Stream,
}

impl Http2 {
    /// Of a client whose first bytes are still to be received.
    pub(crate) fn new(key: Key, ends: Ends, env: &Environment, out: &mut Output) -> Self {
        Self::with_wire(ServerConnection::new(Arc::clone(&env.service.http2_limits)), key, ends, env, out)
    }

    /// Of a client that began with HTTP/1.1, and waits for the answer to that request. `input`: what came behind it.
    pub(crate) fn upgraded(
        key: Key,
        ends: Ends,
        from: ToHttp2,
        input: &[u8],
        env: &mut Environment,
        out: &mut Output,
    ) -> Self {
        let mut http2 = Self::with_wire(from.wire, key, ends, env, out);
        let opening = Opening { length: BodyLength::Empty, expects_continue: false, offers_switch: false };
        http2.begin(from.stream, opening, true, from.block, env, out);
        http2.receive(input, env, out);
        http2
    }

    fn with_wire(
        mut wire: ServerConnection,
        key: Key,
        ends: Ends,
        env: &Environment,
        out: &mut Output,
    ) -> Self {
        let config = &env.service.config;
        wire.start(out.buffer());
        Self {
            wire,
            streams: Vec::new(),
            running: 0,
            end: None,
            read_closed: false,
            input_over: false,
            full: false,
            blocked: false,
            fresh: true,
            ends,
            early: Early::No,
            key,
            idle_deadline: env.now + config.head_timeout,
            answered: false,
            settings_deadline: env.now + config.head_timeout,
            unfinished: (None, Millis::NEVER),
            bound: Millis::NEVER,
            pending: Vec::new(),
        }
    }

    /// Whether what is received from now on comes before the end of the TLS handshake.
    pub(crate) fn set_early(&mut self, early: Early) {
        self.early = early;
    }

    fn stream(&mut self, key: StreamKey) -> Option<&mut Stream> {
        let slot = self.streams.get_mut(key.slot())?.as_mut()?;
        (slot.key == key).then_some(&mut slot.stream)
    }

    /// An exchange begins.
    fn insert(&mut self, key: StreamKey, stream: Stream) -> &mut Stream {
        let slot = key.slot();
        if self.streams.len() <= slot {
            self.streams.resize_with(slot + 1, || None);
        }
        self.running += 1;
        let place = &mut self.streams[slot];
        debug_assert!(place.is_none(), "a slot is used twice");
        &mut place.insert(Slot { key, stream }).stream
    }

    /// An exchange ends. It still has to be concluded.
    fn remove(&mut self, key: StreamKey, env: &Environment) -> Option<Stream> {
        let place = self.streams.get_mut(key.slot())?;
        let stream = place.take_if(|slot| slot.key == key)?.stream;
        self.running -= 1;
        if self.running == 0 {
            self.answered = true;
            self.begin_idle(env);
            self.bound = Millis::NEVER;
        }
        Some(stream)
    }

    /// The last answer ended, or left.
    fn begin_idle(&mut self, env: &Environment) {
        let config = &env.service.config;
        // In a drain all that may still come is the PING, and what the client sent before it.
        let time = if self.wire.awaits_drain() { config.linger_timeout } else { config.idle_timeout };
        self.idle_deadline = env.now + time;
    }

    /// When [`Http2::timeout`] has to be called, unless something happens before. `flushing`: the peer has not taken all output.
    pub(crate) fn deadline(&self, flushing: bool) -> Millis {
        let settings = if self.wire.awaits_settings() { self.settings_deadline } else { Millis::NEVER };
        let streams = match self.running {
            0 if flushing || self.blocked => Millis::NEVER,
            0 => self.idle_deadline,
            _ => self.bound,
        };
        let unfinished = if self.blocked { Millis::NEVER } else { self.unfinished.1 };
        streams.min(settings).min(unfinished)
    }

    /// Input was taken: the time of a frame that has begun since, and is not whole, begins.
    fn time_frame(&mut self, env: &Environment) {
        let since = self.wire.unfinished_since();
        if since != self.unfinished.0 {
            let by = since.map_or(Millis::NEVER, |_| env.now + env.service.config.head_timeout);
            self.unfinished = (since, by);
        }
    }

    /// A stream's deadline may have become earlier.
    fn bound_by(&mut self, key: StreamKey) {
        let (unread, unsent) = (self.blocked, self.full || self.blocked);
        if let Some(stream) = self.stream(key) {
            let deadline = stream.deadline(unread, unsent);
            self.bound = self.bound.min(deadline);
        }
    }

    pub(crate) fn next(&self) -> Next {
        match self.end {
            Some(end) => end,
            None if self.blocked => Next::Pause,
            None => Next::Read,
        }
    }

    /// The peer will send nothing more. Requests that are whole are still answered, unless the settings say otherwise.
    pub(crate) fn read_closed(&mut self, env: &mut Environment) {
        self.read_closed = true;
        if self.blocked || self.end.is_some() {
            return;
        }
        self.input_ended(env);
    }

    fn input_ended(&mut self, env: &mut Environment) {
        self.input_over = true;
        let answers = env.service.config.half_close;
        for key in self.keys() {
            if self.stream(key).is_some_and(|stream| !stream.received_all || !answers) {
                self.cancel(key, CancelReason::PeerGone, env);
            }
        }
        self.end_if_done();
    }

    /// So much output waits, which is `limit` or more.
    pub(crate) fn block(&mut self, waiting: usize, limit: usize) {
        self.full = true;
        // What is read makes output of its own, which needs an end too.
        self.blocked |= waiting >= limit.saturating_mul(2);
    }

    /// The peer took all output.
    pub(crate) fn flushed(&mut self, env: &mut Environment, out: &mut Output) {
        if self.running == 0 && std::mem::take(&mut self.answered) {
            self.begin_idle(env);
        }
        let was_blocked = std::mem::take(&mut self.blocked);
        if was_blocked && self.unfinished.0.is_some() {
            // The rest of it could not be read.
            self.unfinished.1 = env.now + env.service.config.head_timeout;
        }
        if !std::mem::take(&mut self.full) && !was_blocked {
            return;
        }
        self.wire.set_now(env.now.0);
        for key in self.keys() {
            // Content could not be read meanwhile, so its time begins again.
            if was_blocked && let Some(stream) = self.stream(key) {
                stream.running.begin_content(env);
            }
            self.look(key, env, out);
            self.bound_by(key);
        }
        self.resume(env, out);
        self.pump(env, out);
        if self.read_closed && !self.blocked && self.end.is_none() {
            self.input_ended(env);
        }
        self.end_if_done();
    }

    /// Something happened to an exchange, which may be over already.
    pub(crate) fn wake(&mut self, key: ExchangeKey, env: &mut Environment, out: &mut Output) {
        if self.end.is_some() {
            return;
        }
        self.wire.set_now(env.now.0);
        self.look(StreamKey::from_number(key.stream), env, out);
        self.pump(env, out);
    }

    /// Looks at an exchange: an answer, content for it, or room for content of the request.
    fn look(&mut self, key: StreamKey, env: &mut Environment, out: &mut Output) {
        let blocked = self.blocked;
        let Some(stream) = self.stream(key) else { return };
        match stream.running.news() {
            News::Reset => return self.reset(key, ErrorCode::Internal, CancelReason::Reset, env, out),
            News::Proceed => {
                let turn = stream.running.proceed(env);
                return self.turn(key, turn, env, out);
            }
            News::Open if blocked => {}
            News::Open => self.send_interim(key, out),
            News::Answer => {
                if stream.running.asks_with_answer() {
                    self.send_continue(key, out);
                }
                self.send_interim(key, out);
                self.send(key, env, out);
            }
            News::Content => self.wire.want_send(key),
        }
        if let Some(stream) = self.stream(key) {
            let wanted = stream.running.wants_content(env);
            if wanted {
                self.send_continue(key, out);
                self.feed(key, env, out);
            }
            self.bound_by(key);
        }
    }

    /// A deadline passed, or may have.
    pub(crate) fn timeout(&mut self, env: &mut Environment, out: &mut Output) {
        if self.end.is_some() {
            return;
        }
        self.wire.set_now(env.now.0);
        if self.wire.awaits_settings() && self.settings_deadline <= env.now {
            env.counters.timeouts.add(1);
            return self.close(ErrorCode::SettingsTimeout, "SETTINGS were not acknowledged", env, out);
        }
        if self.unfinished.1 <= env.now && !self.blocked {
            env.counters.timeouts.add(1);
            return self.close(ErrorCode::EnhanceYourCalm, "a frame did not come whole in time", env, out);
        }
        if self.running == 0 {
            if self.idle_deadline <= env.now {
                env.counters.timeouts.add(1);
                self.close(ErrorCode::NoError, "idle for too long", env, out);
            }
            return;
        }
        self.bound = Millis::NEVER;
        for key in self.keys() {
            let (unread, unsent) = (self.blocked, self.full || self.blocked);
            if self.stream(key).is_some_and(|stream| stream.deadline(unread, unsent) <= env.now) {
                self.late(key, env, out);
            }
            self.bound_by(key);
        }
        self.end_stalls(env, out);
        self.pump(env, out);
        if self.full || self.blocked || self.fresh {
            // No stream stalls now, but one may once output flows again, and nothing else would look.
            self.bound = self.bound.min(env.now + env.service.config.write_timeout);
        }
    }

    /// A stream's time is over.
    fn late(&mut self, key: StreamKey, env: &mut Environment, out: &mut Output) {
        let Some(stream) = self.stream(key) else { return };
        if stream.running.ring(env) {
            return;
        }
        env.counters.timeouts.add(1);
        let running = &stream.running;
        let late_answer = running.answer_deadline <= env.now;
        match running.answer {
            Answer::None => self.refuse(key, 408, env, out),
            Answer::Waiting => {
                running.dismiss(CancelReason::Deadline, env);
                self.refuse(key, if late_answer { 503 } else { 408 }, env, out);
            }
            Answer::Streaming => self.reset(key, ErrorCode::Cancel, CancelReason::Deadline, env, out),
        }
    }

    /// Ends streams whose client has opened no window for too long.
    fn end_stalls(&mut self, env: &mut Environment, out: &mut Output) {
        while let Some(Stall { stream, since }) = self.wire.longest_stall() {
            let until = Millis(since) + env.service.config.write_timeout;
            if until > env.now {
                self.bound = self.bound.min(until);
                return;
            }
            env.counters.timeouts.add(1);
            self.reset(stream, ErrorCode::Cancel, CancelReason::Deadline, env, out);
        }
    }

    /// The server ends: no more streams are taken, those that run get their answer first.
    pub(crate) fn drain(&mut self, env: &Environment, out: &mut Output) {
        if self.end.is_some() {
            return;
        }
        self.wire.drain(out.buffer());
        self.streams.iter().flatten().for_each(|slot| slot.stream.running.tell_draining(env));
        if self.running == 0 {
            // A request that crosses this one is not lost: its client learns that it may try again.
            self.wire.finish_drain(out.buffer());
        }
        self.end_if_done();
    }

    /// Closes when nothing is left to do.
    fn end_if_done(&mut self) {
        if self.end.is_none() && self.running == 0 && (self.input_over || self.wire.is_drained()) {
            self.end = Some(Next::Close { linger: !self.read_closed });
        }
    }

    /// Ends the connection with a GOAWAY, and everything on it.
    fn close(&mut self, code: ErrorCode, reason: &'static str, env: &mut Environment, out: &mut Output) {
        self.wire.close(code, reason, out.buffer());
        self.cancel_all(CancelReason::Deadline, env);
        self.end = Some(Next::Close { linger: true });
        self.pending = Vec::new();
    }

    /// Whether an exchange runs.
    pub(crate) fn is_active(&self) -> bool {
        self.end.is_none() && self.running > 0
    }

    /// Whether an exchange waits for its answer, or for the rest of it.
    pub(crate) fn is_answering(&self) -> bool {
        let answering = |slot: &Slot| slot.stream.running.answer != Answer::None;
        self.end.is_none() && self.streams.iter().flatten().any(answering)
    }

    /// The connection is gone: whoever holds its exchanges learns it.
    pub(crate) fn abort(&mut self, reason: CancelReason, env: &mut Environment) {
        self.cancel_all(reason, env);
        self.end = Some(Next::Abort);
    }

    /// Resets a stream: its exchange is over, and the client learns it.
    fn reset(
        &mut self,
        key: StreamKey,
        code: ErrorCode,
        reason: CancelReason,
        env: &mut Environment,
        out: &mut Output,
    ) {
        self.wire.reset(key, code, out.buffer());
        self.cancel(key, reason, env);
        self.end_if_done();
    }

    /// Ends an exchange with what was sent until now: its holder learns it.
    fn cancel(&mut self, key: StreamKey, reason: CancelReason, env: &mut Environment) {
        if let Some(stream) = self.remove(key, env) {
            stream.running.dismiss(reason, env);
            stream.running.conclude(false, env);
        }
    }

    fn cancel_all(&mut self, reason: CancelReason, env: &mut Environment) {
        for key in self.keys() {
            self.cancel(key, reason, env);
        }
    }

    /// The streams that run now.
    fn keys(&self) -> Vec<StreamKey> {
        self.streams.iter().flatten().map(|slot| slot.key).collect()
    }
}
