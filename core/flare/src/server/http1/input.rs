//! Reading: heads, and content that is collected, flows, or is dropped.

use std::sync::Arc;

use bytes::Bytes;
use flare_net::Output;
use flare_proto::Headers;
use flare_proto::http1::{self, BodyEvent};

use super::{Answer, Http1, Input};
use crate::exchange::{Block, CancelReason, Event, Exchange, ExchangeKey, Flow};
use crate::log::Level;
use crate::server::environment::Environment;
use crate::server::guard;

impl Http1 {
    /// Uses some of the input. `None`: nothing more can be done for now.
    pub(super) fn read(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) -> Option<usize> {
        if input.is_empty() {
            return None;
        }
        match self.input {
            Input::Idle { .. } | Input::Head => self.read_head(input, env, out),
            Input::Collect { allowed } => self.collect(input, allowed, env, out),
            Input::Stream { allowed } => self.stream(input, allowed, env, out),
            Input::Discard { allowed } => self.discard(input, allowed, env),
            Input::Decide | Input::Complete => None,
        }
    }

    fn read_head(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) -> Option<usize> {
        let key = ExchangeKey { connection: self.key, stream: 0 };
        let mut block = env.pool.take(key, self.peer);
        let own = Arc::get_mut(&mut block)?;
        (own.key, own.peer) = (key, self.peer);
        match self.wire.receive_head(&env.service.config.http1, input, &mut own.head) {
            Ok(Some((used, info))) => {
                env.counters.requests.add(1);
                self.began = env.now;
                self.begin(block, info, used < input.len(), env, out);
                Some(used)
            }
            Ok(None) => {
                env.pool.give_back(block);
                if let Input::Idle { fresh } = self.input {
                    self.input = Input::Head;
                    if !fresh {
                        self.input_deadline = env.now + env.service.config.head_timeout;
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

    /// Content for a handler that wants it whole.
    fn collect(
        &mut self,
        input: &[u8],
        allowed: u64,
        env: &mut Environment,
        out: &mut Output,
    ) -> Option<usize> {
        let block = Arc::clone(&self.request.as_ref()?.block);
        match self.receive_body(&block, input, env) {
            Ok((used, BodyEvent::Data(data))) => {
                let Some(left) = allowed.checked_sub(data.len() as u64) else {
                    drop(block);
                    self.refuse(413, env, out);
                    return None;
                };
                block.stream.lock().collected.extend_from_slice(data);
                self.input = Input::Collect { allowed: left };
                self.input_deadline = env.now + env.service.config.body_timeout;
                if self.wire.request_complete() {
                    self.collected(block, env, out);
                }
                Some(used)
            }
            Ok((used, BodyEvent::End)) => {
                self.collected(block, env, out);
                Some(used)
            }
            Ok((used, BodyEvent::Incomplete)) => (used > 0).then_some(used),
            Err(error) => {
                drop(block);
                self.protocol_error(error, env, out);
                None
            }
        }
    }

    /// Takes some content apart. Trailers gather in the stream, because they may come in several parts.
    fn receive_body<'i>(
        &mut self,
        block: &Block,
        input: &'i [u8],
        env: &Environment,
    ) -> Result<(usize, BodyEvent<'i>), http1::Error> {
        let mut stream = block.stream.lock();
        self.wire.receive_body(&env.service.config.http1, input, &mut stream.request_trailers)
    }

    fn collected(&mut self, block: Arc<Block>, env: &mut Environment, out: &mut Output) {
        self.input = Input::Complete;
        let (body, trailers) = {
            let mut stream = block.stream.lock();
            (std::mem::take(&mut stream.collected), std::mem::take(&mut stream.request_trailers))
        };
        let set = block.body.set(body).is_ok() && block.trailers.set(trailers).is_ok();
        debug_assert!(set, "collected twice");
        self.request = None;
        let exchange = Exchange::new(Arc::clone(&block));
        self.call(block, exchange, env, out);
    }

    /// Content for a handler that wants it as it comes.
    fn stream(
        &mut self,
        input: &[u8],
        allowed: u64,
        env: &mut Environment,
        out: &mut Output,
    ) -> Option<usize> {
        let block = Arc::clone(&self.request.as_ref()?.block);
        match self.receive_body(&block, input, env) {
            Ok((used, BodyEvent::Data(data))) => {
                let Some(left) = allowed.checked_sub(data.len() as u64) else {
                    drop(block);
                    self.refuse_running(413, env, out);
                    return None;
                };
                self.input = Input::Stream { allowed: left };
                self.input_deadline = env.now + env.service.config.body_timeout;
                if self.answer == Answer::Waiting {
                    self.answer_deadline = env.now + self.handler_timeout(env);
                }
                self.held = !self.deliver(&block, data, env);
                if self.wire.request_complete() {
                    self.received_all(&block, env);
                }
                Some(used)
            }
            Ok((used, BodyEvent::End)) => {
                self.received_all(&block, env);
                Some(used)
            }
            Ok((used, BodyEvent::Incomplete)) => (used > 0).then_some(used),
            Err(error) => {
                drop(block);
                env.counters.bad_requests.add(1);
                self.refuse_running(error.status(), env, out);
                None
            }
        }
    }

    /// Hands content to the handler. False: it takes no more for now.
    fn deliver(&mut self, block: &Block, data: &[u8], env: &mut Environment) -> bool {
        let pushed = {
            let mut stream = block.stream.lock();
            // Before the call: whoever the callback hands the content to may resume before it returns.
            stream.paused = stream.is_pushed();
            stream.paused
        };
        if pushed {
            let flow = guard::unwinding(env, "callback panicked", || block.stream.call(Event::Data(data)));
            match flow {
                Some(Some(Flow::Pause)) => !block.stream.lock().paused,
                // None: the callback is gone, because the exchange has ended.
                Some(Some(Flow::Continue) | None) => {
                    block.stream.lock().paused = false;
                    true
                }
                None => {
                    block.state.cancel(CancelReason::Reset);
                    block.tell();
                    false
                }
            }
        } else {
            let more = block.stream.lock().push_chunk(Bytes::copy_from_slice(data));
            block.stream.notify();
            match guard::unwinding(env, "callback panicked", || block.stream.call(Event::Readable)) {
                Some(_) => more,
                None => {
                    block.state.cancel(CancelReason::Reset);
                    block.tell();
                    false
                }
            }
        }
    }

    /// The request has ended.
    fn received_all(&mut self, block: &Block, env: &mut Environment) {
        self.input = Input::Complete;
        self.held = false;
        {
            let mut stream = block.stream.lock();
            stream.received_all = true;
            let set = block.trailers.set(std::mem::take(&mut stream.request_trailers));
            debug_assert!(set.is_ok(), "ended twice");
        }
        block.stream.notify();
        if guard::unwinding(env, "callback panicked", || block.stream.call(Event::End)).is_none() {
            block.state.cancel(CancelReason::Reset);
            block.tell();
        }
    }

    /// Sends `100 Continue` and reads on, if the handler wants content.
    pub(super) fn want_content(&mut self, block: &Block, env: &Environment, out: &mut Output) {
        if !matches!(self.input, Input::Stream { .. }) {
            return;
        }
        let (wanted, room) = {
            let stream = block.stream.lock();
            (stream.wanted, !stream.paused && !stream.full)
        };
        if wanted {
            self.send_continue(out);
            if std::mem::replace(&mut self.held, !room) && room {
                // While it was held back the client could not send, so its time begins again.
                self.input_deadline = env.now + env.service.config.body_timeout;
            }
        }
    }

    /// Tells a handler that wanted content of the end of a request that has none, once it listens.
    pub(super) fn tell_end(&mut self, block: &Block, env: &mut Environment) {
        if !self.end_untold {
            return;
        }
        match guard::unwinding(env, "callback panicked", || block.stream.call(Event::End)) {
            Some(told) => self.end_untold = told.is_none(),
            None => {
                self.end_untold = false;
                block.state.cancel(CancelReason::Reset);
                block.tell();
            }
        }
    }

    /// Content that nobody wants.
    fn discard(&mut self, input: &[u8], allowed: u64, env: &mut Environment) -> Option<usize> {
        let mut trailers = Headers::new();
        match self.wire.receive_body(&env.service.config.http1, input, &mut trailers) {
            Ok((used, event)) => {
                let complete = matches!(event, BodyEvent::End) || self.wire.request_complete();
                match allowed.checked_sub(used as u64) {
                    // Also when the content ends here: what is too much must not depend on how it was split.
                    None => self.close(true),
                    Some(_) if complete => self.next_request(env),
                    Some(left) => self.input = Input::Discard { allowed: left },
                }
                (used > 0).then_some(used)
            }
            // The answer is out already; all that is left is to close.
            Err(_) => {
                self.close(true);
                None
            }
        }
    }

    /// Ready for the next request.
    pub(super) fn next_request(&mut self, env: &Environment) {
        self.wire.next_request();
        if env.draining {
            return self.close(false);
        }
        self.late = false;
        self.input = Input::Idle { fresh: false };
        self.input_deadline = env.now + env.service.config.idle_timeout;
    }

    fn protocol_error(&mut self, error: http1::Error, env: &mut Environment, out: &mut Output) {
        env.counters.bad_requests.add(1);
        env.service.log.tell(Level::Debug, "bad request", || format!("{}: {error}", self.peer));
        self.refuse(error.status(), env, out);
    }
}
