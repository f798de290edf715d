//! What happens on the byte stream of a socket, told to its handler.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use flare_proto::websocket::{CloseCode, Connection, Event as WireEvent, Input, Opcode};

use super::{Message, SocketHandler, WebSocket};
use crate::exchange::{Event, Flow, Told};

/// A socket as its byte stream sees it.
pub(super) struct Driver {
    wire: Connection,
    handler: Box<dyn SocketHandler>,
    socket: WebSocket,
    /// Input that waits until the client has taken some of what was sent.
    held: Box<[u8]>,
    /// When something came last, by the worker's clock in milliseconds. [`NEVER`]: nothing since the socket is open.
    heard: u64,
    /// A Ping is out, and nothing came since.
    pinged: bool,
    /// The client's side of the byte stream has ended, behind what is held.
    ended: bool,
    /// The client's Close frame, which waits until the messages before it were worked off.
    goodbye: Option<Box<Goodbye>>,
    /// The handler was told of the end.
    over: bool,
}

/// A Close frame of the client.
struct Goodbye {
    code: u16,
    reason: String,
    /// The answer, and what goes before it.
    replies: Vec<u8>,
}

impl Driver {
    /// Opens the socket, and listens to its byte stream.
    pub(super) fn start(socket: WebSocket, wire: Connection, handler: Box<dyn SocketHandler>) {
        let mut driver = Self {
            wire,
            handler,
            socket: socket.clone(),
            held: Box::default(),
            heard: NEVER,
            pinged: false,
            ended: false,
            goodbye: None,
            over: false,
        };
        guarded(&driver.socket, || driver.handler.open(&driver.socket));
        driver.socket.let_request_go();
        driver.socket.end_batch();
        driver.ring_after(socket.options().ping_interval);
        socket.stream().on_told(move |told| driver.told(told));
    }

    fn told(&mut self, told: Told<'_>) -> Flow {
        match told {
            Told::Own(data) => self.hear(data),
            Told::Event(event) => self.event(event),
        }
        if self.held.is_empty() { Flow::Continue } else { Flow::Pause }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Data(data) => self.hear(data),
            Event::Writable => self.writable(),
            Event::Alarm => self.alarm(),
            Event::Draining => {
                // Err: it is closing anyway.
                let _ = self.socket.close(1001, "");
            }
            Event::End if self.held.is_empty() && self.goodbye.is_none() => self.client_ended(),
            Event::End => self.ended = true,
            Event::Cancelled => match self.goodbye.take() {
                Some(goodbye) => self.end(goodbye.code, &goodbye.reason),
                None => self.end(ABNORMAL, ""),
            },
            Event::Readable | Event::Datagram(_) => {}
        }
    }

    /// Something came.
    fn hear<'i>(&mut self, mut data: impl Input<'i>) {
        (self.heard, self.pinged) = (self.socket.stream().event_time(), false);
        // Behind what is held, if anything is: it was not asked for, but may have been read before.
        let waits = !self.held.is_empty() || self.work(&mut data);
        if waits && !data.is_empty() {
            self.held = [&self.held, data.rest()].concat().into();
        }
    }

    /// Works off input. True: what is left of it, if anything is, has to wait.
    fn work<'i>(&mut self, input: &mut impl Input<'i>) -> bool {
        if self.over || self.goodbye.is_some() {
            return false;
        }
        let Self { wire, handler, socket, .. } = self;
        wire.set_now(socket.stream().event_time());
        let mut replies = Vec::new();
        let (mut end, mut is_goodbye) = (None, false);
        let mut ready = socket.begin_batch();
        while ready {
            match wire.receive(input, &mut replies) {
                Ok(None) => break,
                Ok(Some(WireEvent::Message { opcode, bytes })) => {
                    if let Some(message) = message(opcode, bytes)
                        && !socket.is_closing()
                    {
                        guarded(socket, || handler.message(socket, message));
                    }
                }
                Ok(Some(WireEvent::Close { code, reason })) => {
                    end = Some((code.map_or(NO_CODE, CloseCode::number), reason.to_owned()));
                    is_goodbye = true;
                    break;
                }
                Ok(Some(WireEvent::Ping { .. } | WireEvent::Pong { .. })) => {}
                Err(error) => {
                    end = Some((error.code.number(), error.reason.to_owned()));
                    break;
                }
            }
            if !(input.is_empty() && replies.is_empty()) {
                ready = socket.add(&mut replies);
            }
        }
        match end {
            Some((code, reason)) if is_goodbye => {
                self.goodbye = Some(Box::new(Goodbye { code, reason, replies }));
                if !self.say_goodbye() {
                    self.socket.end_batch();
                    self.ring_after(LAST_WORDS.min(self.socket.options().close_timeout));
                }
                false
            }
            Some((code, reason)) => {
                self.socket.finish(&replies);
                self.end(code, &reason);
                false
            }
            None => {
                self.socket.end_batch();
                true
            }
        }
    }

    /// Answers the client's goodbye, if the handler is ready for it. False: it is not, and says so later.
    fn say_goodbye(&mut self) -> bool {
        // One that panics is not asked again.
        let mut may = true;
        if !self.socket.is_closing() {
            guarded(&self.socket, || may = self.handler.may_close(&self.socket));
        }
        if may {
            self.answer_goodbye();
        } else {
            self.socket.pause();
        }
        may
    }

    fn answer_goodbye(&mut self) {
        if let Some(goodbye) = self.goodbye.take() {
            let Goodbye { code, reason, replies } = *goodbye;
            self.socket.finish(&replies);
            self.end(code, &reason);
        }
    }

    /// The client has taken some of what was sent, or the program asked to go on.
    fn writable(&mut self) {
        if !self.socket.end_batch() {
            return;
        }
        if self.goodbye.is_some() {
            if !self.say_goodbye() && self.socket.owes_writable() {
                guarded(&self.socket, || self.handler.writable(&self.socket));
            }
            return;
        }
        let mut held = std::mem::take(&mut self.held);
        let mut rest = &mut *held;
        if self.work(&mut rest) && !rest.is_empty() {
            self.held = (&*rest).into();
        } else if self.ended {
            self.client_ended();
        }
        if self.over {
            return;
        }
        if self.socket.owes_writable() {
            guarded(&self.socket, || self.handler.writable(&self.socket));
        }
        if self.held.is_empty() {
            self.socket.stream().resume();
        }
    }

    /// The client's side of the byte stream has ended. Without a Close frame before it, this is no goodbye.
    fn client_ended(&mut self) {
        if !self.over {
            self.socket.finish(&[]);
            self.end(ABNORMAL, "");
        }
    }

    /// A time is over: that of the client's silence, of its answer to a Ping, or of its Close frame.
    fn alarm(&mut self) {
        if self.goodbye.is_some() {
            return self.answer_goodbye();
        }
        let (options, stream) = (self.socket.options(), self.socket.stream());
        if self.socket.is_closing() {
            // Another thread may have closed it just now: then this was the alarm before.
            if !stream.has_new_alarm() {
                self.end(ABNORMAL, "the Close frame was not answered");
                self.socket.stream().reset();
            }
            return;
        }
        if self.pinged {
            self.end(ABNORMAL, "the Ping was not answered");
            return self.socket.stream().reset();
        }
        let now = stream.event_time();
        if !self.held.is_empty() {
            // A client that is not read can't be heard; whether it takes what waits for it is looked at elsewhere.
            self.heard = now;
        }
        let silent = match self.heard {
            NEVER => options.ping_interval,
            heard => Duration::from_millis(now.saturating_sub(heard)),
        };
        let again = if silent < options.ping_interval {
            options.ping_interval - silent
        } else {
            // Err: so much waits for it that it will be noticed if it takes nothing.
            self.pinged = self.socket.ping(b"").is_ok();
            options.ping_timeout
        };
        self.ring_after(again);
    }

    /// Asks for the next alarm.
    fn ring_after(&self, time: Duration) {
        let stream = self.socket.stream();
        stream.set_alarm(time);
        // Another thread may have closed it meanwhile, whose alarm must not be lost.
        if self.socket.is_closing() {
            stream.set_alarm(self.socket.options().close_timeout);
        }
    }

    /// Nothing more will come: tells the handler, once.
    fn end(&mut self, code: u16, reason: &str) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        guarded(&self.socket, || self.handler.close(&self.socket, code, reason));
        self.socket.end();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Only when it was never listened to, or after a panic in here.
        if !self.over {
            self.end(ABNORMAL, "");
            self.socket.stream().reset();
        }
    }
}

/// Calls the handler. A panic ends its socket, and nothing else.
fn guarded(socket: &WebSocket, call: impl FnOnce()) {
    // What the handler had in its hands is its own concern. It hears no more of the socket but its end.
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        socket.stream().home().panicked("socket handler panicked");
        // Err: it is closing already.
        let _ = socket.close(CloseCode::INTERNAL_ERROR.number(), "");
    }
}

/// A time that never comes.
const NEVER: u64 = u64::MAX;
/// How long a program may go on with what the client said before its goodbye.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// There was a Close frame without a code (RFC 6455, 7.4.1).
const NO_CODE: u16 = 1005;
/// There was no Close frame.
const ABNORMAL: u16 = 1006;

fn message(opcode: Opcode, bytes: &[u8]) -> Option<Message<'_>> {
    match opcode {
        Opcode::Text => Message::text(bytes),
        Opcode::Binary => Some(Message::Binary(bytes)),
    }
}
