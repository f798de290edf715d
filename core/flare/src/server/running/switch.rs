//! From messages to a byte stream of another protocol, on wires whose connection goes on as it is (RFC 8441). On HTTP/1.1 the connection becomes a
//! [`Tunnel`](crate::server::tunnel::Tunnel).

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Content, Running};
use crate::exchange::{Arrived, Channel, Event};
use crate::message::Response;
use crate::server::environment::Environment;

/// So many bytes are not left to the end of a turn.
const MUCH: usize = 16 * 1024;

impl Running {
    /// The head of the answer that accepts the switch is out: what follows it, both ways, are bytes of the new protocol.
    pub(crate) fn switch(&mut self, env: &Environment) {
        self.switched = true;
        self.content = Content::Flowing { allowed: u64::MAX };
        self.held = true;
        self.request.block.channel.stream.lock().begin_again();
        self.capsules = self.request.block.channel.begin_datagrams();
        self.stays_alive(env);
        self.take_alarm(env);
        self.forget_answer();
        if env.draining {
            self.tell_draining(env);
        }
    }

    /// A byte stream may be idle for long, and nobody needs the head that was sent any more.
    pub(crate) fn forget_answer(&self) {
        *self.request.block.answer() = Response::new(self.status);
    }

    /// Whether a byte stream needs more of its exchange than the channel: somebody will look at its request.
    pub(crate) fn is_needed(&self, env: &Environment) -> bool {
        let listened_to = !self.route(env).chain.is_empty() || env.service.access.is_some();
        listened_to || self.request.block.channel.stream.lock().source.is_some()
    }

    /// Content goes out, or bytes of another protocol go either way: it is not idle.
    #[inline]
    pub(crate) fn stays_alive(&mut self, env: &Environment) {
        if !self.alarmed {
            self.answer_deadline = env.now + env.service.config.stream_timeout;
        }
    }

    /// Bytes of the new protocol have come. True: there is something to look at now, such as what the handler sent meanwhile.
    pub(crate) fn pass_on(&mut self, arrived: Arrived<'_>, env: &Environment) -> bool {
        self.request.block.channel.state.attend();
        let taken = self.take(arrived, u64::MAX, env);
        debug_assert!(taken.is_ok(), "a byte stream has no limit");
        self.request.block.channel.end_of_input()
    }

    fn take_alarm(&mut self, env: &Environment) {
        let alarm = self.request.block.channel.stream.lock().alarm.take();
        if let Some(after) = alarm {
            self.alarm_after(after, env);
        }
    }

    /// The handler wants to be called after a while.
    pub(super) fn alarm_after(&mut self, after: Duration, env: &Environment) {
        if self.switched {
            self.alarmed = true;
            self.answer_deadline = env.now + after;
        }
    }

    /// A deadline passed: calls the handler if that is what it asked for. False: it did not.
    pub(crate) fn ring(&mut self, env: &Environment) -> bool {
        if !self.alarmed || self.answer_deadline > env.now {
            return false;
        }
        self.alarmed = false;
        self.stays_alive(env);
        self.request.block.channel.stream.now.store(env.now.0, Ordering::Relaxed);
        self.tell(Event::Alarm, env);
        self.take_alarm(env);
        true
    }

    /// The server ends: a byte stream has no end that would come by itself.
    pub(crate) fn tell_draining(&self, env: &Environment) {
        if self.switched {
            self.tell(Event::Draining, env);
        }
    }
}

impl Channel {
    /// The handler has had bytes of the new protocol. True: there is something to look at now. If what it sent meanwhile is little it waits for the
    /// end of the turn, as all that is sent behind a message: reading from many, then sending to many, costs less than both by turns. What is much
    /// goes out while its bytes are near.
    pub(crate) fn end_of_input(&self) -> bool {
        let (_, told) = self.state.detach();
        let now = told && self.stream.lock().outbound() >= MUCH;
        if told && !now {
            self.wake();
        }
        now
    }
}
