//! What happens on the byte stream of a socket, told to its handler.

use flare_proto::websocket::{CloseCode, Connection, Event as WireEvent, Opcode};

use super::{Message, SocketHandler, WebSocket};
use crate::exchange::{Event, Flow};

/// A socket as its byte stream sees it.
pub(super) struct Driver {
    wire: Connection,
    handler: Box<dyn SocketHandler>,
    socket: WebSocket,
    /// Input that waits until the client has taken some of what was sent.
    held: Vec<u8>,
    /// Something came since the last alarm.
    heard: bool,
    /// A Ping is out, and nothing came since.
    pinged: bool,
    /// The client's side of the byte stream has ended, behind what is held.
    ended: bool,
    /// The handler was told of the end.
    over: bool,
}

impl Driver {
    /// Opens the socket, and listens to its byte stream.
    pub(super) fn start(socket: WebSocket, wire: Connection, handler: Box<dyn SocketHandler>) {
        let mut driver = Self {
            wire,
            handler,
            socket: socket.clone(),
            held: Vec::new(),
            heard: false,
            pinged: false,
            ended: false,
            over: false,
        };
        driver.handler.open(&driver.socket);
        driver.socket.end_batch();
        if !driver.socket.is_closing() {
            socket.exchange().set_alarm(socket.options().ping_interval);
        }
        socket.exchange().on_event(move |event| driver.event(event));
    }

    fn event(&mut self, event: Event<'_>) -> Flow {
        match event {
            Event::Data(data) => {
                self.heard = true;
                // Behind what is held, if anything is: it was not asked for, but may have been read before.
                let used = if self.held.is_empty() { self.work(data) } else { 0 };
                self.held.extend_from_slice(data.get(used..).unwrap_or_default());
            }
            Event::Writable => self.writable(),
            Event::Alarm => self.alarm(),
            Event::Draining => {
                // Err: it is closing anyway.
                let _ = self.socket.close(1001, "");
            }
            Event::End if self.held.is_empty() => self.client_ended(),
            Event::End => self.ended = true,
            Event::Cancelled => self.end(ABNORMAL, ""),
            Event::Readable => {}
        }
        if self.held.is_empty() { Flow::Continue } else { Flow::Pause }
    }

    /// Works off input. Says how much; the rest has to wait.
    fn work(&mut self, input: &[u8]) -> usize {
        if self.over {
            return input.len();
        }
        let Self { wire, handler, socket, .. } = self;
        wire.set_now(socket.exchange().content_time());
        let mut rest = input;
        let mut replies = Vec::new();
        let mut end = None;
        let mut ready = socket.begin_batch();
        while ready {
            match wire.receive(&mut rest, &mut replies) {
                Ok(None) => break,
                Ok(Some(WireEvent::Message { opcode, bytes })) => {
                    if let Some(message) = message(opcode, bytes)
                        && !socket.is_closing()
                    {
                        handler.message(socket, message);
                    }
                }
                Ok(Some(WireEvent::Close { code, reason })) => {
                    end = Some((code.map_or(NO_CODE, CloseCode::number), reason.to_owned()));
                    break;
                }
                Ok(Some(WireEvent::Ping { .. } | WireEvent::Pong { .. })) => {}
                Err(error) => {
                    end = Some((error.code.number(), error.reason.to_owned()));
                    break;
                }
            }
            ready = socket.add(&mut replies);
        }
        let used = input.len() - rest.len();
        match end {
            Some((code, reason)) => {
                self.socket.finish(&replies);
                self.end(code, &reason);
                input.len()
            }
            None => {
                self.socket.end_batch();
                used
            }
        }
    }

    /// The client has taken some of what was sent.
    fn writable(&mut self) {
        if !self.socket.end_batch() {
            return;
        }
        let held = std::mem::take(&mut self.held);
        let used = self.work(&held);
        if used < held.len() {
            self.held = held.get(used..).unwrap_or_default().to_vec();
        } else if self.ended {
            self.client_ended();
        }
        if self.over {
            return;
        }
        if self.socket.owes_writable() {
            self.handler.writable(&self.socket);
        }
        if self.held.is_empty() {
            self.socket.exchange().resume();
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
        if self.socket.is_closing() {
            self.end(ABNORMAL, "the Close frame was not answered");
            return self.socket.exchange().reset();
        }
        let options = self.socket.options();
        // A client that is not read can't be heard; whether it takes what waits for it is looked at elsewhere.
        let heard = std::mem::take(&mut self.heard) || !self.held.is_empty();
        let again = match (heard, self.pinged) {
            (true, _) => {
                self.pinged = false;
                options.ping_interval
            }
            (false, false) => {
                self.pinged = true;
                // Err: so much waits for it that it will be noticed if it takes nothing.
                let _ = self.socket.ping(b"");
                options.ping_timeout
            }
            (false, true) => {
                self.end(ABNORMAL, "the Ping was not answered");
                return self.socket.exchange().reset();
            }
        };
        self.socket.exchange().set_alarm(again);
    }

    /// Nothing more will come: tells the handler, once.
    fn end(&mut self, code: u16, reason: &str) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        self.handler.close(&self.socket, code, reason);
        self.socket.end();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Only after a panic of the handler.
        if !self.over {
            self.socket.end();
            self.socket.exchange().reset();
        }
    }
}

/// There was a Close frame without a code (RFC 6455, 7.4.1).
const NO_CODE: u16 = 1005;
/// There was no Close frame.
const ABNORMAL: u16 = 1006;

fn message(opcode: Opcode, bytes: &[u8]) -> Option<Message<'_>> {
    match opcode {
        Opcode::Text => std::str::from_utf8(bytes).ok().map(Message::Text),
        Opcode::Binary => Some(Message::Binary(bytes)),
    }
}
