//! Requests of one's own: `flare_request_new`, and what writes them.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;

use flare::client::{ContentLength, Request};

use crate::asked::{Asked, Link};
use crate::client_state::ClientState;
use crate::guard::{Failure, guard, guard_or};
use crate::object::{EXCHANGE, Object, REQUEST, TABLE, asked};
use crate::request::flare_request;
use crate::response::field;
use crate::status::*;
use crate::text;

/// Makes a request, for flare_client_open() or flare_client_fetch(). The caller owns one reference, to be released with
/// flare_request_release(); releasing the last one lets the exchange go.
///
/// @param method     Such as "GET".
/// @param authority  Host and port, as in the Host field: "example.org" or "example.org:8080".
/// @param target     "/path?query", or "*" with OPTIONS; empty with CONNECT.
/// @return NULL for text that is none, or when there is no memory. What can't be sent is refused when it is sent.
///
/// # Safety
/// The three are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_new(
    method: *const c_char,
    authority: *const c_char,
    target: *const c_char,
) -> *mut flare_request {
    guard_or(ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let (method, authority, target) = unsafe {
            (
                text::required(method, "method")?,
                text::required(authority, "authority")?,
                text::required(target, "target")?,
            )
        };
        // The scheme: the connection knows.
        let request = Request { scheme: String::new(), ..Request::new(method, authority, target) };
        Ok(TABLE.insert(EXCHANGE, Object::Asked(Arc::new(Asked::new(request))))?.to_pointer())
    })
}

/// Adds a header field to a request of one's own. Host, Content-Length, Transfer-Encoding and Connection are the connection's.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT when name or value can't be sent (RFC 9110, 5.1 and 5.5), FLARE_ERROR_FINISHED when the request was sent,
///         FLARE_ERROR_INVALID_STATE for a request that a server got.
///
/// # Safety
/// `name` and `value` are NUL-terminated strings; the value may have bytes above 127 in any encoding.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_add_header(
    request: *mut flare_request,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (text::terminated(name, "name")?, text::terminated(value, "value")?) };
        asked(request, REQUEST)?.change(|request| request.headers.append(name, value).map_err(field))
    })
}

/// Sets a header field of a request of one's own: others of its name are removed.
///
/// @return As flare_request_add_header().
///
/// # Safety
/// As for flare_request_add_header().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_set_header(
    request: *mut flare_request,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (text::terminated(name, "name")?, text::terminated(value, "value")?) };
        asked(request, REQUEST)?.change(|request| request.headers.set(name, value).map_err(field))
    })
}

/// Adds a trailer field to a request of one's own, until flare_request_finish(), with which it leaves. HTTP/1.1 sends trailers only behind content
/// whose length was not said.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT when name or value can't be sent, FLARE_ERROR_INVALID_STATE for a request that a server got.
///
/// # Safety
/// `name` and `value` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_add_trailer(
    request: *mut flare_request,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (text::required(name, "name")?, text::terminated(value, "value")?) };
        let asked = asked(request, REQUEST)?;
        flare::check_trailer(name)?;
        asked.change_trailers(|trailers| trailers.append(name, value).map_err(field))
    })
}

/// Sets the scheme of a request of one's own, "http" or "https", which HTTP/2 sends. Without it the connection decides: "https" when it is
/// encrypted.
///
/// @return FLARE_ERROR_FINISHED when the request was sent, FLARE_ERROR_INVALID_STATE for a request that a server got.
///
/// # Safety
/// `scheme` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_set_scheme(request: *mut flare_request, scheme: *const c_char) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let scheme = unsafe { text::required(scheme, "scheme") }?;
        asked(request, REQUEST)?.change(|request| {
            scheme.clone_into(&mut request.scheme);
            Ok(())
        })
    })
}

/// Says that a request of one's own has content, which flare_request_write() gives and flare_request_finish() ends. Without this call there is
/// none. flare_client_fetch() needs it not.
///
/// @param length  In bytes, 0 included; -1: not known yet.
/// @return FLARE_ERROR_FINISHED when the request was sent, FLARE_ERROR_INVALID_STATE for a request that a server got.
#[unsafe(no_mangle)]
pub extern "C" fn flare_request_set_content_length(request: *mut flare_request, length: i64) -> i32 {
    guard(|| {
        let content = match (length, u64::try_from(length)) {
            (-1, _) => ContentLength::Unknown,
            (_, Ok(length)) => ContentLength::Known(length),
            _ => return Err(Failure::argument("length", "is less than -1")),
        };
        asked(request, REQUEST)?.change(|request| {
            request.content = content;
            Ok(())
        })
    })
}

/// Offers to go on with another protocol as a stream of bytes, such as "websocket": by Upgrade on HTTP/1.1 (RFC 9110, 7.8), by an extended
/// CONNECT on HTTP/2 (RFC 8441). FLARE_EVENT_SWITCHED says that the server took it. The other side is flare_request_offered_protocol().
///
/// @return FLARE_ERROR_FINISHED when the request was sent, FLARE_ERROR_INVALID_STATE for a request that a server got.
///
/// # Safety
/// `protocol` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_offer_protocol(
    request: *mut flare_request,
    protocol: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let protocol = unsafe { text::required(protocol, "protocol") }?;
        offer(request, protocol, false)
    })
}

/// Offers this protocol in place of any before. `datagrams`: it has some.
pub(crate) fn offer(request: *const flare_request, protocol: &str, datagrams: bool) -> Result<(), Failure> {
    asked(request, REQUEST)?.change(|request| {
        (request.protocol, request.datagrams) = (Some(protocol.to_owned()), datagrams);
        Ok(())
    })
}

/// Runs `f` on the client that an exchange runs on.
pub(crate) fn on_client<R>(
    request: *const flare_request,
    f: impl FnOnce(&Asked, &ClientState, &Link) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let asked = asked(request, REQUEST)?;
    let link = asked.link()?;
    let gone = || Failure::new(FLARE_ERROR_CLOSED, "the client was freed");
    let client = link.client.upgrade().ok_or_else(gone)?;
    f(&asked, &client, link)
}

/// Gives some content of a request that was opened. It is taken whole or refused; it is copied.
///
/// @return FLARE_ERROR_WOULD_BLOCK when so much waits for the server that nothing was taken: FLARE_EVENT_WRITABLE says when to go on.
///         FLARE_ERROR_FINISHED when the request has ended or the server wants no more of it; FLARE_ERROR_INVALID_ARGUMENT for more than was
///         announced; FLARE_ERROR_INVALID_STATE when it was not opened; FLARE_ERROR_CLOSED when the client was freed.
///
/// # Safety
/// `data` points to `length` bytes, or `length` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_write(
    request: *mut flare_request,
    data: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let data = unsafe { text::bytes(data, length, "data") }?;
        on_client(request, |_, client, link| Ok(client.with(|client| client.try_write(link.exchange, data))?))
    })
}

/// The same, and waits while the server has to take some first: at most the client's "timeout_ms". A server that sends back what it gets stops
/// reading when nobody takes that: for such a one flare_request_write() is the call.
///
/// @return As flare_request_write(); FLARE_ERROR_TIMEOUT when the server takes nothing: the exchange goes on.
///
/// # Safety
/// As for flare_request_write().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_write_blocking(
    request: *mut flare_request,
    data: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let data = unsafe { text::bytes(data, length, "data") }?;
        on_client(request, |_, client, link| Ok(client.with(|client| client.write(link.exchange, data))?))
    })
}

/// Ends a request that was opened with content, with the trailers that were added.
///
/// @return FLARE_ERROR_FINISHED when it had ended; FLARE_ERROR_INVALID_ARGUMENT for less content than was announced, which ends the exchange too;
///         FLARE_ERROR_INVALID_STATE when it was not opened; FLARE_ERROR_CLOSED when the client was freed.
#[unsafe(no_mangle)]
pub extern "C" fn flare_request_finish(request: *mut flare_request) -> i32 {
    guard(|| {
        on_client(request, |asked, client, link| {
            let trailers = asked.outgoing_trailers();
            let trailers = (!trailers.is_empty()).then_some(&trailers);
            Ok(client.with(|client| client.finish(link.exchange, trailers))?)
        })
    })
}

/// Lets go of an exchange, from any thread: no event of it comes any more. On HTTP/1.1 the connection ends too, unless the exchange was over.
/// Releasing the last handle does the same.
///
/// @return FLARE_ERROR_INVALID_STATE when it was not opened.
#[unsafe(no_mangle)]
pub extern "C" fn flare_request_cancel(request: *mut flare_request) -> i32 {
    guard(|| {
        let asked = asked(request, REQUEST)?;
        let link = asked.link()?;
        asked.cancel();
        if let Some(client) = link.client.upgrade() {
            client.let_go(link.exchange);
        }
        Ok(())
    })
}
