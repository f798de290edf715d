//! What a connection could not send yet.

use crate::Output;
use crate::output::Piece;
use crate::transmit::transmit_queue;
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

/// Bytes that wait for the socket to take them, in order. Exists only while a connection is blocked.
#[derive(Default)]
pub(crate) struct Backlog {
    queue: VecDeque<Bytes>,
    /// Text behind the queue: kept apart so that many small additions share one allocation.
    tail: Vec<u8>,
    length: usize,
}

impl Backlog {
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Takes over everything in `output` but the first `skip` bytes. Text is copied, shared bytes are not. Empties `output`.
    pub(crate) fn append(&mut self, output: &mut Output, skip: usize) {
        self.length += output.len().saturating_sub(skip);
        for piece in output.pieces(skip) {
            match piece {
                Piece::Text(text) => self.tail.extend_from_slice(text),
                Piece::Shared(bytes, before) => {
                    self.seal();
                    self.queue.push_back(bytes.slice(before..));
                }
            }
        }
        output.clear();
    }

    /// Sends as much as the system takes. Whether nothing is left.
    pub(crate) fn flush(&mut self, socket: &OwnedFd) -> io::Result<bool> {
        self.seal();
        self.length -= transmit_queue(socket, &mut self.queue)?;
        Ok(self.queue.is_empty())
    }

    /// Moves the tail into the queue.
    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.queue.push_back(Bytes::from(std::mem::take(&mut self.tail)));
        }
    }
}
