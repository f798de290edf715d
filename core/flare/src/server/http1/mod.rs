//! HTTP/1.1 on one connection, without its socket: bytes, time and commands in; bytes, exchanges and a deadline out.
//!
//! A connection has one exchange at a time. Its request and its answer each have a state of their own, because an answer may
//! begin, and even end, before the request does. `input.rs` reads, `dispatch.rs` brings exchanges to their handlers,
//! `answer.rs` writes.

mod answer;
mod dispatch;
mod input;

use std::sync::Arc;

use flare_net::{Key, Millis, Output, Peer};
use flare_proto::http1::ServerConnection;

use crate::exchange::{CancelReason, Event, ExchangeKey, Progress};
use crate::message::Request;
use crate::router::Route;
use crate::server::environment::Environment;

/// What is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    /// Nothing of a request has come. `fresh`: not even of the first one.
    Idle { fresh: bool },
    /// A part of a head has come.
    Head,
    /// The head has come, and somebody decides what becomes of the rest.
    Decide,
    /// Content is collected for the handler; so much more is allowed.
    Collect { allowed: u64 },
    /// Content flows to the handler; so much more is allowed.
    Stream { allowed: u64 },
    /// The answer is out; so much of the unread content is dropped.
    Discard { allowed: u64 },
    /// The whole request has come.
    Complete,
}

/// What is being answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Nothing: there is no exchange, or its answer is out.
    None,
    /// Somebody has the exchange and has not answered.
    Waiting,
    /// The head is out, and content follows.
    Streaming,
}

/// What the session wants of its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// More input.
    Read,
    /// No input for now.
    Pause,
    /// The end, once the output is gone. `linger`: the peer may still be sending, and must get the answer first.
    Close {
        /// Whether input is read and dropped for a while before the socket is closed.
        linger: bool,
    },
    /// The end, at once: what was sent is not whole, and the peer must see that.
    Abort,
}

/// The server's side of an HTTP/1.1 connection.
pub(crate) struct Http1 {
    wire: ServerConnection,
    input: Input,
    answer: Answer,
    /// The connection ends like this.
    end: Option<Next>,
    /// The peer will send nothing more.
    read_closed: bool,
    /// So much output waits that no more is made.
    blocked: bool,
    /// The handler takes no more content for now.
    held: bool,
    /// The running exchange was not answered at once, so more may have come that was not read.
    late: bool,
    /// The end of the connection is the end of the answer: one that is cut would look whole, so it is cut by a reset.
    until_close: bool,
    /// The client waits for `100 Continue` before it sends content.
    expects_continue: bool,
    /// The request had no content, and its handler, who wants it as it comes, has not been told of its end.
    end_untold: bool,
    /// How many of the route's middlewares have seen the exchange.
    stage: usize,
    peer: Peer,
    key: Key,
    /// When the input has lasted too long.
    input_deadline: Millis,
    /// When the answer has lasted too long.
    answer_deadline: Millis,
    /// When the head of the running exchange was complete.
    began: Millis,
    /// Content of the running answer that was written.
    body_bytes: u64,
    /// Status of the running answer.
    status: u16,
    /// Input that can't be used yet: a partial head, content that is held, or requests behind the running one.
    pending: Vec<u8>,
    request: Option<Request>,
    route: Option<Arc<Route>>,
}

impl Http1 {
    pub(crate) fn new(key: Key, peer: Peer, env: &Environment) -> Self {
        Self {
            wire: ServerConnection::new(),
            input: Input::Idle { fresh: true },
            answer: Answer::None,
            end: None,
            read_closed: false,
            blocked: false,
            held: false,
            late: false,
            until_close: false,
            expects_continue: false,
            end_untold: false,
            stage: 0,
            peer,
            key,
            input_deadline: env.now + env.service.config.head_timeout,
            answer_deadline: Millis::NEVER,
            began: env.now,
            body_bytes: 0,
            status: 0,
            pending: Vec::new(),
            request: None,
            route: None,
        }
    }

    /// When [`Http1::timeout`] has to be called, unless something happens before. `flushing`: the peer has not taken all output
    /// yet, so it is not idle, and content that waits for it is not late.
    pub(crate) fn deadline(&self, flushing: bool) -> Millis {
        let input = match self.input {
            Input::Idle { .. } if flushing => Millis::NEVER,
            // Nothing is read until the peer has taken what waits, so nothing that it sends is late.
            _ if self.blocked => Millis::NEVER,
            Input::Stream { .. } if self.held => Millis::NEVER,
            Input::Complete | Input::Decide => Millis::NEVER,
            _ => self.input_deadline,
        };
        let answer = match self.answer {
            Answer::None => Millis::NEVER,
            Answer::Streaming if flushing || self.blocked => Millis::NEVER,
            _ => self.answer_deadline,
        };
        input.min(answer)
    }

    pub(crate) fn next(&self) -> Next {
        match (self.end, self.input) {
            (Some(end), _) => end,
            (None, Input::Complete | Input::Decide) => Next::Pause,
            (None, _) if self.blocked || self.held => Next::Pause,
            (None, _) => Next::Read,
        }
    }

    /// Takes input.
    pub(crate) fn receive(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) {
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
    }

    /// Goes on with input that waited.
    fn resume(&mut self, env: &mut Environment, out: &mut Output) {
        let mut pending = std::mem::take(&mut self.pending);
        let used = self.process(&pending, env, out);
        if self.end.is_none() && used < pending.len() {
            pending.drain(..used);
            self.pending = pending;
        }
    }

    /// Uses as much of the input as it can, and says how much.
    fn process(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) -> usize {
        let mut used = 0;
        while self.end.is_none() {
            let rest = input.get(used..).unwrap_or_default();
            if out.len() >= env.service.config.output_limit {
                self.blocked = true;
            }
            if self.blocked || self.held {
                break;
            }
            match self.read(rest, env, out) {
                Some(n) => used += n,
                None => break,
            }
        }
        if self.read_closed && self.end.is_none() && !self.blocked && !self.held {
            self.input_ended(env);
        }
        if let Some(Next::Close { linger }) = &mut self.end {
            *linger |= used < input.len();
        }
        used
    }

    /// The peer will send nothing more. What it sent before is still answered (RFC 9112, 9.6).
    pub(crate) fn read_closed(&mut self, env: &mut Environment) {
        self.read_closed = true;
        if !self.blocked && !self.held && self.end.is_none() {
            self.input_ended(env);
        }
    }

    /// All that the peer sent was used. A request that is cut short is never answered as if it were whole.
    fn input_ended(&mut self, env: &mut Environment) {
        match self.input {
            Input::Complete | Input::Decide => {}
            Input::Stream { .. } => self.cut(CancelReason::PeerGone, env),
            Input::Idle { .. } | Input::Head | Input::Collect { .. } | Input::Discard { .. } => {
                if self.answer == Answer::None {
                    self.close(false);
                } else {
                    self.cut(CancelReason::PeerGone, env);
                }
            }
        }
    }

    /// So much output waits that no more is made.
    pub(crate) fn block(&mut self) {
        self.blocked = true;
    }

    /// The peer took all output. Idle time counts from now, and so does the time for what could not be read meanwhile.
    pub(crate) fn flushed(&mut self, env: &mut Environment, out: &mut Output) {
        let was_blocked = std::mem::take(&mut self.blocked);
        match self.input {
            Input::Idle { fresh: false } => self.input_deadline = env.now + env.service.config.idle_timeout,
            Input::Head if was_blocked => self.input_deadline = env.now + env.service.config.head_timeout,
            _ if was_blocked => self.input_deadline = env.now + env.service.config.body_timeout,
            _ => {}
        }
        if was_blocked {
            if self.answer == Answer::Waiting {
                self.look(env, out);
            }
            self.pump(env, out);
            self.resume(env, out);
        }
    }

    /// Something happened to an exchange, which may be over already.
    pub(crate) fn wake(&mut self, key: ExchangeKey, env: &mut Environment, out: &mut Output) {
        if self.end.is_none() && self.request.as_ref().is_some_and(|request| request.block.key == key) {
            self.look(env, out);
            self.resume(env, out);
        }
    }

    /// Looks at the running exchange: an answer, content for it, or room for content of the request.
    fn look(&mut self, env: &mut Environment, out: &mut Output) {
        let Some(Request { block }) = self.request.clone() else { return };
        match (self.answer, block.state.look()) {
            (_, Progress::Reset) => return self.cut(CancelReason::Reset, env),
            (Answer::Waiting, Progress::Open) if self.blocked => {}
            (Answer::Waiting, Progress::Open) => self.send_interim(&block, out),
            (Answer::Waiting, Progress::Proceed) => {
                drop(block);
                return self.proceed(env, out);
            }
            (Answer::Waiting, Progress::Whole | Progress::Streamed) => {
                self.send_interim(&block, out);
                self.send(env, out);
            }
            (Answer::Streaming, _) => self.pump(env, out),
            (Answer::None, _) => {}
        }
        if self.end.is_none() {
            self.want_content(&block, env, out);
            self.tell_end(&block, env);
        }
    }

    /// A deadline passed.
    pub(crate) fn timeout(&mut self, env: &mut Environment, out: &mut Output) {
        env.counters.timeouts.add(1);
        match (self.input, self.answer) {
            _ if self.end.is_some() => {}
            (_, Answer::Waiting) => {
                let late_answer = self.answer_deadline <= env.now;
                self.dismiss(CancelReason::Deadline, env);
                self.refuse(if late_answer { 503 } else { 408 }, env, out);
            }
            (_, Answer::Streaming) => self.cut(CancelReason::Deadline, env),
            (Input::Head | Input::Collect { .. }, Answer::None) => self.refuse(408, env, out),
            (_, Answer::None) => self.close(false),
        }
    }

    /// The server ends: idle connections close, running exchanges get their answer first.
    pub(crate) fn drain(&mut self) {
        match self.input {
            // Requests may wait unread behind answers that wait for the peer: it must get those before the end.
            Input::Idle { .. } => self.close(self.blocked),
            _ => self.wire.close_after_response(),
        }
    }

    /// Whether an exchange runs.
    pub(crate) fn is_active(&self) -> bool {
        self.end.is_none()
            && (self.answer != Answer::None || matches!(self.input, Input::Head | Input::Collect { .. }))
    }

    /// Whether the peer takes the end of the connection for the end of the answer.
    pub(crate) fn is_until_close(&self) -> bool {
        self.until_close
    }

    /// Whether an exchange waits for its answer, or for the rest of it.
    pub(crate) fn is_answering(&self) -> bool {
        self.end.is_none() && self.answer != Answer::None
    }

    /// The connection is gone: whoever holds the exchange learns it.
    pub(crate) fn abort(&mut self, reason: CancelReason, env: &mut Environment) {
        self.cancel(reason, env);
        self.end = Some(Next::Abort);
    }

    /// Cancels the running exchange: its holder learns it, and it ends with what was sent until now.
    fn cancel(&mut self, reason: CancelReason, env: &mut Environment) {
        self.dismiss(reason, env);
        self.conclude(env);
    }

    /// Tells the holder of the running exchange, if there is one, that it is over.
    fn dismiss(&mut self, reason: CancelReason, env: &mut Environment) {
        let Some(Request { block }) = &self.request else { return };
        block.state.cancel(reason);
        // Over first, so that nothing is queued behind the last event; the callback hears it all the same.
        if let Some(mut callback) = block.stream.close() {
            crate::server::guard::unwinding(env, "callback panicked", || callback(Event::Cancelled));
        }
    }

    /// Ends the running exchange, if there is one, also one whose content was still being collected: middleware has seen it.
    fn conclude(&mut self, env: &mut Environment) {
        let Some(request) = self.request.take() else { return };
        self.concluded(&request, env);
        if std::mem::replace(&mut self.answer, Answer::None) != Answer::None {
            env.leave_flight();
        }
        env.pool.give_back(request.block);
    }

    /// The running exchange can't go on: cancels it, and closes so that the peer sees that the answer is not whole.
    fn cut(&mut self, reason: CancelReason, env: &mut Environment) {
        self.cancel(reason, env);
        self.end = Some(Next::Abort);
    }

    /// Closes once the output is gone. What the peer sent behind is left unread, but must not cost it the last answer (RFC 9112, 9.6).
    fn close(&mut self, linger: bool) {
        let linger = linger || self.late || !self.pending.is_empty();
        self.end = Some(Next::Close { linger });
        self.pending = Vec::new();
    }
}
