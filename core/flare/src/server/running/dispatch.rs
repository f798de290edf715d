//! From a head to its handler: route, middleware, content, call.

use std::sync::Arc;

use flare_net::Millis;
use flare_proto::http1::BodyLength;

use super::{Answer, Content, Opening, Running, Turn};
use crate::exchange::{Block, Early, Exchange, Progress, SharedBlock, Unrouted};
use crate::message::Request;
use crate::middleware::Step;
use crate::router::Routes;
use crate::routing::Found;
use crate::server::environment::Environment;
use crate::server::guard;

impl Running {
    /// Of a head that has come, in a block that nobody else holds: finds its route. [`Running::begin`] goes on.
    #[inline(always)]
    pub(crate) fn new(mut block: SharedBlock, opening: Opening, env: &Environment) -> Self {
        let Opening { length, expects_continue, offers_switch } = opening;
        let mut route = Routes::UNROUTED;
        // None: somebody holds the block, which is a bug; the request has no route then.
        if let Some(own) = SharedBlock::get_mut(&mut block) {
            (own.length, own.offers_switch, own.unrouted) = (length, offers_switch, None);
            match env.service.router.find(own.head.method_bytes(), own.head.path_bytes(), &mut own.params) {
                Found::Match(&found) => route = found,
                other => own.unrouted = Some(Box::new(refusal(&other))),
            }
            if own.early == Early::Safe && !own.head.method().is_safe() {
                // Too Early (RFC 8470, 5.2): the client sends it again when the handshake has ended.
                own.unrouted = Some(Box::new(Unrouted { status: 425, allow: None }));
            }
        }
        let content = if length == BodyLength::Empty { Content::Complete } else { Content::Undecided };
        Self {
            request: Request { block },
            route,
            stage: 0,
            content,
            answer: Answer::None,
            held: false,
            held_since: env.now,
            switched: false,
            capsules: None,
            alarmed: false,
            expects_continue,
            status: 0,
            body_bytes: 0,
            began: env.now,
            content_deadline: Millis::NEVER,
            answer_deadline: Millis::NEVER,
        }
    }

    /// Brings it as far as it can go at once.
    #[inline]
    pub(crate) fn begin(&mut self, env: &mut Environment) -> Turn {
        let block = &self.request.block;
        if self.route(env).is_plain() && block.length == BodyLength::Empty && block.unrouted.is_none() {
            let exchange = Exchange::new(SharedBlock::clone(block));
            self.call(exchange, env)
        } else {
            self.pass(env)
        }
    }

    /// A middleware that kept the exchange lets it go on.
    pub(crate) fn proceed(&mut self, env: &mut Environment) -> Turn {
        self.answer = Answer::None;
        env.leave_flight();
        self.request.block.channel.state.reattach();
        self.pass(env)
    }

    /// Shows the exchange to the middlewares of its route that have not seen it.
    #[inline(never)]
    fn pass(&mut self, env: &mut Environment) -> Turn {
        match self.show(Exchange::new(SharedBlock::clone(&self.request.block)), env) {
            Some(exchange) => self.admit(exchange, env),
            // Answered, or kept for later; after a panic the exchange answered 500 when it was dropped.
            None => self.called(env),
        }
    }

    fn show(&mut self, mut exchange: Exchange, env: &Environment) -> Option<Exchange> {
        exchange = exchange.for_middleware(true);
        for middleware in self.route(env).chain.iter().skip(self.stage) {
            self.stage += 1;
            match guard::unwinding(env, "middleware panicked", || middleware.on_request(exchange)) {
                Some(Step::Next(next)) if next.request().block.channel.state.check_open().is_ok() => {
                    exchange = next
                }
                _ => return None,
            }
        }
        Some(exchange.for_middleware(false))
    }

    /// All middlewares let the exchange pass: its content is collected, or flows, or there is none.
    fn admit(&mut self, exchange: Exchange, env: &mut Environment) -> Turn {
        let (length, unrouted) = (self.request.block.length, self.request.block.unrouted.clone());
        let options = &self.route(env).options;
        let streaming = options.streaming;
        let limit = options.body_limit.unwrap_or(env.service.config.body_limit);
        let announced = if let BodyLength::Known(length) = length { length } else { 0 };
        if let Some(unrouted) = unrouted {
            self.refuse(exchange, unrouted.status, unrouted.allow.as_deref(), env)
        } else if announced > limit {
            self.refuse(exchange, 413, None, env)
        } else if length == BodyLength::Empty {
            self.content = Content::Complete;
            if streaming {
                self.request.block.channel.stream.lock().received_all = true;
            }
            self.call(exchange, env)
        } else if streaming {
            self.content = Content::Flowing { allowed: limit };
            self.begin_content(env);
            self.hold(env);
            self.call(exchange, env)
        } else {
            exchange.dissolve();
            self.content = Content::Collected { allowed: limit };
            self.begin_content(env);
            let room = usize::try_from(announced.min(64 << 10)).unwrap_or_default();
            self.request.block.channel.stream.lock().collected.reserve(room);
            Turn::Collect
        }
    }

    /// Calls the handler.
    #[inline(always)]
    pub(super) fn call(&mut self, exchange: Exchange, env: &mut Environment) -> Turn {
        if env.is_full() {
            return self.refuse(exchange, 503, None, env);
        }
        if let Some(pool) = env.service.blocking.as_ref().filter(|_| self.route(env).options.blocking) {
            if let Err(exchange) = pool.submit(Arc::clone(self.route(env)), exchange) {
                return self.refuse(exchange, 503, None, env);
            }
        } else {
            // After a panic the exchange answers 500 when it drops.
            guard::unwinding(env, "handler panicked", || self.route(env).handler.handle(exchange));
        }
        self.called(env)
    }

    /// Somebody got the exchange.
    #[inline]
    fn called(&mut self, env: &mut Environment) -> Turn {
        let (progress, told) =
            match SharedBlock::get_mut(&mut self.request.block).and_then(Block::own_channel) {
                Some(own) => own.state.detach_alone(),
                None => self.request.block.channel.state.detach(),
            };
        env.enter_flight();
        self.answer = Answer::Waiting;
        if progress == Progress::Whole && !told {
            return Turn::Send;
        }
        self.answer_deadline = env.now + self.handler_timeout(env);
        if told || progress != Progress::Open { Turn::Look } else { Turn::Wait }
    }

    /// Answers before anybody asked for the content.
    #[cold]
    fn refuse(
        &mut self,
        exchange: Exchange,
        status: u16,
        allow: Option<&str>,
        env: &mut Environment,
    ) -> Turn {
        exchange.dissolve();
        let block = &self.request.block;
        // Err: it was given up. Who kept a hand on it learns that it is answered.
        let _ = block.channel.state.answer(false);
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
        if self.content != Content::Complete {
            self.content = Content::Undecided;
        }
        env.enter_flight();
        self.answer = Answer::Waiting;
        Turn::Send
    }
}

/// The answer to a request that no route takes.
fn refusal<T>(found: &Found<'_, T>) -> Unrouted {
    let (status, allow) = match found {
        Found::Options { allow } => (204, Some(allow.to_string())),
        Found::NotAllowed { allow } => (405, Some(allow.to_string())),
        Found::BadPath => (400, None),
        Found::NotFound | Found::Match(_) => (404, None),
    };
    Unrouted { status, allow }
}
