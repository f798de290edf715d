//! Reading: frames become exchanges and their content.

use flare_net::Output;
use flare_proto::Headers;
use flare_proto::http2::{ErrorCode, Event, StreamKey};

use super::Http2;
use crate::exchange::{Arrived, CancelReason, ExchangeKey, SharedBlock};
use crate::log::Level;
use crate::server::environment::Environment;
use crate::server::running::{Content, Opening, Running, Turn};
use crate::server::session::Next;
use crate::server::streams::{Stream, opening};

impl Http2 {
    /// Takes input.
    pub(crate) fn receive(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) {
        self.fresh &= input.is_empty();
        if self.pending.is_empty() {
            let used = self.process(input, env, out);
            if self.end.is_none()
                && let Some(rest) = input.get(used..)
                && !rest.is_empty()
            {
                self.pending.extend_from_slice(rest);
            }
        } else {
            self.pending.extend_from_slice(input);
            self.resume(env, out);
        }
        self.pump(env, out);
        self.end_if_done();
    }

    /// Goes on with input that waited.
    pub(super) fn resume(&mut self, env: &mut Environment, out: &mut Output) {
        let mut pending = std::mem::take(&mut self.pending);
        let used = self.process(&pending, env, out);
        if self.end.is_none() && used < pending.len() {
            pending.drain(..used);
            self.pending = pending;
        }
    }

    /// Uses as much of the input as it can, and says how much.
    fn process(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) -> usize {
        self.wire.set_now(env.now.0);
        let mut rest = input;
        // The next request comes into a block that is ready for it.
        let mut block = env.pool.take(self.exchange_key(None), &self.ends);
        let mut trailers = Headers::new();
        while self.end.is_none() {
            if out.len() >= env.service.config.output_limit {
                self.blocked = true;
            }
            if self.blocked {
                break;
            }
            let Some(own) = SharedBlock::get_mut(&mut block) else { break };
            match self.wire.receive(&mut rest, &mut own.head, &mut trailers, out.buffer()) {
                Ok(None) => break,
                Ok(Some(Event::Head { stream, info })) => {
                    env.counters.requests.add(1);
                    let next = env.pool.take(self.exchange_key(None), &self.ends);
                    let block = std::mem::replace(&mut block, next);
                    self.begin(stream, opening(&info), info.ended, block, env, out);
                }
                Ok(Some(Event::Data { stream, bytes })) => self.content(stream, bytes, env, out),
                Ok(Some(Event::End { stream, has_trailers })) => {
                    let trailers = has_trailers.then(|| std::mem::take(&mut trailers));
                    self.received_all(stream, trailers, env, out);
                }
                Ok(Some(Event::Reset { stream, .. })) => {
                    self.cancel(stream, CancelReason::PeerGone, env);
                }
                Ok(Some(Event::Refused { stream, status, reason, ended })) => {
                    self.tell_bad_request(reason, env);
                    self.refuse_head(stream, status, ended, env, out);
                }
                Ok(Some(Event::Malformed { reason, .. })) => self.tell_bad_request(reason, env),
                // The client takes no pushes, of which there are none, or answers a ping of ours, which only the drain sends.
                Ok(Some(_)) => {}
                Err(error) => {
                    self.tell_bad_request(error.reason, env);
                    self.cancel_all(CancelReason::PeerGone, env);
                    self.end = Some(Next::Close { linger: true });
                }
            }
        }
        env.pool.give_back(block);
        self.time_frame(env);
        input.len() - rest.len()
    }

    fn exchange_key(&self, stream: Option<StreamKey>) -> ExchangeKey {
        ExchangeKey { connection: self.key, stream: stream.map_or(0, StreamKey::to_number) }
    }

    fn tell_bad_request(&self, reason: &str, env: &Environment) {
        env.counters.bad_requests.add(1);
        env.service.log.tell(Level::Debug, "bad request", || format!("{}: {reason}", self.ends.peer));
    }

    /// A head is complete. `received_all`: nothing follows it.
    pub(super) fn begin(
        &mut self,
        key: StreamKey,
        opening: Opening,
        received_all: bool,
        mut block: SharedBlock,
        env: &mut Environment,
        out: &mut Output,
    ) {
        if let Some(own) = SharedBlock::get_mut(&mut block) {
            own.move_to(self.exchange_key(Some(key)));
            own.early = self.early;
            own.ends.become_those(&self.ends);
        }
        let running = Running::new(block, opening, env);
        let turn = self.insert(key, Stream::new(running, received_all)).running.begin(env);
        self.turn(key, turn, env, out);
    }

    /// Does what a running exchange needs now.
    pub(super) fn turn(&mut self, key: StreamKey, turn: Turn, env: &mut Environment, out: &mut Output) {
        match turn {
            Turn::Wait => {}
            Turn::Look => self.look(key, env, out),
            Turn::Send => return self.send(key, env, out),
            Turn::Collect => {
                self.send_continue(key, out);
                self.feed(key, env, out);
            }
        }
        self.bound_by(key);
    }

    /// Content came.
    fn content(&mut self, key: StreamKey, data: &[u8], env: &mut Environment, out: &mut Output) {
        match self.stream(key) {
            Some(stream) if stream.takes_content() && stream.running.switched => {
                let news = stream.running.pass_on(Arrived::Lent(data), env);
                self.wire.consumed(key, data.len(), out.buffer());
                if news {
                    self.look(key, env, out);
                }
            }
            Some(stream) if stream.takes_content() => self.deliver(key, data, env, out),
            Some(stream) => stream.keep(data),
            // Its exchange has ended; what comes meanwhile is dropped.
            None => self.wire.consumed(key, data.len(), out.buffer()),
        }
    }

    /// Hands content to the exchange, and lets the client send as much again.
    fn deliver(&mut self, key: StreamKey, data: &[u8], env: &mut Environment, out: &mut Output) {
        let Some(stream) = self.stream(key) else { return };
        let taken = match stream.running.content {
            Content::Collected { allowed } => stream.running.collect(data, allowed, env),
            Content::Flowing { allowed } => stream.running.flow(data, allowed, env),
            Content::Undecided | Content::Complete => Ok(()),
        };
        self.wire.consumed(key, data.len(), out.buffer());
        if taken.is_err() {
            self.refuse_running(key, 413, env, out);
        }
    }

    /// Hands content that waited to the exchange, as much as it takes, and tells it of the end.
    pub(super) fn feed(&mut self, key: StreamKey, env: &mut Environment, out: &mut Output) {
        while let Some(data) = self.stream(key).and_then(Stream::next_waiting) {
            self.deliver(key, &data, env, out);
        }
        let Some(stream) = self.stream(key) else { return };
        if !stream.ends_now() {
            return;
        }
        if let Content::Collected { .. } = stream.running.content {
            let turn = stream.running.collected(env);
            self.turn(key, turn, env, out);
        } else {
            if stream.running.is_amid_capsule() {
                return self.reset(key, ErrorCode::Protocol, CancelReason::PeerGone, env, out);
            }
            stream.running.received_all(env);
        }
    }

    /// The client has sent the whole request.
    fn received_all(
        &mut self,
        key: StreamKey,
        trailers: Option<Headers>,
        env: &mut Environment,
        out: &mut Output,
    ) {
        let Some(stream) = self.stream(key) else { return };
        stream.received_all = true;
        if let Some(trailers) = trailers {
            stream.running.request.block.channel.stream.lock().request_trailers = Some(Box::new(trailers));
        }
        self.feed(key, env, out);
    }
}
