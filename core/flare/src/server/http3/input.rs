//! Reading: streams become requests, exchanges and their content.

use flare_proto::Headers;
use flare_proto::http3::{ErrorCode, Event, Priority};
use flare_quic::{Connection as Quic, Read, StreamError};

use super::Http3;
use super::lane::{Carried, Halted, Lane};
use crate::exchange::{CancelReason, ExchangeKey, SharedBlock};
use crate::server::environment::Environment;
use crate::server::running::{Content, Opening, Running, Turn};
use crate::server::streams::{Stream, opening};

/// So much is read of a stream at a time.
const READ: usize = 32 * 1024;

impl Http3 {
    /// Reads what came of a stream, as long as it is wanted.
    pub(super) fn read(&mut self, id: u64, quic: &mut Quic, env: &mut Environment) {
        if !self.takes_input(id) {
            return self.look_for_end(id, quic, env);
        }
        let mut buffer = std::mem::take(&mut env.buffers.input);
        buffer.resize(READ, 0);
        while !self.over && self.takes_input(id) {
            match quic.read(id, &mut buffer) {
                Ok(Read { length, fin }) => {
                    self.process(id, buffer.get(..length).unwrap_or_default(), fin, quic, env);
                    if fin {
                        break;
                    }
                }
                Err(StreamError::Reset(code)) => {
                    self.was_reset(id, code, quic, env);
                    break;
                }
                // There is no more for now, or nobody reads it any more.
                Err(_) => break,
            }
        }
        env.buffers.input = buffer;
    }

    fn takes_input(&self, id: u64) -> bool {
        self.lanes.get(&id).is_none_or(Lane::takes_input)
    }

    /// Looks whether a stream that is not read was reset, or has ended.
    fn look_for_end(&mut self, id: u64, quic: &mut Quic, env: &mut Environment) {
        match quic.read(id, &mut []) {
            Ok(Read { fin: true, .. }) => match self.lanes.get_mut(&id).and_then(|lane| lane.halted.as_mut())
            {
                Some(halted) => halted.fin = true,
                None => self.process(id, &[], true, quic, env),
            },
            Err(StreamError::Reset(code)) => self.was_reset(id, code, quic, env),
            _ => {}
        }
    }

    /// The client gave up its side of a stream.
    fn was_reset(&mut self, id: u64, code: u64, quic: &mut Quic, env: &mut Environment) {
        match self.wire.receive_reset(id, code) {
            Err(error) => self.fail(error, quic, env),
            // An answer that is whole still goes out: it did not need the rest of the request (RFC 9114, 4.1).
            Ok(_) if self.lanes.get(&id).is_some_and(|lane| lane.outbox.has_ended()) => {}
            Ok(_) if self.leaving.contains(&id) => {}
            Ok(_) if is_request(id) => {
                self.reset(id, ErrorCode::RequestCancelled, CancelReason::PeerGone, quic, env);
            }
            Ok(_) => {}
        }
    }

    /// Uses input of a stream, all of it, unless it is halted by the client's QPACK.
    fn process(&mut self, id: u64, input: &[u8], fin: bool, quic: &mut Quic, env: &mut Environment) {
        let mut rest = input;
        // The next request comes into a block that is ready for it.
        let mut block = match env.buffers.block.take() {
            Some(block) => block,
            None => env.pool.take(self.exchange_key(0), &self.ends),
        };
        let mut trailers = Headers::new();
        while !self.over {
            let Some(own) = SharedBlock::get_mut(&mut block) else { break };
            match self.wire.receive(id, &mut rest, fin, &mut own.head, &mut trailers) {
                Ok(None) => break,
                Ok(Some(Event::Head { stream, info })) => {
                    env.counters.requests.add(1);
                    let next = env.pool.take(self.exchange_key(0), &self.ends);
                    let block = std::mem::replace(&mut block, next);
                    set_priority(stream, info.priority, quic);
                    self.begin(stream, opening(&info), info.ended, block, quic, env);
                }
                Ok(Some(Event::Data { stream, bytes })) => self.content(stream, bytes, quic, env),
                Ok(Some(Event::End { stream, has_trailers })) => {
                    let trailers = has_trailers.then(|| std::mem::take(&mut trailers));
                    self.received_all(stream, trailers, quic, env);
                }
                Ok(Some(Event::Refused { stream, status, reason, ended })) => {
                    self.tell_bad_request(reason, env);
                    self.refuse_head(stream, status, ended, quic, env);
                }
                Ok(Some(Event::Rejected { stream, code, reason })) => {
                    self.tell_bad_request(reason, env);
                    self.reset(stream, code, CancelReason::PeerGone, quic, env);
                }
                Ok(Some(Event::Reset { stream, code, .. })) => {
                    self.reset(stream, code, CancelReason::PeerGone, quic, env);
                }
                Ok(Some(Event::Unblocked { stream })) => self.unblocked.push(stream),
                Ok(Some(Event::Priority { stream, priority })) => set_priority(stream, priority, quic),
                Ok(Some(Event::UnknownStream { stream, .. })) => {
                    quic.stop(stream, ErrorCode::StreamCreation.number());
                }
                // What a client may say of itself, or takes of pushes, of which there are none.
                Ok(Some(_)) => {}
                Err(error) => self.fail(error, quic, env),
            }
        }
        env.buffers.block = Some(block);
        if !self.over && is_request(id) && self.wire.is_open(id) {
            self.keep(id, rest, fin, env);
        }
    }

    /// Keeps what could not be used, and gives a request whose head has not come a place to wait in.
    fn keep(&mut self, id: u64, rest: &[u8], fin: bool, env: &Environment) {
        let is_blocked = self.wire.is_blocked(id);
        if !is_blocked && self.lanes.contains_key(&id) {
            return;
        }
        let deadline = env.now + env.service.config.head_timeout;
        let lane = self.lanes.entry(id).or_insert_with(|| Lane::new(Carried::Head { deadline }));
        if is_blocked {
            lane.halted = Some(Halted { rest: rest.to_vec(), fin });
        }
        self.bound_by(id, env);
    }

    /// A stream waited for the client's QPACK, and goes on.
    pub(super) fn go_on(&mut self, id: u64, quic: &mut Quic, env: &mut Environment) {
        let Some(Halted { rest, fin }) = self.lanes.get_mut(&id).and_then(|lane| lane.halted.take()) else {
            return;
        };
        self.process(id, &rest, fin, quic, env);
        if !fin {
            self.resumed.push(id);
        }
    }

    /// A stream may be written again, or the client stopped it.
    pub(super) fn writable(&mut self, id: u64, quic: &mut Quic, env: &mut Environment) {
        if !self.lanes.contains_key(&id) {
            return;
        }
        match quic.capacity(id) {
            Err(StreamError::Stopped(code)) => self.stopped(id, code, quic, env),
            Err(_) => self.reset(id, ErrorCode::RequestCancelled, CancelReason::PeerGone, quic, env),
            Ok(_) => self.push(id, quic, env),
        }
    }

    fn exchange_key(&self, stream: u64) -> ExchangeKey {
        ExchangeKey { connection: self.key, stream }
    }

    /// A head is complete. `received_all`: nothing follows it.
    fn begin(
        &mut self,
        id: u64,
        opening: Opening,
        received_all: bool,
        mut block: SharedBlock,
        quic: &mut Quic,
        env: &mut Environment,
    ) {
        if let Some(own) = SharedBlock::get_mut(&mut block) {
            own.move_to(self.exchange_key(id));
            own.early = self.early;
            own.ends.become_those(&self.ends);
        }
        let mut running = Running::new(block, opening, env);
        self.measure_datagrams(id, &running, quic);
        let turn = running.begin(env);
        self.running += 1;
        self.lanes.insert(id, Lane::new(Carried::Exchange(Stream::new(running, received_all))));
        self.turn(id, turn, quic, env);
    }

    /// Does what a running exchange needs now.
    pub(super) fn turn(&mut self, id: u64, turn: Turn, quic: &mut Quic, env: &mut Environment) {
        match turn {
            Turn::Wait => {}
            Turn::Look => self.look(id, quic, env),
            Turn::Send => return self.send(id, quic, env),
            Turn::Collect => {
                self.send_continue(id, quic, env);
                self.feed(id, quic, env);
            }
        }
        self.bound_by(id, env);
    }

    /// Content came.
    fn content(&mut self, id: u64, data: &[u8], quic: &mut Quic, env: &mut Environment) {
        match self.stream(id) {
            Some(stream) if stream.takes_content() => self.deliver(id, data, quic, env),
            Some(stream) => stream.keep(data),
            // Its exchange has ended; what comes meanwhile is dropped.
            None => {}
        }
    }

    /// Hands content to the exchange.
    fn deliver(&mut self, id: u64, data: &[u8], quic: &mut Quic, env: &mut Environment) {
        let Some(stream) = self.stream(id) else { return };
        let taken = match stream.running.content {
            Content::Collected { allowed } => stream.running.collect(data, allowed, env),
            Content::Flowing { allowed } => stream.running.flow(data, allowed, env),
            Content::Undecided | Content::Complete => Ok(()),
        };
        if taken.is_err() {
            self.refuse_running(id, 413, quic, env);
        }
    }

    /// Hands content that waited to the exchange, as much as it takes, and tells it of the end.
    pub(super) fn feed(&mut self, id: u64, quic: &mut Quic, env: &mut Environment) {
        while let Some(data) = self.stream(id).and_then(Stream::next_waiting) {
            self.deliver(id, &data, quic, env);
        }
        let Some(stream) = self.stream(id) else { return };
        if !stream.ends_now() {
            return;
        }
        if let Content::Collected { .. } = stream.running.content {
            let turn = stream.running.collected(env);
            self.turn(id, turn, quic, env);
        } else {
            if stream.running.is_amid_capsule() {
                return self.reset(id, ErrorCode::Message, CancelReason::PeerGone, quic, env);
            }
            stream.running.received_all(env);
        }
    }

    /// The client has sent the whole request.
    fn received_all(&mut self, id: u64, trailers: Option<Headers>, quic: &mut Quic, env: &mut Environment) {
        let Some(stream) = self.stream(id) else { return };
        stream.received_all = true;
        if let Some(trailers) = trailers {
            stream.running.request.block.channel.stream.lock().request_trailers = Some(Box::new(trailers));
        }
        self.feed(id, quic, env);
    }
}

/// Whether a stream is that of a request: a client's, in both directions (RFC 9000, 2.1).
fn is_request(id: u64) -> bool {
    id & 0b11 == 0
}

fn set_priority(id: u64, priority: Priority, quic: &mut Quic) {
    quic.set_priority(id, priority.urgency, priority.incremental);
}
