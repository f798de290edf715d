//! What a connection could not send yet.

use crate::Output;
use crate::output::{Body, Piece};
use crate::transmit::{Progress, transmit_queue};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

/// Bytes that wait for the socket to take them, in order. Exists only while a connection has some.
#[derive(Default)]
pub(crate) struct Backlog {
    /// Files are in it too: they count as their bytes, and take no memory for them.
    queue: VecDeque<Body>,
    /// Text behind the queue: kept apart so that many small additions share one allocation.
    tail: Vec<u8>,
    length: usize,
    /// To be told when fewer bytes than this are left. 0: nobody asked.
    pub(crate) low_water: usize,
}

impl Backlog {
    /// Everything in `output` but the first `skip` bytes.
    pub(crate) fn of(output: &mut Output, skip: usize) -> Backlog {
        let mut backlog = Backlog::default();
        backlog.append(output, skip);
        backlog
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Takes over everything in `output` but the first `skip` bytes. Text is copied, shared bytes and files are not. Empties `output`.
    pub(crate) fn append(&mut self, output: &mut Output, skip: usize) {
        self.length = self.length.saturating_add(output.len().saturating_sub(skip));
        for piece in output.pieces(skip) {
            let body = match piece {
                Piece::Text(text) => {
                    self.tail.extend_from_slice(text);
                    continue;
                }
                Piece::Shared(bytes, before) => Body::Shared(bytes.slice(before..)),
                Piece::File(part, before) => Body::File(part.behind(before)),
            };
            self.seal();
            self.queue.push_back(body);
        }
        output.clear();
    }

    /// Sends as much as the system takes, or as one turn allows.
    pub(crate) fn flush(&mut self, socket: &OwnedFd) -> io::Result<Progress> {
        self.seal();
        let progress = transmit_queue(socket, &mut self.queue)?;
        self.length = self.length.saturating_sub(progress.sent);
        Ok(progress)
    }

    /// Moves the tail into the queue.
    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.queue.push_back(Body::Shared(Bytes::from(std::mem::take(&mut self.tail))));
        }
    }
}
