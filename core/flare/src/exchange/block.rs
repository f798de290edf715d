//! The memory behind an exchange.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use flare_proto::http1::BodyLength;
use flare_proto::{Headers, RequestHead};

use crate::exchange::{Channel, Ends, ExchangeKey, Home, SharedChannel};
use crate::message::{Extensions, Response};
use crate::routing::Params;

/// Whether a request came before the end of the TLS handshake, where it may be one that somebody sent again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Early {
    #[default]
    No,
    /// It did, and only safe methods are allowed there.
    Safe,
    /// It did, and that is allowed for all.
    Any,
}

/// The answer to a request that no route takes.
#[derive(Debug, Clone)]
pub(crate) struct Unrouted {
    pub(crate) status: u16,
    pub(crate) allow: Option<String>,
}

/// A block, as its worker and whoever has the exchange hold it. The standard library's `Arc` has weak references too, which nobody needs here,
/// and which make it an atomic change to see whether there is one holder only.
pub(crate) type SharedBlock = triomphe::Arc<Block>;

/// Everything about one exchange. The worker fills it while it is the sole holder; from the call of the handler on, all
/// but the channel and the answer is immutable.
pub(crate) struct Block {
    pub(crate) head: RequestHead,
    pub(crate) params: Params,
    /// How the content is delimited.
    pub(crate) length: BodyLength,
    /// The client offers to go on with a byte stream of another protocol.
    pub(crate) offers_switch: bool,
    /// The answer to a request that no route takes.
    pub(crate) unrouted: Option<Box<Unrouted>>,
    /// The content, once it was collected. Middleware may hold the request before that.
    pub(crate) body: OnceLock<Vec<u8>>,
    /// The trailers, once they have come. Few requests have any, and a block may be held for long.
    pub(crate) trailers: OnceLock<Box<Headers>>,
    pub(crate) extensions: Extensions,
    pub(crate) ends: Ends,
    pub(crate) early: Early,
    /// What goes on of it when it becomes a byte stream of another protocol, and nobody keeps the rest.
    pub(crate) channel: SharedChannel,
    answer: Mutex<Response>,
}

impl Block {
    pub(crate) fn new(home: Arc<dyn Home>, key: ExchangeKey, ends: Ends) -> Self {
        Self {
            head: RequestHead::new(),
            params: Params::new(),
            length: BodyLength::Empty,
            offers_switch: false,
            unrouted: None,
            body: OnceLock::new(),
            trailers: OnceLock::new(),
            extensions: Extensions::default(),
            ends,
            early: Early::No,
            channel: SharedChannel::new(Channel::new(home, key)),
            answer: Mutex::new(Response::new(200)),
        }
    }

    /// The answer, locked. A panic while it was held leaves an answer that is whole enough to send or replace.
    #[inline]
    pub(crate) fn answer(&self) -> MutexGuard<'_, Response> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer, for the sole holder of the block.
    #[inline]
    pub(crate) fn own_answer(&mut self) -> &mut Response {
        self.answer.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// The channel, if the sole holder of the block is its only one too.
    #[inline]
    pub(crate) fn own_channel(&mut self) -> Option<&mut Channel> {
        SharedChannel::get_mut(&mut self.channel)
    }

    /// It belongs to this connection now. Only for the sole holder.
    #[inline]
    pub(crate) fn move_to(&mut self, key: ExchangeKey) {
        match self.own_channel() {
            Some(own) => own.key = key,
            None => self.leave_channel(key),
        }
    }

    /// Goes on with a channel of its own, where the one that it has is that of a byte stream now.
    #[cold]
    pub(crate) fn leave_channel(&mut self, key: ExchangeKey) {
        self.channel = SharedChannel::new(Channel::new(Arc::clone(&self.channel.home), key));
    }

    /// Ready for another exchange; memory above `keep` bytes is given back.
    pub(crate) fn reset(&mut self, keep: usize) {
        self.head.clear();
        self.params.clear();
        self.length = BodyLength::Empty;
        self.unrouted = None;
        if self.trailers.get().is_some() {
            self.trailers.take();
        }
        self.ends.tls = None;
        self.extensions.clear();
        let body = if self.body.get().is_some() { self.body.take() } else { None };
        match self.own_channel() {
            Some(own) => own.reset(body.filter(|body| body.capacity() <= keep)),
            None => self.leave_channel(self.channel.key),
        }
        self.own_answer().clear();
    }
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Block").field("channel", &self.channel).finish_non_exhaustive()
    }
}
