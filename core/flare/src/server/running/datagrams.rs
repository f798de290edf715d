//! Datagrams of a request (RFC 9297), from the transport or from the capsules of the byte stream, on their way to the handler.

use flare_proto::capsule::{self, Found};

use super::Running;
#[cfg(feature = "http3")]
use super::{Answer, Content};
use crate::exchange::{Channel, Event, MOST_OF_DATAGRAM};
use crate::server::environment::Environment;

/// The request has no use for datagrams.
#[cfg(feature = "http3")]
#[derive(Debug)]
pub(crate) struct Unwanted;

impl Running {
    /// Whether it is a stream of datagrams.
    pub(crate) fn has_datagrams(&self) -> bool {
        self.capsules.is_some()
    }

    /// Whether the byte stream would end within a capsule, which makes the message malformed (RFC 9297, 3.3).
    pub(crate) fn is_amid_capsule(&self) -> bool {
        self.capsules.as_ref().is_some_and(|capsules| !capsules.is_between())
    }

    /// Whether datagrams have come, and the handler accepts a protocol without any.
    #[cfg(feature = "http3")]
    pub(crate) fn has_unwanted_datagrams(&self) -> bool {
        let stream = self.request.block.channel.stream.lock();
        let came = stream.datagrams.as_ref().is_some_and(|datagrams| datagrams.next_inbound().is_some());
        came && !stream.has_datagrams()
    }

    /// The transport brought a datagram.
    #[cfg(feature = "http3")]
    pub(crate) fn take_datagram(&mut self, datagram: &[u8], env: &Environment) -> Result<(), Unwanted> {
        let channel = &self.request.block.channel;
        if self.has_datagrams() && self.content != Content::Complete {
            channel.deliver_datagram(datagram, env);
            self.stays_alive(env);
        } else if self.has_datagrams() {
            // The client has ended its side.
            env.counters.http_datagrams_dropped.add(1);
        } else if self.switched || !self.request.block.offers_switch {
            return Err(Unwanted);
        } else if self.answer == Answer::Streaming {
            // It does not know yet that it was refused.
            env.counters.http_datagrams_dropped.add(1);
        } else {
            // The handler has not decided.
            channel.keep_datagram(datagram, env);
        }
        Ok(())
    }
}

impl Channel {
    /// The byte stream begins. If the handler accepted datagrams it is one of capsules.
    pub(crate) fn begin_datagrams(&self) -> Option<Box<capsule::Datagrams>> {
        let mut stream = self.stream.lock();
        if stream.has_datagrams() {
            return Some(Box::new(capsule::Datagrams::new(MOST_OF_DATAGRAM)));
        }
        stream.datagrams = None;
        None
    }

    /// Takes bytes of the stream of capsules. False: no more are taken for now.
    pub(crate) fn take_capsules(
        &self,
        capsules: &mut capsule::Datagrams,
        mut bytes: &[u8],
        env: &Environment,
    ) -> bool {
        while let Some(found) = capsules.next(&mut bytes) {
            match found {
                Found::Datagram(datagram) => self.deliver_datagram(datagram, env),
                Found::TooLong { .. } => env.counters.http_datagrams_dropped.add(1),
            }
        }
        !self.stream.lock().paused
    }

    fn deliver_datagram(&self, datagram: &[u8], env: &Environment) {
        match self.survive(env, || self.stream.hand_over_datagram(datagram)) {
            Some(true) => env.counters.http_datagrams_in.add(1),
            Some(false) => {
                self.keep_datagram(datagram, env);
                self.stream.notify();
                self.tell_watcher(env);
            }
            None => {}
        }
    }

    /// Keeps a datagram until the handler takes it, if there is room.
    fn keep_datagram(&self, datagram: &[u8], env: &Environment) {
        let kept = self.stream.lock().push_datagram(datagram);
        let counters = &env.counters;
        let counter = if kept { &counters.http_datagrams_in } else { &counters.http_datagrams_dropped };
        counter.add(1);
    }

    /// Tells a handler that watches that there is something to read.
    fn tell_watcher(&self, env: &Environment) {
        if self.stream.lock().has_untold_datagrams() {
            self.tell_event(Event::Readable, env);
        }
    }

    /// Hands over what came before the handler listened, or while it paused.
    pub(crate) fn deliver_waiting_datagrams(&self, env: &Environment) {
        while self.survive(env, || self.stream.hand_over_waiting_datagram()) == Some(true) {}
        self.tell_watcher(env);
    }
}
