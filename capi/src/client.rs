//! `flare_client`: requests to a server, on one connection.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use crate::client_state::{ClientState, What};
use crate::connection::flare_connection;
use crate::connector::{ConnectorSettings, flare_connector};
use crate::datagrams::FLARE_EVENT_DATAGRAM;
use crate::guard::{Failure, guard, guard_number};
use crate::handle::Token;
use crate::mux::timeout;
use crate::object::{
    CLIENT, Object, REQUEST, RESPONSE, TABLE, asked, client as held, connection, with_connector,
};
use crate::request::flare_request;
use crate::request_stream::{FLARE_EVENT_CANCELLED, FLARE_EVENT_DATA, FLARE_EVENT_END, FLARE_EVENT_WRITABLE};
use crate::response::flare_response;
use crate::status::*;
use crate::text;

/// The final head of an answer has come; only from a client.
pub const FLARE_EVENT_HEAD: i32 = 6;
/// An interim answer, 1xx, has come (RFC 9110, 15.2); only from a client.
pub const FLARE_EVENT_INFORMATIONAL: i32 = 7;
/// The server went on to the protocol that was offered: the exchange is a stream of bytes from here on, both ways; only from a client.
pub const FLARE_EVENT_SWITCHED: i32 = 8;

/// A connection to a server, ready for requests. Made by flare_client_new() or flare_client_connect(), freed by flare_client_free(). One thread
/// uses it at a time, others wait for it; flare_client_abort() never waits.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_client {
    _opaque: [u8; 0],
}

/// Makes a client of a connection. From then on the client reads and writes; the handle of the connection may still be asked for the peer and
/// for TLS, and is to be freed by the caller, when he likes.
///
/// @param version  11 for HTTP/1.1; 20 for HTTP/2, which the server is known to speak (RFC 9113, 3.3); 0 for what was agreed by ALPN, and
///                 without that HTTP/1.1.
/// @param client   Gets the client, which the caller owns.
/// @return FLARE_ERROR_INVALID_ARGUMENT for another version, FLARE_ERROR_INVALID_STATE when the connection has a client.
///
/// # Safety
/// `client` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_client_new(
    connection: *mut flare_connection,
    version: i32,
    client: *mut *mut flare_client,
) -> i32 {
    guard(|| {
        let made = self::connection(connection)?;
        let place = text::place(client, "client")?;
        let token = made.give(|connection| {
            let state = ClientState::new(connection, version)?;
            Ok(TABLE.insert(CLIENT.only(), Object::Client(Arc::new(state)))?)
        })?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { place.write(token.to_pointer()) };
        Ok(())
    })
}

/// Connects as flare_connector_connect(), and makes a client of it as flare_client_new().
///
/// @param version  As there, or 30 for HTTP/3: by QUIC and with TLS, whose settings are the connector's or the defaults.
/// @return As these two.
///
/// # Safety
/// `target` is a NUL-terminated string; `client` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_client_connect(
    connector: *mut flare_connector,
    target: *const c_char,
    version: i32,
    client: *mut *mut flare_client,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let target = unsafe { text::required(target, "target") }?;
        let place = text::place(client, "client")?;
        // Not under the lock: others connect meanwhile.
        let connector = with_connector(connector, ConnectorSettings::make)?;
        let state = ClientState::connect(&connector, target, version)?;
        let token = TABLE.insert(CLIENT.only(), Object::Client(Arc::new(state)))?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { place.write(token.to_pointer()) };
        Ok(())
    })
}

/// Sets a number by name: "timeout_ms", how long flare_client_fetch() and flare_request_write_blocking() wait, 1 to 86400000, default 30000;
/// "max_content", the longest content that flare_client_fetch() collects, in bytes, default 67108864.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it.
///
/// # Safety
/// `name` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_client_set_number(
    client: *mut flare_client,
    name: *const c_char,
    value: i64,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let name = unsafe { text::required(name, "name") }?;
        Ok(held(client)?.with(|client| client.set_number(name, value))?)
    })
}

/// Begins the exchange of a request: sends its head, as far as that goes without waiting. What comes of it is told by flare_client_next(). The
/// client holds no reference: the caller does, until the answer is done with.
///
/// @param tag       Comes with each event of the exchange.
/// @param response  Gets the other face of the exchange, which shares the count of the request; may be NULL.
/// @return FLARE_ERROR_WOULD_BLOCK when the connection takes no other request now: HTTP/1.1 has one under way, or HTTP/2 as many as the server
///         allows. FLARE_ERROR_CLOSED when it is over, FLARE_ERROR_FINISHED when the request was sent before, FLARE_ERROR_INVALID_ARGUMENT for one
///         that can't be sent. It may be opened again then, but for FLARE_ERROR_FINISHED.
///
/// # Safety
/// `response` may be written, or is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_client_open(
    client: *mut flare_client,
    request: *mut flare_request,
    tag: u64,
    response: *mut *mut flare_response,
) -> i32 {
    guard(|| {
        let client = held(client)?;
        let asked = asked(request, REQUEST)?;
        let token = Token::from_pointer(request);
        client.open(&asked, token, tag)?;
        if !response.is_null() {
            // SAFETY: the caller's promise.
            unsafe { response.write(token.with_kind(RESPONSE).to_pointer()) };
        }
        Ok(())
    })
}

/// Sends what waits, and gives the next event of any exchange; waits for it. Content counts as used when its event was taken, so whoever takes
/// none stops the server.
///
/// @param timeout_ms  How long to wait; -1: for ever; 0: not at all.
/// @param event       Gets one of FLARE_EVENT_INFORMATIONAL, _HEAD, _DATA, _DATAGRAM, _END, _SWITCHED, _WRITABLE and _CANCELLED. The last event is
///                    _END, or _CANCELLED: flare_response_cancelled() says why then.
/// @param response    Gets the answer, borrowed from who holds the exchange; may be NULL. With FLARE_EVENT_INFORMATIONAL it is the head of the
///                    interim answer, borrowed until the next call.
/// @param tag         Gets what flare_client_open() was given; may be NULL.
/// @param data        With FLARE_EVENT_DATA gets the content, with FLARE_EVENT_DATAGRAM the datagram, borrowed until the next call, otherwise
///                    NULL; may be NULL.
/// @param length      Gets the number of bytes; may be NULL.
/// @return FLARE_ERROR_TIMEOUT, or FLARE_ERROR_WOULD_BLOCK when it was not to wait. FLARE_ERROR_CLOSED when the connection is over: nothing more
///         will happen.
///
/// # Safety
/// `event` may be written; the others may be written or are NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_client_next(
    client: *mut flare_client,
    timeout_ms: i64,
    event: *mut i32,
    response: *mut *mut flare_response,
    tag: *mut u64,
    data: *mut *const u8,
    length: *mut usize,
) -> i32 {
    guard(|| {
        let client = held(client)?;
        let event = text::place(event, "event")?;
        let happened = client.next(timeout(timeout_ms))?;
        let happened = happened.ok_or_else(|| Failure::new(FLARE_ERROR_CLOSED, "the connection is over"))?;
        let mut token = happened.token.with_kind(RESPONSE);
        let (mut pointer, mut count) = (std::ptr::null(), 0);
        let kind = match happened.what {
            What::Informational(interim) => {
                token = interim;
                FLARE_EVENT_INFORMATIONAL
            }
            What::Head => FLARE_EVENT_HEAD,
            What::Switched => FLARE_EVENT_SWITCHED,
            What::Data(at, bytes) => {
                (pointer, count) = (at, bytes);
                FLARE_EVENT_DATA
            }
            What::Datagram(at, bytes) => {
                (pointer, count) = (if bytes == 0 { std::ptr::null() } else { at }, bytes);
                FLARE_EVENT_DATAGRAM
            }
            What::End => FLARE_EVENT_END,
            What::Writable => FLARE_EVENT_WRITABLE,
            What::Cancelled => FLARE_EVENT_CANCELLED,
        };
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { event.write(kind) };
        if !response.is_null() {
            // SAFETY: the caller's promise.
            unsafe { response.write(token.to_pointer()) };
        }
        if !tag.is_null() {
            // SAFETY: the caller's promise.
            unsafe { tag.write(happened.tag) };
        }
        if !data.is_null() {
            // SAFETY: the caller's promise.
            unsafe { data.write(pointer) };
        }
        if !length.is_null() {
            // SAFETY: the caller's promise.
            unsafe { length.write(count) };
        }
        Ok(())
    })
}

/// Sends a request with this content, and waits for the whole answer, at most "timeout_ms". Events of other exchanges are kept. When there is
/// no answer, the exchange was let go of, and the request may be sent again.
///
/// @param content   The content; may be NULL when `length` is 0, which sends none.
/// @param response  Gets the answer: the other face of the request, which shares its count; may be NULL. Its content is flare_response_body().
/// @return As flare_client_open(); FLARE_ERROR_TIMEOUT; FLARE_ERROR_LIMIT for more content than "max_content"; and what
///         flare_response_cancelled() may say.
///
/// # Safety
/// `content` points to `length` bytes; `response` may be written, or is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_client_fetch(
    client: *mut flare_client,
    request: *mut flare_request,
    content: *const c_void,
    length: usize,
    response: *mut *mut flare_response,
) -> i32 {
    guard(|| {
        let client = held(client)?;
        let asked = asked(request, REQUEST)?;
        // SAFETY: the caller's promise.
        let content = unsafe { text::bytes(content, length, "content") }?;
        client.fetch(&asked, content)?;
        if !response.is_null() {
            // SAFETY: the caller's promise.
            unsafe { response.write(Token::from_pointer(request).with_kind(RESPONSE).to_pointer()) };
        }
        Ok(())
    })
}

/// Whether another request would be taken now: 1 or 0.
#[unsafe(no_mangle)]
pub extern "C" fn flare_client_can_open(client: *const flare_client) -> i32 {
    guard_number(|| Ok(i32::from(held(client)?.with(|client| client.can_open()))))
}

/// The version of HTTP that is spoken: 11, or 20 or 30, in which several exchanges run at a time.
#[unsafe(no_mangle)]
pub extern "C" fn flare_client_version(client: *const flare_client) -> i32 {
    guard_number(|| Ok(held(client)?.version()))
}

/// The descriptor to watch for reading, and for writing while flare_client_wants_write(); then call flare_client_next() with a time of 0 until it
/// says FLARE_ERROR_WOULD_BLOCK. With HTTP/3 it shows deadlines too. Only to be watched, never read, written or closed. Valid until the client is
/// freed.
///
/// @return The descriptor, or a negative error code.
#[unsafe(no_mangle)]
pub extern "C" fn flare_client_fd(client: *const flare_client) -> i32 {
    guard_number(|| Ok(held(client)?.fd()))
}

/// Whether a loop should watch the descriptor for writing too: 1 or 0.
#[unsafe(no_mangle)]
pub extern "C" fn flare_client_wants_write(client: *mut flare_client) -> i32 {
    guard_number(|| Ok(i32::from(held(client)?.with(|client| client.wants_write()))))
}

/// Ends the connection in peace: exchanges that run go on, no other is begun. flare_client_next() says FLARE_ERROR_CLOSED behind the last of them.
#[unsafe(no_mangle)]
pub extern "C" fn flare_client_close(client: *mut flare_client) -> i32 {
    guard(|| {
        held(client)?.with(|client| client.close());
        Ok(())
    })
}

/// Ends the connection at once, from any thread, also for one that waits in a call: exchanges that are not whole end with
/// FLARE_EVENT_CANCELLED. With HTTP/3 a thread that waits in a call ends it behind the next event, or behind its wait.
#[unsafe(no_mangle)]
pub extern "C" fn flare_client_abort(client: *mut flare_client) -> i32 {
    guard(|| {
        held(client)?.abort();
        Ok(())
    })
}

/// Frees a client, and closes its connection. Exchanges that are not whole are over; what was read of answers stays as long as they are held.
/// Threads that wait in a call return as after flare_client_abort().
#[unsafe(no_mangle)]
pub extern "C" fn flare_client_free(client: *mut flare_client) -> i32 {
    guard(|| {
        let state = held(client)?;
        TABLE.release(Token::from_pointer(client), CLIENT)?;
        // The handle's own is this one: with more, a thread is inside a call, and has to come out.
        if Arc::strong_count(&state) > 1 {
            state.abort();
        }
        Ok(())
    })
}

/// Frees the handle of an interim answer.
pub(crate) fn release(token: Token) {
    // Err: C has released it, which it was told not to.
    let _ = TABLE.release(token, RESPONSE);
}
