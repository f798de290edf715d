//! From a head to its handler: route, middleware, content, call.

use std::sync::Arc;
use std::time::Duration;

use flare_net::Output;
use flare_proto::http1::{BodyLength, RequestInfo};

use super::{Answer, Http1, Input};
use crate::exchange::{Block, Exchange, Progress};
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
        self.end_untold = false;
        self.input = if info.body == BodyLength::Empty { Input::Complete } else { Input::Decide };
        let router = Arc::clone(&env.service.router);
        match router.find(own.head.method_bytes(), own.head.path_bytes(), &mut own.params) {
            Found::Match(route) if route.is_plain() && info.body == BodyLength::Empty => {
                self.call(route, block, env, out)
            }
            Found::Match(route) => {
                own.length = info.body;
                self.route = Some(Arc::clone(route));
                self.pass(block, 0, env, out);
            }
            Found::Options { allow } => {
                self.unrouted(block, info.body, 204, Some(allow.to_string()), env, out)
            }
            Found::NotAllowed { allow } => {
                self.unrouted(block, info.body, 405, Some(allow.to_string()), env, out)
            }
            Found::NotFound => self.unrouted(block, info.body, 404, None, env, out),
            Found::BadPath => self.unrouted(block, info.body, 400, None, env, out),
        }
    }

    /// A head that no route takes. The middleware of the whole server sees it all the same.
    fn unrouted(
        &mut self,
        mut block: Arc<Block>,
        length: BodyLength,
        status: u16,
        allow: Option<String>,
        env: &mut Environment,
        out: &mut Output,
    ) {
        if let Some(own) = Arc::get_mut(&mut block) {
            own.length = length;
            own.unrouted = Some((status, allow));
        }
        let route = Arc::clone(env.service.router.unrouted());
        self.route = Some(route);
        self.pass(block, 0, env, out);
    }

    /// Shows the exchange to the middlewares of its route, from the one at `stage` on.
    fn pass(&mut self, block: Arc<Block>, stage: u8, env: &mut Environment, out: &mut Output) {
        let Some(route) = self.route.clone() else { return };
        self.stage = stage;
        if usize::from(stage) >= route.chain.len() {
            return self.admit(&route, block, env, out);
        }
        let mut exchange = Exchange::new(Arc::clone(&block));
        for middleware in route.chain.iter().skip(usize::from(stage)) {
            self.stage += 1;
            let step = guard::unwinding(env, "middleware panicked", || middleware.on_request(exchange));
            match step {
                Some(Step::Next(next)) if next.request().block.state.check_open().is_ok() => exchange = next,
                // Answered, or kept for later; after a panic the exchange answered 500 when it was dropped.
                _ => return self.called(block, env, out),
            }
        }
        exchange.dissolve();
        self.admit(&route, block, env, out);
    }

    /// A middleware that kept the exchange lets it go on.
    pub(super) fn proceed(&mut self, env: &mut Environment, out: &mut Output) {
        if let Some(block) = self.block.take() {
            self.answer = Answer::None;
            env.leave_flight();
            block.state.reattach();
            self.pass(block, self.stage, env, out);
        }
    }

    /// All middlewares let the exchange pass: its content is collected, or flows, or there is none.
    fn admit(&mut self, route: &Arc<Route>, block: Arc<Block>, env: &mut Environment, out: &mut Output) {
        let length = block.length;
        if let Some((status, allow)) = block.unrouted.clone() {
            return self.answer_early(block, status, allow.as_deref(), env, out);
        }
        let limit = route.options.body_limit.unwrap_or(env.service.config.body_limit);
        let announced = if let BodyLength::Known(length) = length { length } else { 0 };
        if announced > limit {
            return self.answer_early(block, 413, None, env, out);
        }
        if length == BodyLength::Empty {
            self.input = Input::Complete;
            if route.options.streaming {
                block.stream.lock().received_all = true;
                self.end_untold = true;
            }
            return self.call(route, block, env, out);
        }
        self.input_deadline = env.now + env.service.config.body_timeout;
        if route.options.streaming {
            self.input = Input::Stream { allowed: limit };
            self.held = true;
            return self.call(route, block, env, out);
        }
        self.input = Input::Collect { allowed: limit };
        self.send_continue(out);
        block.stream.lock().collected.reserve(usize::try_from(announced.min(64 << 10)).unwrap_or_default());
        self.block = Some(block);
    }

    pub(super) fn send_continue(&mut self, out: &mut Output) {
        if std::mem::take(&mut self.expects_continue) {
            // Err: the head of the answer is out already, which ends the client's wait too (RFC 9110, 10.1.1).
            let _ = self.wire.send_informational(out.buffer(), 100, &flare_proto::Headers::new());
        }
    }

    /// Calls the handler.
    pub(super) fn call(&mut self, route: &Route, block: Arc<Block>, env: &mut Environment, out: &mut Output) {
        if env.is_full() {
            return self.answer_early(block, 503, None, env, out);
        }
        let exchange = Exchange::new(Arc::clone(&block));
        if route.options.blocking {
            if let (Some(pool), Some(route)) = (&env.service.blocking, &self.route)
                && let Err(exchange) = pool.submit(Arc::clone(route), exchange)
            {
                exchange.dissolve();
                return self.answer_early(block, 503, None, env, out);
            }
        } else {
            // After a panic the exchange answers 500 when it drops.
            guard::unwinding(env, "handler panicked", || route.handler.handle(exchange));
        }
        self.called(block, env, out);
    }

    /// Somebody got the exchange: sends the answer if it is there already.
    fn called(&mut self, block: Arc<Block>, env: &mut Environment, out: &mut Output) {
        let (progress, told) = block.state.detach();
        env.enter_flight();
        self.answer = Answer::Waiting;
        self.block = Some(block);
        match progress {
            Progress::Whole if !told => self.send(env, out),
            _ => {
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
        self.block = Some(block);
        self.send(env, out);
    }
}
