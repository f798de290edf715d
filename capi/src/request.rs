//! `flare_request`: the request of an exchange.

use std::ffi::c_char;
use std::ptr;

use flare::{CancelReason, Request};

use crate::guard::{Failure, guard, guard_number, guard_or};
use crate::handle::{Kind, Token};
use crate::object::{REQUEST, TABLE, with_either, with_request};
use crate::status::*;
use crate::text;

/// The request of an exchange. Borrowed in a handler; kept with flare_request_retain(). What it gives is immutable and valid until
/// the last release (without a retain: until the handler returns); any thread may read it.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_request {
    _opaque: [u8; 0],
}

/// Keeps the exchange. Request and response are two faces of it and share one count: either may be retained and released.
#[unsafe(no_mangle)]
pub extern "C" fn flare_request_retain(request: *mut flare_request) -> i32 {
    guard(|| Ok(TABLE.retain(Token::from_pointer(request), REQUEST)?))
}

/// Lets the exchange go. The last release of an exchange without an answer answers 500.
#[unsafe(no_mangle)]
pub extern "C" fn flare_request_release(request: *mut flare_request) -> i32 {
    guard(|| Ok(TABLE.release(Token::from_pointer(request), REQUEST)?))
}

/// Gives text that ends with a NUL to C: a pointer to it and, if asked for, its length without the NUL.
///
/// # Safety
/// `length` is NULL or may be written.
pub(crate) unsafe fn give(text: Option<&[u8]>, length: *mut usize) -> *const c_char {
    let (pointer, count) = match text {
        Some(text) => (text.as_ptr().cast(), text.len().saturating_sub(1)),
        None => (ptr::null(), 0),
    };
    if !length.is_null() {
        // SAFETY: the caller's promise.
        unsafe { length.write(count) };
    }
    pointer
}

/// Reads text of a request for C.
///
/// # Safety
/// `length` is NULL or may be written.
#[inline]
unsafe fn read(
    request: *const flare_request,
    length: *mut usize,
    what: impl FnOnce(&Request) -> Result<Option<&[u8]>, Failure>,
) -> *const c_char {
    let found = guard_or(None, || {
        with_request(request, |request| {
            let text = what(request)?;
            // The text lives in the exchange, whose memory stays until the last release: longer than this closure.
            Ok(text.map(|text| ptr::slice_from_raw_parts(text.as_ptr(), text.len())))
        })
    });
    // SAFETY: as said above; C must not release the request while another thread reads it, as with any borrowed pointer.
    let text = found.map(|text| unsafe { &*text });
    // SAFETY: the caller's promise.
    unsafe { give(text, length) }
}

/// Reads a text of a request that has a name, for C.
///
/// # Safety
/// `name` is NULL or a NUL-terminated string; `length` is NULL or may be written.
#[inline]
unsafe fn read_named(
    request: *const flare_request,
    name: *const c_char,
    length: *mut usize,
    what: impl for<'a> FnOnce(&'a Request, &str) -> Option<&'a [u8]>,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        read(request, length, |request| {
            let name = text::required(name, "name")?;
            Ok(what(request, name))
        })
    }
}

/// The method, such as "GET". NULL for a bad handle.
///
/// @param length  Gets the length without the final NUL; may be NULL.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_method(
    request: *const flare_request,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(request, length, |request| Ok(Some(request.head().method_with_nul()))) }
}

/// The path as it was sent, still percent-encoded. "*" for OPTIONS *, empty for CONNECT. NULL for a bad handle.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_path(
    request: *const flare_request,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(request, length, |request| Ok(Some(request.head().path_with_nul()))) }
}

/// The query as it was sent, without the question mark. NULL when there is none.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_query(
    request: *const flare_request,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(request, length, |request| Ok(request.head().query_with_nul())) }
}

/// The authority (host and port) from an absolute target or from Host; may be empty. NULL for a bad handle.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_authority(
    request: *const flare_request,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(request, length, |request| Ok(Some(request.head().authority_with_nul()))) }
}

/// The protocol version as ten times major plus minor: 10, 11, 20, 30. A negative error code for a bad handle.
#[unsafe(no_mangle)]
pub extern "C" fn flare_request_version(request: *const flare_request) -> i32 {
    guard_number(|| with_request(request, |request| Ok(version_number(request.version()))))
}

pub(crate) fn version_number(version: flare::Version) -> i32 {
    match version {
        flare::Version::Http10 => 10,
        flare::Version::Http11 => 11,
        flare::Version::Http2 => 20,
        flare::Version::Http3 => 30,
    }
}

/// The address of the client, such as "127.0.0.1:50000" or "unix:", copied into a buffer and terminated: the other end of its connection, or
/// whom a trusted proxy told (setting "proxy_protocol_from").
///
/// @return The length of the whole text without the NUL, which may be more than fits; 0 for a bad handle, and the copy is empty.
///
/// # Safety
/// `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_peer(
    request: *const flare_request,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        text::copied(buffer, capacity, || with_request(request, |request| Ok(request.peer().to_string())))
    }
}

/// What the client connected to, such as "127.0.0.1:8080" or "unix:/run/app.sock", copied into a buffer and terminated: the address of this
/// end of its connection, or what a trusted proxy told (setting "proxy_protocol_from").
///
/// @return The length of the whole text without the NUL, which may be more than fits; 0 for a bad handle, and the copy is empty.
///
/// # Safety
/// `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_local_address(
    request: *const flare_request,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    let text = || with_request(request, |request| Ok(request.local_address().to_string()));
    // SAFETY: the caller's promise.
    unsafe { text::copied(buffer, capacity, text) }
}

/// The value of the first header field of this name (in any case). NULL when there is none.
///
/// # Safety
/// `name` is a NUL-terminated string; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_header(
    request: *const flare_request,
    name: *const c_char,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read_named(request, name, length, |request, name| request.headers().get_with_nul(name)) }
}

/// The number of header fields. 0 for a bad handle.
#[unsafe(no_mangle)]
pub extern "C" fn flare_request_header_count(request: *const flare_request) -> usize {
    guard_or(0, || with_request(request, |request| Ok(request.headers().len())))
}

/// The name of a header field, in lower case, by its place in the request, from 0. NULL when there are fewer.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_header_name_at(
    request: *const flare_request,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(request, length, |request| Ok(request.headers().name_with_nul_at(index))) }
}

/// The value of a header field by its place in the request, from 0. NULL when there are fewer.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_header_value_at(
    request: *const flare_request,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(request, length, |request| Ok(request.headers().value_with_nul_at(index))) }
}

/// The value of the first trailer field of this name. NULL when there is none.
///
/// # Safety
/// `name` is a NUL-terminated string; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_trailer(
    request: *const flare_request,
    name: *const c_char,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read_named(request, name, length, |request, name| request.trailers().get_with_nul(name)) }
}

/// The number of trailer fields. 0 before the content has ended, and for a bad handle.
#[unsafe(no_mangle)]
pub extern "C" fn flare_request_trailer_count(request: *const flare_request) -> usize {
    guard_or(0, || with_request(request, |request| Ok(request.trailers().len())))
}

/// The name of a trailer field, in lower case, by its place in the request, from 0. NULL when there are fewer.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_trailer_name_at(
    request: *const flare_request,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(request, length, |request| Ok(request.trailers().name_with_nul_at(index))) }
}

/// The value of a trailer field by its place in the request, from 0. NULL when there are fewer.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_trailer_value_at(
    request: *const flare_request,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(request, length, |request| Ok(request.trailers().value_with_nul_at(index))) }
}

/// A parameter that the route took from the path, decoded. NULL when the pattern has no parameter of this name.
///
/// # Safety
/// `name` is a NUL-terminated string; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_param(
    request: *const flare_request,
    name: *const c_char,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read_named(request, name, length, |request, name| request.params().get_with_nul(name)) }
}

/// The protocol that the client offers to go on with as a byte stream: the value of Upgrade, which may be a list (RFC 9110, 7.8), or the
/// protocol of an extended CONNECT (RFC 8441). flare_response_switch_protocol() accepts. NULL when it offers none, or content comes first.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_offered_protocol(
    request: *const flare_request,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(request, length, |request| Ok(request.offered_protocol_with_nul())) }
}

/// The content. Never NULL for a good handle; not terminated.
///
/// @param length  Gets the number of bytes; must not be NULL.
///
/// # Safety
/// `length` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_body(request: *const flare_request, length: *mut usize) -> *const u8 {
    let body = guard_or(None, || {
        if length.is_null() {
            return Err(Failure::argument("length", "is NULL"));
        }
        with_request(request, |request| {
            let body = request.body();
            Ok(Some((body.as_ptr(), body.len())))
        })
    });
    let (pointer, count) = body.unwrap_or((ptr::null(), 0));
    if !length.is_null() {
        // SAFETY: the caller's promise.
        unsafe { length.write(count) };
    }
    pointer
}

/// Whether anybody still waits for the answer: FLARE_OK, or why not: FLARE_ERROR_CLOSED (the client is gone), FLARE_ERROR_TIMEOUT (the
/// deadline of the handler passed), FLARE_ERROR_CANCELLED (the server ended). Of a request of one's own: whether more of the answer may come;
/// see flare_response_cancelled().
#[unsafe(no_mangle)]
pub extern "C" fn flare_request_cancelled(request: *const flare_request) -> i32 {
    guard_number(|| cancelled(request, REQUEST))
}

/// Whether an exchange is over before its end, and why.
pub(crate) fn cancelled<P>(handle: *const P, kind: Kind) -> Result<i32, Failure> {
    let of = |request: &Request| match request.cancelled() {
        None => FLARE_OK,
        Some(CancelReason::PeerGone) => FLARE_ERROR_CLOSED,
        Some(CancelReason::Deadline) => FLARE_ERROR_TIMEOUT,
        Some(_) => FLARE_ERROR_CANCELLED,
    };
    with_either(handle, kind, |asked| asked.cancelled(), of)
}
