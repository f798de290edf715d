//! `flare_connection`: a connection to somebody else.

use std::ffi::{c_char, c_void};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use flare::connect::Connection;

use crate::guard::{Failure, guard};
use crate::handle::Token;
use crate::mux::timeout;
use crate::object::{CONNECTION, TABLE, connection};
use crate::status::*;
use crate::text;

/// A connection that was made, encrypted or not. Made by flare_connector_connect() or flare_connecting_poll(), freed by
/// flare_connection_free(). Any thread may use it, and one may read while another writes. When a client was made of it, the client reads and
/// writes; FLARE_ERROR_INVALID_STATE is the answer to others.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_connection {
    _opaque: [u8; 0],
}

/// What stands behind the handle.
pub(crate) struct Made {
    connection: Arc<Connection>,
    /// A client reads and writes it.
    taken: AtomicBool,
}

impl Made {
    pub(crate) fn new(connection: Connection) -> Arc<Self> {
        Arc::new(Self { connection: Arc::new(connection), taken: AtomicBool::new(false) })
    }

    /// The connection, for who reads or writes it.
    fn own(&self) -> Result<&Connection, Failure> {
        if self.taken.load(Ordering::Acquire) {
            return Err(Failure::new(FLARE_ERROR_INVALID_STATE, "a client reads and writes the connection"));
        }
        Ok(&self.connection)
    }

    /// Gives the connection to a client, if that can be made of it.
    pub(crate) fn give<R>(
        &self,
        take: impl FnOnce(Arc<Connection>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.own()?;
        if self.taken.swap(true, Ordering::AcqRel) {
            // Another thread was faster.
            self.own()?;
        }
        let taken = take(Arc::clone(&self.connection));
        taken.inspect_err(|_| self.taken.store(false, Ordering::Release))
    }
}

pub(crate) fn lost(error: io::Error) -> Failure {
    let code = match error.kind() {
        ErrorKind::BrokenPipe
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof => FLARE_ERROR_CLOSED,
        ErrorKind::InvalidData => FLARE_ERROR_PROTOCOL,
        _ => return error.into(),
    };
    Failure::new(code, error.to_string())
}

/// Reads what has come, and waits for some.
///
/// @param capacity    The most bytes to read, at least 1.
/// @param timeout_ms  How long to wait; -1: for ever; 0: not at all.
/// @param length      Gets how many bytes were read. 0: the peer is done.
/// @return FLARE_ERROR_TIMEOUT, or FLARE_ERROR_WOULD_BLOCK when it was not to wait; FLARE_ERROR_CLOSED when the connection was lost, or an
///         encrypted one was cut; FLARE_ERROR_PROTOCOL when the peer broke the rules of TLS.
///
/// # Safety
/// `buffer` points to `capacity` bytes that may be written; `length` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_connection_read(
    connection: *mut flare_connection,
    buffer: *mut c_void,
    capacity: usize,
    timeout_ms: i64,
    length: *mut usize,
) -> i32 {
    guard(|| {
        let connection = self::connection(connection)?;
        let (room, length) = (text::place(buffer, "buffer")?, text::place(length, "length")?);
        if capacity == 0 || isize::try_from(capacity).is_err() {
            return Err(Failure::argument("capacity", "is 0, or more than there can be"));
        }
        // SAFETY: not NULL, not too long, and the caller promises that it may be written. Any bytes that are there are u8s.
        let buffer = unsafe { std::slice::from_raw_parts_mut(room.cast::<u8>(), capacity) };
        let count = connection.own()?.read_within(buffer, timeout(timeout_ms)).map_err(lost)?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { length.write(count) };
        Ok(())
    })
}

/// Writes all bytes, and waits until they are taken. They are not needed afterwards.
///
/// @param timeout_ms  How long to wait; -1: for ever; 0: not at all.
/// @param written     Gets how many bytes were taken, also after an error; may be NULL.
/// @return FLARE_ERROR_TIMEOUT, or FLARE_ERROR_WOULD_BLOCK when it was not to wait: go on behind `*written`. FLARE_ERROR_CLOSED when the peer is
///         gone, or after flare_connection_close_write().
///
/// # Safety
/// `data` points to `length` bytes, or `length` is 0; `written` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_connection_write(
    connection: *mut flare_connection,
    data: *const c_void,
    length: usize,
    timeout_ms: i64,
    written: *mut usize,
) -> i32 {
    let mut taken = 0;
    let code = guard(|| {
        let connection = self::connection(connection)?;
        // SAFETY: the caller's promise.
        let bytes = unsafe { text::bytes(data, length, "data") }?;
        let begun = Instant::now();
        let limit = timeout(timeout_ms);
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            let left = limit.map(|limit| limit.saturating_sub(begun.elapsed()));
            taken += match connection.own()?.write_within(rest, left) {
                // The time is over, and it was one to wait.
                Err(error)
                    if error.kind() == ErrorKind::WouldBlock
                        && limit.is_some_and(|limit| !limit.is_zero()) =>
                {
                    return Err(lost(ErrorKind::TimedOut.into()));
                }
                result => result.map_err(lost)?,
            };
        }
        Ok(())
    });
    if !written.is_null() {
        // SAFETY: the caller's promise.
        unsafe { written.write(taken) };
    }
    code
}

/// Gives to the system what an encrypted connection has taken and could not send yet. Reading does so too. Needed only behind a write that was
/// not to wait, or whose time was over.
///
/// @param timeout_ms  How long to wait; -1: for ever; 0: not at all.
/// @return FLARE_ERROR_TIMEOUT, FLARE_ERROR_WOULD_BLOCK, FLARE_ERROR_CLOSED.
#[unsafe(no_mangle)]
pub extern "C" fn flare_connection_flush(connection: *mut flare_connection, timeout_ms: i64) -> i32 {
    guard(|| self::connection(connection)?.own()?.flush_within(timeout(timeout_ms)).map_err(lost))
}

/// Says that nothing more will be written: the peer reads the end behind the last byte. Reading goes on.
///
/// @return FLARE_ERROR_CLOSED when the peer is gone.
#[unsafe(no_mangle)]
pub extern "C" fn flare_connection_close_write(connection: *mut flare_connection) -> i32 {
    guard(|| self::connection(connection)?.own()?.close_write().map_err(lost))
}

/// Ends both directions at once, also for threads that wait in a call: reads find the end, writes fail with FLARE_ERROR_CLOSED. The handle stays
/// valid until it is freed.
///
/// @return FLARE_ERROR_CLOSED when the peer had reset the connection.
#[unsafe(no_mangle)]
pub extern "C" fn flare_connection_close(connection: *mut flare_connection) -> i32 {
    guard(|| self::connection(connection)?.connection.close().map_err(lost))
}

/// Closes and frees a connection. Threads that wait in a call for it return as after flare_connection_close(). One that a client was made of
/// stays open for the client.
#[unsafe(no_mangle)]
pub extern "C" fn flare_connection_free(connection: *mut flare_connection) -> i32 {
    guard(|| {
        let held = self::connection(connection)?;
        TABLE.release(Token::from_pointer(connection), CONNECTION)?;
        // The handle's own is this one: with more, a thread is inside a call, and has to come out. Not when a client has it: that goes on.
        if Arc::strong_count(&held) > 1 && !held.taken.load(Ordering::Acquire) {
            // Err: it is closed already.
            let _ = held.connection.close();
        }
        Ok(())
    })
}

/// The socket, to watch; it does not block. Only to be watched, never read, written or closed. An encrypted connection may have more to read
/// when its socket has none: read until FLARE_ERROR_WOULD_BLOCK before watching.
///
/// @return The descriptor, or a negative error code.
#[unsafe(no_mangle)]
pub extern "C" fn flare_connection_fd(connection: *const flare_connection) -> i32 {
    let mut fd = -1;
    let code = guard(|| {
        fd = self::connection(connection)?.connection.as_raw_fd();
        Ok(())
    });
    if code == FLARE_OK { fd } else { code }
}

/// Copies the address that was reached into a buffer, as "127.0.0.1:80", "[::1]:80" or "unix:/path", and terminates it.
///
/// @return The length of the whole text without the NUL, which may be more than fits; 0 for a handle that is none.
///
/// # Safety
/// `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
#[allow(rustdoc::broken_intra_doc_links, reason = "[::1] is an address")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_connection_peer(
    connection: *const flare_connection,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        text::copied(buffer, capacity, || {
            Ok(self::connection(connection)?.connection.peer_address().to_string())
        })
    }
}

/// What was agreed in the TLS handshake, copied into a buffer and terminated.
///
/// @param name  "version" (such as "TLSv1.3"), "suite", "alpn", or "resumed" ("1" or "0").
/// @return The length of the whole text without the NUL, which may be more than fits; 0 when there is none, as on a connection without TLS,
/// and the copy is empty.
///
/// # Safety
/// `name` is a NUL-terminated string; `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_connection_tls(
    connection: *const flare_connection,
    name: *const c_char,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        text::copied(buffer, capacity, || {
            let connection = self::connection(connection)?;
            let name = text::required(name, "name")?;
            let Some(tls) = connection.connection.tls() else { return Ok(String::new()) };
            match name {
                "version" => Ok(tls.version().name().to_owned()),
                "suite" => Ok(tls.suite().to_owned()),
                "alpn" => Ok(String::from_utf8_lossy(tls.alpn().unwrap_or_default()).into_owned()),
                "resumed" => Ok(u8::from(tls.is_resumed()).to_string()),
                _ => Err(Failure::argument("name", "is none of version, suite, alpn, resumed")),
            }
        })
    }
}
