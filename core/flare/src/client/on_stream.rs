//! A session on a stream of bytes: HTTP/1.1 and HTTP/2.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::left;
use super::{Event, Session};
use crate::connect::Connection;

const READ_BUFFER: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct OnStream {
    pub(super) connection: Arc<Connection>,
    pub(super) session: Session,
    begun: Instant,
    buffer: Box<[u8]>,
    /// An encrypted connection has kept some of the output.
    kept: bool,
    /// This side of the transport was ended.
    shut: bool,
}

impl OnStream {
    pub(super) fn new(connection: Arc<Connection>, session: Session) -> Self {
        Self {
            connection,
            session,
            begun: Instant::now(),
            buffer: vec![0; READ_BUFFER].into_boxed_slice(),
            kept: false,
            shut: false,
        }
    }

    pub(super) fn wants_write(&mut self) -> bool {
        self.kept || !self.session.output().is_empty()
    }

    /// Sends and reads until something happens.
    pub(super) fn step(&mut self, timeout: Option<Duration>) -> io::Result<Option<Event>> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            self.send();
            if let Some(event) = self.session.next_event() {
                return Ok(Some(event));
            }
            if self.session.is_over() {
                return Ok(None);
            }
            // Content that was found and not taken stops HTTP/1.1 here, and HTTP/2 by its windows.
            let read = self.session.wants_input();
            if read && self.receive() {
                continue;
            }
            let left =
                timeout.and_then(|timeout| if timeout.is_zero() { Some(timeout) } else { left(until) });
            let write = self.wants_write();
            self.connection.wait_for(read, write, left)?;
        }
    }

    /// Sends what can be sent without waiting.
    pub(super) fn send(&mut self) {
        self.session.set_now(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX));
        loop {
            let output = self.session.output();
            if output.is_empty() {
                break;
            }
            match self.connection.write_within(output, Some(Duration::ZERO)) {
                Ok(count) => {
                    output.drain(..count.min(output.len()));
                    self.kept = self.connection.tls().is_some();
                }
                Err(error) if is_patience(&error) => return,
                Err(_) => {
                    // What the server said before is still to be read; the end of that shows what became of the exchanges.
                    output.clear();
                    return;
                }
            }
        }
        if self.kept {
            self.kept =
                self.connection.flush_within(Some(Duration::ZERO)).is_err_and(|error| is_patience(&error));
        }
        if !self.kept && !self.shut && self.session.ends_output() {
            self.shut = true;
            // Err: the peer is gone, which reading shows.
            let _ = self.connection.close_write();
        }
    }

    /// Reads what is there. False: nothing.
    fn receive(&mut self) -> bool {
        match self.connection.read_within(&mut self.buffer, Some(Duration::ZERO)) {
            Ok(0) => self.session.receive_end(),
            Ok(count) => self.session.receive(self.buffer.get(..count).unwrap_or_default()),
            Err(error) if is_patience(&error) => return false,
            // Also an encrypted connection that ended without saying so.
            Err(_) => self.session.lose(),
        }
        true
    }
}

impl AsFd for OnStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}

fn is_patience(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
