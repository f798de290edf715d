//! The request's content on its way to the handler: collected, or as it comes.

use super::{Answer, Content, Running, Turn};
use crate::exchange::{Arrived, Block, Event, Exchange, Flow, SharedBlock};
use crate::message::Headers;
use crate::server::environment::Environment;

/// More content came than is allowed.
#[derive(Debug)]
pub(crate) struct TooMuch;

impl Running {
    /// Takes content that is collected. [`Running::collected`] has to be called behind the last of it.
    pub(crate) fn collect(&mut self, data: &[u8], allowed: u64, env: &Environment) -> Result<(), TooMuch> {
        let left = allowed.checked_sub(data.len() as u64).ok_or(TooMuch)?;
        self.request.block.channel.stream.lock().collected.extend_from_slice(data);
        self.content = Content::Collected { allowed: left };
        self.content_came(data.len(), env);
        Ok(())
    }

    /// All content was collected: the handler gets it.
    pub(crate) fn collected(&mut self, env: &mut Environment) -> Turn {
        self.content = Content::Complete;
        let block = &self.request.block;
        let (body, trailers) = {
            let mut stream = block.channel.stream.lock();
            (std::mem::take(&mut stream.collected), stream.request_trailers.take())
        };
        let set = block.body.set(body).is_ok() && set_trailers(block, trailers);
        debug_assert!(set, "collected twice");
        let exchange = Exchange::new(SharedBlock::clone(block));
        self.call(exchange, env)
    }

    /// Takes content that flows. Afterwards `held` says whether the handler takes more.
    pub(crate) fn flow(&mut self, data: &[u8], allowed: u64, env: &Environment) -> Result<(), TooMuch> {
        self.take(Arrived::Lent(data), allowed, env)
    }

    pub(super) fn take(
        &mut self,
        arrived: Arrived<'_>,
        allowed: u64,
        env: &Environment,
    ) -> Result<(), TooMuch> {
        let data = arrived.bytes();
        let left = allowed.checked_sub(data.len() as u64).ok_or(TooMuch)?;
        self.content = Content::Flowing { allowed: if self.switched { u64::MAX } else { left } };
        self.content_came(data.len(), env);
        if self.switched {
            self.stays_alive(env);
        } else if self.answer == Answer::Waiting {
            self.answer_deadline = env.now + self.handler_timeout(env);
        }
        if let Some(capsules) = &mut self.capsules {
            if !self.request.block.channel.take_capsules(capsules, data, env) {
                self.hold(env);
            }
        } else if !self.request.block.channel.deliver(arrived, env) {
            self.hold(env);
        }
        Ok(())
    }

    /// The request has ended, and its content flowed.
    pub(crate) fn received_all(&mut self, env: &Environment) {
        self.content = Content::Complete;
        self.held = false;
        let block = &self.request.block;
        // In a statement of its own: the lock must not be held any more.
        let trailers = block.channel.stream.lock().request_trailers.take();
        let set = set_trailers(block, trailers);
        debug_assert!(set, "ended twice");
        block.channel.received_all(env);
    }

    /// Calls the handler's callback. `None`: it panicked, so the exchange was given up.
    pub(super) fn tell(&self, event: Event<'_>, env: &Environment) -> Option<Option<Flow>> {
        self.request.block.channel.tell_event(event, env)
    }

    /// Whether the handler has begun its answer and asked for content since the connection looked last. Then `100 Continue` goes before the head, behind which
    /// it may not come any more: a client that waits for it would send nothing.
    pub(crate) fn asks_with_answer(&self) -> bool {
        let channel = &self.request.block.channel;
        self.expects_continue
            && matches!(self.content, Content::Flowing { .. })
            && channel.state.is_streamed()
            && channel.stream.lock().wanted
    }

    /// Looks whether the handler takes content that flows. True: it asked for some, so whoever waits for `100 Continue` gets it.
    pub(crate) fn wants_content(&mut self, env: &Environment) -> bool {
        if self.has_datagrams() {
            self.request.block.channel.deliver_waiting_datagrams(env);
        }
        self.request.block.channel.tell_waiting(env);
        if !matches!(self.content, Content::Flowing { .. }) {
            return false;
        }
        let (wanted, room, alarm) = {
            let mut stream = self.request.block.channel.stream.lock();
            (stream.wanted, !stream.paused && !stream.full, stream.alarm.take())
        };
        if let Some(after) = alarm {
            self.alarm_after(after, env);
        }
        if wanted && room {
            self.let_go(env);
        } else if wanted {
            self.hold(env);
        }
        wanted
    }
}

/// The request has ended, with these trailers. False: it had before.
fn set_trailers(block: &Block, trailers: Option<Box<Headers>>) -> bool {
    trailers.is_none_or(|trailers| block.trailers.set(trailers).is_ok())
}
