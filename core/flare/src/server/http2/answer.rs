//! Writing: heads at once, content when its stream has its turn.

use flare_net::Output;
use flare_proto::http2::{ErrorCode, ServerConnection, StreamKey, Turn};
use flare_proto::{Headers, SendError};

use super::Http2;
use crate::exchange::CancelReason;
use crate::log::Level;
use crate::message::{Body, Part, Response};
use crate::server::environment::Environment;
use crate::server::pieces::COPY_LIMIT;
use crate::server::running::{Answer, status_to_send};
use crate::server::streams::{refusal, response_parts, switches};

impl Http2 {
    /// Lets a client that waits for `100 Continue` send its content.
    pub(super) fn send_continue(&mut self, key: StreamKey, out: &mut Output) {
        if self.stream(key).is_some_and(|stream| std::mem::take(&mut stream.running.expects_continue)) {
            // Err: the head of the answer is out already, which ends the client's wait too (RFC 9110, 10.1.1).
            let _ = self.wire.send_informational(key, 100, &Headers::new(), out.buffer());
        }
    }

    /// Sends interim answers that were given before the head.
    pub(super) fn send_interim(&mut self, key: StreamKey, out: &mut Output) {
        while let Some((status, headers)) = self.stream(key).and_then(|stream| stream.running.next_interim())
        {
            // Err: too late; an interim answer may be left out.
            let _ = self.wire.send_informational(key, status, &headers, out.buffer());
        }
    }

    /// Sends the answer of a running exchange: its head, and what content there is room for.
    pub(super) fn send(&mut self, key: StreamKey, env: &mut Environment, out: &mut Output) {
        let Self { wire, streams, .. } = self;
        let Some(Some(slot)) = streams.get_mut(key.slot()) else { return };
        debug_assert!(slot.key == key, "an exchange that is over is not looked at");
        let stream = &mut slot.stream;
        let running = &mut stream.running;
        let block = &running.request.block;
        let mut flows = block.channel.state.is_streamed();
        let mut answer = block.answer();
        let unharmed = running.on_head(&mut answer, env);
        if flows && !unharmed {
            // The content that goes with the head that was lost must not follow this one.
            block.channel.state.cancel(CancelReason::Reset);
            flows = false;
        }
        running.status = status_to_send(&answer);
        let follows = write_head(wire, key, &mut answer, flows, env, out).or_else(|error| {
            env.service.log.tell(Level::Error, "answer can't be sent", || error.to_string());
            answer.set_status_only(500);
            (running.status, flows) = (500, false);
            write_head(wire, key, &mut answer, flows, env, out)
        });
        let Ok(follows) = follows else {
            drop(answer);
            return self.reset(key, ErrorCode::Internal, CancelReason::Reset, env, out);
        };
        stream.flows = flows;
        stream.trailers = answer.trailers.take();
        let mut whole = !follows;
        match &mut answer.body {
            _ if whole || flows => {}
            body @ (Body::File(_) | Body::Parts(_) | Body::Source(_)) => {
                if let Some(source) = stream.outgoing.push_body(body) {
                    block.channel.stream.lock().source = Some(source);
                    stream.flows = true;
                }
            }
            body => {
                let ends = stream.trailers.is_none();
                let sent = send_small(wire, key, body.as_slice(), ends, out);
                running.body_bytes = sent as u64;
                whole = ends && sent == body.as_slice().len();
                if !whole {
                    stream.outgoing.push(Part::Bytes(body.take_bytes().split_off(sent)));
                }
            }
        }
        drop(answer);
        if whole {
            return self.finish(key, env, out);
        }
        running.answer = Answer::Streaming;
        running.answer_deadline = env.now + env.service.config.stream_timeout;
        if flows && switches(&running.request, running.status) {
            running.switch(env);
        }
        wire.want_send(key);
        self.bound = self.bound.min(env.now + env.service.config.write_timeout);
        self.bound_by(key);
    }

    /// The answer is out.
    fn finish(&mut self, key: StreamKey, env: &mut Environment, out: &mut Output) {
        let Some(stream) = self.remove(key, env) else { return };
        let content = &stream.running.request.block.channel.stream;
        if content.is_used() {
            drop(content.close());
        }
        if !stream.received_all {
            // Nobody wants the rest of the request (RFC 9113, 8.1).
            self.wire.reset(key, ErrorCode::NoError, out.buffer());
        }
        stream.running.conclude(true, env);
        self.end_if_done();
    }

    /// Sends content of the streams whose turn it is, as long as the client takes it.
    pub(super) fn pump(&mut self, env: &mut Environment, out: &mut Output) {
        while self.end.is_none() && !self.full && !self.blocked && !self.fresh {
            if out.len() >= env.service.config.output_limit {
                self.full = true;
                return;
            }
            let Some(turn) = self.wire.next_turn() else { break };
            self.send_content(turn, env, out);
        }
    }

    /// Sends content of one stream, at most what its turn allows.
    fn send_content(&mut self, turn: Turn, env: &mut Environment, out: &mut Output) {
        let key = turn.stream;
        let Some(stream) = self.stream(key) else { return self.wire.stop_send(key) };
        if stream.fill(turn.most as u64, env).is_err() {
            env.service.log.tell(Level::Error, "stream broken", || "its source failed".to_owned());
            return self.reset(key, ErrorCode::Internal, CancelReason::Reset, env, out);
        }
        let count = stream.outgoing.len().min(turn.most as u64);
        let (ends, has_trailers) =
            (!stream.flows && stream.outgoing.len() == count, stream.trailers.is_some());
        let sent = if count > 0 {
            stream.running.stays_alive(env);
            stream.running.body_bytes += count;
            let begun = self.wire.begin_data(key, count as usize, ends && !has_trailers, out.buffer());
            if let (Ok(()), Some(stream)) = (&begun, self.stream(key)) {
                stream.outgoing.move_to(out, count);
            }
            begun
        } else {
            Ok(())
        };
        let sent = match sent {
            Ok(()) if ends && (has_trailers || count == 0) => {
                let trailers = self.stream(key).and_then(|stream| stream.trailers.take());
                self.wire.send_end(key, trailers.as_deref(), out.buffer())
            }
            other => other,
        };
        match sent {
            Err(error) => {
                env.service.log.tell(Level::Error, "stream broken", || error.to_string());
                self.reset(key, ErrorCode::Internal, CancelReason::Reset, env, out);
            }
            Ok(()) if ends => self.finish(key, env, out),
            Ok(()) => {
                let Some(stream) = self.stream(key) else { return };
                let idle = stream.outgoing.is_empty();
                if !stream.running.tell_writable(env) {
                    return self.reset(key, ErrorCode::Internal, CancelReason::Reset, env, out);
                }
                if idle && count == 0 {
                    self.wire.stop_send(key);
                    self.bound_by(key);
                }
            }
        }
    }

    /// Refuses a running exchange, whose handler may hold it.
    pub(super) fn refuse_running(
        &mut self,
        key: StreamKey,
        status: u16,
        env: &mut Environment,
        out: &mut Output,
    ) {
        let Some(stream) = self.stream(key) else { return };
        match stream.running.answer {
            Answer::None => self.refuse(key, status, env, out),
            Answer::Waiting => {
                stream.running.dismiss(CancelReason::PeerGone, env);
                self.refuse(key, status, env, out);
            }
            Answer::Streaming => self.reset(key, ErrorCode::Cancel, CancelReason::PeerGone, env, out),
        }
    }

    /// Answers a running exchange with a plain error that echoes nothing, and ends it.
    pub(super) fn refuse(&mut self, key: StreamKey, status: u16, env: &mut Environment, out: &mut Output) {
        let Some(mut stream) = self.remove(key, env) else { return };
        let mut answer = refusal(status);
        stream.running.on_head(&mut answer, env);
        let sent = self.send_refusal(key, &mut answer, stream.received_all, env, out);
        if sent {
            stream.running.status = status_to_send(&answer);
            stream.running.body_bytes = answer.body.as_slice().len() as u64;
        }
        stream.running.conclude(sent, env);
        self.end_if_done();
    }

    /// Answers a request whose head was over a limit: it is no exchange.
    pub(super) fn refuse_head(
        &mut self,
        key: StreamKey,
        status: u16,
        received_all: bool,
        env: &mut Environment,
        out: &mut Output,
    ) {
        if self.send_refusal(key, &mut refusal(status), received_all, env, out) {
            self.answered = true;
            env.counters.answer(status);
        }
    }

    /// Sends a small answer and closes its stream. False: it could not be sent.
    fn send_refusal(
        &mut self,
        key: StreamKey,
        answer: &mut Response,
        received_all: bool,
        env: &Environment,
        out: &mut Output,
    ) -> bool {
        let follows = write_head(&mut self.wire, key, answer, false, env, out);
        let sent = match follows {
            Ok(true) => {
                let body = answer.body.as_slice();
                self.wire.send_data(key, body, true, out.buffer()).is_ok_and(|sent| sent == body.len())
            }
            Ok(false) => true,
            Err(_) => false,
        };
        if !sent || !received_all {
            // Without room for a few bytes the answer is cut, as one that is not whole.
            let code = if sent { ErrorCode::NoError } else { ErrorCode::Cancel };
            self.wire.reset(key, code, out.buffer());
        }
        sent
    }
}

/// Writes the head of an answer. Says whether content follows. `flows`: how much is not known but by a field.
fn write_head(
    wire: &mut ServerConnection,
    key: StreamKey,
    answer: &mut Response,
    flows: bool,
    env: &Environment,
    out: &mut Output,
) -> Result<bool, SendError> {
    wire.send_head(key, &response_parts(answer, flows, env), out.buffer())
}

/// Sends what the windows take of content that is small, beside its head. Says how much that was. `ends`: nothing follows it.
fn send_small(
    wire: &mut ServerConnection,
    key: StreamKey,
    content: &[u8],
    ends: bool,
    out: &mut Output,
) -> usize {
    if content.len() > COPY_LIMIT {
        return 0;
    }
    // Err: it waits for its turn, and is refused then.
    wire.send_data(key, content, ends, out.buffer()).unwrap_or(0)
}
