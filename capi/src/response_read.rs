//! Answers to requests of one's own: what reads them.

use std::ffi::c_char;
use std::ptr;

use flare::Headers;

use crate::asked::Answer;
use crate::guard::{Failure, guard_number, guard_or};
use crate::object::{RESPONSE, with_answer};
use crate::request::{cancelled, give, version_number};
use crate::response::flare_response;
use crate::text;

/// The status of an answer, such as 200; 0 before its head has come. A negative error code for a bad handle, and FLARE_ERROR_INVALID_STATE for an
/// answer that a server writes.
#[unsafe(no_mangle)]
pub extern "C" fn flare_response_status(response: *const flare_response) -> i32 {
    guard_number(|| with_answer(response, |answer| Ok(answer.head.map_or(0, |head| i32::from(head.status)))))
}

/// The version of HTTP that an answer came by, as flare_request_version(); 0 before its head has come.
#[unsafe(no_mangle)]
pub extern "C" fn flare_response_version(response: *const flare_response) -> i32 {
    guard_number(|| {
        with_answer(response, |answer| Ok(answer.head.map_or(0, |head| version_number(head.version))))
    })
}

/// Why no more of an answer comes: FLARE_ERROR_REFUSED (the server did nothing about the request: it can be sent again),
/// FLARE_ERROR_CANCELLED (the server reset the exchange, or flare_request_cancel()), FLARE_ERROR_CLOSED (the connection ended, or the client was
/// freed), FLARE_ERROR_PROTOCOL (the server broke the rules). FLARE_OK: it is whole, or more may come. On a server as flare_request_cancelled().
#[unsafe(no_mangle)]
pub extern "C" fn flare_response_cancelled(response: *const flare_response) -> i32 {
    guard_number(|| cancelled(response, RESPONSE))
}

/// Which fields.
#[derive(Clone, Copy)]
enum Part {
    Head,
    Trailers,
}

impl Part {
    fn of(self, answer: Answer<'_>) -> Option<&Headers> {
        match self {
            Self::Head => answer.head.map(|head| &head.headers),
            Self::Trailers => answer.trailers,
        }
    }
}

/// Reads text of an answer for C.
///
/// # Safety
/// `length` is NULL or may be written.
unsafe fn read(
    response: *const flare_response,
    part: Part,
    length: *mut usize,
    what: impl FnOnce(&Headers) -> Result<Option<&[u8]>, Failure>,
) -> *const c_char {
    let found = guard_or(None, || {
        with_answer(response, |answer| {
            let Some(fields) = part.of(answer) else { return Ok(None) };
            // The text is set once and lives until the last release: longer than this closure.
            Ok(what(fields)?.map(|text| ptr::slice_from_raw_parts(text.as_ptr(), text.len())))
        })
    });
    // SAFETY: as said above; C must not release the answer while another thread reads it, as with any borrowed pointer.
    let text = found.map(|text| unsafe { &*text });
    // SAFETY: the caller's promise.
    unsafe { give(text, length) }
}

/// Reads a field by its name.
///
/// # Safety
/// `name` is NULL or a NUL-terminated string; `length` is NULL or may be written.
unsafe fn read_named(
    response: *const flare_response,
    part: Part,
    name: *const c_char,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        // A bad name is told even when there are no fields yet.
        let name = guard_or(None, || text::required(name, "name").map(Some));
        let Some(name) = name else { return give(None, length) };
        read(response, part, length, |fields| Ok(fields.get_with_nul(name)))
    }
}

fn count(response: *const flare_response, part: Part) -> usize {
    guard_or(0, || with_answer(response, |answer| Ok(part.of(answer).map_or(0, Headers::len))))
}

/// The value of the first header field of this name (in any case) of an answer. NULL when there is none. It is borrowed, as all text of an
/// answer: until the last release, or, for an interim answer, until the next flare_client_next().
///
/// # Safety
/// `name` is a NUL-terminated string; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_header(
    response: *const flare_response,
    name: *const c_char,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read_named(response, Part::Head, name, length) }
}

/// The number of header fields of an answer. 0 before its head has come, and for a bad handle.
#[unsafe(no_mangle)]
pub extern "C" fn flare_response_header_count(response: *const flare_response) -> usize {
    count(response, Part::Head)
}

/// The name of a header field of an answer, in lower case, by its place, from 0. NULL when there are fewer.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_header_name_at(
    response: *const flare_response,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(response, Part::Head, length, |fields| Ok(fields.name_with_nul_at(index))) }
}

/// The value of a header field of an answer by its place, from 0. NULL when there are fewer.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_header_value_at(
    response: *const flare_response,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(response, Part::Head, length, |fields| Ok(fields.value_with_nul_at(index))) }
}

/// The value of the first trailer field of this name of an answer. NULL when there is none.
///
/// # Safety
/// `name` is a NUL-terminated string; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_trailer(
    response: *const flare_response,
    name: *const c_char,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read_named(response, Part::Trailers, name, length) }
}

/// The number of trailer fields of an answer. 0 before it has ended, and for a bad handle.
#[unsafe(no_mangle)]
pub extern "C" fn flare_response_trailer_count(response: *const flare_response) -> usize {
    count(response, Part::Trailers)
}

/// The name of a trailer field of an answer, in lower case, by its place, from 0. NULL when there are fewer.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_trailer_name_at(
    response: *const flare_response,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(response, Part::Trailers, length, |fields| Ok(fields.name_with_nul_at(index))) }
}

/// The value of a trailer field of an answer by its place, from 0. NULL when there are fewer.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_trailer_value_at(
    response: *const flare_response,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(response, Part::Trailers, length, |fields| Ok(fields.value_with_nul_at(index))) }
}

/// The content that flare_client_fetch() collected. Never NULL for a good handle; not terminated; valid until the last release.
///
/// @param length  Gets the number of bytes; must not be NULL.
///
/// # Safety
/// `length` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_body(
    response: *const flare_response,
    length: *mut usize,
) -> *const u8 {
    let body = guard_or(None, || {
        if length.is_null() {
            return Err(Failure::argument("length", "is NULL"));
        }
        with_answer(response, |answer| Ok(Some((answer.content.as_ptr(), answer.content.len()))))
    });
    let (pointer, count) = body.unwrap_or((ptr::null(), 0));
    if !length.is_null() {
        // SAFETY: the caller's promise.
        unsafe { length.write(count) };
    }
    pointer
}
