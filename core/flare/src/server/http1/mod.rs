//! HTTP/1.1 on one connection, without its socket: bytes, time and commands in; bytes, exchanges and a deadline out.
//!
//! A connection has one exchange at a time. Its request and its answer each have a state of their own, because an answer may
//! begin, and even end, before the request does. `input.rs` reads, `answer.rs` writes; what is the same on every wire is in
//! `running`.

mod answer;
mod input;
mod to_http2;

use flare_net::{Key, Millis, Output};
use flare_proto::http1::ServerConnection;

use crate::exchange::{CancelReason, Early, Ends, ExchangeKey};
use crate::server::environment::Environment;
use crate::server::running::{Answer, Content, News, Running};
use crate::server::session::Next;
use crate::server::tunnel::{Legacy, Tunnel};
pub(crate) use to_http2::ToHttp2;

/// What is being read while no exchange runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    /// Nothing of a request has come. `fresh`: not even of the first one.
    Idle { fresh: bool },
    /// A part of a head has come.
    Head,
    /// The answer is out; so much of the unread content is dropped.
    Discard { allowed: u64 },
}

/// What a connection goes on as.
pub(crate) enum Becomes {
    /// HTTP/2, as the client has asked.
    Http2(Box<ToHttp2>),
    /// A byte stream of another protocol.
    Tunnel(Box<Tunnel>),
}

/// The server's side of an HTTP/1.1 connection.
pub(crate) struct Http1 {
    wire: ServerConnection,
    input: Input,
    /// The exchange whose head has come and whose answer is not out.
    running: Option<Running>,
    /// The connection ends like this.
    end: Option<Next>,
    /// The peer will send nothing more.
    read_closed: bool,
    /// A peer that will send nothing more while it waits is lost, so it is read while it waits.
    watches_end: bool,
    /// So much output waits that no more is made.
    blocked: bool,
    /// The last exchange was not answered at once, so more may have come that was not read.
    late: bool,
    /// The end of the connection is the end of the answer: one that is cut would look whole, so it is cut by a reset.
    until_close: bool,
    ends: Ends,
    /// Whether what is received now comes before the end of the TLS handshake.
    early: Early,
    key: Key,
    /// When the input has lasted too long, while no exchange runs.
    input_deadline: Millis,
    /// The connection goes on as something else: nothing is read here any more.
    becomes: Option<Becomes>,
    /// Input that can't be used yet: a partial head, content that is held, or requests behind the running one.
    pending: Vec<u8>,
}

impl Http1 {
    pub(crate) fn new(key: Key, ends: Ends, env: &Environment) -> Self {
        Self {
            wire: ServerConnection::new(),
            input: Input::Idle { fresh: true },
            running: None,
            end: None,
            read_closed: false,
            watches_end: !env.service.config.half_close,
            blocked: false,
            late: false,
            until_close: false,
            ends,
            early: Early::No,
            key,
            input_deadline: env.now + env.service.config.head_timeout,
            becomes: None,
            pending: Vec::new(),
        }
    }

    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// Whether what is received from now on comes before the end of the TLS handshake.
    pub(crate) fn set_early(&mut self, early: Early) {
        self.early = early;
    }

    pub(crate) fn ends(&self) -> Ends {
        self.ends.clone()
    }

    /// When [`Http1::timeout`] has to be called, unless something happens before. `flushing`: the peer has not taken all output
    /// yet, so it is not idle, and content that waits for it is not late.
    #[inline]
    pub(crate) fn deadline(&self, flushing: bool) -> Millis {
        let Some(running) = &self.running else {
            // Nothing is read until the peer has taken what waits, so nothing that it sends is late.
            let idle = matches!(self.input, Input::Idle { .. }) && flushing;
            return if idle || self.blocked { Millis::NEVER } else { self.input_deadline };
        };
        let content = if self.blocked { Millis::NEVER } else { running.content_deadline() };
        let answer = match running.answer {
            Answer::None => Millis::NEVER,
            Answer::Streaming if flushing || self.blocked => Millis::NEVER,
            _ => running.answer_deadline,
        };
        content.min(answer)
    }

    #[inline]
    pub(crate) fn next(&self) -> Next {
        match self.end {
            Some(end) => end,
            None if self.blocked || !self.takes_input() => Next::Pause,
            None => Next::Read,
        }
    }

    /// Whether the connection goes on as something else.
    #[inline]
    pub(crate) fn becomes_other(&self) -> bool {
        self.becomes.is_some()
    }

    /// What it goes on as, and where it was.
    pub(crate) fn take_over(&mut self) -> Option<(Becomes, Legacy)> {
        let pending = std::mem::take(&mut self.pending);
        let legacy = Legacy { pending, blocked: self.blocked, read_closed: self.read_closed };
        self.becomes.take().map(|becomes| (becomes, legacy))
    }

    /// Whether what the client sends next is wanted now.
    fn takes_input(&self) -> bool {
        self.running.as_ref().is_none_or(|running| {
            // Not more than one read of requests that have to wait is kept.
            running.takes_content() || (self.watches_end && !running.held && self.pending.is_empty())
        })
    }

    /// Whether the handler lets content wait.
    fn is_held(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.held)
    }

    /// Takes input.
    #[inline(always)]
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
    #[inline(never)]
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
        while self.end.is_none() && self.becomes.is_none() {
            let rest = input.get(used..).unwrap_or_default();
            if out.len() >= env.service.config.output_limit {
                self.blocked = true;
            }
            if self.blocked || self.is_held() {
                break;
            }
            match self.read(rest, env, out) {
                Some(n) => used += n,
                None => break,
            }
        }
        let goes_on = self.end.is_none() && self.becomes.is_none();
        if self.read_closed && goes_on && !self.blocked && !self.is_held() {
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
        if self.loses_half_closed() {
            return self.cut(CancelReason::PeerGone, env);
        }
        if !self.blocked && !self.is_held() && self.end.is_none() {
            self.input_ended(env);
        }
    }

    /// Whether a client that will send nothing more counts as gone, by the settings, while it waits for its answer.
    fn loses_half_closed(&self) -> bool {
        self.watches_end && self.end.is_none() && self.running.is_some()
    }

    /// All that the peer sent was used. A request that is cut short is never answered as if it were whole.
    #[inline(never)]
    fn input_ended(&mut self, env: &mut Environment) {
        match self.running.as_ref().map(|running| running.content) {
            Some(Content::Complete | Content::Undecided) => {
                if self.loses_half_closed() {
                    self.cut(CancelReason::PeerGone, env);
                }
            }
            Some(Content::Flowing { .. }) => self.cut(CancelReason::PeerGone, env),
            Some(Content::Collected { .. }) | None => self.close(false),
        }
    }

    /// So much output waits that no more is made.
    pub(crate) fn block(&mut self) {
        self.blocked = true;
    }

    /// The peer took all output. Idle time counts from now, and so does the time for what could not be read meanwhile.
    #[inline]
    pub(crate) fn flushed(&mut self, env: &mut Environment, out: &mut Output) {
        if let (None, Input::Idle { fresh: false }, false) = (&self.running, self.input, self.blocked) {
            self.input_deadline = env.now + env.service.config.idle_timeout;
        } else {
            self.flushed_amid(env, out);
        }
    }

    #[inline(never)]
    fn flushed_amid(&mut self, env: &mut Environment, out: &mut Output) {
        let was_blocked = std::mem::take(&mut self.blocked);
        let config = &env.service.config;
        match (&mut self.running, self.input) {
            (Some(running), _) if was_blocked => running.begin_content(env),
            (Some(_), _) => {}
            (None, Input::Idle { fresh: false }) => self.input_deadline = env.now + config.idle_timeout,
            (None, Input::Head) if was_blocked => self.input_deadline = env.now + config.head_timeout,
            (None, _) if was_blocked => self.input_deadline = env.now + config.body_timeout,
            (None, _) => {}
        }
        if was_blocked {
            if self.is_waiting() {
                self.look(env, out);
            }
            self.pump(env, out);
            self.resume(env, out);
        }
    }

    /// Something happened to an exchange, which may be over already.
    pub(crate) fn wake(&mut self, key: ExchangeKey, env: &mut Environment, out: &mut Output) {
        let runs = self.running.as_ref().is_some_and(|running| running.request.block.channel.key == key);
        if self.end.is_none() && runs {
            self.look(env, out);
            self.resume(env, out);
        }
    }

    /// Looks at the running exchange: an answer, content for it, or room for content of the request.
    #[inline(never)]
    fn look(&mut self, env: &mut Environment, out: &mut Output) {
        let Some(running) = &mut self.running else { return };
        match running.news() {
            News::Reset => return self.cut(CancelReason::Reset, env),
            News::Proceed => {
                let turn = running.proceed(env);
                return self.turn(turn, env, out);
            }
            News::Open if self.blocked => {}
            News::Open => self.send_interim(out),
            News::Answer => {
                if running.asks_with_answer() {
                    self.send_continue(out);
                }
                self.send_interim(out);
                self.send(env, out);
            }
            News::Content => self.pump(env, out),
        }
        if self.end.is_none()
            && let Some(running) = &mut self.running
        {
            let wanted = running.wants_content(env);
            if wanted {
                self.send_continue(out);
            }
        }
    }

    /// A deadline passed.
    pub(crate) fn timeout(&mut self, env: &mut Environment, out: &mut Output) {
        env.counters.timeouts.add(1);
        if self.end.is_some() {
            return;
        }
        match &self.running {
            Some(running) => match running.answer {
                Answer::None => self.refuse(408, env, out),
                Answer::Waiting => {
                    let late_answer = running.answer_deadline <= env.now;
                    running.dismiss(CancelReason::Deadline, env);
                    self.refuse(if late_answer { 503 } else { 408 }, env, out);
                }
                Answer::Streaming => self.cut(CancelReason::Deadline, env),
            },
            None if self.input == Input::Head => self.refuse(408, env, out),
            None => self.close(false),
        }
    }

    /// The server ends: idle connections close, running exchanges get their answer first.
    pub(crate) fn drain(&mut self) {
        match (&self.running, self.input) {
            // Requests may wait unread behind answers that wait for the peer: it must get those before the end.
            (None, Input::Idle { .. }) => self.close(self.blocked),
            _ => self.wire.close_after_response(),
        }
    }

    /// Whether an exchange runs.
    pub(crate) fn is_active(&self) -> bool {
        self.end.is_none() && (self.running.is_some() || self.input == Input::Head)
    }

    /// Whether the peer takes the end of the connection for the end of the answer.
    pub(crate) fn is_until_close(&self) -> bool {
        self.until_close
    }

    /// Whether an exchange waits for its answer, or for the rest of it.
    pub(crate) fn is_answering(&self) -> bool {
        let answering = self.running.as_ref().is_some_and(|running| running.answer != Answer::None);
        self.end.is_none() && answering
    }

    /// Whether somebody has the exchange and has not answered.
    fn is_waiting(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.answer == Answer::Waiting)
    }

    /// The connection is gone: whoever holds the exchange learns it.
    pub(crate) fn abort(&mut self, reason: CancelReason, env: &mut Environment) {
        self.cancel(reason, env);
        self.end = Some(Next::Abort);
    }

    /// Cancels the running exchange: its holder learns it, and it ends with what was sent until now.
    fn cancel(&mut self, reason: CancelReason, env: &mut Environment) {
        if let Some(running) = self.running.take() {
            running.dismiss(reason, env);
            running.conclude(self.wire.response_complete(), env);
        }
    }

    /// The running exchange can't go on: cancels it, and closes so that the peer sees that the answer is not whole.
    fn cut(&mut self, reason: CancelReason, env: &mut Environment) {
        self.cancel(reason, env);
        self.end = Some(Next::Abort);
    }

    /// Closes once the output is gone. What the peer sent behind is left unread, but must not cost it the last answer (RFC 9112, 9.6).
    fn close(&mut self, linger: bool) {
        // Of a peer that has said that nothing more comes, nothing more has to be waited for.
        let linger = !self.read_closed && (linger || self.late || !self.pending.is_empty());
        self.end = Some(Next::Close { linger });
        self.pending = Vec::new();
    }
}
