//! Content of requests that flows: `flare_request_read`, `flare_request_on_event` and their kin.

use std::ffi::{c_char, c_void};

use flare::{Event, Flow, Read};

use crate::datagrams::FLARE_EVENT_DATAGRAM;
use crate::guard::{Failure, guard};
use crate::handle::Token;
use crate::handler::flare_destroy;
use crate::object::{Object, REQUEST, RESPONSE, TABLE, with_exchange, with_request};
use crate::request::flare_request;
use crate::response::flare_response;
use crate::status::{FLARE_ERROR_NOT_FOUND, FLARE_ERROR_WOULD_BLOCK};
use crate::text::{self, UserData};

/// A request came; only from a queue.
pub const FLARE_EVENT_REQUEST: i32 = 0;
/// Some content of the request; not from a queue.
pub const FLARE_EVENT_DATA: i32 = 1;
/// The request has ended; its trailers can be read.
pub const FLARE_EVENT_END: i32 = 2;
/// Writes are taken again, after one was refused.
pub const FLARE_EVENT_WRITABLE: i32 = 3;
/// The exchange is over; flare_request_cancelled() says why. The last event.
pub const FLARE_EVENT_CANCELLED: i32 = 4;
/// flare_request_read() finds content, or flare_request_read_datagram() a datagram; only from a queue.
pub const FLARE_EVENT_READABLE: i32 = 5;

/// What an event callback returns to get no more content until flare_request_resume().
pub const FLARE_PAUSE: i32 = 1;

/// Hears of an exchange. Called on its worker, which it must not block, one call at a time. The handles are borrowed.
///
/// @param event   One of FLARE_EVENT_DATA, _DATAGRAM, _END, _WRITABLE and _CANCELLED.
/// @param data    With FLARE_EVENT_DATA the content, with FLARE_EVENT_DATAGRAM the datagram, valid during the call; otherwise NULL.
/// @param length  The number of bytes.
/// @return FLARE_OK to go on, FLARE_PAUSE for no more content for now; a negative number gives the exchange up.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_event_callback = Option<
    unsafe extern "C" fn(
        request: *mut flare_request,
        response: *mut flare_response,
        event: i32,
        data: *const u8,
        length: usize,
        user: *mut c_void,
    ) -> i32,
>;

/// Takes some content of a request, on a route with the option "streaming". The first read sends "100 Continue" to a client that waits
/// for it. Any thread may read.
///
/// @param buffer    Where to put content.
/// @param capacity  How much fits; at least 1.
/// @param length    Gets the number of bytes; 0 at the end of the request.
/// @return FLARE_ERROR_WOULD_BLOCK when there is nothing yet; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when the exchange is over.
///
/// # Safety
/// `buffer` points to `capacity` bytes that may be written; `length` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_read(
    request: *mut flare_request,
    buffer: *mut c_void,
    capacity: usize,
    length: *mut usize,
) -> i32 {
    guard(|| {
        let (room, length) = (text::place(buffer, "buffer")?, text::place(length, "length")?);
        if capacity == 0 {
            return Err(Failure::argument("capacity", "is 0"));
        }
        with_exchange(request, REQUEST, |exchange| {
            let taken = match exchange.read_up_to(capacity)? {
                Read::Data(data) => {
                    // SAFETY: at most `capacity` bytes were read, and the caller promises that many behind `buffer`.
                    unsafe { data.as_ptr().copy_to_nonoverlapping(room.cast::<u8>(), data.len()) };
                    data.len()
                }
                Read::End => 0,
                Read::WouldBlock => {
                    return Err(Failure::new(FLARE_ERROR_WOULD_BLOCK, "no content has come yet"));
                }
            };
            // SAFETY: not NULL, and the caller promises that it may be written.
            unsafe { length.write(taken) };
            Ok(())
        })
    })
}

/// Calls back for everything that happens to an exchange: content as it comes, its end, room for writes, the end of the exchange. On a
/// route with the option "streaming" this asks for the content. A second call replaces the first. Retain the exchange: events end
/// with it.
///
/// @param destroy  Frees `user` when the exchange ends or the callback is replaced, or when this call fails; may be NULL.
///
/// # Safety
/// `callback` may be called with `user` on the worker until `user` is destroyed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_on_event(
    request: *mut flare_request,
    callback: flare_event_callback,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends.
    let user = unsafe { UserData::new(user, destroy) };
    guard(move || {
        let call = callback.ok_or_else(|| Failure::argument("callback", "is NULL"))?;
        let token = Token::from_pointer(request);
        with_exchange(request, REQUEST, |exchange| {
            exchange.on_event(move |event| {
                let (kind, data): (i32, &[u8]) = match event {
                    Event::Data(data) => (FLARE_EVENT_DATA, data),
                    Event::Datagram(data) => (FLARE_EVENT_DATAGRAM, data),
                    Event::End => (FLARE_EVENT_END, &[]),
                    Event::Writable => (FLARE_EVENT_WRITABLE, &[]),
                    Event::Cancelled => (FLARE_EVENT_CANCELLED, &[]),
                    _ => return Flow::Continue,
                };
                let pointer = if data.is_empty() { std::ptr::null() } else { data.as_ptr() };
                let returned = TABLE.enter(token, REQUEST, |object| {
                    let response = token.with_kind(RESPONSE).to_pointer();
                    // SAFETY: the caller of `flare_request_on_event` promised that the callback may be called with `user`.
                    let code = unsafe {
                        call(token.to_pointer(), response, kind, pointer, data.len(), user.pointer())
                    };
                    if code < 0
                        && let Object::Exchange(exchange) = object
                    {
                        exchange.reset();
                    }
                    Ok::<i32, Failure>(code)
                });
                // Err: nobody holds the exchange any more; its last release has ended it.
                if returned.is_ok_and(|code| code == FLARE_PAUSE) { Flow::Pause } else { Flow::Continue }
            });
            Ok(())
        })
    })
}

/// Content and its end go on after an event callback returned FLARE_PAUSE.
#[unsafe(no_mangle)]
pub extern "C" fn flare_request_resume(request: *mut flare_request) -> i32 {
    guard(|| {
        with_exchange(request, REQUEST, |exchange| {
            exchange.resume();
            Ok(())
        })
    })
}

/// Tells the server's log, at the level FLARE_LOG_ERROR, that code around a request failed, and lets the exchange go on. For middleware;
/// see also flare_response_fail().
///
/// @param message  UTF-8; what is no UTF-8 in it is replaced.
///
/// # Safety
/// `message` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_log_error(request: *mut flare_request, message: *const c_char) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let message = unsafe { text::terminated(message, "message")? };
        let message = String::from_utf8_lossy(message);
        with_request(request, |request| {
            request.log_error(&message);
            Ok(())
        })
    })
}

/// Attaches a text to a request, for handlers and middleware that see it later; it replaces another one of its name.
///
/// # Safety
/// `name` and `value` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_set_attribute(
    request: *mut flare_request,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (text::required(name, "name")?, text::required(value, "value")?) };
        with_request(request, |request| {
            request.set_attribute(name, value);
            Ok(())
        })
    })
}

/// A text that was attached to a request, copied into a buffer and terminated.
///
/// @return The length of the whole text without the NUL, which may be more than fits; 0 when there is none, and the copy is empty.
///
/// # Safety
/// `name` is a NUL-terminated string; `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_attribute(
    request: *const flare_request,
    name: *const c_char,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        text::copied(buffer, capacity, || {
            let name = text::required(name, "name")?;
            with_request(request, |request| {
                let missing = || Failure::new(FLARE_ERROR_NOT_FOUND, "the request has no such attribute");
                request.attribute(name).ok_or_else(missing)
            })
        })
    }
}
