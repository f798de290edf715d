//! A stream, as the program holds it.

use std::sync::Arc;
use std::time::Duration;

use super::connection::Owner;
use super::error::MuxError;
use super::hub::Message;
use super::pipe::{End, Pipe, Read};

/// One stream of bytes, both ways. It may be cloned and used by several threads; all clones are the same stream. Dropping the last one
/// cancels the stream, unless both ends are done; what was finished is still sent.
#[derive(Clone)]
pub struct MuxStream {
    held: Arc<Held>,
}

struct Held {
    owner: Arc<Owner>,
    pipe: Arc<Pipe>,
}

impl MuxStream {
    pub(super) fn new(owner: Arc<Owner>, pipe: Arc<Pipe>) -> Self {
        Self { held: Arc::new(Held { owner, pipe }) }
    }

    /// Sends the bytes, all or none, without waiting. They are taken while no more than 256 KiB wait for the peer, or none.
    ///
    /// # Errors
    /// [`MuxError::WouldBlock`] when too many wait, [`MuxError::Finished`] after [`MuxStream::finish`], and why the stream is over:
    /// [`MuxError::Cancelled`], [`MuxError::Remote`], [`MuxError::Ended`].
    pub fn try_send(&self, bytes: &[u8]) -> Result<(), MuxError> {
        self.sent(self.held.pipe.send(bytes, None))
    }

    /// Sends the bytes, all or none, and waits until the peer has taken enough of those before: for ever, or so long.
    ///
    /// # Errors
    /// As [`MuxStream::try_send`], but [`MuxError::Timeout`] instead of `WouldBlock`.
    pub fn send(&self, bytes: &[u8], timeout: Option<Duration>) -> Result<(), MuxError> {
        self.sent(self.held.pipe.send(bytes, Some(timeout)))
    }

    fn sent(&self, result: Result<(), MuxError>) -> Result<(), MuxError> {
        result.map(|()| self.held.tell())
    }

    /// Takes the bytes that have come, and waits for some: for ever, or so long. At least one, at most 64 KiB. None: the peer is done.
    ///
    /// # Errors
    /// [`MuxError::Timeout`], and after all bytes that came before why the stream is over: [`MuxError::Cancelled`],
    /// [`MuxError::Remote`], [`MuxError::Ended`].
    pub fn recv(&self, timeout: Option<Duration>) -> Result<Option<Vec<u8>>, MuxError> {
        let mut bytes = Vec::new();
        let count = self.take(&mut Read::Vector(&mut bytes), timeout)?;
        Ok((count > 0).then_some(bytes))
    }

    /// As [`MuxStream::recv`], into a buffer: says how many bytes. 0: the peer is done, or the buffer is empty.
    ///
    /// # Errors
    /// As [`MuxStream::recv`].
    pub fn read(&self, buffer: &mut [u8], timeout: Option<Duration>) -> Result<usize, MuxError> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.take(&mut Read::Slice(buffer), timeout)
    }

    fn take(&self, into: &mut Read<'_>, timeout: Option<Duration>) -> Result<usize, MuxError> {
        let (count, credit) = self.held.pipe.read(into, timeout)?;
        if credit {
            self.held.tell();
        }
        Ok(count)
    }

    /// Calls a function whenever bytes came, the peer took some, or the stream ended, from the thread that did it: for loops, which ask again
    /// with [`MuxStream::recv`] and no time to wait, or [`MuxStream::try_send`]. It must return at once and not touch the stream. False:
    /// there is such a function already.
    pub fn on_change(&self, tell: impl Fn() + Send + Sync + 'static) -> bool {
        self.held.pipe.on_change(tell)
    }

    /// This end sends no more; what was sent before arrives first. Reading goes on.
    ///
    /// # Errors
    /// [`MuxError::Finished`] for a second time, and why the stream is over.
    pub fn finish(&self) -> Result<(), MuxError> {
        self.sent(self.held.pipe.finish())
    }

    /// Ends the stream in both directions with a text for the peer, of at most 1024 bytes. What was not sent yet is dropped.
    ///
    /// # Errors
    /// Why the stream is over already.
    pub fn error(&self, text: &str) -> Result<(), MuxError> {
        self.sent(self.held.pipe.end(End::Error(text.to_owned())))
    }

    /// Ends the stream in both directions. What was not sent yet is dropped. Threads that wait for this stream return
    /// [`MuxError::Cancelled`].
    ///
    /// # Errors
    /// Why the stream is over already.
    pub fn cancel(&self) -> Result<(), MuxError> {
        self.sent(self.held.pipe.end(End::Cancel))
    }

    /// Lets go of the stream for all clones, as dropping the last one does: it is cancelled, or what was finished is still sent. Threads
    /// that wait for it return [`MuxError::Cancelled`].
    pub fn close(&self) {
        self.held.close();
    }
}

impl std::fmt::Debug for MuxStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MuxStream").field("id", &self.held.pipe.lock().id).finish()
    }
}

impl Held {
    fn tell(&self) {
        if self.pipe.tell() {
            self.owner.post(|key| Message::Look(key, Arc::clone(&self.pipe)));
        }
    }

    fn close(&self) {
        self.pipe.let_go();
        self.tell();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.close();
    }
}
