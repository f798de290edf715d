//! The thread of a connection, or of a listener and all its connections.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flare_net::{Driver, Event, Key, Lease, ListenerKey, Mailbox, MailboxReceiver, Output};
use flare_proto::mux::Role;

use super::connection::{Mux, Shared};
use super::error::Ended;
use super::link::Link;
use super::options::MuxOptions;
use super::pipe::{Over, Pipe};
use crate::embed::Queue;

/// What the program tells the thread.
pub(super) enum Message {
    /// Open a stream.
    Open(Key, Arc<Pipe>),
    /// Something changed in a stream.
    Look(Key, Arc<Pipe>),
    /// Nobody holds this connection any more.
    Close(Key),
    /// Nobody wants new connections any more.
    StopListening,
    /// A name was looked up, for whoever connects before the thread starts.
    Resolved,
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Whoever waits to accept must learn of it.
        self.accepted.close();
    }
}

/// How long accepting pauses when the system has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Everything that one thread owns.
pub(super) struct Hub {
    pub(super) driver: Driver,
    mailbox: Mailbox<Message>,
    messages: MailboxReceiver<Message>,
    batch: Vec<Message>,
    links: HashMap<Key, Link>,
    listening: Option<Listening>,
    output: Output,
    options: Arc<MuxOptions>,
}

struct Listening {
    key: ListenerKey,
    accepted: Queue<Mux>,
    /// Since accepting failed: when to try again.
    again: Option<Instant>,
}

impl Hub {
    pub(super) fn new(driver: Driver, options: MuxOptions) -> io::Result<Self> {
        let (mailbox, messages) = driver.mailbox(usize::MAX)?;
        Ok(Self {
            driver,
            mailbox,
            messages,
            batch: Vec::new(),
            links: HashMap::new(),
            listening: None,
            output: Output::new(),
            options: Arc::new(options),
        })
    }

    pub(super) fn mailbox(&self) -> Mailbox<Message> {
        self.mailbox.clone()
    }

    /// Takes over a connection of its driver.
    pub(super) fn add(&mut self, key: Key, role: Role) -> Mux {
        let shared = Arc::new(Shared::new(&self.options));
        self.links.insert(key, Link::new(key, role, Arc::clone(&shared), Arc::clone(&self.options)));
        Mux::new(shared, self.mailbox.clone(), key)
    }

    /// Puts accepted connections of a listener of its driver into a queue.
    pub(super) fn listen(&mut self, key: ListenerKey, accepted: Queue<Mux>) {
        self.listening = Some(Listening { key, accepted, again: None });
    }

    /// Starts the thread. It ends when nothing is left.
    pub(super) fn start(self) -> io::Result<()> {
        std::thread::Builder::new().name("flare-mux".into()).spawn(move || self.run()).map(drop)
    }

    fn run(mut self) {
        while !self.links.is_empty() || self.listening.is_some() {
            let timeout = self.next_deadline().map(|at| at.saturating_duration_since(Instant::now()));
            if let Err(error) = self.driver.wait(timeout) {
                let why = Ended::Lost(error.to_string());
                self.links.values_mut().for_each(|link| link.end(&why));
                return;
            }
            while let Some(event) = self.driver.next() {
                self.happened(event);
            }
            self.expire();
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let again = self.listening.as_ref().and_then(|listening| listening.again);
        self.links.values().filter_map(Link::deadline).chain(again).min()
    }

    fn expire(&mut self) {
        let now = Instant::now();
        if let Some(listening) = &mut self.listening
            && listening.again.is_some_and(|again| again <= now)
        {
            listening.again = None;
            self.driver.resume_accept(listening.key);
        }
        let late = |link: &Link| link.deadline().is_some_and(|deadline| deadline <= now);
        let keys: Vec<Key> = self.links.iter().filter(|(_, link)| late(link)).map(|(key, _)| *key).collect();
        for key in keys {
            self.end(key, &Ended::Closed);
        }
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Received { key, lease } => self.received(key, lease),
            Event::ReadClosed { key } => self.end(key, &Ended::PeerClosed),
            Event::Failed { key, error } => {
                let why = match error.kind() {
                    io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Ended::PeerClosed,
                    _ => Ended::Lost(error.to_string()),
                };
                self.end(key, &why);
            }
            Event::Writable { key } | Event::Flushed { key } => {
                if let Some(link) = self.links.get_mut(&key) {
                    link.writable(&mut self.driver, &mut self.output);
                }
                self.forget_if_over(key);
            }
            Event::Woken => self.read_messages(),
            Event::Accepted { key, .. } => self.accepted(key),
            Event::AcceptFailed { .. } => {
                if let Some(listening) = &mut self.listening {
                    listening.again = Some(Instant::now() + ACCEPT_PAUSE);
                }
            }
            // It has no UDP sockets.
            Event::Connected { .. }
            | Event::Blocked { .. }
            | Event::Datagrams { .. }
            | Event::DatagramsFlushed { .. } => {}
        }
    }

    fn received(&mut self, key: Key, lease: Lease) {
        if let Some(link) = self.links.get_mut(&key) {
            link.receive(&lease, self.output.buffer());
        }
        self.driver.recycle(lease);
        self.serve(Some(key));
    }

    fn accepted(&mut self, key: Key) {
        if self.listening.is_none() {
            return self.driver.close(key);
        }
        let mux = self.add(key, Role::Accepting);
        let full = self.links.len() >= self.options.max_connections.max(1);
        if let Some(listening) = &self.listening {
            if full {
                self.driver.pause_accept(listening.key);
            }
            // Err: nobody accepts any more. The connection is dropped, which closes it.
            let _ = listening.accepted.push(mux);
        }
    }

    pub(super) fn read_messages(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        self.messages.take(&mut batch);
        // What several messages in a row say of one connection leaves in one write.
        let mut last = None;
        for message in batch.drain(..) {
            let key = match &message {
                Message::Open(key, _) | Message::Look(key, _) | Message::Close(key) => *key,
                Message::Resolved => continue,
                Message::StopListening => {
                    if let Some(listening) = self.listening.take() {
                        self.driver.close_listener(listening.key);
                    }
                    continue;
                }
            };
            if last != Some(key) {
                self.serve(last);
                last = Some(key);
            }
            self.read_message(key, message);
        }
        self.serve(last);
        self.batch = batch;
    }

    fn read_message(&mut self, key: Key, message: Message) {
        match (self.links.get_mut(&key), message) {
            (Some(link), Message::Open(_, pipe)) => link.open(pipe, self.output.buffer()),
            (Some(link), Message::Look(_, pipe)) => link.look(&pipe, self.output.buffer()),
            (Some(link), Message::Close(_)) => link.close(self.output.buffer()),
            // The connection ended since, and said why to everybody but this stream.
            (None, Message::Open(_, pipe)) => drop(pipe.retire(Over::Ended(Ended::PeerClosed))),
            _ => {}
        }
    }

    fn serve(&mut self, key: Option<Key>) {
        let Some(key) = key else { return };
        if let Some(link) = self.links.get_mut(&key) {
            link.serve(&mut self.driver, &mut self.output);
        }
        self.forget_if_over(key);
    }

    fn end(&mut self, key: Key, why: &Ended) {
        if let Some(link) = self.links.get_mut(&key) {
            link.end(why);
        }
        self.forget_if_over(key);
    }

    fn forget_if_over(&mut self, key: Key) {
        if !self.links.get(&key).is_some_and(Link::is_over) {
            return;
        }
        self.links.remove(&key);
        self.driver.close(key);
        if let Some(listening) = &self.listening
            && listening.again.is_none()
        {
            self.driver.resume_accept(listening.key);
        }
    }
}
