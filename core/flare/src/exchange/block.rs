//! The memory behind an exchange.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use flare_net::Key;
use flare_proto::http1::BodyLength;
use flare_proto::websocket::Contexts;
use flare_proto::{Headers, RequestHead};

use crate::exchange::{Callback, Ends, RelayRequest, State, Stream};
use crate::message::{Extensions, Response};
use crate::routing::Params;
use crate::websocket::{Message, SendError, TopicCommand};

/// Where an exchange belongs: a connection, and its stream where the protocol has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExchangeKey {
    pub(crate) connection: Key,
    pub(crate) stream: u64,
}

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

/// Who is told of what happens to an exchange after its handler returned.
pub(crate) trait Home: Send + Sync {
    /// Something happened to this exchange that its session should look at.
    fn wake(&self, key: ExchangeKey);

    /// The exchange is answered by an upstream. Where there are no sockets, none can be reached.
    fn relay(&self, request: RelayRequest) {
        request.exchange.respond(502);
    }

    /// A socket comes to a topic or leaves it.
    fn topic(&self, _command: TopicCommand) {}

    /// A message goes to all sockets of a topic. Where there are no workers, nobody gets it.
    fn publish(&self, _topic: &str, _message: Message<'_>) -> Result<(), SendError> {
        Err(SendError::Closed)
    }

    /// The code behind an exchange failed, and says why. Where there is no log, nobody hears of it.
    fn failed(&self, _message: &str) {}

    /// Code of the application panicked on the worker, and its exchange goes on: to be counted and told.
    fn panicked(&self, _kind: &'static str) {}

    /// The contexts of this worker for compressed messages.
    fn deflate_contexts(&self) -> Contexts {
        Contexts::default()
    }
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
/// but the state and the answer is immutable.
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
    pub(crate) key: ExchangeKey,
    pub(crate) home: Arc<dyn Home>,
    pub(crate) state: State,
    pub(crate) stream: Stream,
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
            key,
            home,
            state: State::default(),
            stream: Stream::default(),
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

    /// Makes the session look at the exchange.
    pub(crate) fn tell(&self) {
        if self.state.tell() {
            self.home.wake(self.key);
        }
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

    /// Ready for another exchange; memory above `keep` bytes is given back.
    pub(crate) fn reset(&mut self, keep: usize) {
        self.head.clear();
        self.params.clear();
        self.length = BodyLength::Empty;
        self.unrouted = None;
        self.trailers.take();
        self.ends.tls = None;
        self.extensions.clear();
        self.stream.reset();
        if let Some(mut body) = self.body.take()
            && body.capacity() <= keep
        {
            body.clear();
            self.stream.keep(body);
        }
        self.state.reset();
        self.own_answer().clear();
    }
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Block").field("key", &self.key).field("state", &self.state).finish_non_exhaustive()
    }
}
