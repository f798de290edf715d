//! Content of this end's messages, and whose turn it is to send some.

use super::connection::Connection;
use super::error::ErrorCode;
use super::flood::Cost;
use super::frame::{FrameKind, flag, write_header};
use super::role::Role;
use super::stream::{Phase, StreamKey};
use crate::SendError;
use crate::section::UNKNOWN_LENGTH;
use crate::section::priority::Priority;

/// DATA of at least so many bytes, or the last, counts as use of the connection. With less, a peer that opens its window by a byte
/// each time would pay for that itself.
const USEFUL: usize = 256;

/// A stream whose turn it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Turn {
    /// The stream.
    pub stream: StreamKey,
    /// How many bytes of content it may send in one frame: at least 1.
    pub most: usize,
}

/// A stream that does not move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stall {
    /// The stream.
    pub stream: StreamKey,
    /// Since when, by [`Connection::set_now`].
    pub since: u64,
}

impl<R: Role> Connection<R> {
    /// Says that there is content to send on this stream. It then gets its turns, whenever the windows allow, until
    /// [`stop_send`](Self::stop_send) or the end of the message. Before the head was sent it waits for that.
    #[inline]
    pub fn want_send(&mut self, stream: StreamKey) {
        let now = self.now;
        if let Some(open) = self.streams.get_mut(stream).filter(|open| !open.wants) {
            open.wants = true;
            (open.waits_since, open.sent_since) = (now, 0);
            self.queue_if_ready(stream);
        }
    }

    /// Says that there is no content to send on this stream for now.
    #[inline]
    pub fn stop_send(&mut self, stream: StreamKey) {
        if let Some(open) = self.streams.get_mut(stream).filter(|open| open.wants) {
            open.wants = false;
            self.scheduler.remove(&mut self.streams, stream.slot);
        }
    }

    /// Puts a stream into the list, if it wants that and its window is open.
    #[inline]
    pub(super) fn queue_if_ready(&mut self, key: StreamKey) {
        let Some(stream) = self.streams.get(key) else { return };
        if stream.wants && stream.sending == Phase::Content && stream.send_window.open() > 0 {
            self.scheduler.push(&mut self.streams, key.slot);
        }
    }

    /// Whether [`next_turn`](Self::next_turn) may have something to say.
    #[inline]
    pub fn has_turn(&self) -> bool {
        !self.scheduler.is_empty() && self.send_window.open() > 0
    }

    /// Whose turn it is: the most urgent of the streams that have content and an open window. Those of the same urgency take turns, unless the client
    /// said that they are not incremental. `None`: nobody can send.
    ///
    /// The owner then sends some of the content by [`begin_data`](Self::begin_data), or calls [`stop_send`](Self::stop_send).
    #[inline]
    pub fn next_turn(&mut self) -> Option<Turn> {
        let window = self.send_window.open();
        if window == 0 {
            return None;
        }
        loop {
            let slot = self.scheduler.next()?;
            let stream = self.streams.at(slot)?;
            let (id, open, priority) = (stream.id, stream.send_window.open(), stream.priority);
            if open == 0 {
                // It comes back when its window opens.
                self.scheduler.remove(&mut self.streams, slot);
                continue;
            }
            if priority.incremental {
                self.scheduler.rotate(&mut self.streams, slot);
            }
            let most = window.min(open) as usize;
            return Some(Turn { stream: StreamKey { id, slot }, most: most.min(self.frame_room()) });
        }
    }

    /// The most content in one frame.
    #[inline]
    fn frame_room(&self) -> usize {
        self.peer.frame_bytes.min(self.limits.data_bytes.max(1)) as usize
    }

    /// How many bytes of content the windows allow on this stream now, in as many frames as that takes. 0 also if it is over.
    #[inline]
    pub fn send_room(&self, stream: StreamKey) -> usize {
        let open = self.streams.get(stream).filter(|stream| stream.sending == Phase::Content);
        open.map_or(0, |open| open.send_window.open().min(self.send_window.open()) as usize)
    }

    /// Writes what goes before `len` bytes of content, which the owner puts right behind it; `last`: they end the message. At most what
    /// [`next_turn`](Self::next_turn) said. If there are no bytes and the message does not end, nothing is written.
    ///
    /// # Errors
    /// Nothing was written, and no content may follow. [`SendError::TooLong`]: more than was announced. [`SendError::TooShort`]: the message would
    /// end too early; the stream was reset. [`SendError::Order`]: no head was sent, the message has ended, or it is more than the windows or a frame
    /// allow. [`SendError::Closed`]: the stream is over.
    #[inline]
    pub fn begin_data(
        &mut self,
        stream: StreamKey,
        len: usize,
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        let most = self.frame_room().min(self.send_window.open() as usize);
        let (now, stall_bytes) = (self.now, self.limits.stall_bytes);
        let open = self.streams.get_mut(stream).ok_or(SendError::Closed)?;
        if open.sending != Phase::Content || len > most.min(open.send_window.open() as usize) {
            return Err(SendError::Order);
        }
        // A frame has less than 16 MiB.
        let bytes = len as u32;
        if open.send_left != UNKNOWN_LENGTH {
            let left = open.send_left.checked_sub(u64::from(bytes)).ok_or(SendError::TooLong)?;
            if last && left > 0 {
                self.reset(stream, ErrorCode::Internal, out);
                return Err(SendError::TooShort);
            }
            open.send_left = left;
        }
        if len == 0 && !last {
            return Ok(());
        }
        open.send_window.take(bytes);
        open.sent_since = open.sent_since.saturating_add(bytes);
        if open.sent_since >= stall_bytes {
            (open.waits_since, open.sent_since) = (now, 0);
        }
        self.send_window.take(bytes);
        if len >= USEFUL || last {
            self.budgets.refund(Cost::WindowUpdate, 2);
        }
        write_header(out, FrameKind::Data, if last { flag::END_STREAM } else { 0 }, stream.id, len);
        if last {
            open.sending = Phase::Ended;
            self.stop_send(stream);
            self.remove_if_over(stream, out);
        }
        Ok(())
    }

    /// Sends content that is at hand, without a turn: as much as the windows allow, in as many frames as that takes. `last`: it ends the message,
    /// if all of it is taken. Says how many bytes were. For content that is small, so that it does not matter whose turn it is.
    ///
    /// # Errors
    /// As [`begin_data`](Self::begin_data).
    pub fn send_data(
        &mut self,
        stream: StreamKey,
        content: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<usize, SendError> {
        let taken = content.get(..self.send_room(stream)).unwrap_or(content);
        if taken.is_empty() {
            let ends = last && content.is_empty();
            return self.begin_data(stream, 0, ends, out).map(|()| 0);
        }
        let frames = taken.chunks(self.frame_room());
        let final_frame = frames.len() - 1;
        for (at, frame) in frames.enumerate() {
            let ends = last && at == final_frame && taken.len() == content.len();
            self.begin_data(stream, frame.len(), ends, out)?;
            out.extend_from_slice(frame);
        }
        Ok(taken.len())
    }

    /// The stream that has had content to send, and not enough of a window for [`Limits::stall_bytes`](super::Limits::stall_bytes) of it, for the
    /// longest time. The owner resets it when that is too long. This looks at each stream: it is for deadlines.
    pub fn longest_stall(&self) -> Option<Stall> {
        let is_full = self.send_window.open() == 0;
        self.streams
            .iter()
            .filter(|(_, stream)| stream.wants && stream.sending == Phase::Content)
            .filter(|(_, stream)| is_full || stream.send_window.open() == 0)
            .map(|(stream, open)| Stall { stream, since: open.waits_since })
            .min_by_key(|stall| stall.since)
    }

    /// Changes how urgent a stream is, as a server may that knows better than its client (RFC 9218 section 8).
    pub fn set_priority(&mut self, stream: StreamKey, priority: Priority) {
        if let Some(open) = self.streams.get_mut(stream) {
            open.priority = Priority { urgency: priority.urgency.min(7), ..priority };
            if open.queued {
                self.scheduler.rotate(&mut self.streams, stream.slot);
            }
        }
    }
}
