//! How far an exchange is, and what flows: what its connection shares with whoever answers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::exchange::{AnswerError, Callback, CancelReason, ExchangeKey, Home, State, Stream};

/// A channel, as both of its sides hold it. See [`SharedBlock`](crate::exchange::SharedBlock) for the kind of `Arc`.
pub(crate) type SharedChannel = triomphe::Arc<Channel>;

/// The state of an exchange and its content, both ways. It is a value of its own, apart from the head and the answer, because it outlives them when
/// an exchange becomes a byte stream of another protocol.
pub(crate) struct Channel {
    pub(crate) key: ExchangeKey,
    pub(crate) home: Arc<dyn Home>,
    pub(crate) state: State,
    pub(crate) stream: Stream,
}

impl Channel {
    pub(crate) fn new(home: Arc<dyn Home>, key: ExchangeKey) -> Self {
        Self { key, home, state: State::default(), stream: Stream::default() }
    }

    /// Back to the start, with memory for the content of the next exchange.
    pub(crate) fn reset(&mut self, memory: Option<Vec<u8>>) {
        self.stream.reset();
        if let Some(mut memory) = memory {
            memory.clear();
            self.stream.keep(memory);
        }
        self.state.reset();
    }

    /// Makes the session look at the exchange.
    pub(crate) fn tell(&self) {
        if self.state.tell() {
            self.wake();
        }
    }

    /// The same, where it is known that the session has to be told.
    pub(crate) fn wake(&self) {
        self.home.wake(self.key);
    }

    /// Sets the callback for events. After the end of the exchange it is dropped. `wanting`: it asks for content.
    pub(crate) fn listen(&self, callback: Callback, watching: bool, wanting: bool) {
        // Dropped without the lock, because a callback may hold the exchange.
        let unused = {
            let mut stream = self.stream.lock();
            stream.wanted |= wanting;
            if stream.over { Some(callback) } else { stream.set_callback(callback, watching) }
        };
        drop(unused);
        self.tell();
    }

    /// An error when the exchange is over.
    pub(crate) fn check_alive(&self) -> Result<(), AnswerError> {
        self.state.cancelled().map_or(Ok(()), |reason| Err(AnswerError::Cancelled(reason)))
    }

    /// Why nothing flows any more.
    pub(crate) fn over(&self) -> AnswerError {
        self.check_alive().err().unwrap_or(AnswerError::Answered)
    }

    /// Gives some content of an answer that was begun. It is taken whole or refused.
    pub(crate) fn write(&self, data: Bytes) -> Result<(), AnswerError> {
        self.check_alive()?;
        {
            let mut stream = self.stream.lock();
            if stream.sent_all || stream.over {
                // Also when nothing was to be sent, as after HEAD: nobody would ever take it.
                return Err(self.over());
            }
            if stream.has_datagrams() {
                return Err(AnswerError::Misuse("the byte stream is one of capsules"));
            }
            if data.is_empty() {
                return Ok(());
            }
            if !stream.push_data(data) {
                return Err(AnswerError::WouldBlock);
            }
        }
        self.tell();
        Ok(())
    }

    /// Events with content go on after [`Flow::Pause`](crate::exchange::Flow).
    pub(crate) fn resume(&self) {
        if std::mem::replace(&mut self.stream.lock().paused, false) {
            self.tell();
        }
    }

    /// See [`Exchange::set_alarm`](crate::Exchange::set_alarm).
    pub(crate) fn set_alarm(&self, after: Duration) {
        self.stream.lock().alarm = Some(after);
        self.tell();
    }

    /// Gives the exchange up.
    pub(crate) fn give_up(&self) {
        if self.state.cancel(CancelReason::Reset) {
            self.tell();
        }
    }

    /// Whoever had the right to write has let it go: an answer that has not ended never will.
    pub(crate) fn abandon(&self) {
        let whole = self.stream.lock().sent_all;
        if !whole {
            self.give_up();
        }
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").field("key", &self.key).field("state", &self.state).finish_non_exhaustive()
    }
}
