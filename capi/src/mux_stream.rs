//! `flare_mux_stream`: one stream of bytes on a connection that carries many.

use std::ffi::{c_char, c_void};

use crate::guard::{Failure, guard};
use crate::handle::Token;
use crate::mux::timeout;
use crate::object::{MUX_STREAM, TABLE, mux_stream};
use crate::text;

/// One stream of bytes, both ways. Made by flare_mux_open() or flare_mux_accept(), freed by flare_mux_stream_free(). Any thread may use
/// it, and one may read while another writes.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_mux_stream {
    _opaque: [u8; 0],
}

/// Frees a stream: it is cancelled, unless both ends are done; what was finished is still sent. Threads that wait for it return
/// FLARE_ERROR_CANCELLED.
#[unsafe(no_mangle)]
pub extern "C" fn flare_mux_stream_free(stream: *mut flare_mux_stream) -> i32 {
    guard(|| {
        let held = mux_stream(stream)?;
        TABLE.release(Token::from_pointer(stream), MUX_STREAM)?;
        held.close();
        Ok(())
    })
}

/// Sends bytes, all or none, without waiting. They are copied. They are taken while no more than 256 KiB wait for the peer, or none.
///
/// @return FLARE_ERROR_WOULD_BLOCK when too many wait, FLARE_ERROR_FINISHED after flare_mux_stream_finish(), FLARE_ERROR_CANCELLED when
///         the stream was ended (the message says how), FLARE_ERROR_CLOSED or FLARE_ERROR_PROTOCOL when the connection is over.
///
/// # Safety
/// `data` points to `length` bytes, or `length` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_mux_stream_write(
    stream: *mut flare_mux_stream,
    data: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        let stream = mux_stream(stream)?;
        // SAFETY: the caller's promise.
        let bytes = unsafe { text::bytes(data, length, "data") }?;
        Ok(stream.try_send(bytes)?)
    })
}

/// Sends bytes, all or none, and waits until the peer has taken enough of those before.
///
/// @param timeout_ms  How long; -1: for ever.
/// @return As flare_mux_stream_write(), but FLARE_ERROR_TIMEOUT instead of FLARE_ERROR_WOULD_BLOCK: nothing was sent then.
///
/// # Safety
/// `data` points to `length` bytes, or `length` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_mux_stream_write_blocking(
    stream: *mut flare_mux_stream,
    data: *const c_void,
    length: usize,
    timeout_ms: i64,
) -> i32 {
    guard(|| {
        let stream = mux_stream(stream)?;
        // SAFETY: the caller's promise.
        let bytes = unsafe { text::bytes(data, length, "data") }?;
        Ok(stream.send(bytes, timeout(timeout_ms))?)
    })
}

/// Reads what has come, and waits for some.
///
/// @param capacity    The most bytes to read, at least 1.
/// @param timeout_ms  How long to wait; -1: for ever.
/// @param length      Gets how many bytes were read. 0: the peer is done.
/// @return FLARE_ERROR_TIMEOUT, and after all bytes that came before: FLARE_ERROR_CANCELLED when the stream was ended (the message says
///         how), FLARE_ERROR_CLOSED or FLARE_ERROR_PROTOCOL when the connection is over.
///
/// # Safety
/// `buffer` points to `capacity` bytes that may be written; `length` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_mux_stream_read(
    stream: *mut flare_mux_stream,
    buffer: *mut c_void,
    capacity: usize,
    timeout_ms: i64,
    length: *mut usize,
) -> i32 {
    guard(|| {
        let stream = mux_stream(stream)?;
        let (room, length) = (text::place(buffer, "buffer")?, text::place(length, "length")?);
        if capacity == 0 || isize::try_from(capacity).is_err() {
            return Err(Failure::argument("capacity", "is 0, or more than there can be"));
        }
        // SAFETY: not NULL, not too long, and the caller promises that it may be written. Any bytes that are there are u8s.
        let buffer = unsafe { std::slice::from_raw_parts_mut(room.cast::<u8>(), capacity) };
        let count = stream.read(buffer, timeout(timeout_ms))?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { length.write(count) };
        Ok(())
    })
}

/// Says that this end sends no more; what was sent before arrives first. Reading goes on.
///
/// @return FLARE_ERROR_FINISHED for a second time, and why the stream is over, as flare_mux_stream_write().
#[unsafe(no_mangle)]
pub extern "C" fn flare_mux_stream_finish(stream: *mut flare_mux_stream) -> i32 {
    guard(|| Ok(mux_stream(stream)?.finish()?))
}

/// Ends a stream in both directions with a text for the peer, which finds it as the message of FLARE_ERROR_CANCELLED. What was not sent yet
/// is dropped.
///
/// @param message  At most 1024 bytes of it are sent.
/// @return Why the stream is over already, as flare_mux_stream_write().
///
/// # Safety
/// `message` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_mux_stream_error(
    stream: *mut flare_mux_stream,
    message: *const c_char,
) -> i32 {
    guard(|| {
        let stream = mux_stream(stream)?;
        // SAFETY: the caller's promise.
        let message = unsafe { text::required(message, "message") }?;
        Ok(stream.error(message)?)
    })
}

/// Ends a stream in both directions. What was not sent yet is dropped. Threads that wait for it return FLARE_ERROR_CANCELLED.
///
/// @return Why the stream is over already, as flare_mux_stream_write().
#[unsafe(no_mangle)]
pub extern "C" fn flare_mux_stream_cancel(stream: *mut flare_mux_stream) -> i32 {
    guard(|| Ok(mux_stream(stream)?.cancel()?))
}
