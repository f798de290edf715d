//! One worker: a loop over a driver, its connections and its timers, on one thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use flare_net::{
    Address, Clock, Driver, DriverOptions, Event, Key, Listener, ListenerKey, MailboxReceiver, Millis,
    Output, Peer, Sent, TimerId, Wheel,
};

use crate::exchange::{CancelReason, ExchangeKey, Home};
use crate::log::Level;
use crate::server::connections::Connections;
use crate::server::context::WorkerContext;
use crate::server::counters::Counters;
use crate::server::drain::WorkerReport;
use crate::server::environment::Environment;
use crate::server::guard;
use crate::server::http1::{Http1, Next};
use crate::server::local;
use crate::server::shared::{Message, Shared, WorkerBox};

/// How long a worker waits before it accepts again after the process ran out of descriptors or memory.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(100);

/// A connection and what the worker knows of it.
pub(crate) struct Connection {
    session: Http1,
    timer: Option<TimerId>,
    /// When the timer fires; the real deadline may be later, never earlier.
    armed: Millis,
    /// When the peer must have taken some of the backlog.
    write_deadline: Millis,
    /// The backlog when it was last looked at. When it is less than this and what was added, the peer took some.
    backlog: usize,
    paused: bool,
    closing: Closing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    No,
    /// Closes when the backlog is gone.
    Flushing {
        linger: bool,
    },
    /// Our side is closed; what the peer sends is dropped until it closes too.
    Lingering {
        until: Millis,
    },
}

/// A worker. It lives on its thread from start to end.
pub(crate) struct Worker {
    driver: Driver,
    wheel: Wheel,
    clock: Clock,
    env: Environment,
    connections: Connections<Connection>,
    listeners: Vec<ListenerKey>,
    accepting: Accepting,
    messages: MailboxReceiver<Message>,
    batch: Vec<Message>,
    output: Output,
    shared: Arc<Shared>,
    own: Arc<WorkerBox>,
    counters: Arc<Counters>,
    context: WorkerContext,
    touched: Vec<ExchangeKey>,
    /// This worker, among all of the process.
    id: u64,
    drain_deadline: Option<Millis>,
    report: WorkerReport,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Accepting {
    Yes,
    /// Too many connections are open.
    Full,
    /// The process ran out of something.
    BackOff {
        until: Millis,
    },
    /// The server ends.
    Over,
}

/// What a timer token stands for. Connections use their key, whose upper half is never all ones.
const ACCEPT_TIMER: u64 = u64::MAX;
const DRAIN_TIMER: u64 = u64::MAX - 1;
const USER_TIMERS: u64 = 0xffff_ffff_0000_0000;

impl Worker {
    /// Makes a worker on the thread that will run it.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        own: &Arc<WorkerBox>,
        listeners: Vec<Listener>,
    ) -> io::Result<Self> {
        let mut driver = Driver::new(DriverOptions::default())?;
        let (mailbox, messages) = driver.mailbox(usize::MAX)?;
        own.open(mailbox.clone());
        let exclusive = shared.service.config.shared_listener;
        let mut keys = Vec::new();
        for listener in listeners {
            let shares = exclusive || matches!(listener.local_address(), Address::Unix(_));
            keys.push(driver.listen(listener, shares)?);
        }
        let clock = Clock::start();
        let now = clock.now();
        let id = WORKERS.fetch_add(1, Ordering::Relaxed);
        let home = Arc::new(Inbox { worker: id, mailbox });
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
            listeners: keys,
            accepting: Accepting::Yes,
            messages,
            batch: Vec::new(),
            output: Output::new(),
            shared: Arc::clone(shared),
            own: Arc::clone(own),
            counters: Arc::clone(&own.counters),
            context: WorkerContext::new(own.index),
            touched: Vec::new(),
            id,
            drain_deadline: None,
            report: WorkerReport { worker: own.index, ..WorkerReport::default() },
        })
    }

    /// Runs until the server ends.
    pub(crate) fn run(mut self) -> WorkerReport {
        local::enter(self.id);
        let shared = Arc::clone(&self.shared);
        for hook in &shared.hooks.start {
            self.run_task("start hook panicked", hook);
        }
        while !self.is_over() {
            if let Err(error) = self.turn(None) {
                self.env.service.log.tell(Level::Error, "worker failed", || error.to_string());
                break;
            }
        }
        for key in self.connections.keys() {
            self.close(key, CancelReason::Drain);
        }
        for hook in &shared.hooks.stop {
            self.run_task("stop hook panicked", hook);
        }
        local::leave();
        self.report
    }

    fn is_over(&self) -> bool {
        self.env.draining
            && (self.connections.is_empty() || self.drain_deadline.is_some_and(|at| at <= self.env.now))
    }

    /// One turn of the loop: waits for something, at most `longest`, and works off all there is.
    fn turn(&mut self, longest: Option<Duration>) -> io::Result<()> {
        let until = self
            .wheel
            .next_deadline()
            .map(|at| Duration::from_millis(at.0.saturating_sub(self.clock.now().0)));
        let timeout = match (until, longest) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let timeout = if local::has_touched() { Some(Duration::ZERO) } else { timeout };
        self.driver.wait(timeout)?;
        self.env.now = self.clock.now();
        self.env.date.refresh(self.env.now);
        while let Some(event) = self.driver.next() {
            self.event(event);
        }
        while let Some(token) = self.wheel.expire(self.env.now) {
            self.timer(token);
        }
        self.touched();
        Ok(())
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Received { key, lease } => {
                self.counters.bytes_in.add(lease.len() as u64);
                if let Some(connection) = self.connections.get_mut(key)
                    && connection.closing == Closing::No
                {
                    connection.session.receive(&lease, &mut self.env, &mut self.output);
                    self.settle(key);
                }
                self.driver.recycle(lease);
            }
            Event::Accepted { key, peer, .. } => self.accepted(key, peer),
            Event::ReadClosed { key } => self.read_closed(key),
            Event::Flushed { key } => self.flushed(key),
            Event::Failed { key, .. } => self.close(key, CancelReason::PeerGone),
            Event::AcceptFailed { error, .. } => self.accept_failed(&error),
            Event::Woken => self.mail(),
            Event::Connected { .. } | Event::Writable { .. } => {}
        }
    }

    fn accepted(&mut self, key: Key, peer: Peer) {
        self.counters.accepted.add(1);
        if !self.shared.opened() && self.accepting != Accepting::Over && !self.shared.has_room(&self.own) {
            self.accepting = Accepting::Full;
            for listener in &self.listeners {
                self.driver.pause_accept(*listener);
            }
        }
        let session = Http1::new(key, peer, &self.env);
        let armed = session.deadline(false);
        let timer = Some(self.wheel.arm(armed, key.to_u64()));
        let connection = Connection {
            session,
            timer,
            armed,
            write_deadline: Millis::NEVER,
            backlog: 0,
            paused: false,
            closing: Closing::No,
        };
        self.connections.insert(key, connection);
    }

    fn accept_failed(&mut self, error: &io::Error) {
        self.counters.accept_errors.add(1);
        self.env.service.log.tell(Level::Warn, "accept failed", || error.to_string());
        // When it is full, all listeners go on together as soon as there is room.
        if !matches!(self.accepting, Accepting::Over | Accepting::Full) {
            let until = self.env.now + ACCEPT_BACK_OFF;
            self.accepting = Accepting::BackOff { until };
            self.wheel.arm(until, ACCEPT_TIMER);
        }
    }

    fn resume_accept(&mut self) {
        if self.accepting != Accepting::Over {
            self.accepting = Accepting::Yes;
            for listener in &self.listeners {
                self.driver.resume_accept(*listener);
            }
        }
    }

    fn read_closed(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.closing == Closing::No {
            connection.session.read_closed(&mut self.env);
            self.settle(key);
        } else if matches!(connection.closing, Closing::Lingering { .. }) {
            self.close(key, CancelReason::PeerGone);
        }
    }

    fn flushed(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.write_deadline = Millis::NEVER;
        connection.backlog = 0;
        if connection.closing == Closing::No {
            connection.session.flushed(&mut self.env, &mut self.output);
        }
        self.settle(key);
    }

    /// After a session worked: its output leaves, and its socket does what it wants.
    fn settle(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        // A session that stopped for its output may go on at once when the output left at once.
        loop {
            if self.output.is_empty() {
                break;
            }
            let made = self.output.len();
            self.counters.bytes_out.add(made as u64);
            match self.driver.send(key, &mut self.output) {
                Ok(Sent::All) => {
                    if connection.closing != Closing::No {
                        break;
                    }
                    connection.session.flushed(&mut self.env, &mut self.output);
                }
                Ok(Sent::Queued) => {
                    let backlog = self.driver.backlog(key);
                    if connection.write_deadline == Millis::NEVER || backlog < connection.backlog + made {
                        connection.write_deadline = self.env.now + self.env.service.config.write_timeout;
                    }
                    connection.backlog = backlog;
                    if backlog >= self.env.service.config.output_limit {
                        connection.session.block();
                    }
                    break;
                }
                Err(_) => {
                    self.output.clear();
                    return self.close(key, CancelReason::PeerGone);
                }
            }
        }
        let flushing = matches!(connection.closing, Closing::Flushing { .. });
        if connection.closing == Closing::No || flushing {
            match connection.session.next() {
                Next::Read if connection.paused => {
                    connection.paused = false;
                    self.driver.resume_read(key);
                }
                Next::Pause if !connection.paused => {
                    connection.paused = true;
                    self.driver.pause_read(key);
                }
                Next::Close { linger } => return self.finish(key, linger),
                Next::Abort => return self.close(key, CancelReason::Reset),
                Next::Read | Next::Pause => {}
            }
        }
        self.arm(key);
    }

    /// The session is over: closes when the output is gone, and gently when the peer may still be sending.
    fn finish(&mut self, key: Key, linger: bool) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if self.driver.backlog(key) > 0 {
            connection.closing = Closing::Flushing { linger };
            if !connection.paused {
                connection.paused = true;
                self.driver.pause_read(key);
            }
            return self.arm(key);
        }
        if !linger || self.driver.shutdown_write(key).is_err() {
            return self.close(key, CancelReason::PeerGone);
        }
        connection.closing =
            Closing::Lingering { until: self.env.now + self.env.service.config.linger_timeout };
        if std::mem::take(&mut connection.paused) {
            self.driver.resume_read(key);
        }
        self.arm(key);
    }

    /// Makes sure that the timer fires no later than the next deadline. Later deadlines cost nothing here: the timer finds out.
    fn arm(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let deadline = connection.deadline();
        if deadline < connection.armed || connection.timer.is_none() {
            if let Some(timer) = connection.timer.take() {
                self.wheel.cancel(timer);
            }
            connection.timer = Some(self.wheel.arm(deadline, key.to_u64()));
            connection.armed = deadline;
        }
    }

    fn timer(&mut self, token: u64) {
        match token {
            ACCEPT_TIMER => {
                if matches!(self.accepting, Accepting::BackOff { until } if until <= self.env.now) {
                    self.resume_accept();
                }
            }
            DRAIN_TIMER => {}
            token if token & USER_TIMERS == USER_TIMERS => {
                if let Some(task) = self.context.due(token & !USER_TIMERS) {
                    self.run_task("timer panicked", task);
                }
            }
            token => self.deadline(Key::from_u64(token)),
        }
    }

    fn deadline(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.timer = None;
        let now = self.env.now;
        if connection.deadline() > now {
            return self.arm(key);
        }
        match connection.closing {
            Closing::Lingering { .. } => self.close(key, CancelReason::PeerGone),
            _ if connection.write_deadline <= now => {
                let backlog = self.driver.backlog(key);
                if backlog < connection.backlog {
                    connection.backlog = backlog;
                    connection.write_deadline = now + self.env.service.config.write_timeout;
                    self.arm(key);
                } else {
                    self.counters.timeouts.add(1);
                    self.close(key, CancelReason::PeerGone);
                }
            }
            Closing::Flushing { .. } => self.arm(key),
            Closing::No => {
                connection.session.timeout(&mut self.env, &mut self.output);
                self.settle(key);
            }
        }
    }

    fn close(&mut self, key: Key, reason: CancelReason) {
        let Some(mut connection) = self.connections.remove(key) else { return };
        if let Some(timer) = connection.timer.take() {
            self.wheel.cancel(timer);
        }
        if self.env.draining {
            let unfinished = connection.session.is_active() || self.driver.backlog(key) > 0;
            if reason == CancelReason::Drain && unfinished {
                self.report.aborted += 1;
            } else {
                self.report.finished += 1;
            }
        }
        connection.session.abort(reason, &mut self.env);
        self.driver.close(key);
        self.counters.closed.add(1);
        self.shared.closed();
    }

    fn mail(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        self.messages.take(&mut batch);
        for message in batch.drain(..) {
            match message {
                Message::Wake(exchange) => self.wake(exchange),
                Message::Run(task) => self.run_task("task panicked", task),
                Message::Room => {
                    if self.accepting == Accepting::Full && self.shared.has_room(&self.own) {
                        self.resume_accept();
                    }
                }
                Message::Drain(deadline) => self.drain(deadline),
            }
        }
        self.batch = batch;
    }

    fn wake(&mut self, exchange: ExchangeKey) {
        if let Some(connection) = self.connections.get_mut(exchange.connection) {
            connection.session.wake(exchange, &mut self.env, &mut self.output);
            self.settle(exchange.connection);
        }
    }

    /// Looks at the exchanges that this thread touched itself. What they touch in turn waits for the next turn.
    fn touched(&mut self) {
        let mut touched = std::mem::take(&mut self.touched);
        local::take_touched(&mut touched);
        for exchange in touched.drain(..) {
            self.wake(exchange);
        }
        self.touched = touched;
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
        self.accepting = Accepting::Over;
        for listener in std::mem::take(&mut self.listeners) {
            self.driver.close_listener(listener);
        }
        for key in self.connections.keys() {
            if let Some(connection) = self.connections.get_mut(key)
                && connection.closing == Closing::No
            {
                connection.session.drain();
                self.settle(key);
            }
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

impl Connection {
    /// The earliest of what may end this connection.
    fn deadline(&self) -> Millis {
        match self.closing {
            Closing::No => self.session.deadline(self.backlog > 0).min(self.write_deadline),
            Closing::Flushing { .. } => self.write_deadline,
            Closing::Lingering { until } => until,
        }
    }
}

/// Tells the worker of answers that came late.
struct Inbox {
    worker: u64,
    mailbox: flare_net::Mailbox<Message>,
}

impl Home for Inbox {
    fn wake(&self, key: ExchangeKey) {
        if !local::touch(self.worker, key) {
            // Err: the worker has ended, and its connections with it.
            let _ = self.mailbox.post(Message::Wake(key));
        }
    }
}

/// Numbers for workers, over all servers of the process.
static WORKERS: AtomicU64 = AtomicU64::new(0);
