//! From a head to its handler: route, middleware, content, call.

use std::sync::Arc;
use std::time::Duration;

use flare_net::Output;
use flare_proto::http1::{BodyLength, RequestInfo};

use super::{Answer, Http1, Input};
use crate::exchange::{Block, Exchange, Progress};
use crate::message::Request;
use crate::middleware::Step;
use crate::router::Route;
use crate::routing::Found;
use crate::server::environment::Environment;
use crate::server::guard;

impl Http1 {
    /// Routes a head. `more`: bytes follow it already.
    pub(super) fn begin(
        &mut self,
        mut block: Arc<Block>,
        info: RequestInfo,
        more: bool,
        env: &mut Environment,
        out: &mut Output,
    ) {
        let Some(own) = Arc::get_mut(&mut block) else { return };
        if env.draining {
            self.wire.close_after_response();
        }
        self.expects_continue = info.expects_continue && !more;
        (self.end_untold, self.late, self.until_close) = (false, false, false);
        self.input = if info.body == BodyLength::Empty { Input::Complete } else { Input::Decide };
        own.length = info.body;
        own.unrouted = None;
        let route = match env.routes.find(own.head.method_bytes(), own.head.path_bytes(), &mut own.params) {
            Found::Match(route) => route,
            other => {
                own.unrouted = Some(refusal(&other));
                env.routes.unrouted()
            }
        };
        let plain = route.is_plain() && info.body == BodyLength::Empty && own.unrouted.is_none();
        self.route = Some(Arc::clone(route));
        if plain {
            let exchange = Exchange::new(Arc::clone(&block));
            self.call(block, exchange, env, out);
        } else {
            self.pass(block, 0, env, out);
        }
    }

    /// Shows the exchange to the middlewares of its route, from the one at `stage` on.
    fn pass(&mut self, block: Arc<Block>, stage: usize, env: &mut Environment, out: &mut Output) {
        self.stage = stage;
        let Some(route) = self.route.take() else { return };
        let passed = self.show(&route, Exchange::new(Arc::clone(&block)), env);
        self.route = Some(route);
        match passed {
            Some(exchange) => self.admit(block, exchange, env, out),
            // Answered, or kept for later; after a panic the exchange answered 500 when it was dropped.
            None => self.called(block, env, out),
        }
    }

    fn show(&mut self, route: &Route, mut exchange: Exchange, env: &Environment) -> Option<Exchange> {
        exchange = exchange.for_middleware(true);
        for middleware in route.chain.iter().skip(self.stage) {
            self.stage += 1;
            match guard::unwinding(env, "middleware panicked", || middleware.on_request(exchange)) {
                Some(Step::Next(next)) if next.request().block.state.check_open().is_ok() => exchange = next,
                _ => return None,
            }
        }
        Some(exchange.for_middleware(false))
    }

    /// A middleware that kept the exchange lets it go on.
    pub(super) fn proceed(&mut self, env: &mut Environment, out: &mut Output) {
        if let Some(Request { block }) = self.request.take() {
            self.answer = Answer::None;
            env.leave_flight();
            block.state.reattach();
            self.pass(block, self.stage, env, out);
        }
    }

    /// All middlewares let the exchange pass: its content is collected, or flows, or there is none.
    fn admit(&mut self, block: Arc<Block>, exchange: Exchange, env: &mut Environment, out: &mut Output) {
        let options = self.route.as_ref().map(|route| (route.options.body_limit, route.options.streaming));
        let (own_limit, streaming) = options.unwrap_or_default();
        let limit = own_limit.unwrap_or(env.service.config.body_limit);
        let announced = if let BodyLength::Known(length) = block.length { length } else { 0 };
        if let Some((status, allow)) = block.unrouted.clone() {
            exchange.dissolve();
            self.answer_early(block, status, allow.as_deref(), env, out);
        } else if announced > limit {
            exchange.dissolve();
            self.answer_early(block, 413, None, env, out);
        } else if block.length == BodyLength::Empty {
            self.input = Input::Complete;
            if streaming {
                block.stream.lock().received_all = true;
                self.end_untold = true;
            }
            self.call(block, exchange, env, out);
        } else if streaming {
            self.input = Input::Stream { allowed: limit };
            self.input_deadline = env.now + env.service.config.body_timeout;
            self.held = true;
            self.call(block, exchange, env, out);
        } else {
            exchange.dissolve();
            self.input = Input::Collect { allowed: limit };
            self.input_deadline = env.now + env.service.config.body_timeout;
            self.send_continue(out);
            let room = usize::try_from(announced.min(64 << 10)).unwrap_or_default();
            block.stream.lock().collected.reserve(room);
            self.request = Some(Request { block });
        }
    }

    pub(super) fn send_continue(&mut self, out: &mut Output) {
        if std::mem::take(&mut self.expects_continue) {
            // Err: the head of the answer is out already, which ends the client's wait too (RFC 9110, 10.1.1).
            let _ = self.wire.send_informational(out.buffer(), 100, &flare_proto::Headers::new());
        }
    }

    /// Calls the handler.
    pub(super) fn call(
        &mut self,
        block: Arc<Block>,
        exchange: Exchange,
        env: &mut Environment,
        out: &mut Output,
    ) {
        let Some(route) = self.route.take() else { return };
        let refused = if env.is_full() {
            Some(exchange)
        } else if let Some(pool) = env.service.blocking.as_ref().filter(|_| route.options.blocking) {
            pool.submit(Arc::clone(&route), exchange).err()
        } else {
            // After a panic the exchange answers 500 when it drops.
            guard::unwinding(env, "handler panicked", || route.handler.handle(exchange));
            None
        };
        self.route = Some(route);
        match refused {
            Some(exchange) => {
                exchange.dissolve();
                self.answer_early(block, 503, None, env, out);
            }
            None => self.called(block, env, out),
        }
    }

    /// Somebody got the exchange: sends the answer if it is there already.
    fn called(&mut self, block: Arc<Block>, env: &mut Environment, out: &mut Output) {
        let (progress, told) = block.state.detach();
        env.enter_flight();
        self.answer = Answer::Waiting;
        self.request = Some(Request { block });
        match progress {
            Progress::Whole if !told => self.send(env, out),
            _ => {
                self.late = true;
                self.answer_deadline = env.now + self.handler_timeout(env);
                if told || progress != Progress::Open {
                    self.look(env, out);
                }
            }
        }
    }

    pub(super) fn handler_timeout(&self, env: &Environment) -> Duration {
        let own = self.route.as_ref().and_then(|route| route.options.handler_timeout);
        own.unwrap_or(env.service.config.handler_timeout)
    }

    /// Content that nobody asked for stays unread. Unless it is little, or there is none, the connection closes after the answer.
    pub(super) fn leave_unread(&mut self, block: &Block, env: &Environment) {
        let large =
            matches!(block.length, BodyLength::Known(length) if length > env.service.config.discard_limit);
        if self.input != Input::Complete && (large || self.expects_continue) {
            self.wire.close_after_response();
        }
    }

    /// Answers before the content was read. Little content is dropped, so that the connection can go on.
    fn answer_early(
        &mut self,
        block: Arc<Block>,
        status: u16,
        allow: Option<&str>,
        env: &mut Environment,
        out: &mut Output,
    ) {
        self.leave_unread(&block, env);
        // Err: it was given up. Who kept a hand on it learns that it is answered.
        let _ = block.state.answer(false);
        {
            let mut answer = block.answer();
            answer.set_status_only(status);
            let extra = match (status, allow) {
                (_, Some(allow)) => answer.headers.set("allow", allow),
                (503, None) => answer.headers.set("retry-after", "1"),
                _ => Ok(()),
            };
            debug_assert!(extra.is_ok());
        }
        env.enter_flight();
        self.answer = Answer::Waiting;
        self.request = Some(Request { block });
        self.send(env, out);
    }
}

/// The answer to a request that no route takes: status and `Allow`.
fn refusal<T>(found: &Found<'_, T>) -> (u16, Option<String>) {
    match found {
        Found::Options { allow } => (204, Some(allow.to_string())),
        Found::NotAllowed { allow } => (405, Some(allow.to_string())),
        Found::BadPath => (400, None),
        Found::NotFound | Found::Match(_) => (404, None),
    }
}
