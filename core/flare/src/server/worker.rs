//! One worker: a loop over a driver, its connections and its timers, on one thread.

mod accept;
mod connection;
mod dialing;
mod proxy_header;
#[cfg(feature = "http3")]
pub(crate) mod quic;
#[cfg(not(feature = "http3"))]
#[path = "worker/without_http3.rs"]
mod quic;
mod relay;
#[cfg(feature = "tls")]
mod secure;
#[cfg(not(feature = "tls"))]
#[path = "worker/without_tls.rs"]
mod secure;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use flare_net::{
    Address, Clock, Driver, DriverOptions, Event, Key, ListenerKey, MailboxReceiver, Millis, Output, Wheel,
};
use flare_proto::websocket::Contexts;

use crate::exchange::{CancelReason, ExchangeKey, Home, RelayRequest};
use crate::log::{Level, Log};
use crate::server::connections::Connections;
use crate::server::context::WorkerContext;
use crate::server::counters::Counters;
use crate::server::drain::WorkerReport;
use crate::server::environment::Environment;
use crate::server::guard;
use crate::server::local;
use crate::server::shared::{Message, Shared, WorkerBox};
use crate::server::sockets::Sockets;
use crate::websocket::{self, Broadcast, TopicCommand, Topics};
use accept::Accepting;
use connection::{Closing, Connection};
use dialing::Dials;
use proxy_header::Awaiting;
use quic::Quic;
use relay::{Relay, Relays, Way};
pub(crate) use secure::Secure;
use secure::SecureShared;

/// A worker: the only one on its thread, or one of several servers that a host has in its loop.
pub(crate) struct Worker {
    driver: Driver,
    wheel: Wheel,
    clock: Clock,
    env: Environment,
    connections: Connections<Connection>,
    quic: Quic,
    relays: Relays,
    dials: Dials,
    topics: Topics,
    secure: SecureShared,
    /// Those that have to say first whom they speak for.
    awaiting: Awaiting,
    listeners: Vec<ListenerKey>,
    /// Where each listener listens, in their order.
    places: Vec<Arc<Address>>,
    accepting: Accepting,
    messages: MailboxReceiver<Message>,
    batch: Vec<Message>,
    /// Messages that are still to be worked off, in order.
    mail: VecDeque<Message>,
    output: Output,
    /// The connection that is worked for: the one to go when that panics.
    at: Option<Key>,
    shared: Arc<Shared>,
    own: Arc<WorkerBox>,
    counters: Arc<Counters>,
    context: WorkerContext,
    /// The kind of work that comes first in this turn.
    first: usize,
    /// When the timer of the driver fires, for a host.
    armed: Millis,
    /// This worker, among all of the process.
    id: u64,
    drain_deadline: Option<Millis>,
    report: WorkerReport,
}

/// What a timer token stands for. Connections use their key, whose upper half is never all ones, or all but the last.
const ACCEPT_TIMER: u64 = u64::MAX;
const DRAIN_TIMER: u64 = u64::MAX - 1;
const USER_TIMERS: u64 = 0xffff_ffff_0000_0000;
const DIAL_TIMERS: u64 = 0xffff_fffe_0000_0000;

/// The kinds of work in a turn: events, timers, messages.
const WORK: usize = 3;

impl Worker {
    /// Makes a worker on the thread that will run it. `io_uring`: not where a host has the loop.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        own: &Arc<WorkerBox>,
        mut sockets: Sockets,
        io_uring: bool,
    ) -> io::Result<Self> {
        let mut driver = Driver::new(DriverOptions { io_uring, ..DriverOptions::default() })?;
        if let Some(Err(refused)) = driver.io_uring()
            && own.index == 0
        {
            let say = || format!("{refused}; readiness instead");
            shared.service.log.tell(Level::Warn, "io_uring is not used", say);
        }
        let (mailbox, messages) = driver.mailbox(usize::MAX)?;
        own.open(mailbox.clone());
        let exclusive = shared.service.config.shared_listener;
        let mut keys = Vec::new();
        let mut places = Vec::new();
        let quic = Quic::new(&mut driver, shared, own.index, &mut sockets)?;
        for listener in sockets.listeners {
            places.push(Arc::new(listener.local_address().clone()));
            let shares = exclusive || matches!(listener.local_address(), Address::Unix(_));
            keys.push(driver.listen(listener, shares)?);
        }
        let clock = Clock::start();
        let now = clock.now();
        let id = WORKERS.fetch_add(1, Ordering::Relaxed);
        let home = Arc::new(Inbox {
            worker: id,
            index: own.index,
            log: shared.service.log.clone(),
            counters: Arc::clone(&own.counters),
            contexts: Contexts::default(),
            mailbox,
            broadcast: shared.broadcast.clone(),
        });
        Ok(Self {
            driver,
            wheel: Wheel::new(now),
            clock,
            env: Environment::new(
                shared.service.clone(),
                home,
                Arc::clone(&own.counters),
                now,
                shared.workers.len(),
            ),
            connections: Connections::new(),
            quic,
            relays: Relays::new(),
            dials: Dials::new(),
            topics: Topics::default(),
            secure: SecureShared::new(shared.workers.len()),
            awaiting: Awaiting::new(),
            listeners: keys,
            places,
            accepting: Accepting::Yes,
            messages,
            batch: Vec::new(),
            mail: VecDeque::new(),
            output: Output::new(),
            at: None,
            shared: Arc::clone(shared),
            own: Arc::clone(own),
            counters: Arc::clone(&own.counters),
            context: WorkerContext::new(own.index),
            first: 0,
            armed: Millis(0),
            id,
            drain_deadline: None,
            report: WorkerReport { worker: own.index, ..WorkerReport::default() },
        })
    }

    /// Runs until the server ends, on a thread that was made for it.
    pub(crate) fn run(mut self) -> WorkerReport {
        local::belong();
        let _entered = self.enter();
        self.begin();
        while !self.is_over() {
            if let Err(error) = self.turn() {
                self.env.service.log.tell(Level::Error, "worker failed", || error.to_string());
                break;
            }
        }
        self.end()
    }

    /// This thread is the worker while the result lives.
    pub(crate) fn enter(&self) -> local::Entered {
        local::enter(self.id)
    }

    /// Calls the hooks for the start.
    pub(crate) fn begin(&mut self) {
        // A host may come long after the worker was made; timers of the hooks count from now.
        self.env.now = self.clock.now();
        let shared = Arc::clone(&self.shared);
        for hook in &shared.hooks.start {
            self.run_task("start hook panicked", hook);
        }
    }

    /// Cuts what still runs, and calls the hooks for the end.
    pub(crate) fn end(mut self) -> WorkerReport {
        for key in self.connections.keys() {
            self.close(key, CancelReason::Drain);
        }
        self.close_all_awaited();
        self.close_all_quic();
        let shared = Arc::clone(&self.shared);
        for hook in &shared.hooks.stop {
            self.run_task("stop hook panicked", hook);
        }
        self.report
    }

    /// Whether nothing is left to do, for ever.
    pub(crate) fn is_over(&self) -> bool {
        self.env.draining
            && ((self.connections.is_empty() && self.awaiting.is_empty() && self.quic.is_empty())
                || self.drain_deadline.is_some_and(|at| at <= self.env.now))
    }

    /// One turn of a loop of its own: waits for something, and works off all there is.
    fn turn(&mut self) -> io::Result<()> {
        let timeout = if self.mail.is_empty() && !local::has_messages() {
            self.until_deadline()
        } else {
            Some(Duration::ZERO)
        };
        self.work(timeout, usize::MAX).map(drop)
    }

    fn until_deadline(&self) -> Option<Duration> {
        let next = self.wheel.next_deadline()?;
        Some(Duration::from_millis(next.0.saturating_sub(self.clock.now().0)))
    }

    /// Waits for something, at most for `timeout`, and does at most `budget` pieces of work. Says how many.
    pub(crate) fn work(&mut self, timeout: Option<Duration>, budget: usize) -> io::Result<usize> {
        self.driver.wait(timeout)?;
        self.env.now = self.clock.now();
        self.env.date.refresh(self.env.now);
        let mut left = budget;
        for step in 0..WORK {
            let kind = (self.first + step) % WORK;
            match kind {
                0 => self.survive(|worker| worker.events(&mut left)),
                1 => self.survive(|worker| worker.timers(&mut left)),
                _ => self.survive(|worker| worker.letters(&mut left)),
            }
            if left == 0 {
                // Whoever has used it all up comes last in the next turn.
                self.first = (kind + 1) % WORK;
                return Ok(budget);
            }
        }
        self.first = 0;
        Ok(budget - left)
    }

    /// Works off what this thread told the worker behind its turn, at most `budget` pieces of it. Says how many.
    pub(crate) fn work_told(&mut self, budget: usize) -> usize {
        if !local::has_messages() {
            return 0;
        }
        // Who told it may have taken a while.
        self.env.now = self.clock.now();
        self.env.date.refresh(self.env.now);
        let mut left = budget;
        self.survive(|worker| worker.letters(&mut left));
        budget - left
    }

    /// Before a host goes on with its loop: makes the descriptor readable when it is needed again. Whether that is at once.
    pub(crate) fn sleep(&mut self) -> io::Result<bool> {
        local::take_messages(&mut self.mail);
        let next = self.wheel.next_deadline();
        let more =
            self.driver.is_ready() || !self.mail.is_empty() || next.is_some_and(|at| at <= self.env.now);
        if more {
            self.driver.wake_self();
        } else if let Some(at) = next
            // A deadline that moved away is found out when the earlier one passes, like those of connections.
            && (at < self.armed || self.armed <= self.env.now)
        {
            let after = at.0.saturating_sub(self.clock.now().0);
            self.driver.arm_timer(Some(Duration::from_millis(after)))?;
            self.armed = at;
        }
        Ok(more)
    }

    /// Makes the descriptor readable, so that a host comes to work.
    pub(crate) fn wake(&mut self) {
        self.driver.wake_self();
    }

    fn events(&mut self, left: &mut usize) {
        while *left > 0
            && let Some(event) = self.driver.next()
        {
            *left -= 1;
            self.at = key_of(&event);
            self.event(event);
            self.at = None;
        }
    }

    fn timers(&mut self, left: &mut usize) {
        while *left > 0
            && let Some(token) = self.wheel.expire(self.env.now)
        {
            *left -= 1;
            self.at = (token < DIAL_TIMERS).then(|| Key::from_u64(token));
            self.timer(token);
            self.at = None;
        }
    }

    /// Messages of other threads, and what this one told itself. What they tell in turn waits for the next turn.
    fn letters(&mut self, left: &mut usize) {
        local::take_messages(&mut self.mail);
        for _ in 0..self.mail.len().min(*left) {
            let Some(message) = self.mail.pop_front() else { break };
            *left -= 1;
            self.at = match &message {
                Message::Wake(exchange) => Some(exchange.connection),
                Message::GoOn(key) => Some(*key),
                _ => None,
            };
            self.message(message);
            self.at = None;
        }
    }

    /// Does work of one kind. A panic in our own code, which is a bug, ends the connection that was worked for and not its worker, and
    /// the work goes on behind it.
    fn survive(&mut self, mut work: impl FnMut(&mut Self)) {
        // Around all of it, because each piece would pay for it. What is half done after a panic is the connection, which goes, and the
        // output, which is emptied.
        while catch_unwind(AssertUnwindSafe(|| work(&mut *self))).is_err() {
            self.give_up();
        }
    }

    #[cold]
    fn give_up(&mut self) {
        self.counters.panics.add(1);
        self.env
            .service
            .log
            .tell(Level::Error, "connection panicked", || "this is a bug in flare".to_owned());
        self.output.clear();
        self.secure.clear();
        self.quic.clear();
        if let Some(key) = self.at.take()
            && catch_unwind(AssertUnwindSafe(|| self.close(key, CancelReason::Reset))).is_err()
        {
            self.driver.close(key);
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Received { key, mut lease } => {
                if let Some(connection) = self.connections.get_mut(key) {
                    self.counters.bytes_in.add(lease.len() as u64);
                    if connection.closing != Closing::No {
                    } else if connection.secure.is_some() {
                        self.received_secure(key, &mut lease);
                    } else {
                        connection.session.receive_own(&mut lease, &mut self.env, &mut self.output);
                        self.settle(key);
                    }
                } else if !self.header_received(key, &lease) {
                    self.relay_received(key, &lease);
                }
                self.driver.recycle(lease);
            }
            Event::Accepted { listener, key, peer } => self.accepted(listener, key, peer),
            Event::ReadClosed { key } => self.read_closed(key),
            Event::Blocked { key } => self.blocked(key),
            Event::Flushed { key } => self.flushed(key),
            Event::Failed { key, error } => self.failed(key, error),
            Event::AcceptFailed { error, .. } => self.accept_failed(&error),
            Event::Connected { key } => self.dial_connected(key),
            Event::Woken => {
                self.messages.take(&mut self.batch);
                self.mail.extend(self.batch.drain(..));
            }
            #[cfg(feature = "http3")]
            Event::Datagrams { socket, mut batch } => {
                self.received_datagrams(socket, &mut batch);
                self.driver.recycle_datagrams(batch);
            }
            #[cfg(feature = "http3")]
            Event::DatagramsFlushed { socket } => self.datagrams_flushed(socket),
            #[cfg(not(feature = "http3"))]
            Event::Datagrams { .. } | Event::DatagramsFlushed { .. } => {}
            Event::Writable { .. } => {}
        }
    }

    fn timer(&mut self, token: u64) {
        match token {
            ACCEPT_TIMER => self.accept_again(),
            DRAIN_TIMER => {}
            token if token & USER_TIMERS == USER_TIMERS => {
                if let Some(task) = self.context.due(token & !USER_TIMERS) {
                    self.run_task("timer panicked", task);
                }
            }
            token if token >= DIAL_TIMERS => self.dial_timer((token & !DIAL_TIMERS) as u32),
            token => self.deadline(Key::from_u64(token)),
        }
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::Wake(exchange) => {
                if let Some(connection) = self.connections.get_mut(exchange.connection) {
                    connection.session.wake(exchange, &mut self.env, &mut self.output);
                    self.settle(exchange.connection);
                } else {
                    self.wake_quic(exchange);
                }
            }
            Message::Relay(request) => self.relay(*request),
            Message::Dial(number) => self.advance_dial(number),
            Message::Run(task) => self.run_task("task panicked", task),
            Message::Topic(command) => self.topics.take(command),
            Message::Publish(publication) => self.topics.publish(&publication),
            Message::GoOn(key) => self.go_on(key),
            Message::Room => self.accept_with_room(),
            Message::Drain(deadline) => self.drain(deadline),
            #[cfg(feature = "http3")]
            Message::Datagram(datagram) => self.received_forwarded(*datagram),
        }
    }

    fn drain(&mut self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        let at = self.env.now + left;
        self.drain_deadline = Some(self.drain_deadline.map_or(at, |before| before.min(at)));
        self.wheel.arm(at, DRAIN_TIMER);
        if self.env.draining {
            return;
        }
        self.env.draining = true;
        self.stop_accepting();
        self.close_all_awaited();
        for key in self.connections.keys() {
            if let Some(connection) = self.connections.get_mut(key)
                && connection.closing == Closing::No
            {
                connection.session.drain(&mut self.env, &mut self.output);
                self.settle(key);
            }
        }
        self.drain_quic();
    }

    /// The upstreams that answer exchanges of a client's connection.
    fn relays_of(&mut self, client: Key) -> Option<&mut Vec<Way>> {
        match self.connections.get_mut(client) {
            Some(connection) => Some(&mut connection.relays),
            None => self.quic.relays(client),
        }
    }

    /// Closes an upstream of a connection that ends, and gives back what is left of its relay.
    fn close_way(&mut self, way: Way) -> Option<Box<Relay>> {
        match way {
            Way::Open(upstream) => self.close_upstream(upstream),
            Way::Dialing(number) => self.close_dial(number),
        }
    }

    /// Runs code of the application, and arms the timers that it asked for.
    fn run_task(&mut self, kind: &'static str, task: impl FnOnce(&mut WorkerContext)) {
        guard::unwinding(&self.env, kind, || task(&mut self.context));
        for (id, delay) in self.context.take_armed() {
            // Never for now: a task that asks for itself again and again would keep the turn from ending.
            let delay = delay.max(Duration::from_millis(1));
            self.wheel.arm(self.env.now + delay, USER_TIMERS | u64::from(id));
        }
    }
}

impl AsFd for Worker {
    /// The descriptor that becomes readable when there is work.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.driver.as_fd()
    }
}

/// Tells the worker of answers that came late.
struct Inbox {
    worker: u64,
    /// The place of the worker among those of its server.
    index: usize,
    log: Log,
    counters: Arc<Counters>,
    contexts: Contexts,
    mailbox: flare_net::Mailbox<Message>,
    broadcast: Broadcast,
}

impl Inbox {
    fn post(&self, message: Message) {
        if let Err(message) = local::post(self.worker, message) {
            // Err: the worker has ended, and its connections with it.
            let _ = self.mailbox.post(message);
        }
    }
}

impl Home for Inbox {
    fn wake(&self, key: ExchangeKey) {
        self.post(Message::Wake(key));
    }

    fn relay(&self, request: RelayRequest) {
        self.post(Message::Relay(Box::new(request)));
    }

    fn topic(&self, command: TopicCommand) {
        self.post(Message::Topic(command));
    }

    fn publish(&self, topic: &str, message: websocket::Message<'_>) -> Result<(), websocket::SendError> {
        self.broadcast.publish_from(Some(self.index), topic, message, |publication| {
            self.post(Message::Publish(publication));
        })
    }

    fn failed(&self, message: &str) {
        self.log.tell(Level::Error, "handler failed", || message.to_owned());
    }

    fn panicked(&self, kind: &'static str) {
        self.counters.panics.add(1);
        self.log.tell(Level::Error, kind, || "see the panic message above".to_owned());
    }

    fn deflate_contexts(&self) -> Contexts {
        self.contexts.clone()
    }
}

/// Numbers for workers, over all servers of the process.
static WORKERS: AtomicU64 = AtomicU64::new(0);

/// The connection that an event is about.
fn key_of(event: &Event) -> Option<Key> {
    match event {
        Event::Received { key, .. }
        | Event::Accepted { key, .. }
        | Event::ReadClosed { key }
        | Event::Blocked { key }
        | Event::Flushed { key }
        | Event::Failed { key, .. }
        | Event::Connected { key }
        | Event::Writable { key } => Some(*key),
        Event::AcceptFailed { .. }
        | Event::Datagrams { .. }
        | Event::DatagramsFlushed { .. }
        | Event::Woken => None,
    }
}
