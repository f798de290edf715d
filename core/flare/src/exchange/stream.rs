//! The content of an exchange that flows: the request's to the handler, the answer's to the worker.
//!
//! Both ways are queues with a limit, under one lock that is held for moments. The worker fills one and empties the other;
//! whoever holds the exchange does the opposite, from any thread.

use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;

use super::sync::{AtomicBool, AtomicU32, Condvar, Mutex, MutexGuard, Ordering};
use crate::exchange::Gathered;
use crate::exchange::datagram_queues::Datagrams;
use crate::exchange::pieces::Pieces;
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
    /// A datagram, valid during the call. Only with [`Exchange::on_event`](crate::Exchange::on_event), behind
    /// [`Exchange::switch_to_datagrams`](crate::Exchange::switch_to_datagrams).
    Datagram(&'a [u8]),
    /// [`Exchange::read`](crate::Exchange::read) finds content, or [`Exchange::read_datagram`](crate::Exchange::read_datagram) a datagram.
    /// Only with [`Exchange::watch`](crate::Exchange::watch).
    Readable,
    /// The request has ended; its trailers are in [`Request::trailers`](crate::Request::trailers). It comes once, behind all content, and not during a
    /// pause; with [`Exchange::watch`](crate::Exchange::watch) content may still wait to be read.
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
    /// No more content, nor its end, until [`Exchange::resume`](crate::Exchange::resume), whatever event this answers. What came with it
    /// counts as taken. Other events still come, and one that is answered with `Continue` ends no pause. A second callback takes a pause over.
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

/// What a callback was not told when it came.
enum Waiting {
    Data(Bytes),
    Readable,
    End,
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
    waiting: AtomicU32,
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
    pieces: Pieces<Piece>,
    outbound: usize,
    /// The answer has ended: nothing comes behind `pieces`.
    pub(crate) sent_all: bool,
    pub(crate) answer_trailers: Option<Box<Headers>>,
    /// Gives content before the pieces.
    pub(crate) source: Option<Box<dyn Source>>,
    /// A write was refused, and there was no room since.
    refused: bool,
    /// There is room again, and no callback was told.
    room_untold: bool,
    /// The exchange is over.
    pub(crate) over: bool,
    // The handler's ear.
    /// The handler wants to hear [`Event::Alarm`] after this time, which begins when the worker looks.
    pub(crate) alarm: Option<Duration>,
    callback: Option<Callback>,
    /// The callback only hears that there is content; it is read from the queue.
    watching: bool,
    /// Content came to the queue, and no callback that watches was told.
    unheard: bool,
    /// A callback was told that the request has ended.
    end_told: bool,
    /// What few exchanges have: those that may become a stream of datagrams.
    pub(crate) datagrams: Option<Box<Datagrams>>,
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

    /// Hands content to a callback that wants it, without the lock. Says whether it takes more; `None`: there is no such callback, or other
    /// content goes first.
    pub(crate) fn hand_over(&self, content: &mut Arrived<'_>) -> Option<bool> {
        let callback = {
            let mut inner = self.lock();
            if inner.watching || inner.paused || !inner.inbound.is_empty() {
                return None;
            }
            let callback = inner.callback.take()?;
            // Before the call: whoever the callback hands the content to may resume before it returns.
            inner.paused = true;
            callback
        };
        Some(self.lend(callback, content.tell()))
    }

    /// Tells a callback the next of what came before it listened, or while it paused, without the lock. False: there is nothing, or nobody to tell.
    pub(crate) fn tell_waiting(&self) -> bool {
        let (callback, waiting) = {
            let mut inner = self.lock();
            let Some(waiting) = inner.next_waiting() else { return false };
            let Some(callback) = inner.callback.take() else { return false };
            inner.paused = true;
            (callback, waiting)
        };
        let event = match &waiting {
            Waiting::Data(data) => Event::Data(data),
            Waiting::Readable => Event::Readable,
            Waiting::End => Event::End,
        };
        self.lend(callback, Told::Event(event));
        true
    }

    /// Hands a datagram to a callback that wants it, without the lock. False: there is none that does now, or others wait for it.
    pub(crate) fn hand_over_datagram(&self, datagram: &[u8]) -> bool {
        let callback = {
            let mut inner = self.lock();
            let waits = inner.datagrams.as_ref().is_none_or(|datagrams| datagrams.next_inbound().is_some());
            if waits { None } else { inner.take_ear() }
        };
        let Some(callback) = callback else { return false };
        self.lend(callback, Told::Event(Event::Datagram(datagram)));
        true
    }

    /// Hands the next datagram that waits to a callback that wants it, without the lock. False: there is none of the one or the other.
    pub(crate) fn hand_over_waiting_datagram(&self) -> bool {
        let (callback, datagram) = {
            let mut inner = self.lock();
            if inner.datagrams.as_ref().is_none_or(|datagrams| datagrams.next_inbound().is_none()) {
                return false;
            }
            let Some(callback) = inner.take_ear() else { return false };
            (callback, inner.datagrams.as_mut().and_then(|datagrams| datagrams.pop_inbound()))
        };
        self.lend(callback, Told::Event(Event::Datagram(&datagram.unwrap_or_default())));
        true
    }

    /// Calls a callback that was taken out while content is paused, and puts it back. Says whether it takes more.
    fn lend(&self, mut callback: Callback, told: Told<'_>) -> bool {
        let flow = callback(told);
        let mut inner = self.lock();
        inner.paused &= flow == Flow::Pause;
        let more = !inner.paused;
        // As in `call`.
        if inner.callback.is_none() && !inner.over {
            inner.callback = Some(callback);
        }
        more
    }

    /// Calls the handler's callback, without the lock. `None`: there is none.
    pub(crate) fn call(&self, event: Event<'_>) -> Option<Flow> {
        let (mut callback, paused) = {
            let mut inner = self.lock();
            // As in `hand_over`.
            (inner.callback.take()?, std::mem::replace(&mut inner.paused, true))
        };
        let flow = callback(Told::Event(event));
        let mut inner = self.lock();
        inner.paused &= paused || flow == Flow::Pause;
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
        self.unheard = !self.inbound.is_empty();
        // Who watched may have heard of the end before the last content was read: it comes behind that.
        self.end_told &= !self.unheard;
        self.callback.replace(callback)
    }

    /// The next of what a callback has not been told. It has to be told now.
    fn next_waiting(&mut self) -> Option<Waiting> {
        if self.callback.is_none() || self.paused {
            return None;
        }
        if self.watching && std::mem::take(&mut self.unheard) {
            return Some(Waiting::Readable);
        }
        if !self.watching
            && let (Read::Data(data), _) = self.pop_content(usize::MAX)
        {
            return Some(Waiting::Data(data));
        }
        let ends = self.received_all && !std::mem::replace(&mut self.end_told, self.received_all);
        ends.then_some(Waiting::End)
    }

    /// The bytes of another protocol begin: that the request had no content says nothing of them.
    pub(crate) fn begin_again(&mut self) {
        (self.received_all, self.end_told) = (false, false);
    }

    /// The worker's side: content came. Returns whether the worker should go on reading.
    pub(crate) fn push_content(&mut self, content: &[u8]) -> bool {
        self.inbound.push(content);
        self.unheard = true;
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
                self.pieces.push_back(Piece::Data(data));
            }
            Part::File(file) => self.pieces.push_back(Piece::File(file)),
        }
    }

    /// The handler's side: gives content. False: there is no room.
    pub(crate) fn push_data(&mut self, data: Bytes) -> bool {
        if !self.has_room() {
            return false;
        }
        self.outbound += data.len();
        self.pieces.push_back(Piece::Data(data));
        true
    }

    /// The handler's side: gives content that has to go out, whether there is room or not.
    pub(crate) fn push_last(&mut self, data: Bytes) {
        self.push_part(Part::Bytes(data));
    }

    /// The handler's side: whether a write would be taken. If not, it hears when it would.
    pub(crate) fn has_room(&mut self) -> bool {
        let room = self.outbound < OUTBOUND_HIGH;
        if !room {
            (self.refused, self.room_untold) = (true, false);
        }
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
            self.pieces.push_back(Piece::Informational(Box::new((status, headers))));
        }
        room
    }

    /// The worker's side: takes the next piece. Datagrams that the byte stream carries come behind all others.
    pub(crate) fn pop_piece(&mut self) -> Option<Piece> {
        let Some(piece) = self.pieces.pop_front() else {
            return self.datagrams.as_mut()?.pop_capsules().map(Piece::Data);
        };
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

    /// The worker's side: whether writes are taken again, after one was refused.
    pub(crate) fn became_writable(&mut self) -> bool {
        let writable = self.refused && self.outbound < OUTBOUND_LOW;
        self.refused &= !writable;
        self.room_untold |= writable;
        writable
    }

    /// The worker's side: whether a callback has to hear of that now. It may listen only since then.
    pub(crate) fn owes_writable(&mut self) -> bool {
        let now = self.room_untold && self.callback.is_some();
        self.room_untold &= !now;
        now
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

    /// Takes the callback out, if it wants datagrams now.
    fn take_ear(&mut self) -> Option<Callback> {
        if self.watching || self.paused {
            return None;
        }
        let callback = self.callback.take()?;
        // As in `hand_over`.
        self.paused = true;
        Some(callback)
    }

    /// The worker's side: a datagram came. False: too many wait.
    pub(crate) fn push_datagram(&mut self, datagram: &[u8]) -> bool {
        !self.over && self.datagrams.get_or_insert_default().push_inbound(datagram)
    }

    /// The worker's side: whether the handler watches, and was not told of a datagram that waits.
    pub(crate) fn has_untold_datagrams(&mut self) -> bool {
        let watches = self.watching && self.callback.is_some();
        watches && self.datagrams.as_mut().is_some_and(|datagrams| datagrams.take_untold())
    }

    /// Whether it is a stream of datagrams.
    pub(crate) fn has_datagrams(&self) -> bool {
        self.datagrams.as_ref().is_some_and(|datagrams| datagrams.accepted)
    }

    /// The handler's side: takes a datagram. The flag says that the worker should look, since it is the first time that one is asked for.
    pub(crate) fn pop_datagram(&mut self) -> (Option<Bytes>, bool) {
        let asked = !std::mem::replace(&mut self.wanted, true);
        (self.datagrams.as_mut().and_then(|datagrams| datagrams.pop_inbound()), asked)
    }

    /// The exchange is over: nothing flows any more. Returns the callback, to be dropped without the lock.
    pub(crate) fn end(&mut self) -> Option<Callback> {
        self.over = true;
        self.inbound.clear();
        self.pieces = Pieces::default();
        self.outbound = 0;
        self.datagrams = None;
        self.source = None;
        self.callback.take()
    }
}
