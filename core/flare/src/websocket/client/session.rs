//! A socket behind its handshake, as a value: bytes, time and messages in; bytes and events out.

use bytes::{Buf, Bytes};
use flare_proto::websocket::{
    CloseCode, Connection, Event as WireEvent, Opcode, SendError as WireError, as_text,
};

use super::event::{Closed, Event, NO_CODE};
use super::options::Options;
use crate::client::{Event as HttpEvent, ExchangeId, Failure, RequestError, Session as Http};
use crate::websocket::{Message, SendError};

/// Nothing that comes is worked off while so many bytes of answers to it wait.
const ANSWERS: usize = 64 * 1024;
/// The room for frames is given back when it is larger.
const KEPT: usize = 64 * 1024;

/// Times in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    ping_interval: u64,
    ping_timeout: u64,
    close_timeout: u64,
}

impl Times {
    pub(super) fn of(options: &Options) -> Self {
        let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            ping_interval: ms(options.ping_interval),
            ping_timeout: ms(options.ping_timeout),
            close_timeout: ms(options.close_timeout),
        }
    }
}

/// A socket. The owner does the input and output of `http`, tells the time before each step, and takes events.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) http: Http,
    exchange: ExchangeId,
    wire: Connection,
    times: Times,
    /// What came and is not worked off.
    input: Bytes,
    /// Frames that `http` has not taken.
    pending: Vec<u8>,
    /// How much of them answers what came.
    answers: usize,
    /// A message was refused.
    refused: bool,
    now: u64,
    /// When something is due.
    deadline: u64,
    /// Something came since the last deadline.
    heard: bool,
    /// A Ping is out, and nothing came since.
    pinged: bool,
    /// What the server's Close frame said.
    peer_close: Option<(u16, String)>,
    closed: Option<Closed>,
}

impl Session {
    /// `http` has switched this exchange to a stream of bytes.
    pub(super) fn new(http: Http, exchange: ExchangeId, wire: Connection, times: Times, now: u64) -> Self {
        Self {
            http,
            exchange,
            wire,
            times,
            input: Bytes::new(),
            pending: Vec::new(),
            answers: 0,
            refused: false,
            now,
            deadline: now.saturating_add(times.ping_interval),
            heard: false,
            pinged: false,
            peer_close: None,
            closed: None,
        }
    }

    /// Says what time it is: milliseconds since any moment, never less than before. What is due is done.
    pub(super) fn set_now(&mut self, now: u64) {
        self.now = now;
        self.wire.set_now(now);
        self.http.set_now(now);
        if now >= self.deadline && self.closed.is_none() {
            self.due();
        }
    }

    /// When [`Session::set_now`] has something to do. `None`: never.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.closed.is_none().then_some(self.deadline)
    }

    /// Whether messages are taken, or will be.
    pub(super) fn is_open(&self) -> bool {
        self.closed.is_none() && self.wire.is_open()
    }

    /// Whether nothing more will come, and nothing is taken any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// Whether the owner should read now.
    pub(super) fn wants_input(&self) -> bool {
        self.closed.is_none() && self.http.wants_input()
    }

    /// Whether a message would be taken now.
    pub(super) fn has_room(&mut self) -> bool {
        self.flush();
        self.pending.is_empty()
    }

    /// Bytes of frames that were taken and not sent yet.
    pub(super) fn buffered(&self) -> usize {
        self.pending.len() + self.http.waiting(self.exchange)
    }

    /// Whoever sends was told that nothing is taken, and has to be told by [`Event::Writable`] when to go on.
    pub(super) fn refuse(&mut self) -> SendError {
        self.refused = true;
        SendError::WouldBlock
    }

    /// Something came.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.heard = true;
        self.http.receive(bytes);
    }

    /// Sends a message, whole, or refuses it.
    pub(super) fn send(&mut self, message: Message<'_>) -> Result<(), SendError> {
        self.send_frame(|wire, out| match message {
            Message::Text(text) => wire.send_text(text, out),
            Message::Binary(data) => wire.send(Opcode::Binary, data, out),
        })
    }

    pub(super) fn ping(&mut self, data: &[u8]) -> Result<(), SendError> {
        self.send_frame(|wire, out| wire.ping(data, out))
    }

    fn send_frame(
        &mut self,
        encode: impl FnOnce(&mut Connection, &mut Vec<u8>) -> Result<(), WireError>,
    ) -> Result<(), SendError> {
        if !self.is_open() {
            return Err(SendError::Closed);
        }
        self.flush();
        if !self.pending.is_empty() {
            return Err(SendError::WouldBlock);
        }
        encode(&mut self.wire, &mut self.pending)?;
        self.flush();
        Ok(())
    }

    /// Sends a Close frame behind what was sent; it is not refused.
    pub(super) fn close(&mut self, code: u16, reason: &str) -> Result<(), SendError> {
        let code = CloseCode::new(code).ok_or(SendError::Misuse("this close code may not be sent"))?;
        if !self.is_open() {
            return Err(SendError::Closed);
        }
        self.wire.close(Some(code), reason, &mut self.pending)?;
        self.deadline = self.now.saturating_add(self.times.close_timeout);
        self.flush();
        Ok(())
    }

    /// The next thing that happened.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(closed) = &self.closed {
                return Some(Event::Closed(closed.clone()));
            }
            self.flush();
            if self.pending.is_empty() && std::mem::take(&mut self.refused) {
                return Some(Event::Writable);
            }
            if !self.input.is_empty() {
                if self.answers >= ANSWERS {
                    return None;
                }
                match self.work() {
                    None => continue,
                    event => return event,
                }
            }
            match self.http.next_event()? {
                HttpEvent::Data(_, data) => self.input = data,
                HttpEvent::End(..) => self.ended("the connection ended without a Close frame"),
                HttpEvent::Failed(_, Failure::Malformed(_)) => {
                    self.ended("the server broke the rules of HTTP")
                }
                HttpEvent::Failed(..) => self.ended("the connection was cut"),
                // Whether frames are taken again is tried above.
                _ => {}
            }
        }
    }

    /// Works off input up to the next event.
    fn work(&mut self) -> Option<Event> {
        let mut rest = &self.input[..];
        let before = self.pending.len();
        let mut ends = false;
        let event = match self.wire.receive(&mut rest, &mut self.pending) {
            Ok(None) => None,
            Ok(Some(WireEvent::Message { opcode: Opcode::Text, bytes })) => {
                // They were found to be UTF-8.
                as_text(bytes).map(|text| Event::Text(text.to_owned()))
            }
            Ok(Some(WireEvent::Message { opcode: Opcode::Binary, bytes })) => {
                Some(Event::Binary(bytes.to_vec()))
            }
            Ok(Some(WireEvent::Ping { payload })) => Some(Event::Ping(payload.to_vec())),
            Ok(Some(WireEvent::Pong { payload })) => Some(Event::Pong(payload.to_vec())),
            Ok(Some(WireEvent::Close { code, reason })) => {
                self.peer_close = Some((code.map_or(NO_CODE, CloseCode::number), reason.to_owned()));
                // The server ends the connection first (RFC 6455, 7.1.1), within this time.
                self.deadline = self.now.saturating_add(self.times.close_timeout);
                ends = true;
                None
            }
            Err(error) => {
                rest = &[];
                let reason = error.reason.to_owned();
                self.closed = Some(Closed { code: error.code.number(), reason, clean: false });
                None
            }
        };
        self.answers += self.pending.len() - before;
        let used = self.input.len() - rest.len();
        self.input.advance(used);
        self.http.consumed(self.exchange, used);
        if self.closed.is_some() {
            self.finish();
        } else if ends && self.http.is_multiplexed() && self.has_room() {
            // The rule is for the ports of TCP. A stream ends when both have said so.
            self.ended("");
        }
        event
    }

    /// Gives `http` the frames that wait.
    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        match self.http.write(self.exchange, &self.pending) {
            Err(RequestError::WouldBlock) => return,
            // Err: it is over, which its events say.
            Ok(()) | Err(_) => self.pending.clear(),
        }
        self.answers = 0;
        if self.pending.capacity() > KEPT {
            self.pending = Vec::new();
        }
    }

    /// Nothing more comes.
    fn ended(&mut self, without_close: &str) {
        self.closed = Some(match self.peer_close.take() {
            Some((code, reason)) => Closed { code, reason, clean: true },
            None => Closed::abnormal(without_close),
        });
        self.finish();
    }

    /// Ends our side behind what waits.
    fn finish(&mut self) {
        self.flush();
        self.pending = Vec::new();
        self.input = Bytes::new();
        // Err: it is over already.
        let _ = self.http.finish(self.exchange, None);
        self.http.close();
    }

    /// A time is over: that of the server's silence, of its answer to a Ping, of its Close frame, or of the end behind it.
    fn due(&mut self) {
        if self.peer_close.is_some() {
            return self.ended("");
        }
        if !self.wire.is_open() {
            return self.cut("the Close frame was not answered");
        }
        // A server that is not read can't be heard.
        let heard = std::mem::take(&mut self.heard) || !self.wants_input() || !self.input.is_empty();
        let after = match (heard, self.pinged) {
            (true, _) => {
                self.pinged = false;
                self.times.ping_interval
            }
            (false, false) => {
                self.pinged = true;
                // Err: so much waits for it that it takes nothing, and then it will not answer either.
                if self.wire.ping(b"", &mut self.pending).is_ok() {
                    self.flush();
                }
                self.times.ping_timeout
            }
            (false, true) => return self.cut("the Ping was not answered"),
        };
        self.deadline = self.now.saturating_add(after);
    }

    /// Ends it at once, without a word to the server.
    pub(super) fn cut(&mut self, reason: &str) {
        if self.closed.is_some() {
            return;
        }
        self.closed = Some(Closed::abnormal(reason));
        self.pending = Vec::new();
        self.input = Bytes::new();
        self.http.cancel(self.exchange);
        self.http.close();
    }
}
