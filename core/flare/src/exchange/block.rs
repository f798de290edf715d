//! The memory behind an exchange.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flare_net::{Key, Peer};
use flare_proto::{Headers, RequestHead};

use crate::exchange::State;
use crate::message::Response;
use crate::routing::Params;

/// Where an exchange belongs: a connection, and its stream where the protocol has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExchangeKey {
    pub(crate) connection: Key,
    pub(crate) stream: u64,
}

/// Who is told of an answer that came after the handler returned.
pub(crate) trait Home: Send + Sync {
    /// The answer of this exchange is stored in its block.
    fn answered(&self, key: ExchangeKey);
}

/// Everything about one exchange. The worker fills it while it is the sole holder; from the call of the handler on, all
/// but the state and the answer is immutable.
pub(crate) struct Block {
    pub(crate) head: RequestHead,
    pub(crate) params: Params,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Headers,
    pub(crate) peer: Peer,
    pub(crate) key: ExchangeKey,
    pub(crate) home: Arc<dyn Home>,
    pub(crate) state: State,
    answer: Mutex<Response>,
}

impl Block {
    pub(crate) fn new(home: Arc<dyn Home>, key: ExchangeKey, peer: Peer) -> Self {
        Self {
            head: RequestHead::new(),
            params: Params::new(),
            body: Vec::new(),
            trailers: Headers::new(),
            peer,
            key,
            home,
            state: State::default(),
            answer: Mutex::new(Response::new(200)),
        }
    }

    /// The answer, locked. A panic while it was held leaves an answer that is whole enough to send or replace.
    pub(crate) fn answer(&self) -> MutexGuard<'_, Response> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ready for another exchange; memory above `keep` bytes is given back.
    pub(crate) fn reset(&mut self, keep: usize) {
        self.head.clear();
        self.params.clear();
        self.body.clear();
        if self.body.capacity() > keep {
            self.body = Vec::new();
        }
        self.trailers.clear();
        self.state.reset();
        self.answer.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Block").field("key", &self.key).field("state", &self.state).finish_non_exhaustive()
    }
}
