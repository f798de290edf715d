//! The input and output of an HTTP session on a connection that does not block.

use std::io;
use std::time::Duration;

use flare_net::Readiness;

use crate::client::Session;
use crate::connect::Connection;

const READ_BUFFER: usize = 16 * 1024;
/// What was sent of an output is removed when it is more than this, and more than what is left.
const MOVED: usize = 64 * 1024;

/// A connection, and what is known of it by edges.
#[derive(Debug)]
pub(super) struct Link {
    connection: Connection,
    buffer: Box<[u8]>,
    /// So much of the front of the output was sent.
    sent: usize,
    /// Reading may find something.
    readable: bool,
    /// Reading finds the end sooner or later.
    read_end: bool,
    /// Writing would find no room.
    blocked: bool,
    /// An encrypted connection has kept some of the output.
    kept: bool,
    /// This side of the transport was ended.
    shut: bool,
    /// Both sides of it were.
    ended: bool,
}

const NOT_WAITING: Option<Duration> = Some(Duration::ZERO);

impl Link {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            buffer: vec![0; READ_BUFFER].into_boxed_slice(),
            sent: 0,
            readable: true,
            read_end: false,
            blocked: false,
            kept: false,
            shut: false,
            ended: false,
        }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What a watch found.
    pub(super) fn note(&mut self, found: Readiness) {
        self.readable |= found.read;
        self.read_end |= found.read_end;
        self.blocked &= !found.write;
    }

    /// Whether [`Link::send`] could do more than it did.
    pub(super) fn can_send(&self, http: &mut Session) -> bool {
        !self.blocked && (self.kept || !http.output().is_empty())
    }

    /// Sends what can be sent without waiting.
    pub(super) fn send(&mut self, http: &mut Session) {
        if self.blocked {
            return;
        }
        loop {
            let output = http.output();
            let Some(rest) = output.get(self.sent..).filter(|rest| !rest.is_empty()) else {
                output.clear();
                self.sent = 0;
                if http.output().is_empty() {
                    break;
                }
                continue;
            };
            match self.connection.write_within(rest, NOT_WAITING) {
                Ok(count) => {
                    self.sent += count;
                    self.kept = self.connection.tls().is_some();
                    if self.sent >= MOVED && self.sent * 2 >= output.len() {
                        output.drain(..self.sent.min(output.len()));
                        self.sent = 0;
                    }
                }
                Err(error) if is_patience(&error) => {
                    self.blocked = true;
                    return;
                }
                Err(_) => {
                    // What the server said before is still to be read; the end of that shows what became of it.
                    output.clear();
                    self.sent = 0;
                    return;
                }
            }
        }
        if self.kept {
            self.kept = self.connection.flush_within(NOT_WAITING).is_err_and(|error| is_patience(&error));
            self.blocked = self.kept;
        }
        if !self.kept && !self.shut && http.ends_output() {
            self.shut = true;
            // Err: the peer is gone, which reading shows.
            let _ = self.connection.close_write();
        }
    }

    /// Ends the transport: nothing more is to be read, and what could be sent was.
    pub(super) fn end(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if !(self.shut || self.blocked || self.kept) {
            self.connection.set_write_timeout(NOT_WAITING);
            // Err: the peer is gone, or takes nothing; then it sees the end without a word.
            let _ = self.connection.close_write();
        }
        self.cut();
    }

    /// Ends the transport at once.
    pub(super) fn cut(&mut self) {
        self.ended = true;
        // Err: the peer has reset the connection.
        let _ = self.connection.close();
    }

    /// Reads once. `None`: nothing is there. `Some(Ok(bytes))` came; no bytes are the end.
    pub(super) fn read(&mut self) -> Option<io::Result<&[u8]>> {
        if !self.readable {
            return None;
        }
        match self.connection.read_within(&mut self.buffer, NOT_WAITING) {
            Ok(count) => {
                // A read that was not filled found all that there was, but for an end.
                let is_short = count < self.buffer.len() && self.connection.tls().is_none();
                self.readable = count > 0 && (!is_short || self.read_end);
                Some(Ok(self.buffer.get(..count).unwrap_or_default()))
            }
            Err(error) if is_patience(&error) => {
                self.readable = false;
                None
            }
            Err(error) => {
                self.readable = false;
                Some(Err(error))
            }
        }
    }
}

fn is_patience(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
