//! `flare_mux` and `flare_mux_listener`: connections that carry many streams.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use flare::mux::{Ended, Mux, MuxError, MuxListener, MuxOptions};

use crate::guard::{Failure, guard};
use crate::handle::Token;
use crate::mux_stream::flare_mux_stream;
use crate::object::{MUX, MUX_LISTENER, MUX_STREAM, Object, TABLE, mux, mux_listener};
use crate::status::*;
use crate::text;

/// One end of a connection that carries many streams. Made by flare_mux_connect() or flare_mux_listener_accept(), freed by
/// flare_mux_free(). Any thread may use it.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_mux {
    _opaque: [u8; 0],
}

/// Waits for connections that carry many streams. Made by flare_mux_listener_bind(), freed by flare_mux_listener_free(). Several threads
/// may accept.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_mux_listener {
    _opaque: [u8; 0],
}

impl From<MuxError> for Failure {
    fn from(error: MuxError) -> Self {
        let code = match &error {
            MuxError::WouldBlock => FLARE_ERROR_WOULD_BLOCK,
            MuxError::Timeout => FLARE_ERROR_TIMEOUT,
            MuxError::Finished => FLARE_ERROR_FINISHED,
            MuxError::Cancelled | MuxError::Remote(_) => FLARE_ERROR_CANCELLED,
            MuxError::TooManyStreams => FLARE_ERROR_LIMIT,
            MuxError::Ended(Ended::Protocol(_)) => FLARE_ERROR_PROTOCOL,
            MuxError::Ended(_) => FLARE_ERROR_CLOSED,
            MuxError::Address(_) => FLARE_ERROR_INVALID_ARGUMENT,
            MuxError::Io(_) => FLARE_ERROR_IO,
            _ => FLARE_ERROR_IO,
        };
        match error {
            MuxError::Io(error) => error.into(),
            error => Failure::new(code, error.to_string()),
        }
    }
}

/// How long to wait: a negative number of milliseconds is for ever.
pub(crate) fn timeout(milliseconds: i64) -> Option<Duration> {
    u64::try_from(milliseconds).ok().map(Duration::from_millis)
}

/// Connects to `unix:/path`, `127.0.0.1:80`, `[::1]:80` or `name:port`, and blocks until that is done. All addresses of a name are
/// tried.
///
/// @param timeout_ms  How long it may take, the look-up included; -1: 10 seconds.
/// @param mux         Gets the connection, which the caller owns.
/// @return FLARE_ERROR_TIMEOUT, FLARE_ERROR_INVALID_ARGUMENT for what is no address, and what the system says.
///
/// # Safety
/// `address` is a NUL-terminated string; `mux` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_mux_connect(
    address: *const c_char,
    timeout_ms: i64,
    mux: *mut *mut flare_mux,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let address = unsafe { text::required(address, "address") }?;
        let place = text::place(mux, "mux")?;
        let mut options = MuxOptions::default();
        options.connect_timeout = timeout(timeout_ms).unwrap_or(options.connect_timeout);
        let token = TABLE.insert(MUX.only(), Object::Mux(Mux::connect_with(address, &options)?))?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { place.write(token.to_pointer()) };
        Ok(())
    })
}

/// Frees a connection. Threads that wait in flare_mux_accept() return, and streams that nobody accepted are cancelled. The connection
/// itself ends when its last stream is freed; what was finished is sent before.
#[unsafe(no_mangle)]
pub extern "C" fn flare_mux_free(mux: *mut flare_mux) -> i32 {
    guard(|| {
        let held = self::mux(mux)?;
        TABLE.release(Token::from_pointer(mux), MUX)?;
        held.close();
        Ok(())
    })
}

/// Opens a stream. Does not wait for the peer: if that refuses it, the stream is cancelled.
///
/// @param stream  Gets the stream, which the caller owns.
/// @return FLARE_ERROR_LIMIT when 1024 are open, FLARE_ERROR_CLOSED or FLARE_ERROR_PROTOCOL when the connection is over.
///
/// # Safety
/// `stream` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_mux_open(mux: *mut flare_mux, stream: *mut *mut flare_mux_stream) -> i32 {
    guard(|| {
        let mux = self::mux(mux)?;
        let place = text::place(stream, "stream")?;
        let token = TABLE.insert(MUX_STREAM.only(), Object::MuxStream(mux.open()?))?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { place.write(token.to_pointer()) };
        Ok(())
    })
}

/// Takes the next stream that the peer opened, and waits for it.
///
/// @param timeout_ms  How long; -1: for ever.
/// @param stream      Gets the stream, which the caller owns.
/// @return FLARE_ERROR_TIMEOUT, and FLARE_ERROR_CLOSED or FLARE_ERROR_PROTOCOL when the connection is over.
///
/// # Safety
/// `stream` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_mux_accept(
    mux: *mut flare_mux,
    timeout_ms: i64,
    stream: *mut *mut flare_mux_stream,
) -> i32 {
    guard(|| {
        let mux = self::mux(mux)?;
        let place = text::place(stream, "stream")?;
        let accepted = Object::MuxStream(mux.accept(timeout(timeout_ms))?);
        let token = TABLE.insert(MUX_STREAM.only(), accepted)?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { place.write(token.to_pointer()) };
        Ok(())
    })
}

/// Listens on `unix:/path`, `127.0.0.1:80`, `[::1]:0` or `name:port`. Port 0 is any free one.
///
/// @param listener  Gets the listener, which the caller owns.
/// @return FLARE_ERROR_ADDRESS_IN_USE, FLARE_ERROR_INVALID_ARGUMENT for what is no address, and what else the system says.
///
/// # Safety
/// `address` is a NUL-terminated string; `listener` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_mux_listener_bind(
    address: *const c_char,
    listener: *mut *mut flare_mux_listener,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let address = unsafe { text::required(address, "address") }?;
        let place = text::place(listener, "listener")?;
        let bound = Object::MuxListener(Arc::new(MuxListener::bind(address)?));
        let token = TABLE.insert(MUX_LISTENER.only(), bound)?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { place.write(token.to_pointer()) };
        Ok(())
    })
}

/// Frees a listener. Threads that wait in flare_mux_listener_accept() return; connections that nobody accepted end, the others live on.
#[unsafe(no_mangle)]
pub extern "C" fn flare_mux_listener_free(listener: *mut flare_mux_listener) -> i32 {
    guard(|| {
        let held = mux_listener(listener)?;
        TABLE.release(Token::from_pointer(listener), MUX_LISTENER)?;
        held.close();
        Ok(())
    })
}

/// Takes the next connection, and waits for it.
///
/// @param timeout_ms  How long; -1: for ever.
/// @param mux         Gets the connection, which the caller owns.
/// @return FLARE_ERROR_TIMEOUT, and FLARE_ERROR_CLOSED when the listener was freed meanwhile.
///
/// # Safety
/// `mux` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_mux_listener_accept(
    listener: *mut flare_mux_listener,
    timeout_ms: i64,
    mux: *mut *mut flare_mux,
) -> i32 {
    guard(|| {
        let listener = mux_listener(listener)?;
        let place = text::place(mux, "mux")?;
        let token = TABLE.insert(MUX.only(), Object::Mux(listener.accept(timeout(timeout_ms))?))?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { place.write(token.to_pointer()) };
        Ok(())
    })
}

/// Copies where a listener listens, with the port that was found, into a buffer, and terminates it.
///
/// @return The length of the whole text without the NUL, which may be more than fits; 0 for a handle that is none.
///
/// # Safety
/// `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_mux_listener_address(
    listener: *const flare_mux_listener,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe { text::copied(buffer, capacity, || Ok(mux_listener(listener)?.address().to_string())) }
}
