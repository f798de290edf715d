//! Writing: heads, content as far as the transport takes it, and refusals.

use flare_proto::http3::{ErrorCode, ServerConnection};
use flare_proto::{Headers, SendError};
use flare_quic::Connection as Quic;

use super::Http3;
use super::lane::{Carried, Lane, Unsent};
use super::outbox::{Outbox, Sent};
use crate::exchange::CancelReason;
use crate::log::Level;
use crate::message::{Body, Response};
use crate::server::environment::Environment;
use crate::server::pieces::COPY_LIMIT;
use crate::server::running::{Answer, status_to_send};
use crate::server::streams::{refusal, response_parts, switches};

impl Http3 {
    /// Lets a client that waits for `100 Continue` send its content.
    pub(super) fn send_continue(&mut self, id: u64, quic: &mut Quic, env: &mut Environment) {
        let waits = |stream: &mut super::Stream| std::mem::take(&mut stream.running.expects_continue);
        if self.stream(id).is_some_and(waits) {
            self.inform(id, 100, &Headers::new(), quic, env);
        }
    }

    /// Sends interim answers that were given before the head.
    pub(super) fn send_interim(&mut self, id: u64, quic: &mut Quic, env: &mut Environment) {
        while let Some((status, headers)) = self.stream(id).and_then(|stream| stream.running.next_interim()) {
            self.inform(id, status, &headers, quic, env);
        }
    }

    fn inform(&mut self, id: u64, status: u16, headers: &Headers, quic: &mut Quic, env: &mut Environment) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        if lane.outbox.wants_frame() {
            lane.outbox.borrow(&mut env.buffers.frames);
            // Err: the head of the answer is out already; an interim answer may be left out (RFC 9110, 10.1.1).
            let _ = self.wire.send_informational(id, status, headers, lane.outbox.frames());
            self.push(id, quic, env);
        }
    }

    /// Sends the answer of a running exchange: its head, and what content there is room for.
    pub(super) fn send(&mut self, id: u64, quic: &mut Quic, env: &mut Environment) {
        let Self { wire, lanes, .. } = self;
        let Some(Lane { carried: Carried::Exchange(stream), outbox, .. }) = lanes.get_mut(&id) else {
            return;
        };
        outbox.borrow(&mut env.buffers.frames);
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
        let follows = write_head(wire, id, &mut answer, flows, env, outbox).or_else(|error| {
            env.service.log.tell(Level::Error, "answer can't be sent", || error.to_string());
            answer.set_status_only(500);
            (running.status, flows) = (500, false);
            write_head(wire, id, &mut answer, flows, env, outbox)
        });
        let Ok(follows) = follows else {
            drop(answer);
            return self.reset(id, ErrorCode::Internal, CancelReason::Reset, quic, env);
        };
        (stream.flows, stream.trailers) = (flows && follows, answer.trailers.take());
        match &mut answer.body {
            _ if !follows => outbox.set_ended(),
            _ if flows => {}
            body if matches!(body, Body::Empty | Body::Owned(_) | Body::Shared(_))
                && body.as_slice().len() <= COPY_LIMIT =>
            {
                let (content, ends) = (body.as_slice(), stream.trailers.is_none());
                // Err: it is longer or shorter than a field says, which is found again and told below.
                if wire.send_data(id, content, ends, outbox.frames()).is_ok() {
                    running.body_bytes = content.len() as u64;
                    if ends {
                        outbox.set_ended();
                    }
                } else {
                    stream.outgoing.push_body(body);
                }
            }
            body => {
                if let Some(source) = stream.outgoing.push_body(body) {
                    block.channel.stream.lock().source = Some(source);
                    stream.flows = true;
                }
            }
        }
        drop(answer);
        running.answer = Answer::Streaming;
        running.answer_deadline = env.now + env.service.config.stream_timeout;
        let mut unwanted = false;
        if stream.flows && switches(&running.request, running.status) {
            unwanted = running.has_unwanted_datagrams();
            running.switch(env);
        }
        self.push(id, quic, env);
        self.send_datagrams(id, quic, env);
        if unwanted {
            self.refuse_datagrams(id, quic, env);
        }
    }

    /// Sends what waits in a lane, and what its exchange has, as much as the transport takes.
    pub(super) fn push(&mut self, id: u64, quic: &mut Quic, env: &mut Environment) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        lane.outbox.borrow(&mut env.buffers.frames);
        let sent = lane.send(id, &mut self.wire, &mut self.own, quic, env);
        lane.outbox.give_back(&mut env.buffers.frames);
        match sent {
            Ok(Sent::Whole) => return self.finish(id, quic, env),
            Ok(Sent::Waiting) => {}
            Ok(Sent::More(_)) => {
                if !self.unsent.contains(&id) {
                    self.unsent.push(id);
                }
            }
            Err(Unsent::Broken(error)) => {
                env.service.log.tell(Level::Error, "stream broken", || error);
                return self.reset(id, ErrorCode::Internal, CancelReason::Reset, quic, env);
            }
            Err(Unsent::Stopped(code)) => return self.stopped(id, code, quic, env),
            Err(Unsent::Closed) => {
                return self.reset(id, ErrorCode::RequestCancelled, CancelReason::PeerGone, quic, env);
            }
        }
        if let Some(stream) = self.stream(id)
            && stream.running.answer == Answer::Streaming
            && !stream.running.tell_writable(env)
        {
            return self.reset(id, ErrorCode::Internal, CancelReason::Reset, quic, env);
        }
        self.bound_by(id, env);
    }

    /// The transport has taken the whole answer.
    fn finish(&mut self, id: u64, quic: &mut Quic, env: &mut Environment) {
        let Some(lane) = self.remove(id, env) else { return };
        if self.leaving.len() == self.leaving.capacity() {
            self.forget_arrived(quic);
        }
        self.leaving.push(id);
        self.left = env.now;
        let received_all = match lane.carried {
            Carried::Exchange(stream) => {
                let content = &stream.running.request.block.channel.stream;
                if content.is_used() {
                    drop(content.close());
                }
                let received_all = stream.received_all;
                stream.running.conclude(true, env);
                received_all
            }
            Carried::Refusal { status, received_all } => {
                env.counters.answer(status);
                received_all
            }
            Carried::Head { .. } => false,
        };
        if !received_all {
            // Nobody wants the rest of the request (RFC 9114, 4.1).
            self.wire.stop_receiving(id);
            quic.stop(id, ErrorCode::NoError.number());
        }
    }

    /// Refuses a running exchange, whose handler may hold it.
    pub(super) fn refuse_running(&mut self, id: u64, status: u16, quic: &mut Quic, env: &mut Environment) {
        let Some(stream) = self.stream(id) else { return };
        match stream.running.answer {
            Answer::None => self.refuse(id, status, quic, env),
            Answer::Waiting => {
                stream.running.dismiss(CancelReason::PeerGone, env);
                self.refuse(id, status, quic, env);
            }
            Answer::Streaming => {
                self.reset(id, ErrorCode::RequestCancelled, CancelReason::PeerGone, quic, env);
            }
        }
    }

    /// Answers a running exchange with a plain error that echoes nothing.
    pub(super) fn refuse(&mut self, id: u64, status: u16, quic: &mut Quic, env: &mut Environment) {
        let Self { wire, lanes, .. } = self;
        let Some(Lane { carried: Carried::Exchange(stream), outbox, .. }) = lanes.get_mut(&id) else {
            return;
        };
        let mut answer = refusal(status);
        stream.running.on_head(&mut answer, env);
        stream.running.overrule(env);
        match write_refusal(wire, id, &mut answer, env, outbox) {
            Ok(body_bytes) => {
                stream.running.status = status_to_send(&answer);
                stream.running.body_bytes = body_bytes;
                self.push(id, quic, env);
            }
            Err(_) => self.reset(id, ErrorCode::Internal, CancelReason::PeerGone, quic, env),
        }
    }

    /// Answers a request whose head was over a limit, or did not come whole in time: it is no exchange.
    pub(super) fn refuse_head(
        &mut self,
        id: u64,
        status: u16,
        received_all: bool,
        quic: &mut Quic,
        env: &mut Environment,
    ) {
        let lane = self.lanes.entry(id).or_insert_with(|| Lane::new(Carried::Head { deadline: env.now }));
        (lane.carried, lane.halted) = (Carried::Refusal { status, received_all }, None);
        match write_refusal(&mut self.wire, id, &mut refusal(status), env, &mut lane.outbox) {
            Ok(_) => self.push(id, quic, env),
            Err(_) => self.reset(id, ErrorCode::Internal, CancelReason::PeerGone, quic, env),
        }
    }

    /// The client wants no more of an answer.
    pub(super) fn stopped(&mut self, id: u64, code: u64, quic: &mut Quic, env: &mut Environment) {
        match self.wire.receive_stop(id, code) {
            // Who does not want the answer has no use for what its request does.
            Ok(_) => self.reset(id, ErrorCode::RequestCancelled, CancelReason::PeerGone, quic, env),
            Err(error) => self.fail(error, quic, env),
        }
    }
}

/// Writes the head of an answer. Says whether content follows. `flows`: how much is not known but by a field.
fn write_head(
    wire: &mut ServerConnection,
    id: u64,
    answer: &mut Response,
    flows: bool,
    env: &Environment,
    outbox: &mut Outbox,
) -> Result<bool, SendError> {
    wire.send_head(id, &response_parts(answer, flows, env), outbox.frames())
}

/// Writes a small answer that is whole. Says how much content it has.
fn write_refusal(
    wire: &mut ServerConnection,
    id: u64,
    answer: &mut Response,
    env: &Environment,
    outbox: &mut Outbox,
) -> Result<u64, SendError> {
    let mut body_bytes = 0;
    if write_head(wire, id, answer, false, env, outbox)? {
        let body = answer.body.as_slice();
        body_bytes = body.len() as u64;
        wire.send_data(id, body, true, outbox.frames())?;
    }
    outbox.set_ended();
    Ok(body_bytes)
}
