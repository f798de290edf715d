//! Calls of whoever listens to an exchange. A panic in one ends the exchange, and nothing else.

use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::Supply;
use crate::exchange::{Arrived, CancelReason, Channel, Event, Flow, Piece, StreamInner, Told};
use crate::server::environment::Environment;
use crate::server::guard;

impl Channel {
    /// Tells an event. `None`: the callback panicked, so the exchange was given up.
    pub(crate) fn tell_event(&self, event: Event<'_>, env: &Environment) -> Option<Option<Flow>> {
        self.survive(env, || self.stream.call(event))
    }

    /// Hands over content. False: no more is taken for now.
    pub(crate) fn deliver(&self, mut arrived: Arrived<'_>, env: &Environment) -> bool {
        self.stream.now.store(env.now.0, Ordering::Relaxed);
        match self.survive(env, || self.stream.hand_over(&mut arrived)) {
            Some(Some(more)) => more,
            Some(None) => {
                self.stream.lock().push_content(arrived.bytes());
                self.stream.notify();
                self.tell_waiting(env);
                let stream = self.stream.lock();
                !stream.paused && !stream.full
            }
            None => false,
        }
    }

    /// Tells of content, and of its end, whoever could not be told when it came: nobody listened, or a callback that pauses.
    pub(crate) fn tell_waiting(&self, env: &Environment) {
        while self.stream.is_used() && self.survive(env, || self.stream.tell_waiting()) == Some(true) {}
    }

    /// All content has come, and its end.
    pub(crate) fn received_all(&self, env: &Environment) {
        self.stream.lock().received_all = true;
        self.stream.notify();
        self.tell_waiting(env);
    }

    /// Tells that writes are taken again, if one was refused. False: the callback panicked.
    pub(crate) fn tell_writable(&self, env: &Environment) -> bool {
        let (room, owed) = {
            let mut stream = self.stream.lock();
            (stream.became_writable(), stream.owes_writable())
        };
        if room {
            self.stream.notify();
        }
        !owed || guard::unwinding(env, "callback panicked", || self.stream.call(Event::Writable)).is_some()
    }

    /// Tells that it is over.
    pub(crate) fn dismiss(&self, reason: CancelReason, env: &Environment) {
        self.state.cancel(reason);
        // Over first, so that nothing is queued behind the last event; the callback hears it all the same.
        if let Some(mut callback) = self.stream.close() {
            guard::unwinding(env, "callback panicked", || callback(Told::Event(Event::Cancelled)));
        }
    }

    /// The next of what was written.
    pub(crate) fn next_written(&self) -> Supply {
        next_written(&mut self.stream.lock())
    }

    /// Runs a call of the callback. `None`: it panicked, so the exchange was given up.
    pub(super) fn survive<T>(&self, env: &Environment, call: impl FnOnce() -> T) -> Option<T> {
        let result = guard::unwinding(env, "callback panicked", call);
        if result.is_none() {
            self.give_up();
        }
        result
    }
}

/// The next content of an answer that flows, of what was written.
pub(super) fn next_written(stream: &mut StreamInner) -> Supply {
    match stream.pop_piece() {
        Some(Piece::Data(data)) => Supply::Data(data),
        Some(Piece::File(file)) => Supply::File(file),
        // Given in the same moment as the head: too late.
        Some(Piece::Informational(..)) => Supply::Data(Bytes::new()),
        None if stream.sent_all => Supply::End(stream.answer_trailers.take()),
        None => Supply::Nothing,
    }
}
