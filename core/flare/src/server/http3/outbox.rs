//! What of an answer waits for the transport: frames, and the content of the last of them.

use std::time::Duration;

use bytes::Bytes;
use flare_net::Millis;
use flare_proto::SendError;
use flare_quic::{Connection as Quic, StreamError};

use super::lane::Unsent;
use crate::server::pieces::COPY_LIMIT;
use crate::server::streams::Outgoing;

/// A client that takes less than so many bytes has not taken any: its time goes on.
const STALL: usize = 1024;

/// A file is read in pieces of at least and at most so many bytes, as the transport has room.
const FILE_PIECES: (usize, usize) = (4 * 1024, 64 * 1024);

/// What waits, in order: frames, then content that belongs to the last of them, then the end of the stream.
#[derive(Default)]
pub(super) struct Outbox {
    frames: Vec<u8>,
    /// All that is in the stream's `outgoing` is the content of a frame whose head was written.
    framed: bool,
    /// The message ends behind that.
    ended: bool,
    /// Since when the transport takes nothing.
    waits_since: Option<Millis>,
    /// How much it took since then.
    taken: usize,
}

/// How far an answer has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The transport has all of it, and the end.
    Whole,
    /// Nothing is left for now, or the transport takes no more.
    Waiting,
    /// So many bytes were taken, and there may be more.
    More(usize),
}

impl Outbox {
    /// Borrows memory for frames, if none waits.
    pub(super) fn borrow(&mut self, memory: &mut Vec<u8>) {
        if self.frames.is_empty() {
            self.frames = std::mem::take(memory);
        }
    }

    /// Gives the memory back, if all frames have left.
    pub(super) fn give_back(&mut self, memory: &mut Vec<u8>) {
        if self.frames.is_empty() {
            *memory = std::mem::take(&mut self.frames);
        }
    }

    /// Where frames are appended that carry no content.
    pub(super) fn frames(&mut self) -> &mut Vec<u8> {
        debug_assert!(!self.framed && !self.ended, "content has to follow its frame");
        &mut self.frames
    }

    /// The message ends with the frames that were appended.
    pub(super) fn set_ended(&mut self) {
        self.ended = true;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether another frame may be begun.
    pub(super) fn wants_frame(&self) -> bool {
        !self.framed && !self.ended
    }

    /// Begins a frame whose content is all that is in `outgoing`. `ends`: the message ends with it.
    pub(super) fn begin_content(
        &mut self,
        begin: impl FnOnce(&mut Vec<u8>) -> Result<(), SendError>,
        ends: bool,
    ) -> Result<(), SendError> {
        begin(&mut self.frames)?;
        (self.framed, self.ended) = (true, ends);
        Ok(())
    }

    /// How much content was announced and not taken.
    pub(super) fn framed(&self, outgoing: &Outgoing) -> u64 {
        if self.framed { outgoing.len() } else { 0 }
    }

    /// Ends the message.
    pub(super) fn end(
        &mut self,
        end: impl FnOnce(&mut Vec<u8>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        end(&mut self.frames)?;
        self.ended = true;
        Ok(())
    }

    /// Gives the transport the next of what waits. `outgoing`: where the content of frames is.
    pub(super) fn send(
        &mut self,
        id: u64,
        mut outgoing: Option<&mut Outgoing>,
        quic: &mut Quic,
        now: Millis,
    ) -> Result<Sent, Unsent> {
        if self.framed
            && let Some(outgoing) = &mut outgoing
        {
            while self.frames.len() <= COPY_LIMIT && outgoing.copy_small(&mut self.frames) {}
            self.framed = !outgoing.is_empty();
        }
        if !self.frames.is_empty() {
            return self.send_frames(id, quic, now);
        }
        match outgoing {
            Some(outgoing) if self.framed => self.send_content(id, outgoing, quic, now),
            _ if self.ended => Ok(match taken(quic.write(id, &[], true))? {
                Some(_) => Sent::Whole,
                None => self.wait(now),
            }),
            _ => {
                self.waits_since = None;
                Ok(Sent::Waiting)
            }
        }
    }

    fn send_frames(&mut self, id: u64, quic: &mut Quic, now: Millis) -> Result<Sent, Unsent> {
        let ends = self.ended && !self.framed;
        let count = taken(quic.write(id, &self.frames, ends))?.unwrap_or(0);
        self.taken = self.taken.saturating_add(count);
        if count < self.frames.len() {
            self.frames.drain(..count);
            return Ok(self.wait(now));
        }
        self.frames.clear();
        Ok(if ends { Sent::Whole } else { Sent::More(count) })
    }

    /// Sends content from where it is.
    fn send_content(
        &mut self,
        id: u64,
        outgoing: &mut Outgoing,
        quic: &mut Quic,
        now: Millis,
    ) -> Result<Sent, Unsent> {
        let (least, most) = FILE_PIECES;
        let room = quic.capacity(id)?.clamp(least, most);
        let mut piece = outgoing.take(room).map_err(|error| Unsent::Broken(error.to_string()))?;
        let ends = self.ended && outgoing.is_empty();
        let count = taken(quic.write_shared(id, &mut piece, ends))?.unwrap_or(0);
        self.taken = self.taken.saturating_add(count);
        let whole = piece.is_empty();
        self.put_back(piece, outgoing);
        Ok(match whole {
            false => self.wait(now),
            true if ends => Sent::Whole,
            true => Sent::More(count),
        })
    }

    fn put_back(&mut self, rest: Bytes, outgoing: &mut Outgoing) {
        outgoing.put_back(rest);
        self.framed = !outgoing.is_empty();
    }

    /// The transport takes no more for now.
    fn wait(&mut self, now: Millis) -> Sent {
        if self.waits_since.is_none() || self.taken >= STALL {
            (self.waits_since, self.taken) = (Some(now), 0);
        }
        Sent::Waiting
    }

    /// Whether something waits for the transport.
    pub(super) fn waits(&self) -> bool {
        self.waits_since.is_some()
    }

    /// When the client must have taken more.
    pub(super) fn deadline(&self, write_timeout: Duration) -> Millis {
        self.waits_since.map_or(Millis::NEVER, |since| since + write_timeout)
    }
}

/// How much was taken. `None`: there is no room.
fn taken(written: Result<usize, StreamError>) -> Result<Option<usize>, Unsent> {
    match written {
        Ok(count) => Ok(Some(count)),
        Err(StreamError::Blocked) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
