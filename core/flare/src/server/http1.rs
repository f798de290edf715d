//! HTTP/1.1 on one connection, without its socket: bytes, time and commands in; bytes, exchanges and a deadline out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flare_net::{Key, Millis, Output, Peer};
use flare_proto::http1::{self, BodyEvent, BodyFraming, BodyLength, ContentLength, RequestInfo, ResponseParts, ServerConnection};

use crate::exchange::{Block, CancelReason, Exchange, ExchangeKey};
use crate::log::{AccessRecord, Level};
use crate::message::{Body, Request, Response};
use crate::router::Route;
use crate::routing::Found;
use crate::server::environment::Environment;

/// Bodies up to this size are copied beside their head; larger ones leave from where they are. Below it, one more `iovec`
/// costs more than the copy.
const COPY_LIMIT: usize = 16 * 1024;

/// What a connection does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing of a request has come. `fresh`: not even of the first one.
    Idle { fresh: bool },
    /// A part of a head has come.
    Head,
    /// Content is collected for the handler; so much more is allowed.
    Body { allowed: u64 },
    /// The handler has the exchange.
    Waiting,
    /// The answer is out; so much of the unread content is dropped.
    Discard { allowed: u64 },
    /// Nothing more is read. `linger`: the peer may still be sending.
    Closing { linger: bool },
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
}

/// The server's side of an HTTP/1.1 connection.
pub(crate) struct Http1 {
    wire: ServerConnection,
    phase: Phase,
    /// The peer will send nothing more.
    read_closed: bool,
    /// So much output waits that no more requests are taken.
    blocked: bool,
    peer: Peer,
    key: Key,
    /// When the phase has lasted too long.
    deadline: Millis,
    /// When the head of the running exchange was complete.
    began: Millis,
    /// Input that can't be used yet: a partial head, or requests behind the running one.
    pending: Vec<u8>,
    block: Option<Arc<Block>>,
    /// The route whose content is collected.
    route: Option<Arc<Route>>,
}

impl Http1 {
    pub(crate) fn new(key: Key, peer: Peer, env: &Environment) -> Self {
        Self {
            wire: ServerConnection::new(),
            phase: Phase::Idle { fresh: true },
            read_closed: false,
            blocked: false,
            peer,
            key,
            deadline: env.now + env.service.config.head_timeout,
            began: env.now,
            pending: Vec::new(),
            block: None,
            route: None,
        }
    }

    /// When [`Http1::timeout`] has to be called, unless something happens before. `flushing`: the peer has not taken all output
    /// yet, so it is not idle.
    pub(crate) fn deadline(&self, flushing: bool) -> Millis {
        match self.phase {
            Phase::Idle { .. } if flushing => Millis::NEVER,
            _ => self.deadline,
        }
    }

    pub(crate) fn next(&self) -> Next {
        match self.phase {
            Phase::Closing { linger } => Next::Close { linger },
            Phase::Waiting => Next::Pause,
            _ if self.blocked => Next::Pause,
            _ => Next::Read,
        }
    }

    /// Takes input.
    pub(crate) fn receive(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) {
        if self.pending.is_empty() {
            let used = self.process(input, env, out);
            if let Some(rest) = input.get(used..)
                && !rest.is_empty()
                && !self.is_closing()
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
        if used < pending.len() && !self.is_closing() {
            pending.drain(..used);
            self.pending = pending;
        }
    }

    /// The peer will send nothing more. What it sent before is still answered (RFC 9112, 9.6).
    pub(crate) fn read_closed(&mut self) {
        self.read_closed = true;
        match self.phase {
            Phase::Idle { .. } | Phase::Head | Phase::Body { .. } | Phase::Discard { .. } if !self.blocked => self.end(false),
            _ => {}
        }
    }

    /// So much output waits that no more requests are taken.
    pub(crate) fn block(&mut self) {
        self.blocked = true;
    }

    /// The peer took all output. Idle time counts from now.
    pub(crate) fn flushed(&mut self, env: &mut Environment, out: &mut Output) {
        if matches!(self.phase, Phase::Idle { fresh: false }) {
            self.deadline = env.now + env.service.config.idle_timeout;
        }
        if std::mem::take(&mut self.blocked) {
            self.resume(env, out);
        }
    }

    /// The answer of the running exchange is there.
    pub(crate) fn answered(&mut self, key: ExchangeKey, env: &mut Environment, out: &mut Output) {
        let ours = self.phase == Phase::Waiting && self.block.as_ref().is_some_and(|block| block.key == key);
        if ours && let Some(block) = self.block.take() {
            self.send(block, env, out);
            self.resume(env, out);
        }
    }

    /// The deadline passed.
    pub(crate) fn timeout(&mut self, env: &mut Environment, out: &mut Output) {
        env.counters.timeouts.add(1);
        match self.phase {
            Phase::Idle { .. } | Phase::Discard { .. } | Phase::Closing { .. } => self.end(false),
            Phase::Head | Phase::Body { .. } => self.refuse(408, env, out),
            Phase::Waiting => {
                self.cancel(CancelReason::Deadline);
                self.refuse(503, env, out);
            }
        }
    }

    /// The server ends: idle connections close, running exchanges get their answer first.
    pub(crate) fn drain(&mut self) {
        match self.phase {
            Phase::Idle { .. } => self.end(false),
            _ => self.wire.close_after_response(),
        }
    }

    /// Whether an exchange runs.
    pub(crate) fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Head | Phase::Body { .. } | Phase::Waiting)
    }

    /// The connection is gone: whoever holds the exchange learns it.
    pub(crate) fn abort(&mut self, reason: CancelReason, env: &mut Environment) {
        self.cancel(reason);
        if let Some(block) = self.block.take() {
            env.pool.give_back(block);
        }
    }

    fn cancel(&mut self, reason: CancelReason) {
        if let Some(block) = &self.block {
            block.state.cancel(reason);
        }
    }

    fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. })
    }

    fn end(&mut self, linger: bool) {
        self.phase = Phase::Closing { linger };
        self.pending = Vec::new();
    }

    /// Uses as much of the input as it can, and says how much.
    fn process(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) -> usize {
        let mut used = 0;
        loop {
            let rest = input.get(used..).unwrap_or_default();
            if out.len() >= env.service.config.output_limit {
                self.blocked = true;
            }
            if self.blocked {
                break;
            }
            let step = match self.phase {
                Phase::Idle { .. } | Phase::Head if !rest.is_empty() => self.read_head(rest, env, out),
                Phase::Body { allowed } if !rest.is_empty() => self.read_body(rest, allowed, env, out),
                Phase::Discard { allowed } if !rest.is_empty() => self.discard(rest, allowed, env),
                _ => None,
            };
            match step {
                Some(n) => used += n,
                None => break,
            }
        }
        if self.read_closed && !self.blocked && !matches!(self.phase, Phase::Waiting | Phase::Closing { .. }) {
            self.end(false);
        }
        if let Phase::Closing { linger } = &mut self.phase {
            *linger |= used < input.len();
        }
        used
    }

    /// A head. `None`: nothing more can be done for now.
    fn read_head(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) -> Option<usize> {
        let key = ExchangeKey { connection: self.key, stream: 0 };
        let mut block = env.pool.take(key, self.peer);
        let own = Arc::get_mut(&mut block)?;
        match self.wire.receive_head(&env.service.config.http1, input, &mut own.head) {
            Ok(Some((used, info))) => {
                env.counters.requests.add(1);
                self.began = env.now;
                self.begin(block, info, used < input.len(), env, out);
                Some(used)
            }
            Ok(None) => {
                env.pool.give_back(block);
                if let Phase::Idle { fresh } = self.phase {
                    self.phase = Phase::Head;
                    if !fresh {
                        self.deadline = env.now + env.service.config.head_timeout;
                    }
                }
                None
            }
            Err(error) => {
                env.pool.give_back(block);
                self.protocol_error(error, env, out);
                None
            }
        }
    }

    /// Routes a head, and calls the handler or begins to collect the content.
    fn begin(&mut self, mut block: Arc<Block>, info: RequestInfo, more: bool, env: &mut Environment, out: &mut Output) {
        let Some(own) = Arc::get_mut(&mut block) else { return };
        if env.draining {
            self.wire.close_after_response();
        }
        let router = Arc::clone(&env.service.router);
        match router.find(own.head.method_str(), own.head.path(), &mut own.params) {
            Found::Match(route) if info.body == BodyLength::Empty => self.call(route, block, env, out),
            Found::Match(route) => {
                let limit = route.body_limit.unwrap_or(env.service.config.body_limit);
                let announced = if let BodyLength::Known(length) = info.body { length } else { 0 };
                if announced > limit {
                    return self.answer_early(block, info, 413, None, env, out);
                }
                own.body.reserve(usize::try_from(announced.min(64 << 10)).unwrap_or_default());
                if info.expects_continue && !more {
                    let sent = self.wire.send_informational(out.buffer(), 100, &flare_proto::Headers::new());
                    debug_assert!(sent.is_ok());
                }
                self.block = Some(block);
                self.route = Some(Arc::clone(route));
                self.phase = Phase::Body { allowed: limit };
                self.deadline = env.now + env.service.config.body_timeout;
            }
            Found::Options { allow } => self.answer_early(block, info, 204, Some(&allow.to_string()), env, out),
            Found::NotAllowed { allow } => self.answer_early(block, info, 405, Some(&allow.to_string()), env, out),
            Found::NotFound => self.answer_early(block, info, 404, None, env, out),
            Found::BadPath => self.answer_early(block, info, 400, None, env, out),
        }
    }

    /// Content, for the handler.
    fn read_body(&mut self, input: &[u8], allowed: u64, env: &mut Environment, out: &mut Output) -> Option<usize> {
        let own = self.block.as_mut().and_then(Arc::get_mut)?;
        match self.wire.receive_body(&env.service.config.http1, input, &mut own.trailers) {
            Ok((used, BodyEvent::Data(data))) => {
                let length = data.len() as u64;
                if length > allowed {
                    self.refuse(413, env, out);
                    return None;
                }
                own.body.extend_from_slice(data);
                self.phase = Phase::Body { allowed: allowed - length };
                self.deadline = env.now + env.service.config.body_timeout;
                if self.wire.request_complete() {
                    self.collected(env, out);
                }
                Some(used)
            }
            Ok((used, BodyEvent::End)) => {
                self.collected(env, out);
                Some(used)
            }
            Ok((used, BodyEvent::Incomplete)) => (used > 0).then_some(used),
            Err(error) => {
                self.protocol_error(error, env, out);
                None
            }
        }
    }

    fn collected(&mut self, env: &mut Environment, out: &mut Output) {
        if let (Some(block), Some(route)) = (self.block.take(), self.route.take()) {
            self.call(&route, block, env, out);
        }
    }

    /// Content that nobody wants.
    fn discard(&mut self, input: &[u8], allowed: u64, env: &mut Environment) -> Option<usize> {
        let mut trailers = flare_proto::Headers::new();
        match self.wire.receive_body(&env.service.config.http1, input, &mut trailers) {
            Ok((used, event)) => {
                let complete = matches!(event, BodyEvent::End) || self.wire.request_complete();
                let left = allowed.checked_sub(used as u64);
                match (complete, left) {
                    (true, _) => self.next_request(env),
                    (false, Some(left)) => self.phase = Phase::Discard { allowed: left },
                    (false, None) => self.end(true),
                }
                (used > 0).then_some(used)
            }
            // The answer is out already; all that is left is to close.
            Err(_) => {
                self.end(true);
                None
            }
        }
    }

    /// Calls the handler, and sends its answer if it is there when the handler returns.
    fn call(&mut self, route: &Route, block: Arc<Block>, env: &mut Environment, out: &mut Output) {
        let exchange = Exchange::new(Arc::clone(&block));
        // The handler's own state is its own concern after a panic; ours is untouched: the exchange answers 500 when it drops.
        if catch_unwind(AssertUnwindSafe(|| route.handler.handle(exchange))).is_err() {
            env.counters.panics.add(1);
            env.service.log.tell(Level::Error, "handler panicked", || {
                format!("{} {}", block.head.method_str(), block.head.path())
            });
        }
        if block.state.detach() {
            self.send(block, env, out);
        } else {
            self.block = Some(block);
            self.phase = Phase::Waiting;
            self.deadline = env.now + env.service.config.handler_timeout;
        }
    }

    /// Answers before the content was read. Little content is dropped, so that the connection can go on.
    fn answer_early(&mut self, block: Arc<Block>, info: RequestInfo, status: u16, allow: Option<&str>, env: &mut Environment, out: &mut Output) {
        let large = match info.body {
            BodyLength::Empty => false,
            BodyLength::Known(length) => length > env.service.config.discard_limit,
            BodyLength::Chunked => false,
        };
        if large || (info.expects_continue && info.body != BodyLength::Empty) {
            self.wire.close_after_response();
        }
        {
            let mut answer = block.answer();
            answer.set_status_only(status);
            if let Some(allow) = allow {
                let set = answer.headers.set("allow", allow);
                debug_assert!(set.is_ok());
            }
        }
        self.send(block, env, out);
    }

    /// Sends the answer that is in the block.
    fn send(&mut self, block: Arc<Block>, env: &mut Environment, out: &mut Output) {
        let (status, body_bytes) = {
            let mut answer = block.answer();
            match self.encode(&mut answer, env, out) {
                Ok(()) => (answer.status, answer.body.len() as u64),
                Err(error) => {
                    env.service.log.tell(Level::Error, "answer can't be sent", || error.to_string());
                    answer.set_status_only(500);
                    self.wire.close_after_response();
                    if self.encode(&mut answer, env, out).is_err() {
                        self.end(false);
                    }
                    (500, 0)
                }
            }
        };
        env.counters.answer(status);
        if let Some(access) = &env.service.access {
            let request = Request { block: Arc::clone(&block) };
            let duration = Duration::from_millis(env.now.0.saturating_sub(self.began.0));
            access(&AccessRecord { request: &request, status, body_bytes, duration });
        }
        env.pool.give_back(block);
        if self.is_closing() {
        } else if self.wire.keeps_alive() {
            self.next_request(env);
        } else if self.wire.request_complete() || self.wire.closes() {
            self.end(!self.wire.request_complete());
        } else {
            self.phase = Phase::Discard { allowed: env.service.config.discard_limit };
            self.deadline = env.now + env.service.config.body_timeout;
        }
    }

    /// Writes an answer.
    fn encode(&mut self, answer: &mut Response, env: &Environment, out: &mut Output) -> Result<(), http1::SendError> {
        let name = env.service.config.server_name.as_bytes();
        let length = if answer.trailers.is_some() { ContentLength::Unknown } else { ContentLength::Known(answer.body.len() as u64) };
        let parts = ResponseParts {
            status: if (200..600).contains(&answer.status) { answer.status } else { 500 },
            headers: &answer.headers,
            body: length,
            date: Some(env.date.as_bytes()),
            server: (!name.is_empty()).then_some(name),
        };
        let framing = self.wire.send_head(out.buffer(), &parts)?;
        if framing != BodyFraming::Nothing {
            let length = answer.body.len();
            if length <= COPY_LIMIT {
                self.wire.send_data(out.buffer(), answer.body.as_slice())?;
            } else {
                self.wire.begin_data(out.buffer(), length)?;
                out.push_shared(share(&mut answer.body));
                self.wire.end_data(out.buffer());
            }
        }
        self.wire.send_end(out.buffer(), answer.trailers.as_deref())
    }

    /// Ready for the next request.
    fn next_request(&mut self, env: &Environment) {
        self.wire.next_request();
        if env.draining {
            return self.end(false);
        }
        self.phase = Phase::Idle { fresh: false };
        self.deadline = env.now + env.service.config.idle_timeout;
    }

    fn protocol_error(&mut self, error: http1::Error, env: &mut Environment, out: &mut Output) {
        env.counters.bad_requests.add(1);
        env.service.log.tell(Level::Debug, "bad request", || format!("{}: {error}", self.peer));
        self.refuse(error.status(), env, out);
    }

    /// Answers with a plain error that echoes nothing, and closes.
    fn refuse(&mut self, status: u16, env: &mut Environment, out: &mut Output) {
        self.wire.close_after_response();
        let mut answer = Response::status_only(status);
        if status == 503 {
            let set = answer.headers.set("retry-after", "1");
            debug_assert!(set.is_ok());
        }
        // Err: an answer has begun already, so closing is all that is left.
        if self.encode(&mut answer, env, out).is_ok() {
            env.counters.answer(status);
        }
        if let Some(block) = self.block.take() {
            env.pool.give_back(block);
        }
        self.route = None;
        self.end(true);
    }
}

/// The bytes of a large body, which from here on may be shared: an owned body moves, it is not copied.
fn share(body: &mut Body) -> Bytes {
    match body {
        Body::Empty => Bytes::new(),
        Body::Owned(own) => {
            let bytes = Bytes::from(std::mem::take(own));
            *body = Body::Shared(bytes.clone());
            bytes
        }
        Body::Shared(bytes) => bytes.clone(),
    }
}
