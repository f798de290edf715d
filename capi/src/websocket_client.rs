//! `flare_websocket_client` and `flare_websocket_event`: WebSockets to others, and what happens to them.

use std::ffi::{c_char, c_void};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use flare::Version;
use flare::websocket::Message;
use flare::websocket::client::{Event, Socket};

use crate::guard::{Failure, guard, guard_number, guard_or};
use crate::handle::Token;
use crate::mux::timeout;
use crate::object::{
    Object, TABLE, WEBSOCKET_CLIENT, WEBSOCKET_EVENT, websocket_client, with_websocket_event,
};
use crate::status::FLARE_OK;
use crate::text;
use crate::websocket::{FLARE_WEBSOCKET_BINARY, FLARE_WEBSOCKET_TEXT};

/// A WebSocket that was opened to a server. Made by flare_websocket_opener_open() or flare_websocket_opening_poll(), freed by
/// flare_websocket_client_free(). Any thread may use it, and one may receive while others send.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_websocket_client {
    _opaque: [u8; 0],
}

/// What happened to a flare_websocket_client. Made by flare_websocket_client_receive(), freed by flare_websocket_event_free(). Any thread may read
/// it.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_websocket_event {
    _opaque: [u8; 0],
}

/// An event: the server's Ping, which is answered already.
pub const FLARE_WEBSOCKET_PING: i32 = 3;
/// An event: a Pong.
pub const FLARE_WEBSOCKET_PONG: i32 = 4;
/// An event: messages are taken again, after one was refused.
pub const FLARE_WEBSOCKET_WRITABLE: i32 = 5;
/// An event: the socket is closed. Every later receive gives it again.
pub const FLARE_WEBSOCKET_CLOSED: i32 = 6;

/// For [`crate::object`].
pub(crate) type Opened = Arc<Socket>;

/// Waits for what happens next to a socket: a message, whole; a Ping or Pong; that messages are taken again; its end. Somebody has to receive, as
/// Pings are answered, and the end is noticed, in here.
///
/// @param timeout_ms  How long to wait; -1: for ever, which ends when the server does not answer a Ping; 0: not at all.
/// @param event       Gets the event, which the caller owns.
/// @return FLARE_ERROR_TIMEOUT, or FLARE_ERROR_WOULD_BLOCK when it was not to wait. The end of the socket is an event and no error.
///
/// # Safety
/// `event` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_client_receive(
    client: *mut flare_websocket_client,
    timeout_ms: i64,
    event: *mut *mut flare_websocket_event,
) -> i32 {
    guard(|| {
        let held = websocket_client(client)?;
        let place = text::place(event, "event")?;
        let received = held.receive(timeout(timeout_ms))?;
        let token = TABLE.insert(WEBSOCKET_EVENT.only(), Object::WebSocketEvent(Box::new(received)))?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { place.write(token.to_pointer()) };
        Ok(())
    })
}

/// Sends a message, whole, and waits until the server has taken enough of what was sent before. It is copied. While this waits, what comes is kept up
/// to a limit, so a server that sends back what it gets may stop reading, unless another thread receives.
///
/// @param kind        FLARE_WEBSOCKET_TEXT, for UTF-8, or FLARE_WEBSOCKET_BINARY.
/// @param timeout_ms  How long to wait; -1: for ever; 0: not at all.
/// @return FLARE_ERROR_WOULD_BLOCK when nothing was taken in time: FLARE_WEBSOCKET_WRITABLE says when to go on. FLARE_ERROR_CLOSED when the socket
///         is closing or gone.
///
/// # Safety
/// `data` points to `length` bytes, or `length` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_client_send(
    client: *mut flare_websocket_client,
    kind: i32,
    data: *const c_void,
    length: usize,
    timeout_ms: i64,
) -> i32 {
    guard(|| {
        let held = websocket_client(client)?;
        // SAFETY: the caller's promise.
        let data = unsafe { text::bytes(data, length, "data") }?;
        let message = match kind {
            FLARE_WEBSOCKET_TEXT => {
                let text = std::str::from_utf8(data);
                Message::Text(text.map_err(|_| Failure::argument("data", "is not UTF-8"))?)
            }
            FLARE_WEBSOCKET_BINARY => Message::Binary(data),
            _ => return Err(Failure::argument("kind", "is neither text nor binary")),
        };
        Ok(held.send_within(message, timeout(timeout_ms))?)
    })
}

/// Sends a text message, as flare_websocket_client_send().
///
/// # Safety
/// `text` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_client_send_text(
    client: *mut flare_websocket_client,
    text: *const c_char,
    timeout_ms: i64,
) -> i32 {
    guard(|| {
        let held = websocket_client(client)?;
        // SAFETY: the caller's promise.
        let text = unsafe { text::required(text, "text") }?;
        Ok(held.send_within(Message::Text(text), timeout(timeout_ms))?)
    })
}

/// Sends a Ping (RFC 6455, 5.5.2) without waiting; FLARE_WEBSOCKET_PONG is the answer. Those that find out whether the server lives are sent without it.
///
/// @param length  At most 125.
/// @return As flare_websocket_client_send().
///
/// # Safety
/// `data` points to `length` bytes, or `length` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_client_ping(
    client: *mut flare_websocket_client,
    data: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        let held = websocket_client(client)?;
        // SAFETY: the caller's promise.
        Ok(held.ping(unsafe { text::bytes(data, length, "data") }?)?)
    })
}

/// Begins to close: sends a Close behind what was sent, and does not wait. What the server sent before still comes, and then
/// FLARE_WEBSOCKET_CLOSED, at the latest after "close_timeout_ms".
///
/// @param code    1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455, 7.4).
/// @param reason  At most 123 bytes; NULL for none.
/// @return FLARE_ERROR_CLOSED when it was closing before or is gone.
///
/// # Safety
/// `reason` is NULL or a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_client_close(
    client: *mut flare_websocket_client,
    code: i32,
    reason: *const c_char,
) -> i32 {
    guard(|| {
        let held = websocket_client(client)?;
        // SAFETY: the caller's promise.
        let reason = unsafe { text::optional(reason, "reason") }?.unwrap_or_default();
        let code = u16::try_from(code).map_err(|_| Failure::argument("code", "may not be sent"))?;
        Ok(held.close(code, reason)?)
    })
}

/// Closes the connection and frees the socket. One that is open says goodbye with 1001, if that goes without waiting. Threads that wait in a call for
/// it find it closed.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_client_free(client: *mut flare_websocket_client) -> i32 {
    guard(|| {
        let held = websocket_client(client)?;
        TABLE.release(Token::from_pointer(client), WEBSOCKET_CLIENT)?;
        // The handle's own is this one: with more, a thread is inside a call, and has to come out.
        if Arc::strong_count(&held) > 1 {
            // Err: it is closing already.
            let _ = held.close(1001, "");
            held.abort();
        }
        Ok(())
    })
}

/// The descriptor to watch for readability, level-triggered: for what comes, for room for what is sent, for deadlines, and for what other threads
/// did. When it is readable, call flare_websocket_client_receive() with a time of 0 until that returns FLARE_ERROR_WOULD_BLOCK. Valid until the
/// handle is freed; only to be watched, never read or closed.
///
/// @return The descriptor, or a negative error code.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_client_fd(client: *const flare_websocket_client) -> i32 {
    let mut fd = -1;
    let code = guard(|| {
        fd = websocket_client(client)?.as_raw_fd();
        Ok(())
    });
    if code == FLARE_OK { fd } else { code }
}

/// 1 while messages are taken, 0 when the socket is closing or gone, or an error code.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_client_is_open(client: *const flare_websocket_client) -> i32 {
    guard_number(|| Ok(websocket_client(client)?.is_open().into()))
}

/// 1 or 2: the version of HTTP that the socket was opened by, or an error code.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_client_http(client: *const flare_websocket_client) -> i32 {
    guard_number(|| {
        let is_http2 = websocket_client(client)?.response().version == Version::Http2;
        Ok(if is_http2 { 2 } else { 1 })
    })
}

/// The subprotocol that the server chose, copied into a buffer and terminated.
///
/// @return The length of the whole text without the NUL, which may be more than fits; 0 when it chose none.
///
/// # Safety
/// `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_client_protocol(
    client: *const flare_websocket_client,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        text::copied(buffer, capacity, || {
            Ok(websocket_client(client)?.protocol().unwrap_or_default().to_owned())
        })
    }
}

/// A field of the server's answer to the handshake, the first of this name, copied into a buffer and terminated.
///
/// @return The length of the whole text without the NUL, which may be more than fits; 0 when there is none.
///
/// # Safety
/// `name` is a NUL-terminated string; `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_client_header(
    client: *const flare_websocket_client,
    name: *const c_char,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        text::copied(buffer, capacity, || {
            let held = websocket_client(client)?;
            let name = text::required(name, "name")?;
            let value = held.response().headers.get(name).unwrap_or_default();
            Ok(String::from_utf8_lossy(value).into_owned())
        })
    }
}

/// What an event is: FLARE_WEBSOCKET_TEXT, FLARE_WEBSOCKET_BINARY, FLARE_WEBSOCKET_PING, FLARE_WEBSOCKET_PONG, FLARE_WEBSOCKET_WRITABLE or
/// FLARE_WEBSOCKET_CLOSED; or an error code.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_event_kind(event: *const flare_websocket_event) -> i32 {
    guard_number(|| {
        with_websocket_event(event, |event| {
            Ok(match event {
                Event::Text(_) => FLARE_WEBSOCKET_TEXT,
                Event::Binary(_) => FLARE_WEBSOCKET_BINARY,
                Event::Ping(_) => FLARE_WEBSOCKET_PING,
                Event::Pong(_) => FLARE_WEBSOCKET_PONG,
                Event::Writable => FLARE_WEBSOCKET_WRITABLE,
                Event::Closed(_) => FLARE_WEBSOCKET_CLOSED,
                _ => {
                    return Err(Failure::new(
                        crate::status::FLARE_ERROR_UNSUPPORTED,
                        "an event of a later version",
                    ));
                }
            })
        })
    })
}

/// What an event holds: the bytes of a message, a Ping or a Pong, or the reason of a close. Borrowed until flare_websocket_event_free(). It does not end
/// with NUL.
///
/// @param length  Gets the number of bytes; may be NULL.
/// @return NULL when there are none, or after an error.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_event_data(
    event: *const flare_websocket_event,
    length: *mut usize,
) -> *const c_void {
    let (pointer, count) = guard_or((std::ptr::null(), 0), || {
        with_websocket_event(event, |event| {
            let data = match event {
                Event::Text(text) => text.as_bytes(),
                Event::Binary(data) | Event::Ping(data) | Event::Pong(data) => data,
                Event::Closed(closed) => closed.reason.as_bytes(),
                _ => &[],
            };
            let pointer = if data.is_empty() { std::ptr::null() } else { data.as_ptr().cast() };
            Ok((pointer, data.len()))
        })
    });
    if !length.is_null() {
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { length.write(count) };
    }
    pointer
}

/// The code of FLARE_WEBSOCKET_CLOSED: that of the server's Close or of its mistake; 1005: it gave none, 1006: it left without goodbye (RFC 6455,
/// 7.4.1). 0 for other events, or an error code.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_event_code(event: *const flare_websocket_event) -> i32 {
    guard_number(|| {
        with_websocket_event(event, |event| match event {
            Event::Closed(closed) => Ok(closed.code.into()),
            _ => Ok(0),
        })
    })
}

/// 1 for FLARE_WEBSOCKET_CLOSED after both sides have sent a Close, else 0, or an error code.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_event_is_clean(event: *const flare_websocket_event) -> i32 {
    guard_number(|| {
        with_websocket_event(event, |event| Ok(matches!(event, Event::Closed(closed) if closed.clean).into()))
    })
}

/// Frees an event, and what it holds.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_event_free(event: *mut flare_websocket_event) -> i32 {
    guard(|| Ok(TABLE.release(Token::from_pointer(event), WEBSOCKET_EVENT)?))
}
