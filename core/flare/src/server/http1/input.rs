//! Reading: heads, and content that is collected, flows, or is dropped.

use flare_net::Output;
use flare_proto::Headers;
use flare_proto::http1::{self, BodyEvent, BodyLength, RequestInfo};

use super::{Http1, Input};
use crate::exchange::{ExchangeKey, SharedBlock};
use crate::log::Level;
use crate::server::environment::Environment;
use crate::server::running::{Content, Opening, Running, Turn};

impl Http1 {
    /// Uses some of the input. `None`: nothing more can be done for now.
    pub(super) fn read(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) -> Option<usize> {
        if input.is_empty() {
            return None;
        }
        match (&self.running, self.input) {
            (Some(running), _) => match running.content {
                Content::Collected { allowed } => self.collect(input, allowed, env, out),
                Content::Flowing { allowed } => self.flow(input, allowed, env, out),
                Content::Undecided | Content::Complete => None,
            },
            (None, Input::Idle { .. } | Input::Head) => self.read_head(input, env, out),
            (None, Input::Discard { allowed }) => self.discard(input, allowed, env),
        }
    }

    fn read_head(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) -> Option<usize> {
        let key = ExchangeKey { connection: self.key, stream: 0 };
        let mut block = env.pool.take(key, &self.ends);
        let own = SharedBlock::get_mut(&mut block)?;
        own.move_to(key);
        own.early = self.early;
        own.ends.become_those(&self.ends);
        match self.wire.receive_head(&env.service.config.http1, input, &mut own.head) {
            Ok(Some((used, info))) => {
                env.counters.requests.add(1);
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

    /// A head is complete. `more`: bytes follow it already.
    fn begin(
        &mut self,
        mut block: SharedBlock,
        info: RequestInfo,
        more: bool,
        env: &mut Environment,
        out: &mut Output,
    ) {
        if env.draining {
            self.wire.close_after_response();
        }
        (self.late, self.until_close) = (false, false);
        if info.upgrade && info.body == BodyLength::Empty {
            block = match self.go_on_with_http2(block, env, out) {
                Ok(()) => return,
                Err(block) => block,
            };
        }
        let opening = Opening {
            length: info.body,
            expects_continue: info.expects_continue && !more,
            // Content before the switch would have to be told apart from what comes behind it; nobody sends any.
            offers_switch: info.upgrade && info.body == BodyLength::Empty,
        };
        let running = Running::new(block, opening, env);
        let turn = self.running.insert(running).begin(env);
        self.turn(turn, env, out);
    }

    /// Does what the running exchange needs now.
    pub(super) fn turn(&mut self, turn: Turn, env: &mut Environment, out: &mut Output) {
        match turn {
            Turn::Wait => self.late = true,
            Turn::Look => {
                self.late = true;
                self.look(env, out);
            }
            Turn::Send => self.send(env, out),
            Turn::Collect => self.send_continue(out),
        }
    }

    /// Content for a handler that wants it whole.
    #[inline(never)]
    fn collect(
        &mut self,
        input: &[u8],
        allowed: u64,
        env: &mut Environment,
        out: &mut Output,
    ) -> Option<usize> {
        let running = self.running.as_mut()?;
        match receive_body(&mut self.wire, running, input, env) {
            Ok((used, BodyEvent::Data(data))) => {
                if running.collect(data, allowed, env).is_err() {
                    self.refuse(413, env, out);
                    return None;
                }
                if self.wire.request_complete() {
                    let turn = running.collected(env);
                    self.turn(turn, env, out);
                }
                Some(used)
            }
            Ok((used, BodyEvent::End)) => {
                let turn = running.collected(env);
                self.turn(turn, env, out);
                Some(used)
            }
            Ok((used, BodyEvent::Incomplete)) => (used > 0).then_some(used),
            Err(error) => {
                self.protocol_error(error, env, out);
                None
            }
        }
    }

    /// Content for a handler that wants it as it comes.
    #[inline(never)]
    fn flow(&mut self, input: &[u8], allowed: u64, env: &mut Environment, out: &mut Output) -> Option<usize> {
        let running = self.running.as_mut()?;
        match receive_body(&mut self.wire, running, input, env) {
            Ok((used, BodyEvent::Data(data))) => {
                if running.flow(data, allowed, env).is_err() {
                    self.refuse_running(413, env, out);
                    return None;
                }
                if self.wire.request_complete() {
                    running.received_all(env);
                }
                Some(used)
            }
            Ok((used, BodyEvent::End)) => {
                running.received_all(env);
                Some(used)
            }
            Ok((used, BodyEvent::Incomplete)) => (used > 0).then_some(used),
            Err(error) => {
                env.counters.bad_requests.add(1);
                self.refuse_running(error.status(), env, out);
                None
            }
        }
    }

    /// Lets a client that waits for `100 Continue` send its content.
    pub(super) fn send_continue(&mut self, out: &mut Output) {
        if let Some(running) = &mut self.running
            && std::mem::take(&mut running.expects_continue)
        {
            // Err: the head of the answer is out already, which ends the client's wait too (RFC 9110, 10.1.1).
            let _ = self.wire.send_informational(out.buffer(), 100, &Headers::new());
        }
    }

    /// Content that nobody wants.
    #[inline(never)]
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
    #[inline]
    pub(super) fn next_request(&mut self, env: &Environment) {
        self.wire.next_request();
        if env.draining {
            return self.close(false);
        }
        self.late = false;
        self.input = Input::Idle { fresh: false };
        self.input_deadline = env.now + env.service.config.idle_timeout;
    }

    #[cold]
    fn protocol_error(&mut self, error: http1::Error, env: &mut Environment, out: &mut Output) {
        env.counters.bad_requests.add(1);
        env.service.log.tell(Level::Debug, "bad request", || format!("{}: {error}", self.ends.peer));
        self.refuse(error.status(), env, out);
    }
}

/// Takes some content apart. Trailers gather in the stream, because they may come in several parts.
fn receive_body<'i>(
    wire: &mut http1::ServerConnection,
    running: &Running,
    input: &'i [u8],
    env: &Environment,
) -> Result<(usize, BodyEvent<'i>), http1::Error> {
    let mut stream = running.request.block.channel.stream.lock();
    let mut trailers = stream.request_trailers.take().map_or_else(Headers::new, |trailers| *trailers);
    let received = wire.receive_body(&env.service.config.http1, input, &mut trailers);
    if !trailers.is_empty() {
        stream.request_trailers = Some(Box::new(trailers));
    }
    received
}
