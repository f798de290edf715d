//! What the workers of a server share, and how other threads reach them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use flare_net::{Key, Mailbox};

use crate::exchange::{ExchangeKey, RelayRequest};
use crate::server::ServerStats;
use crate::server::context::WorkerContext;
use crate::server::counters::Counters;
use crate::server::entrance::Entrance;
use crate::server::environment::Service;
use crate::server::tls::TlsListeners;
use crate::websocket::{Broadcast, Publication, TopicCommand};

pub(crate) type Hook = Box<dyn Fn(&mut WorkerContext) + Send + Sync>;
pub(crate) type Task = Box<dyn FnOnce(&mut WorkerContext) + Send>;

/// What other threads tell a worker.
pub(crate) enum Message {
    /// Something happened to an exchange after its handler returned. At most one waits for each exchange, so their number is
    /// bounded by the connections.
    Wake(ExchangeKey),
    /// An upstream answers an exchange.
    Relay(Box<RelayRequest>),
    /// The name of an upstream was looked up: the number of its dial. At most one waits for each.
    Dial(u32),
    /// A connection goes on whose turn was used up. The worker tells it itself.
    GoOn(Key),
    /// A task for the worker.
    Run(Task),
    /// A socket comes to a topic or leaves it.
    Topic(TopicCommand),
    /// A message for the sockets of a topic.
    Publish(Arc<Publication>),
    /// A connection closed somewhere, so one more may be accepted.
    Room,
    /// The server ends; what still runs at this time is cut.
    Drain(Instant),
    /// A datagram of QUIC came to another worker.
    #[cfg(feature = "http3")]
    Datagram(Box<crate::server::worker::quic::Forwarded>),
}

/// Called on each worker when it starts and when it ends.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) start: Vec<Hook>,
    pub(crate) stop: Vec<Hook>,
}

/// What the workers of a server share.
pub(crate) struct Shared {
    pub(crate) service: Service,
    pub(crate) hooks: Hooks,
    pub(crate) tls: TlsListeners,
    #[cfg(feature = "tls")]
    pub(crate) watcher: OnceLock<crate::server::tls_watch::Watcher>,
    /// In the order of each worker's listeners.
    pub(crate) entrances: Vec<Entrance>,
    /// What the workers need to tell QUIC connections apart, if HTTP/3 is served.
    #[cfg(feature = "http3")]
    pub(crate) quic: Option<Arc<flare_quic::EndpointShared>>,
    /// Connections open over all workers.
    open: AtomicUsize,
    /// Workers that wait for room, so that a connection which closes has to look for them only then.
    waiting: AtomicUsize,
    pub(crate) workers: Arc<[Arc<WorkerBox>]>,
    pub(crate) broadcast: Broadcast,
    /// A drain that was asked for; workers that open later learn it too.
    drain: Mutex<Option<Instant>>,
}

/// A worker as other threads see it.
pub(crate) struct WorkerBox {
    pub(crate) index: usize,
    pub(crate) counters: Arc<Counters>,
    mailbox: OnceLock<Mailbox<Message>>,
    /// It stopped accepting until there is room.
    waits: AtomicBool,
    /// Datagrams of QUIC that other workers gave it.
    #[cfg(feature = "http3")]
    pub(crate) forwarded: crate::server::worker::quic::Waiting,
}

impl WorkerBox {
    pub(crate) fn new(index: usize) -> Self {
        Self {
            index,
            counters: Arc::default(),
            mailbox: OnceLock::new(),
            waits: AtomicBool::new(false),
            #[cfg(feature = "http3")]
            forwarded: Default::default(),
        }
    }

    /// The worker lives: it has a mailbox.
    pub(crate) fn open(&self, mailbox: Mailbox<Message>) {
        let set = self.mailbox.set(mailbox);
        debug_assert!(set.is_ok(), "a worker opened twice");
    }

    /// Tells the worker something. False: it does not live.
    pub(crate) fn post(&self, message: Message) -> bool {
        self.mailbox.get().is_some_and(|mailbox| mailbox.post(message).is_ok())
    }
}

impl Shared {
    pub(crate) fn new(
        service: Service,
        hooks: Hooks,
        tls: TlsListeners,
        entrances: Vec<Entrance>,
        workers: usize,
    ) -> Self {
        let workers: Arc<[_]> = (0..workers).map(|index| Arc::new(WorkerBox::new(index))).collect();
        Self {
            service,
            hooks,
            tls,
            #[cfg(feature = "tls")]
            watcher: OnceLock::new(),
            entrances,
            #[cfg(feature = "http3")]
            quic: None,
            open: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            broadcast: Broadcast::new(&workers),
            workers,
            drain: Mutex::new(None),
        }
    }

    /// The same with HTTP/3.
    #[cfg(feature = "http3")]
    pub(crate) fn with_quic(self, quic: Option<Arc<flare_quic::EndpointShared>>) -> Self {
        Self { quic, ..self }
    }

    /// Counts a new connection. False: it was the last one for now.
    pub(crate) fn opened(&self) -> bool {
        self.open.fetch_add(1, Ordering::SeqCst) + 1 < self.service.config.max_connections
    }

    /// Counts a connection that closed, and tells the workers that waited for it.
    pub(crate) fn closed(&self) {
        let left = self.open.fetch_sub(1, Ordering::SeqCst) - 1;
        if left < self.service.config.max_connections && self.waiting.load(Ordering::SeqCst) > 0 {
            for worker in self.workers.iter() {
                if self.end_wait(worker) {
                    worker.post(Message::Room);
                }
            }
        }
    }

    /// Whether one more connection may be accepted. If not, the worker is told when that changes.
    pub(crate) fn has_room(&self, worker: &WorkerBox) -> bool {
        let room = || self.open.load(Ordering::SeqCst) < self.service.config.max_connections;
        if room() {
            return true;
        }
        if !worker.waits.swap(true, Ordering::SeqCst) {
            self.waiting.fetch_add(1, Ordering::SeqCst);
        }
        // One may have closed just before it could know that somebody waits.
        room() && self.end_wait(worker)
    }

    /// Whether the worker had waited until now.
    fn end_wait(&self, worker: &WorkerBox) -> bool {
        let waited = worker.waits.swap(false, Ordering::SeqCst);
        if waited {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
        }
        waited
    }

    /// Asks all workers to end by this time. A later call can only bring the time forward.
    pub(crate) fn drain(&self, deadline: Instant) {
        let mut drain = self.drain.lock().unwrap_or_else(PoisonError::into_inner);
        let deadline = drain.map_or(deadline, |before| before.min(deadline));
        *drain = Some(deadline);
        for worker in self.workers.iter() {
            worker.post(Message::Drain(deadline));
        }
    }

    /// The drain that was asked for, for a worker that has just opened its mailbox.
    pub(crate) fn drain_asked(&self) -> Option<Instant> {
        *self.drain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stats(&self) -> ServerStats {
        let mut sum = ServerStats::default();
        for worker in self.workers.iter() {
            worker.counters.add_to(&mut sum);
        }
        sum.panics += self.service.blocking.as_ref().map_or(0, |pool| pool.panics());
        sum
    }
}
