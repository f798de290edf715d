//! One QUIC connection, without its socket: datagrams, time and commands in; streams, datagrams and the next deadline out.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::path::{Ecn, Path};

/// What was agreed in the handshake.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// What flare-tls says of a TCP connection: version, suite, ALPN, server name, certificates of the peer.
    pub session: Arc<flare_tls::Session>,
}

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

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The peer said so.
    pub by_peer: bool,
    /// Whether the code is of the application (for HTTP/3: RFC 9114, 8.1) and not of the transport.
    pub application: bool,
    /// The code.
    pub code: u64,
    /// The reason, for people.
    pub reason: Vec<u8>,
}

/// Datagrams of one size to send by one call (with UDP_SEGMENT): they lie one behind the other in the buffer, the last may be shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// From where, and where to.
    pub path: Path,
    /// Bytes of each but the last.
    pub segment: usize,
    /// What to mark them with.
    pub ecn: Ecn,
}

/// One connection, of either role.
pub struct Connection {}

impl Connection {
    // ---- datagrams

    /// Takes a datagram that the endpoint said is its own. It is decrypted in place.
    pub fn receive(&mut self, datagram: &mut [u8], path: Path, ecn: Ecn) {
        let _ = (datagram, path, ecn);
        todo!()
    }

    /// Appends the next datagrams of one size to `out`, at most 64 and 64 KiB, and says where they go. `None`: nothing to send for now (or not
    /// yet, because of pacing: then [`Connection::deadline`] says when).
    pub fn transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Run> {
        let _ = (now, out);
        todo!()
    }

    /// When [`Connection::timeout`] has to be called: loss, acknowledgements, idle time, pacing.
    pub fn deadline(&self) -> Option<Instant> {
        todo!()
    }

    /// The deadline passed, or may have.
    pub fn timeout(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    // ---- life

    /// What was agreed, once the handshake has ended (or, at a server, once early data may be used). The same one each time.
    pub fn handshake(&self) -> Option<&Handshake> {
        todo!()
    }

    /// Whether streams may be used: after the handshake, or with early data.
    pub fn is_ready(&self) -> bool {
        todo!()
    }

    /// Whether what is received now came before the end of the handshake (0-RTT): it may be a replay (RFC 8470).
    pub fn is_early(&self) -> bool {
        todo!()
    }

    /// Where the peer is now. It may move (RFC 9000, 9).
    pub fn path(&self) -> Path {
        todo!()
    }

    /// Ends the connection with a code of the application. What was not sent yet is dropped. The first call counts.
    pub fn close(&mut self, code: u64, reason: &str) {
        let _ = (code, reason);
        todo!()
    }

    /// Nothing more will be received or sent on streams; but the connection has to be kept, with its deadlines, until it is closed.
    pub fn is_closing(&self) -> bool {
        todo!()
    }

    /// It is over: it can be dropped.
    pub fn is_closed(&self) -> bool {
        todo!()
    }

    /// Why it ended, if it did. `None` with [`Connection::is_closed`]: it was idle for too long, or a handshake failed silently.
    pub fn close_reason(&self) -> Option<Close> {
        todo!()
    }

    // ---- streams (RFC 9000, 2): ids as on the wire

    /// The next stream that can be read: has bytes, an end, or was reset. It is named once, and again when more comes.
    pub fn next_readable(&mut self) -> Option<u64> {
        todo!()
    }

    /// Reads what came of a stream into `buffer`.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn read(&mut self, stream: u64, buffer: &mut [u8]) -> Result<Read, StreamError> {
        let _ = (stream, buffer);
        todo!()
    }

    /// The next stream that may be written again after [`StreamError::Blocked`] or a write in part, or that the peer stopped.
    pub fn next_writable(&mut self) -> Option<u64> {
        todo!()
    }

    /// How many bytes a stream takes now: flow control and congestion window. 0 is not an error.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn capacity(&mut self, stream: u64) -> Result<usize, StreamError> {
        let _ = stream;
        todo!()
    }

    /// Writes bytes that are copied. Says how many were taken; if not all, the end was not taken either, and
    /// [`Connection::next_writable`] will name the stream.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn write(&mut self, stream: u64, bytes: &[u8], fin: bool) -> Result<usize, StreamError> {
        let _ = (stream, bytes, fin);
        todo!()
    }

    /// Writes bytes that are not copied: they are held until the peer has acknowledged them. What was not taken stays in `bytes`.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn write_shared(&mut self, stream: u64, bytes: &mut Bytes, fin: bool) -> Result<usize, StreamError> {
        let _ = (stream, bytes, fin);
        todo!()
    }

    /// Sends RESET_STREAM: what was not sent of our side is dropped.
    pub fn reset(&mut self, stream: u64, code: u64) {
        let _ = (stream, code);
        todo!()
    }

    /// Sends STOP_SENDING: nobody reads the peer's side any more.
    pub fn stop(&mut self, stream: u64, code: u64) {
        let _ = (stream, code);
        todo!()
    }

    /// Opens a unidirectional stream of ours, and says its id: as [`StreamError::Limit`] when the peer allows none.
    ///
    /// # Errors
    /// [`StreamError::Limit`], [`StreamError::Closed`].
    pub fn open_unidirectional(&mut self) -> Result<u64, StreamError> {
        todo!()
    }

    /// How soon a stream's content is sent (RFC 9218): urgency 0 (first) to 7, and whether it takes turns with others of the same urgency.
    pub fn set_priority(&mut self, stream: u64, urgency: u8, incremental: bool) {
        let _ = (stream, urgency, incremental);
        todo!()
    }

    // ---- datagrams of the application (RFC 9221)

    /// Takes the next datagram of the peer into `buffer`; its length. One that is longer than the buffer is dropped.
    pub fn read_datagram(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let _ = buffer;
        todo!()
    }

    /// Queues a datagram. False: the peer takes none, or none so large, or too many wait.
    pub fn write_datagram(&mut self, bytes: &[u8]) -> bool {
        let _ = bytes;
        todo!()
    }
}
