//! A connection of HTTP/1.1 that became a byte stream of another protocol (RFC 9110, 7.8), without its socket: bytes, time and commands in; bytes and a
//! deadline out.
//!
//! It may live for long and be idle most of that time, so it has what it needs and nothing of HTTP any more: the channel of its exchange, whose head and
//! answer went back to the pool unless somebody keeps the request.

use std::sync::atomic::Ordering;

use flare_net::{Millis, Output};
use flare_proto::capsule;

use crate::exchange::{Arrived, CancelReason, Event, ExchangeKey, Progress, SharedChannel};
use crate::log::Level;
use crate::message::Part;
use crate::server::environment::Environment;
use crate::server::pieces;
use crate::server::running::{Running, Supply};
use crate::server::session::Next;

/// The server's side of the byte stream.
pub(crate) struct Tunnel {
    channel: SharedChannel,
    /// All of the exchange, where somebody looks at it once more: middleware and the access log at its end, or a source that is pulled.
    kept: Option<Box<Running>>,
    /// The byte stream is one of capsules, which carry datagrams (RFC 9297).
    capsules: Option<Box<capsule::Datagrams>>,
    /// Input that the handler does not take yet.
    pending: Box<[u8]>,
    /// When it was idle for too long, or when the handler wants to be called.
    deadline: Millis,
    /// The deadline is when the handler wants to be called.
    alarmed: bool,
    /// The handler takes no input for now.
    held: bool,
    /// So much output waits that no more is made.
    blocked: bool,
    /// The peer will send nothing more.
    read_closed: bool,
    /// And the handler knows.
    ended: bool,
    /// It ends like this.
    end: Option<Next>,
    status: u16,
}

/// What the connection before leaves to it.
pub(crate) struct Legacy {
    pub(crate) pending: Vec<u8>,
    pub(crate) blocked: bool,
    pub(crate) read_closed: bool,
}

impl Tunnel {
    /// Of an exchange whose head is out, which accepts the switch.
    pub(crate) fn new(running: Running, env: &mut Environment) -> Self {
        let channel = SharedChannel::clone(&running.request.block.channel);
        let status = running.status;
        let kept = if running.is_needed(env) {
            running.forget_answer();
            Some(Box::new(running))
        } else {
            env.pool.take_from_byte_stream(running.request.block);
            None
        };
        Self {
            capsules: channel.begin_datagrams(),
            channel,
            kept,
            pending: Box::default(),
            deadline: Millis::NEVER,
            alarmed: false,
            held: true,
            blocked: false,
            read_closed: false,
            ended: false,
            end: None,
            status,
        }
    }

    /// Goes on where the connection was.
    pub(crate) fn begin(&mut self, from: Legacy, env: &mut Environment, out: &mut Output) {
        let Legacy { pending, blocked, read_closed } = from;
        (self.pending, self.blocked, self.read_closed) = (pending.into(), blocked, read_closed);
        self.stays_alive(env);
        self.take_alarm(env);
        if env.draining {
            self.drain(env);
        }
        self.look(env, out);
        self.resume(env, out);
    }

    /// When [`Tunnel::timeout`] has to be called, unless something happens before. `flushing`: the peer has not taken all output yet, so it is not idle.
    #[inline]
    pub(crate) fn deadline(&self, flushing: bool) -> Millis {
        if flushing || self.blocked { Millis::NEVER } else { self.deadline }
    }

    #[inline]
    pub(crate) fn next(&self) -> Next {
        match self.end {
            Some(end) => end,
            None if self.blocked || self.held || self.ended => Next::Pause,
            None => Next::Read,
        }
    }

    /// Takes input.
    #[inline(always)]
    pub(crate) fn receive(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) {
        if self.takes_input(env, out) {
            self.pass_on(Arrived::Lent(input), env, out);
        } else {
            self.keep(input, env, out);
        }
    }

    /// The same, of input that nobody else needs: it may be changed where it lies.
    #[inline(always)]
    pub(crate) fn receive_own(&mut self, input: &mut [u8], env: &mut Environment, out: &mut Output) {
        if self.takes_input(env, out) {
            self.pass_on(Arrived::Own(input), env, out);
        } else {
            self.keep(input, env, out);
        }
    }

    /// Whether input goes to the handler at once.
    #[inline(always)]
    fn takes_input(&self, env: &Environment, out: &Output) -> bool {
        self.pending.is_empty()
            && self.end.is_none()
            && !(self.held || self.blocked || self.read_closed)
            && out.len() < env.service.config.output_limit
    }

    /// Input that comes while the handler takes none waits for it.
    #[cold]
    fn keep(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) {
        match &mut self.end {
            Some(Next::Close { linger }) => *linger |= !input.is_empty(),
            Some(_) => {}
            None => {
                // Once or twice: a client whose input waits is not read.
                self.pending = [&self.pending, input].concat().into();
                self.resume(env, out);
            }
        }
    }

    /// Goes on with input that waited, and with its end.
    fn resume(&mut self, env: &mut Environment, out: &mut Output) {
        if self.end.is_some() {
            return;
        }
        if out.len() >= env.service.config.output_limit {
            self.blocked = true;
        }
        if !(self.pending.is_empty() || self.blocked || self.held || self.ended) {
            let pending = std::mem::take(&mut self.pending);
            self.pass_on(Arrived::Lent(&pending), env, out);
        }
        if self.read_closed && self.end.is_none() && !(self.blocked || self.held) {
            self.input_ended(env);
        }
    }

    /// Bytes have come.
    #[inline(never)]
    fn pass_on(&mut self, arrived: Arrived<'_>, env: &mut Environment, out: &mut Output) {
        let channel = &self.channel;
        channel.state.attend();
        let takes_more = match &mut self.capsules {
            Some(capsules) => channel.take_capsules(capsules, arrived.bytes(), env),
            None => channel.deliver(arrived, env),
        };
        self.held |= !takes_more;
        let now = channel.end_of_input();
        self.stays_alive(env);
        if now {
            self.look(env, out);
        }
    }

    /// The peer will send nothing more.
    pub(crate) fn read_closed(&mut self, env: &mut Environment) {
        self.read_closed = true;
        if !(self.blocked || self.held) && self.end.is_none() {
            self.input_ended(env);
        }
    }

    /// The client has closed its side of the byte stream, and ours goes on. Within a capsule that makes the message malformed (RFC 9297, 3.3).
    fn input_ended(&mut self, env: &mut Environment) {
        if self.capsules.as_ref().is_some_and(|capsules| !capsules.is_between()) {
            return self.cut(CancelReason::PeerGone, env);
        }
        if !std::mem::replace(&mut self.ended, true) {
            self.channel.received_all(env);
        }
    }

    /// So much output waits that no more is made.
    pub(crate) fn block(&mut self) {
        self.blocked = true;
    }

    /// The peer took all output.
    #[inline]
    pub(crate) fn flushed(&mut self, env: &mut Environment, out: &mut Output) {
        if std::mem::take(&mut self.blocked) {
            self.pump(env, out);
            self.resume(env, out);
        }
    }

    /// Something happened to an exchange, which may be another one.
    pub(crate) fn wake(&mut self, key: ExchangeKey, env: &mut Environment, out: &mut Output) {
        if self.end.is_none() && self.channel.key == key {
            self.look(env, out);
            self.resume(env, out);
        }
    }

    /// Looks what the handler did: what it sent, and whether it takes input.
    #[inline(never)]
    fn look(&mut self, env: &mut Environment, out: &mut Output) {
        if self.channel.state.look() == Progress::Reset {
            return self.cut(CancelReason::Reset, env);
        }
        self.pump(env, out);
        if self.end.is_some() {
            return;
        }
        if self.capsules.is_some() {
            self.channel.deliver_waiting_datagrams(env);
        }
        self.channel.tell_waiting(env);
        self.take_alarm(env);
        let stream = self.channel.stream.lock();
        if stream.wanted {
            self.held = stream.paused || stream.full;
        }
    }

    /// Sends what there is, as much as the client takes.
    fn pump(&mut self, env: &mut Environment, out: &mut Output) {
        while !self.blocked {
            if out.len() >= env.service.config.output_limit {
                self.blocked = true;
                break;
            }
            match self.next_content(env) {
                Supply::Data(data) => {
                    self.sent(data.len() as u64, env);
                    pieces::push(Part::Bytes(data), out);
                }
                Supply::File(file) => {
                    self.sent(file.length, env);
                    pieces::push(Part::File(file), out);
                }
                Supply::Nothing => break,
                Supply::End(_) => return self.finish(env),
                Supply::Broken => {
                    env.service.log.tell(Level::Error, "stream broken", || "its source failed".to_owned());
                    return self.cut(CancelReason::Reset, env);
                }
            }
        }
        if !self.channel.tell_writable(env) {
            self.cut(CancelReason::Reset, env);
        }
    }

    fn next_content(&self, env: &Environment) -> Supply {
        match &self.kept {
            Some(running) => running.next_content(env),
            None => self.channel.next_written(),
        }
    }

    fn sent(&mut self, bytes: u64, env: &Environment) {
        self.stays_alive(env);
        if let Some(running) = &mut self.kept {
            running.body_bytes += bytes;
        }
    }

    /// Bytes go either way: it is not idle.
    #[inline]
    fn stays_alive(&mut self, env: &Environment) {
        if !self.alarmed {
            self.deadline = env.now + env.service.config.stream_timeout;
        }
    }

    fn take_alarm(&mut self, env: &Environment) {
        let alarm = self.channel.stream.lock().alarm.take();
        if let Some(after) = alarm {
            self.alarmed = true;
            self.deadline = env.now + after;
        }
    }

    /// A deadline passed.
    pub(crate) fn timeout(&mut self, env: &mut Environment) {
        if self.end.is_some() {
            env.counters.timeouts.add(1);
        } else if self.alarmed && self.deadline <= env.now {
            self.ring(env);
        } else {
            env.counters.timeouts.add(1);
            self.cut(CancelReason::Deadline, env);
        }
    }

    /// Calls the handler, which asked for it.
    fn ring(&mut self, env: &Environment) {
        self.alarmed = false;
        self.stays_alive(env);
        self.channel.stream.now.store(env.now.0, Ordering::Relaxed);
        self.channel.tell_event(Event::Alarm, env);
        self.take_alarm(env);
    }

    /// The server ends: a byte stream has no end that would come by itself.
    pub(crate) fn drain(&self, env: &Environment) {
        if self.end.is_none() {
            self.channel.tell_event(Event::Draining, env);
        }
    }

    /// Whether it has not ended.
    pub(crate) fn is_active(&self) -> bool {
        self.end.is_none()
    }

    /// The connection is gone: the handler learns it.
    pub(crate) fn abort(&mut self, reason: CancelReason, env: &mut Environment) {
        if self.end.is_none() {
            self.cut(reason, env);
        }
        self.end = Some(Next::Abort);
    }

    /// It can't go on.
    fn cut(&mut self, reason: CancelReason, env: &mut Environment) {
        self.channel.dismiss(reason, env);
        self.conclude(env);
        self.end = Some(Next::Abort);
    }

    /// All is sent. What the client sends from now on is left unread, but must not cost it the last bytes.
    fn finish(&mut self, env: &mut Environment) {
        drop(self.channel.stream.close());
        self.conclude(env);
        self.end = Some(Next::Close { linger: !self.read_closed });
        self.pending = Box::default();
    }

    /// Its exchange is over: tells who wants to know.
    fn conclude(&mut self, env: &mut Environment) {
        match self.kept.take() {
            Some(running) => running.conclude(true, env),
            None => {
                env.counters.answer(self.status);
                env.leave_flight();
            }
        }
    }
}
