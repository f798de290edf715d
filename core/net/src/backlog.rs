//! What a connection could not send yet.

use crate::transmit::{Progress, transmit_queue};
use crate::{Output, Queue};
use std::io;
use std::os::fd::OwnedFd;

/// Bytes that wait for the socket to take them, in order. Exists only while a connection has some.
#[derive(Default)]
pub(crate) struct Backlog {
    queue: Queue,
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
        self.queue.len()
    }

    /// Takes over everything in `output` but the first `skip` bytes. Text is copied, shared bytes and files are not. Empties `output`.
    pub(crate) fn append(&mut self, output: &mut Output, skip: usize) {
        self.queue.append_behind(output, skip);
    }

    #[cfg(ring)]
    pub(crate) fn into_queue(self) -> Queue {
        self.queue
    }

    /// Sends as much as the system takes, or as one turn allows.
    pub(crate) fn flush(&mut self, socket: &OwnedFd) -> io::Result<Progress> {
        self.queue.seal();
        let progress = transmit_queue(socket, &mut self.queue.bodies)?;
        self.queue.removed(progress.sent);
        Ok(progress)
    }
}
