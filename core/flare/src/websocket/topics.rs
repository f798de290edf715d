//! Topics: which sockets of a worker get what is published.
//!
//! Each worker has its own lists and is the only one to touch them. A publication is one frame, told to all workers by their mailboxes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use flare_proto::websocket as proto;

use super::socket::WeakSocket;
use super::{Message, SendError};
use crate::server::shared::{Message as WorkerMessage, WorkerBox};

/// What a socket tells the lists of its worker.
pub(crate) enum TopicCommand {
    Subscribe {
        topic: Box<str>,
        socket: WeakSocket,
    },
    Unsubscribe {
        topic: Box<str>,
        socket: WeakSocket,
    },
    /// It has ended.
    Leave {
        socket: WeakSocket,
    },
}

/// Bytes of publications that wait for the workers of a server.
#[derive(Debug, Default)]
pub(crate) struct Budget(AtomicUsize);

/// The most of them.
const WAITING: usize = 64 << 20;

/// A message for all sockets of a topic.
pub(crate) struct Publication {
    topic: Box<str>,
    frame: Bytes,
    budget: Arc<Budget>,
}

impl Publication {
    /// One frame, without compression, which every socket may send beside compressed ones (RFC 7692, 6). `None`: too much waits already.
    pub(crate) fn new(topic: &str, message: Message<'_>, budget: &Arc<Budget>) -> Option<Arc<Self>> {
        if budget.0.load(Ordering::Relaxed) >= WAITING {
            return None;
        }
        let payload = message.as_bytes();
        let mut frame = Vec::with_capacity(payload.len() + 10);
        proto::encode_head(message.opcode(), payload.len() as u64, &mut frame);
        frame.extend_from_slice(payload);
        budget.0.fetch_add(frame.len(), Ordering::Relaxed);
        Some(Arc::new(Self { topic: topic.into(), frame: frame.into(), budget: Arc::clone(budget) }))
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.frame.len(), Ordering::Relaxed);
    }
}

/// The way of publications to the workers of a server.
#[derive(Clone)]
pub(crate) struct Broadcast {
    workers: Arc<[Arc<WorkerBox>]>,
    budget: Arc<Budget>,
}

impl Broadcast {
    pub(crate) fn new(workers: &Arc<[Arc<WorkerBox>]>) -> Self {
        Self { workers: Arc::clone(workers), budget: Arc::default() }
    }

    /// Publishes from a thread that is no worker.
    pub(crate) fn publish(&self, topic: &str, message: Message<'_>) -> Result<(), SendError> {
        self.publish_from(None, topic, message, drop)
    }

    /// Tells all workers but the own one, which `tell_own` tells.
    pub(crate) fn publish_from(
        &self,
        own: Option<usize>,
        topic: &str,
        message: Message<'_>,
        tell_own: impl FnOnce(Arc<Publication>),
    ) -> Result<(), SendError> {
        let publication = Publication::new(topic, message, &self.budget).ok_or(SendError::WouldBlock)?;
        let mut told = own.is_some();
        for worker in self.workers.iter().filter(|worker| Some(worker.index) != own) {
            told |= worker.post(WorkerMessage::Publish(Arc::clone(&publication)));
        }
        if own.is_some() {
            tell_own(publication);
        }
        if told { Ok(()) } else { Err(SendError::Closed) }
    }
}

/// The sockets of one worker by topic.
#[derive(Default)]
pub(crate) struct Topics {
    sockets: HashMap<Box<str>, HashMap<usize, WeakSocket>>,
    /// The topics of each socket that has some.
    topics: HashMap<usize, Vec<Box<str>>>,
}

impl Topics {
    pub(crate) fn take(&mut self, command: TopicCommand) {
        match command {
            // One that has ended may have been subscribed by another thread meanwhile.
            TopicCommand::Subscribe { topic, socket } if socket.get().is_some() => {
                let id = socket.id();
                let list = self.sockets.entry(topic.clone()).or_default();
                if list.insert(id, socket).is_none() {
                    self.topics.entry(id).or_default().push(topic);
                }
            }
            TopicCommand::Subscribe { .. } => {}
            TopicCommand::Unsubscribe { topic, socket } => {
                let id = socket.id();
                self.remove(&topic, id);
                if let Some(topics) = self.topics.get_mut(&id) {
                    topics.retain(|one| *one != topic);
                    if topics.is_empty() {
                        self.topics.remove(&id);
                    }
                }
            }
            TopicCommand::Leave { socket } => {
                for topic in self.topics.remove(&socket.id()).unwrap_or_default() {
                    self.remove(&topic, socket.id());
                }
            }
        }
    }

    fn remove(&mut self, topic: &str, id: usize) {
        if let Some(list) = self.sockets.get_mut(topic) {
            list.remove(&id);
            if list.is_empty() {
                self.sockets.remove(topic);
            }
        }
    }

    /// Gives a publication to the sockets of its topic.
    pub(crate) fn publish(&self, publication: &Publication) {
        for socket in self.sockets.get(&publication.topic).into_iter().flat_map(HashMap::values) {
            if let Some(socket) = socket.get() {
                socket.deliver(&publication.frame);
            }
        }
    }
}
