//! `flare_response`: the answer of an exchange.

use std::ffi::{c_char, c_void};

use bytes::Bytes;
use flare::{Exchange, InvalidField, Response};

use crate::guard::{Failure, guard};
use crate::handle::Token;
use crate::handler::flare_destroy;
use crate::object::{RESPONSE, TABLE, with_draft, with_exchange};
use crate::status::FLARE_ERROR_INVALID_ARGUMENT;
use crate::text::{self, UserData};

/// The answer of an exchange. Borrowed in a handler; kept with flare_response_retain() to answer later. Any thread may answer; the
/// first answer counts.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_response {
    _opaque: [u8; 0],
}

/// Keeps the exchange, to answer later from any thread. Request and response are two faces of it and share one count.
#[unsafe(no_mangle)]
pub extern "C" fn flare_response_retain(response: *mut flare_response) -> i32 {
    guard(|| Ok(TABLE.retain(Token::from_pointer(response), RESPONSE)?))
}

/// Lets the exchange go. The last release of an exchange without an answer answers 500.
#[unsafe(no_mangle)]
pub extern "C" fn flare_response_release(response: *mut flare_response) -> i32 {
    guard(|| Ok(TABLE.release(Token::from_pointer(response), RESPONSE)?))
}

pub(crate) fn checked_status(status: i32) -> Result<u16, Failure> {
    let status = u16::try_from(status).ok().filter(|status| (200..600).contains(status));
    status.ok_or_else(|| Failure::argument("status", "is not within 200 to 599"))
}

pub(crate) fn send(
    response: *mut flare_response,
    status: i32,
    fill: impl FnOnce(&mut Response) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let status = checked_status(status)?;
    with_exchange(response, RESPONSE, |exchange: &Exchange| {
        exchange.finish_with(|response| {
            fill(response)?;
            response.set_status(status);
            Ok(())
        })
    })
}

pub(crate) fn field(error: InvalidField) -> Failure {
    Failure::new(FLARE_ERROR_INVALID_ARGUMENT, error.to_string())
}

/// Adds a header field. Date, Server, Content-Length, Transfer-Encoding and Connection are added by the connection;
/// "connection: close" closes it after the answer.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT when name or value can't be sent (RFC 9110, 5.1 and 5.5), FLARE_ERROR_FINISHED when the
/// exchange was answered before, FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when nobody waits for it.
///
/// # Safety
/// `name` and `value` are NUL-terminated strings; the value may have bytes above 127 in any encoding.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_add_header(
    response: *mut flare_response,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (text::terminated(name, "name")?, text::terminated(value, "value")?) };
        with_draft(response, |response| response.headers_mut().append(name, value).map_err(field))
    })
}

/// Sets a header field: others of its name are removed.
///
/// @return As flare_response_add_header().
///
/// # Safety
/// `name` and `value` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_set_header(
    response: *mut flare_response,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (text::terminated(name, "name")?, text::terminated(value, "value")?) };
        with_draft(response, |response| response.headers_mut().set(name, value).map_err(field))
    })
}

/// Adds a trailer field, sent after the content (RFC 9110, 6.5). HTTP/1.0 clients don't get it.
///
/// @return As flare_response_add_header().
///
/// # Safety
/// `name` and `value` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_add_trailer(
    response: *mut flare_response,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (text::required(name, "name")?, text::terminated(value, "value")?) };
        add_trailer(response, name, value)
    })
}

/// Trailers of a stream come until its end, those of a whole answer with the rest of it.
fn add_trailer(response: *mut flare_response, name: &str, value: &[u8]) -> Result<(), Failure> {
    with_exchange(response, RESPONSE, |exchange| {
        if exchange.is_started() {
            return exchange.add_trailer(name, value)?.map_err(field);
        }
        flare::check_trailer(name)?;
        exchange.draft(|response| response.trailers_mut().append(name, value).map_err(field))?
    })
}

/// Answers with a copy of `body`.
///
/// @param status  200 to 599.
/// @param body    The content; may be NULL when `length` is 0.
/// @param length  The number of bytes.
/// @return FLARE_ERROR_FINISHED when the exchange was answered before; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when nobody waits
/// for the answer.
///
/// # Safety
/// `body` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_send(
    response: *mut flare_response,
    status: i32,
    body: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let body = unsafe { text::bytes(body, length, "body") }?;
        send(response, status, |response| {
            response.body_mut().copy_from(body);
            Ok(())
        })
    })
}

/// Answers with text, as text/plain in UTF-8 unless a Content-Type was set before. The text is copied.
///
/// @return As flare_response_send().
///
/// # Safety
/// `body` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_send_text(
    response: *mut flare_response,
    status: i32,
    body: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let body = unsafe { text::required(body, "body") }?;
        send_typed(response, status, Some("text/plain; charset=utf-8"), body.as_bytes())
    })
}

/// Answers with JSON that is text already, as application/json unless a Content-Type was set before. The text is copied.
///
/// @return As flare_response_send().
///
/// # Safety
/// `body` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_send_json(
    response: *mut flare_response,
    status: i32,
    body: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let body = unsafe { text::required(body, "body") }?;
        send_typed(response, status, Some("application/json"), body.as_bytes())
    })
}

/// Answers with a copy of `body`, and with this Content-Type unless one was set before. For text whose length is known, and for types
/// that are neither text nor JSON.
///
/// @param content_type  NULL for none.
/// @return As flare_response_send(); FLARE_ERROR_INVALID_ARGUMENT too for a type that can't be sent.
///
/// # Safety
/// `content_type` is NULL or a NUL-terminated string, `body` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_send_as(
    response: *mut flare_response,
    status: i32,
    content_type: *const c_char,
    body: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (content_type, body) =
            unsafe { (text::optional(content_type, "content_type")?, text::bytes(body, length, "body")?) };
        send_typed(response, status, content_type, body)
    })
}

fn send_typed(
    response: *mut flare_response,
    status: i32,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<(), Failure> {
    send(response, status, |response| {
        if let Some(content_type) = content_type
            && response.headers().get("content-type").is_none()
        {
            response.headers_mut().append("content-type", content_type).map_err(field)?;
        }
        response.body_mut().copy_from(body);
        Ok(())
    })
}

/// Answers with memory of the caller's, which is not copied when it is large.
///
/// @param body     The content. It must stay unchanged until `destroy` is called; without `destroy`, as long as the process lives.
/// @param destroy  Called once with `user` when the memory is needed no more, from any thread, also when this call fails. May be NULL.
/// @return As flare_response_send().
///
/// # Safety
/// `body` points to `length` bytes that are readable and unchanged until `destroy` is called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_send_borrowed(
    response: *mut flare_response,
    status: i32,
    body: *const c_void,
    length: usize,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends.
    let user = unsafe { UserData::new(user, destroy) };
    guard(move || {
        // SAFETY: the caller's promise: until `user` is dropped the bytes stay as they are.
        let body: &'static [u8] = unsafe { text::bytes(body, length, "body") }?;
        send(response, status, |response| {
            *response.body_mut() = Bytes::from_owner(Foreign { body, _user: user }).into();
            Ok(())
        })
    })
}

/// Memory of the caller's, until its destructor is called.
struct Foreign {
    body: &'static [u8],
    _user: UserData,
}

impl AsRef<[u8]> for Foreign {
    fn as_ref(&self) -> &[u8] {
        self.body
    }
}
