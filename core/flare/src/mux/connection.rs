//! A connection, as the program holds it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flare_net::{Key, Mailbox};

use super::connect::connect;
use super::error::{Ended, MuxError};
use super::hub::Message;
use super::options::MuxOptions;
use super::pipe::{Over, Pipe};
use super::stream::MuxStream;
use super::wait::{deadline, wait};
use crate::embed::Changed;

/// One end of a connection. It may be cloned and used by any thread. The connection ends when neither it nor one of its streams is held
/// any more; what was finished is sent before.
#[derive(Clone)]
pub struct Mux {
    owner: Arc<Owner>,
}

/// What the program and the thread of a connection share.
pub(super) struct Shared {
    inner: Mutex<Inner>,
    changed: Changed,
    max_streams: usize,
}

struct Inner {
    /// Streams of the peer that nobody took yet.
    incoming: VecDeque<Arc<Pipe>>,
    /// How many streams this end has open.
    own: usize,
    /// The program wants no more streams.
    closed: bool,
    over: Option<Ended>,
}

impl Shared {
    pub(super) fn new(options: &MuxOptions) -> Self {
        let inner = Inner { incoming: VecDeque::new(), own: 0, closed: false, over: None };
        Self { inner: Mutex::new(inner), changed: Changed::default(), max_streams: options.max_streams }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The peer opened a stream. False: nobody wants it.
    pub(super) fn opened(&self, pipe: &Arc<Pipe>) -> bool {
        let mut inner = self.lock();
        if inner.closed {
            return false;
        }
        inner.incoming.push_back(Arc::clone(pipe));
        self.changed.notify_one();
        true
    }

    /// The peer took a stream back. If nobody has it yet, nobody needs it: else a peer could fill the list with them.
    pub(super) fn withdrawn(&self, pipe: &Arc<Pipe>) {
        self.lock().incoming.retain(|waiting| !Arc::ptr_eq(waiting, pipe));
    }

    /// A stream of this end is over.
    pub(super) fn own_ended(&self) {
        let mut inner = self.lock();
        inner.own = inner.own.saturating_sub(1);
    }

    /// The connection is over. True for the first to say so.
    pub(super) fn end(&self, why: &Ended) -> bool {
        let mut inner = self.lock();
        let first = inner.over.is_none();
        if first {
            inner.over = Some(why.clone());
        }
        drop(inner);
        self.changed.notify_all();
        first
    }
}

/// Keeps a connection alive: each handle of the program to it, or to a stream of it, holds this.
pub(super) struct Owner {
    shared: Arc<Shared>,
    mailbox: Mailbox<Message>,
    key: Key,
}

impl Owner {
    /// Sends a message to the thread. False: it has ended.
    pub(super) fn post(&self, message: impl FnOnce(Key) -> Message) -> bool {
        self.mailbox.post(message(self.key)).is_ok()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.post(Message::Close);
    }
}

impl Mux {
    pub(super) fn new(shared: Arc<Shared>, mailbox: Mailbox<Message>, key: Key) -> Self {
        Self { owner: Arc::new(Owner { shared, mailbox, key }) }
    }

    /// Connects to `unix:/path`, `127.0.0.1:80`, `[::1]:80` or `name:port`, and blocks until that is done, with default settings. All
    /// addresses of a name are tried.
    ///
    /// # Errors
    /// [`MuxError::Address`], [`MuxError::Io`], and [`MuxError::Timeout`] after 10 s.
    pub fn connect(address: &str) -> Result<Self, MuxError> {
        connect(address, &MuxOptions::default())
    }

    /// As [`Mux::connect`], with settings.
    ///
    /// # Errors
    /// As [`Mux::connect`].
    pub fn connect_with(address: &str, options: &MuxOptions) -> Result<Self, MuxError> {
        connect(address, options)
    }

    /// Opens a stream. Does not wait for the peer: if that has too many streams, the stream ends with [`MuxError::Remote`].
    ///
    /// # Errors
    /// [`MuxError::TooManyStreams`] when this end has as many open as it may, [`MuxError::Ended`].
    pub fn open(&self) -> Result<MuxStream, MuxError> {
        let shared = &self.owner.shared;
        let mut inner = shared.lock();
        if let Some(over) = &inner.over {
            return Err(MuxError::Ended(over.clone()));
        }
        if inner.closed {
            return Err(MuxError::Ended(Ended::Closed));
        }
        if inner.own >= shared.max_streams {
            return Err(MuxError::TooManyStreams);
        }
        inner.own += 1;
        drop(inner);
        let pipe = Arc::new(Pipe::new(true, None));
        if !self.owner.post(|key| Message::Open(key, Arc::clone(&pipe))) {
            // The thread has ended since: it has said why before.
            let over = shared.lock().over.clone().unwrap_or(Ended::Closed);
            pipe.retire(Over::Ended(over));
        }
        Ok(MuxStream::new(Arc::clone(&self.owner), pipe))
    }

    /// Takes the next stream that the peer opened, and waits for it: for ever, or so long.
    ///
    /// # Errors
    /// [`MuxError::Timeout`], and [`MuxError::Ended`] when no more can come.
    pub fn accept(&self, timeout: Option<Duration>) -> Result<MuxStream, MuxError> {
        let until = deadline(timeout);
        let shared = &self.owner.shared;
        let mut inner = shared.lock();
        loop {
            if let Some(pipe) = inner.incoming.pop_front() {
                drop(inner);
                return Ok(MuxStream::new(Arc::clone(&self.owner), pipe));
            }
            if let Some(over) = &inner.over {
                return Err(MuxError::Ended(over.clone()));
            }
            if inner.closed {
                return Err(MuxError::Ended(Ended::Closed));
            }
            inner = wait(&shared.changed, inner, until)?;
        }
    }

    /// Calls a function whenever a stream came or the connection ended, from the thread that did it: for loops, which ask again with
    /// [`Mux::accept`] and no time to wait. It must return at once and not touch the connection. False: there is such a function already.
    pub fn on_change(&self, tell: impl Fn() + Send + Sync + 'static) -> bool {
        self.owner.shared.changed.set(tell)
    }

    /// Opens and accepts no more streams, on all clones. Streams that nobody accepted are cancelled; the others go on. The connection ends
    /// when nobody holds it or a stream of it.
    pub fn close(&self) {
        let shared = &self.owner.shared;
        let mut inner = shared.lock();
        inner.closed = true;
        let unwanted = std::mem::take(&mut inner.incoming);
        drop(inner);
        shared.changed.notify_all();
        for pipe in unwanted {
            drop(MuxStream::new(Arc::clone(&self.owner), pipe));
        }
    }

    /// Why the connection is over, if it is.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.owner.shared.lock().over.clone()
    }
}

impl std::fmt::Debug for Mux {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mux").field("ended", &self.ended()).finish_non_exhaustive()
    }
}
