//! The content of an exchange that flows: the request's to the handler, the answer's to the worker.
//!
//! Both ways are queues with a limit, under one lock that is held for moments. The worker fills one and empties the other;
//! whoever holds the exchange does the opposite, from any thread.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;

use super::sync::{AtomicBool, AtomicUsize, Condvar, Mutex, MutexGuard, Ordering};
use crate::exchange::Gathered;
use crate::message::{Body, FileBody, Headers, Part, Source};

/// The request's content waits up to this many bytes for the handler before the client is not read any more.
pub(crate) const INBOUND_HIGH: usize = 256 * 1024;
/// And is read again below this.
const INBOUND_LOW: usize = 64 * 1024;
/// The answer's content waits up to this many bytes for the client before writes are refused.
pub(crate) const OUTBOUND_HIGH: usize = 256 * 1024;
/// And are taken again below this.
const OUTBOUND_LOW: usize = 64 * 1024;

/// What happens to an exchange while its content flows.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Some of the request's content, valid during the call. Only with [`Exchange::on_event`](crate::Exchange::on_event).
    Data(&'a [u8]),
    /// [`Exchange::read`](crate::Exchange::read) finds content. Only with [`Exchange::watch`](crate::Exchange::watch).
    Readable,
    /// The request has ended; its trailers are in [`Request::trailers`](crate::Request::trailers).
    End,
    /// Writes are taken again, after one was refused.
    Writable,
    /// The time has come that was asked for with [`Exchange::set_alarm`](crate::Exchange::set_alarm).
    Alarm,
    /// The server ends, and waits for this byte stream of another protocol until its deadline: a protocol that can say goodbye should do
    /// so. Only after [`Exchange::switch_protocol`](crate::Exchange::switch_protocol).
    Draining,
    /// The exchange is over; [`Request::cancelled`](crate::Request::cancelled) says why. The last event.
    Cancelled,
}

/// Whether the request's content goes on flowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// More, please.
    Continue,
    /// No more until [`Exchange::resume`](crate::Exchange::resume). What came with the event counts as taken.
    Pause,
}

/// What a read of the request's content found.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// Some content.
    Data(Bytes),
    /// Nothing yet.
    WouldBlock,
    /// The request has ended.
    End,
}

/// What is to be sent, in order.
#[derive(Debug)]
pub(crate) enum Piece {
    /// An interim answer (RFC 9110, 15.2), before the head of the final one. Rare, so it must not make the others larger.
    Informational(Box<(u16, Headers)>),
    /// Content.
    Data(Bytes),
    /// Content that is part of a file. It takes no room.
    File(FileBody),
}

/// Some of the request's content, as it comes.
pub(crate) enum Arrived<'a> {
    /// Whoever lends it needs it.
    Lent(&'a [u8]),
    /// Nobody needs it behind the callback, which may change it where it lies.
    Own(&'a mut [u8]),
}

impl Arrived<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Lent(bytes) => bytes,
            Self::Own(bytes) => bytes,
        }
    }

    fn tell(&mut self) -> Told<'_> {
        match self {
            Self::Lent(bytes) => Told::Event(Event::Data(bytes)),
            Self::Own(bytes) => Told::Own(bytes),
        }
    }
}

/// What a callback hears: an event, or one with content that may be changed where it lies.
pub(crate) enum Told<'a> {
    /// [`Event::Data`], of bytes that nobody needs behind the call.
    Own(&'a mut [u8]),
    Event(Event<'a>),
}

impl<'a> From<Told<'a>> for Event<'a> {
    fn from(told: Told<'a>) -> Self {
        match told {
            Told::Own(bytes) => Self::Data(bytes),
            Told::Event(event) => event,
        }
    }
}

pub(crate) type Callback = Box<dyn FnMut(Told<'_>) -> Flow + Send>;

/// A callback that only looks at content.
pub(crate) fn hears(mut callback: impl FnMut(Event<'_>) -> Flow + Send + 'static) -> Callback {
    Box::new(move |told| callback(told.into()))
}

/// The flowing content of one exchange.
#[derive(Default)]
pub(crate) struct Stream {
    /// Whether anybody has touched it, so that an exchange without streams pays nothing.
    used: AtomicBool,
    inner: Mutex<Inner>,
    changed: Condvar,
    /// Threads in [`Stream::wait`]. Changed under the lock.
    waiting: AtomicUsize,
    /// The worker's time, in milliseconds, when content came last or the alarm rang.
    pub(crate) now: AtomicU64,
}

#[derive(Default)]
pub(crate) struct Inner {
    // The request's content.
    /// Content that is collected for a handler that wants it whole.
    pub(crate) collected: Vec<u8>,
    inbound: Gathered,
    /// The request has ended: all its content is in `inbound` or was taken.
    pub(crate) received_all: bool,
    /// The trailers of the request, as far as they have come.
    pub(crate) request_trailers: Option<Box<Headers>>,
    /// The handler asked for content.
    pub(crate) wanted: bool,
    /// The handler wants no more events with content for now.
    pub(crate) paused: bool,
    /// The worker stopped reading until there is room.
    pub(crate) full: bool,
    // The answer's content.
    pieces: VecDeque<Piece>,
    outbound: usize,
    /// The answer has ended: nothing comes behind `pieces`.
    pub(crate) sent_all: bool,
    pub(crate) answer_trailers: Option<Box<Headers>>,
    /// Gives content before the pieces.
    pub(crate) source: Option<Box<dyn Source>>,
    /// A write was refused.
    refused: bool,
    /// The exchange is over.
    pub(crate) over: bool,
    // The handler's ear.
    /// The handler wants to hear [`Event::Alarm`] after this time, which begins when the worker looks.
    pub(crate) alarm: Option<Duration>,
    callback: Option<Callback>,
    /// The callback only hears that there is content; it is read from the queue.
    watching: bool,
}

impl Stream {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.used.store(true, Ordering::Relaxed);
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// Waits until something changed, on a thread that may block.
    pub(crate) fn wait<'a>(&self, inner: MutexGuard<'a, Inner>) -> MutexGuard<'a, Inner> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        inner
    }

    /// Wakes those who wait. To be called after a change under the lock: who began to wait before that change is counted.
    pub(crate) fn notify(&self) {
        // Telling a condition variable is a system call, also when nobody waits.
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.changed.notify_all();
        }
    }

    /// Back to the start; only for the sole holder of the block.
    pub(crate) fn reset(&mut self) {
        if self.is_used() {
            *self = Self::default();
        }
    }

    /// Keeps memory for the content of the next exchange; only for the sole holder of the block.
    pub(crate) fn keep(&mut self, memory: Vec<u8>) {
        self.inner.get_mut().unwrap_or_else(PoisonError::into_inner).collected = memory;
    }

    /// Nothing flows any more: ends those who wait. Returns the callback, to be called or dropped without the lock.
    ///
    /// Whether anybody has touched the stream must not be asked before: another thread may do so for the first time just now, and
    /// would wait for ever.
    pub(crate) fn close(&self) -> Option<Callback> {
        let (source, pieces, callback) = {
            let mut inner = self.lock();
            (inner.source.take(), std::mem::take(&mut inner.pieces), inner.end())
        };
        self.notify();
        // Without the lock: their destructors are the application's, and may hold the exchange.
        drop((source, pieces));
        callback
    }

    /// Hands content to a callback that wants it, without the lock. Says whether it takes more; `None`: there is no such callback.
    pub(crate) fn hand_over(&self, content: &mut Arrived<'_>) -> Option<bool> {
        let mut callback = {
            let mut inner = self.lock();
            if inner.watching {
                return None;
            }
            let callback = inner.callback.take()?;
            // Before the call: whoever the callback hands the content to may resume before it returns.
            inner.paused = true;
            callback
        };
        let flow = callback(content.tell());
        let mut inner = self.lock();
        inner.paused &= flow == Flow::Pause;
        let more = !inner.paused;
        // As in `call`.
        if inner.callback.is_none() && !inner.over {
            inner.callback = Some(callback);
        }
        Some(more)
    }

    /// Calls the handler's callback, without the lock. `None`: there is none.
    pub(crate) fn call(&self, event: Event<'_>) -> Option<Flow> {
        let mut callback = self.lock().callback.take()?;
        let flow = callback(Told::Event(event));
        let mut inner = self.lock();
        // The callback may have set another one; and after the end there must be none, because it may hold the exchange.
        if inner.callback.is_none() && !inner.over {
            inner.callback = Some(callback);
        }
        Some(flow)
    }
}

impl Inner {
    pub(crate) fn set_callback(&mut self, callback: Callback, watching: bool) -> Option<Callback> {
        self.watching = watching;
        self.callback.replace(callback)
    }

    /// The worker's side: content came. Returns whether the worker should go on reading.
    pub(crate) fn push_content(&mut self, content: &[u8]) -> bool {
        self.inbound.push(content);
        self.full = self.inbound.len() >= INBOUND_HIGH;
        !self.full
    }

    /// The handler's side: takes content. The flag says that the worker should read again.
    pub(crate) fn pop_content(&mut self, most: usize) -> (Read, bool) {
        let asked = !std::mem::replace(&mut self.wanted, true);
        match self.inbound.pop(most) {
            Some(content) => {
                let resume = self.full && self.inbound.len() < INBOUND_LOW;
                self.full &= !resume;
                (Read::Data(content), resume || asked)
            }
            None if self.received_all => (Read::End, false),
            None => (Read::WouldBlock, asked),
        }
    }

    /// The handler's side: what was drafted goes before all that is written. There may be more than there is room for.
    pub(crate) fn begin_with(&mut self, first: Body, trailers: Option<Box<Headers>>) {
        match first {
            Body::Empty => {}
            Body::File(file) => self.push_part(Part::File(file)),
            Body::Parts(parts) => parts.into_iter().for_each(|part| self.push_part(part)),
            Body::Source(source) => self.source = Some(source),
            mut bytes @ (Body::Owned(_) | Body::Shared(_)) => self.push_part(Part::Bytes(bytes.take_bytes())),
        }
        let Some(trailers) = trailers else { return };
        match &mut self.answer_trailers {
            Some(added) => {
                for (name, value) in trailers.iter() {
                    let copied = added.append(name, value);
                    debug_assert!(copied.is_ok(), "a field that was one is one no more");
                }
            }
            None => self.answer_trailers = Some(trailers),
        }
    }

    fn push_part(&mut self, part: Part) {
        match part {
            part if part.length() == 0 => {}
            Part::Bytes(data) => {
                self.outbound += data.len();
                self.push_piece(Piece::Data(data));
            }
            Part::File(file) => self.push_piece(Piece::File(file)),
        }
    }

    fn push_piece(&mut self, piece: Piece) {
        if self.pieces.capacity() == 0 {
            // Most streams have one piece at a time, and byte streams of another protocol keep this memory while they are idle.
            self.pieces.reserve_exact(1);
        }
        self.pieces.push_back(piece);
    }

    /// The handler's side: gives content. False: there is no room.
    pub(crate) fn push_data(&mut self, data: Bytes) -> bool {
        if self.outbound >= OUTBOUND_HIGH {
            self.refused = true;
            return false;
        }
        self.outbound += data.len();
        self.push_piece(Piece::Data(data));
        true
    }

    /// The handler's side: gives content that has to go out, whether there is room or not.
    pub(crate) fn push_last(&mut self, data: Bytes) {
        self.push_part(Part::Bytes(data));
    }

    /// The handler's side: whether a write would be taken. If not, it hears when it would.
    pub(crate) fn has_room(&mut self) -> bool {
        let room = self.outbound < OUTBOUND_HIGH;
        self.refused |= !room;
        room
    }

    /// The handler's side: it wants to hear of room that may be there already.
    pub(crate) fn ask_for_room(&mut self) {
        self.refused = true;
    }

    /// The handler's side: gives an interim answer. False: too many wait.
    pub(crate) fn push_informational(&mut self, status: u16, headers: Headers) -> bool {
        /// Interim answers that may wait for a client that does not read. More than a few make no sense.
        const MOST: usize = 64;
        let room = self.pieces.len() < MOST;
        if room {
            self.push_piece(Piece::Informational(Box::new((status, headers))));
        }
        room
    }

    /// The worker's side: takes the next piece.
    pub(crate) fn pop_piece(&mut self) -> Option<Piece> {
        let piece = self.pieces.pop_front()?;
        if let Piece::Data(data) = &piece {
            self.outbound -= data.len();
        }
        Some(piece)
    }

    /// The worker's side: takes the next interim answer.
    pub(crate) fn pop_informational(&mut self) -> Option<(u16, Headers)> {
        match self.pieces.pop_front()? {
            Piece::Informational(interim) => Some(*interim),
            other => {
                self.pieces.push_front(other);
                None
            }
        }
    }

    /// The worker's side: whether the handler should hear that writes are taken again.
    pub(crate) fn became_writable(&mut self) -> bool {
        let writable = self.refused && self.outbound < OUTBOUND_LOW;
        self.refused &= !writable;
        writable
    }

    /// How many bytes of the answer wait for the client here.
    pub(crate) fn outbound(&self) -> usize {
        self.outbound
    }

    /// Whether a write was refused and nobody made room since.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused
    }

    /// Whether a read would find something.
    pub(crate) fn is_readable(&self) -> bool {
        self.received_all || !self.inbound.is_empty()
    }

    /// The exchange is over: nothing flows any more. Returns the callback, to be dropped without the lock.
    pub(crate) fn end(&mut self) -> Option<Callback> {
        self.over = true;
        self.inbound.clear();
        self.pieces.clear();
        self.outbound = 0;
        self.source = None;
        self.callback.take()
    }
}
