//! Streams (RFC 9000, 2): ids as on the wire. What quiche says about them, and what it doesn't.
//!
//! quiche names streams that can be read or written from sets of its own, which have gaps: a stream with unread bytes is not named when
//! more comes; one with turns is named again without anything new; every stream that was opened counts as writable; and one that has room for a
//! single byte does not. So the streams that somebody waits for are kept here, and quiche is asked about each.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use quiche::{Error, Shutdown};

use super::Connection;

/// What was read of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// So many bytes.
    pub length: usize,
    /// They were the last.
    pub fin: bool,
}

/// Why a stream does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamError {
    /// Nothing for now: there is nothing to read, or no room to write. [`Connection::next_readable`] or [`Connection::next_writable`]
    /// will name it again.
    Blocked,
    /// The peer reset its side (RESET_STREAM, RFC 9000, 19.4), with this code.
    Reset(u64),
    /// The peer wants no more of ours (STOP_SENDING, RFC 9000, 19.5), with this code.
    Stopped(u64),
    /// There is no such stream any more, or the connection is over.
    Closed,
    /// The peer allows no more streams for now.
    Limit,
}

impl From<Error> for StreamError {
    fn from(error: Error) -> Self {
        match error {
            Error::Done => Self::Blocked,
            Error::StreamReset(code) => Self::Reset(code),
            Error::StreamStopped(code) => Self::Stopped(code),
            Error::StreamLimit => Self::Limit,
            _ => Self::Closed,
        }
    }
}

/// quiche's priority of what was given none; lower is sooner. The urgency of RFC 9218 is added to the first of eight, so that 3, which is
/// its default, is quiche's default too.
const FIRST_PRIORITY: u8 = 124;

/// When so many streams are known that take no turns, those that are over are forgotten.
const MOST_IN_ORDER: usize = 256;

/// Stands for the length of what may not be read before the handshake has ended: more than any.
const WITHHELD: usize = usize::MAX;

/// Who waits for what.
pub(super) struct Streams {
    /// Whether anything came in since the lists were looked through.
    changed: bool,
    /// Streams that were named and not read to their end yet, with as many bytes as there were.
    unread: Vec<(u64, usize)>,
    /// Of those, the ones for which more came.
    more: VecDeque<u64>,
    /// Streams that took less than they were given.
    blocked: Vec<u64>,
    /// Of those, the ones that have room.
    room: VecDeque<u64>,
    /// Streams that the peer stopped, and that nobody waits to write.
    stopped: VecDeque<u64>,
    /// How often the peer had stopped one when they were looked for.
    stops: u64,
    /// Streams that were found stopped, with the code, until somebody is told: quiche forgets a stream when it has said so.
    untold: Vec<(u64, u64)>,
    /// Streams that were reset here, while there are any. quiche would only call them blocked.
    reset: Vec<u64>,
    /// Streams that are sent one after another, and their urgency.
    in_order: Vec<(u64, u8)>,
    next_unidirectional: u64,
    next_bidirectional: u64,
    /// How much more may be read before the handshake has ended.
    early_left: u64,
    used_early: bool,
}

impl Streams {
    pub(super) fn new(server: bool, early_limit: u64) -> Self {
        Self {
            changed: false,
            unread: Vec::new(),
            more: VecDeque::new(),
            blocked: Vec::new(),
            room: VecDeque::new(),
            stopped: VecDeque::new(),
            stops: 0,
            untold: Vec::new(),
            reset: Vec::new(),
            in_order: Vec::new(),
            // The two lowest bits tell the direction and who opened the stream (RFC 9000, 2.1).
            next_unidirectional: 2 + u64::from(server),
            next_bidirectional: u64::from(server),
            early_left: early_limit,
            used_early: false,
        }
    }

    /// Something came in, or time passed: what did not go before may go now.
    pub(super) fn changed(&mut self) {
        self.changed = true;
    }

    /// Whether a stream waits for room.
    pub(super) fn someone_waits(&self) -> bool {
        !self.blocked.is_empty()
    }

    /// The handshake has ended: what was held back for that may be read.
    pub(super) fn established(&mut self) {
        self.early_left = u64::MAX;
        self.changed = true;
    }

    /// Whether a stream was written before the handshake had ended.
    pub(super) fn used_early(&self) -> bool {
        self.used_early
    }

    fn note_unread(&mut self, stream: u64, bytes: usize) {
        match self.unread.iter_mut().find(|(other, _)| *other == stream) {
            Some((_, before)) => *before = bytes,
            None => self.unread.push((stream, bytes)),
        }
    }

    fn forget_unread(&mut self, stream: u64) {
        self.unread.retain(|(other, _)| *other != stream);
    }

    fn note_blocked(&mut self, stream: u64) {
        if !self.blocked.contains(&stream) {
            self.blocked.push(stream);
        }
    }

    fn take_stop(&mut self, stream: u64) -> Option<StreamError> {
        let at = self.untold.iter().position(|(other, _)| *other == stream)?;
        Some(StreamError::Stopped(self.untold.swap_remove(at).1))
    }

    fn forget_blocked(&mut self, stream: u64) {
        self.blocked.retain(|other| *other != stream);
    }
}

impl Connection {
    /// The next stream that can be read: has bytes, an end, or was reset. It is named once, and again when more comes.
    pub fn next_readable(&mut self) -> Option<u64> {
        while let Some(stream) = self.inner.stream_readable_next() {
            let bytes = self.inner.stream_readable_len(stream, usize::MAX);
            let withheld = self.streams.early_left == 0 && self.streams.unread.contains(&(stream, WITHHELD));
            if !withheld && !self.streams.unread.contains(&(stream, bytes)) {
                self.streams.note_unread(stream, bytes);
                return Some(stream);
            }
        }
        self.look_again();
        let stream = self.streams.more.pop_front()?;
        Some(stream)
    }

    /// Reads what came of a stream into `buffer`.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn read(&mut self, stream: u64, buffer: &mut [u8]) -> Result<Read, StreamError> {
        let early = self.is_early();
        let most =
            if early { usize::try_from(self.streams.early_left).unwrap_or(usize::MAX) } else { usize::MAX };
        if most == 0 {
            self.streams.note_unread(stream, WITHHELD);
            return Err(StreamError::Blocked);
        }
        let most = most.min(buffer.len());
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        match self.inner.stream_recv(stream, buffer) {
            Ok((length, fin)) => {
                if early {
                    self.streams.early_left = self.streams.early_left.saturating_sub(length as u64);
                }
                if fin {
                    self.streams.forget_unread(stream);
                } else if self.inner.stream_readable(stream) {
                    let left = self.inner.stream_readable_len(stream, usize::MAX);
                    self.streams.note_unread(stream, left);
                } else {
                    self.streams.forget_unread(stream);
                }
                Ok(Read { length, fin })
            }
            Err(error) => {
                self.streams.forget_unread(stream);
                match error {
                    Error::Done if self.inner.stream_finished(stream) => Err(StreamError::Closed),
                    error => Err(error.into()),
                }
            }
        }
    }

    /// The next stream that may be written again after [`StreamError::Blocked`] or a write in part, or that the peer stopped. A stopped one
    /// may be named again until it is reset.
    pub fn next_writable(&mut self) -> Option<u64> {
        self.look_again();
        if let Some(stream) = self.streams.stopped.pop_front() {
            return Some(stream);
        }
        while let Some(stream) = self.streams.room.pop_front() {
            if self.has_room(stream) {
                self.streams.forget_blocked(stream);
                return Some(stream);
            }
        }
        None
    }

    /// Goes through those who wait, if anything came in.
    fn look_again(&mut self) {
        if !std::mem::take(&mut self.streams.changed) {
            return;
        }
        for index in 0..self.streams.unread.len() {
            let Some((stream, before)) = self.streams.unread.get(index).copied() else { break };
            let bytes = self.inner.stream_readable_len(stream, usize::MAX);
            let withheld = before == WITHHELD && self.streams.early_left == 0;
            if bytes != before && !withheld {
                self.streams.note_unread(stream, bytes);
                if !self.streams.more.contains(&stream) {
                    self.streams.more.push_back(stream);
                }
            }
        }
        for index in 0..self.streams.blocked.len() {
            let Some(stream) = self.streams.blocked.get(index).copied() else { break };
            if !self.streams.room.contains(&stream) && self.has_room(stream) {
                self.streams.room.push_back(stream);
            }
        }
        self.look_for_stopped();
    }

    /// Finds the streams that the peer stopped and that nobody waits to write. quiche has them among those that can be written, which it
    /// tells once when they are asked for one by one; so they are only gone through, and only when there is a stop more than before.
    fn look_for_stopped(&mut self) {
        let stops = self.inner.stats().stopped_stream_count_remote;
        if stops == self.streams.stops {
            return;
        }
        let writable = self.inner.writable();
        if writable.len() > 0 {
            // Else the congestion window is full, and it names none.
            self.streams.stops = stops;
        }
        for stream in writable {
            let waits = self.streams.blocked.contains(&stream) || self.streams.stopped.contains(&stream);
            if !waits && self.is_stopped(stream) {
                self.streams.stopped.push_back(stream);
            }
        }
    }

    fn is_stopped(&mut self, stream: u64) -> bool {
        matches!(self.room(stream), Err(Error::StreamStopped(_)))
    }

    /// Whether a write would do anything, also fail.
    fn has_room(&mut self, stream: u64) -> bool {
        self.room(stream) != Ok(0)
    }

    /// How much quiche would take; that a stream was stopped is remembered.
    fn room(&mut self, stream: u64) -> quiche::Result<usize> {
        let room = self.inner.stream_capacity(stream);
        if let Err(Error::StreamStopped(code)) = room
            && !self.streams.untold.iter().any(|(other, _)| *other == stream)
        {
            self.streams.untold.push((stream, code));
        }
        room
    }

    /// How many bytes a stream takes now: flow control and congestion window. 0 is not an error.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn capacity(&mut self, stream: u64) -> Result<usize, StreamError> {
        match self.streams.take_stop(stream) {
            Some(stopped) => Err(stopped),
            None => Ok(self.inner.stream_capacity(stream)?),
        }
    }

    /// Writes bytes that are copied. Says how many were taken; if not all, the end was not taken either, and
    /// [`Connection::next_writable`] will name the stream.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn write(&mut self, stream: u64, bytes: &[u8], fin: bool) -> Result<usize, StreamError> {
        self.may_write(stream)?;
        let written = self.inner.stream_send(stream, bytes, fin);
        self.wrote(stream, bytes.len(), written)
    }

    /// Writes bytes that are not copied: they are held until the peer has acknowledged them. What was not taken stays in `bytes`.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn write_shared(&mut self, stream: u64, bytes: &mut Bytes, fin: bool) -> Result<usize, StreamError> {
        self.may_write(stream)?;
        let written = self.inner.stream_send_zc(stream, bytes.clone(), fin).map(|(taken, _)| taken);
        let taken = self.wrote(stream, bytes.len(), written)?;
        bytes.advance(taken);
        Ok(taken)
    }

    /// What quiche would not say: that a stream was reset here, and that it is too early.
    fn may_write(&mut self, stream: u64) -> Result<(), StreamError> {
        if self.streams.reset.contains(&stream) {
            return Err(StreamError::Closed);
        }
        if let Some(stopped) = self.streams.take_stop(stream) {
            self.streams.forget_blocked(stream);
            return Err(stopped);
        }
        if !self.is_ready() {
            self.streams.note_blocked(stream);
            return Err(StreamError::Blocked);
        }
        Ok(())
    }

    /// Remembers who waits for room.
    fn wrote(
        &mut self,
        stream: u64,
        length: usize,
        written: quiche::Result<usize>,
    ) -> Result<usize, StreamError> {
        if !self.inner.is_established() {
            self.streams.used_early = true;
        }
        match written {
            Ok(taken) if taken < length => {
                self.streams.note_blocked(stream);
                Ok(taken)
            }
            Ok(taken) => {
                self.streams.forget_blocked(stream);
                Ok(taken)
            }
            // quiche says this also of a stream that is over in both directions.
            Err(Error::Done) if self.inner.stream_capacity(stream).is_ok() => {
                self.streams.note_blocked(stream);
                Err(StreamError::Blocked)
            }
            Err(Error::Done) => {
                self.streams.forget_blocked(stream);
                Err(StreamError::Closed)
            }
            Err(error) => {
                self.streams.forget_blocked(stream);
                Err(error.into())
            }
        }
    }

    /// Sends RESET_STREAM: what was not sent of our side is dropped.
    pub fn reset(&mut self, stream: u64, code: u64) {
        self.streams.forget_blocked(stream);
        let _ = self.streams.take_stop(stream);
        // What it would have taken may be given to others.
        self.streams.changed();
        // Err: there is no such stream, or its side is over.
        if self.inner.stream_shutdown(stream, Shutdown::Write, code).is_ok() {
            let inner = &mut self.inner;
            let there =
                |other: &u64| !matches!(inner.stream_capacity(*other), Err(Error::InvalidStreamState(_)));
            self.streams.reset.retain(there);
            self.streams.reset.push(stream);
        }
    }

    /// Sends STOP_SENDING: nobody reads the peer's side any more.
    pub fn stop(&mut self, stream: u64, code: u64) {
        self.streams.forget_unread(stream);
        // Err: there is no such stream, or its side is over.
        let _ = self.inner.stream_shutdown(stream, Shutdown::Read, code);
    }

    /// Opens a unidirectional stream of ours, and says its id: as [`StreamError::Limit`] when the peer allows none.
    ///
    /// # Errors
    /// [`StreamError::Limit`], [`StreamError::Closed`].
    pub fn open_unidirectional(&mut self) -> Result<u64, StreamError> {
        let stream = self.streams.next_unidirectional;
        self.open(stream)?;
        self.streams.next_unidirectional += 4;
        Ok(stream)
    }

    /// Opens a stream of ours for both directions, as [`Connection::open_unidirectional`].
    ///
    /// # Errors
    /// [`StreamError::Limit`], [`StreamError::Closed`].
    pub fn open_bidirectional(&mut self) -> Result<u64, StreamError> {
        let stream = self.streams.next_bidirectional;
        self.open(stream)?;
        self.streams.next_bidirectional += 4;
        Ok(stream)
    }

    /// Whether [`Connection::open_bidirectional`] would open one now.
    #[must_use]
    pub fn may_open_bidirectional(&self) -> bool {
        !self.is_closing() && self.is_ready() && self.inner.peer_streams_left_bidi() > 0
    }

    /// quiche opens a stream with the first thing that is said about it: here that it has the priority it has.
    fn open(&mut self, stream: u64) -> Result<(), StreamError> {
        if self.is_closing() {
            return Err(StreamError::Closed);
        }
        if !self.is_ready() {
            return Err(StreamError::Limit);
        }
        Ok(self.inner.stream_priority(stream, FIRST_PRIORITY + 3, true)?)
    }

    /// How soon a stream's content is sent (RFC 9218): urgency 0 (first) to 7, and whether it takes turns with others of the same urgency.
    pub fn set_priority(&mut self, stream: u64, urgency: u8, incremental: bool) {
        let urgency = urgency.min(7);
        // Err: there is no such stream any more.
        let set = self.inner.stream_priority(stream, FIRST_PRIORITY + urgency, incremental);
        let in_order = &mut self.streams.in_order;
        in_order.retain(|(other, _)| *other != stream);
        if !incremental && set.is_ok() {
            if in_order.len() >= MOST_IN_ORDER {
                let inner = &mut self.inner;
                in_order.retain(|(other, _)| inner.stream_capacity(*other).is_ok());
            }
            in_order.push((stream, urgency));
        }
    }

    /// Lets all streams of the same urgency take turns.
    pub(super) fn take_turns(&mut self) {
        for (stream, urgency) in std::mem::take(&mut self.streams.in_order) {
            // Err: there is no such stream any more.
            let _ = self.inner.stream_priority(stream, FIRST_PRIORITY + urgency, true);
        }
    }

    // ---- datagrams of the application (RFC 9221)

    /// Takes the next datagram of the peer into `buffer`; its length. One that is longer than the buffer is dropped.
    pub fn read_datagram(&mut self, buffer: &mut [u8]) -> Option<usize> {
        loop {
            match self.inner.dgram_recv(buffer) {
                Ok(length) => return Some(length),
                // Err: there is none, which can't be.
                Err(Error::BufferTooShort) => drop(self.inner.dgram_recv_buf().ok()?),
                Err(_) => return None,
            }
        }
    }

    /// How many bytes a datagram may have now: what the peer takes, and what one packet of the path has room for. `None`: the peer takes
    /// none, or did not say yet.
    #[must_use]
    pub fn datagram_room(&self) -> Option<usize> {
        self.inner.dgram_max_writable_len()
    }

    /// Whether so many datagrams wait to be sent that no more are taken. Some leave with each packet that the congestion window allows.
    #[must_use]
    pub fn is_full_of_datagrams(&self) -> bool {
        self.inner.is_dgram_send_queue_full()
    }

    /// Queues a datagram. False: the peer takes none, or none so large, or too many wait.
    pub fn write_datagram(&mut self, bytes: Vec<u8>) -> bool {
        self.inner.dgram_send_buf(bytes).is_ok()
    }
}
