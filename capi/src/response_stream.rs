//! Answers whose content flows: `flare_response_start`, `_write`, `_finish` and their kin.

use std::ffi::{c_char, c_void};
use std::fs::File;

use bytes::Bytes;
use flare::message::{FileBody, Pull, Source};
use flare::{Body, Headers, Request};

use crate::guard::{Failure, guard};
use crate::handler::flare_destroy;
use crate::object::{RESPONSE, with_exchange};
use crate::response::{checked_status, field, flare_response, send};
use crate::status::FLARE_ERROR_WOULD_BLOCK;
use crate::text::{self, UserData};

/// Sends the head of an answer; the content follows with flare_response_write() and ends with flare_response_finish().
///
/// A header "content-length" that was set before says how much content will come; without one it is sent in chunks.
///
/// @param status  200 to 599.
/// @return As flare_response_send().
#[unsafe(no_mangle)]
pub extern "C" fn flare_response_start(response: *mut flare_response, status: i32) -> i32 {
    guard(|| {
        let status = checked_status(status)?;
        with_exchange(response, RESPONSE, |exchange| {
            exchange.draft(|response| response.set_status(status))?;
            Ok(exchange.start()?)
        })
    })
}

/// Accepts a protocol that the client offers (flare_request_offered_protocol()), with the header fields that were set. From then on both
/// directions are a byte stream of that protocol: flare_request_read() and events give what the client sends, flare_response_write() sends,
/// flare_response_finish() closes. Ask for events behind this call. A stream on which nothing goes either way ends after the setting
/// stream_timeout_ms.
///
/// @param protocol  One of those that were offered, in any case.
/// @return FLARE_ERROR_INVALID_ARGUMENT when the client does not offer it, or its name can't be a field value: the exchange can still be
/// answered. Otherwise as flare_response_start().
///
/// # Safety
/// `protocol` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_switch_protocol(
    response: *mut flare_response,
    protocol: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let protocol = unsafe { text::required(protocol, "protocol") }?;
        with_exchange(response, RESPONSE, |exchange| Ok(exchange.switch_protocol(protocol)?))
    })
}

/// Gives some content of an answer, which is copied whole or refused. Starts the answer, with 200, if it was not started. Small
/// writes in one turn of the worker leave together. Any thread may write.
///
/// @return FLARE_ERROR_WOULD_BLOCK when so much waits for the client that nothing was taken: FLARE_EVENT_WRITABLE says when to go on.
/// FLARE_ERROR_FINISHED after the end; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when nobody waits for the answer.
///
/// # Safety
/// `data` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_write(
    response: *mut flare_response,
    data: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let data = unsafe { text::bytes(data, length, "data") }?;
        with_exchange(response, RESPONSE, |exchange| Ok(exchange.write(Bytes::copy_from_slice(data))?))
    })
}

/// The same as flare_response_write(), but waits while the client has to take some of the answer first. Not for use on a worker.
///
/// @return As flare_response_write(), but for FLARE_ERROR_WOULD_BLOCK; FLARE_ERROR_INVALID_ARGUMENT on a worker that would have to wait.
///
/// # Safety
/// `data` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_write_blocking(
    response: *mut flare_response,
    data: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let data = unsafe { text::bytes(data, length, "data") }?;
        with_exchange(response, RESPONSE, |exchange| {
            Ok(exchange.write_blocking(Bytes::copy_from_slice(data))?)
        })
    })
}

/// Ends an answer that was started, or sends what was drafted: its headers and no content.
///
/// @return FLARE_ERROR_FINISHED when it was ended before; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when nobody waits for it.
#[unsafe(no_mangle)]
pub extern "C" fn flare_response_finish(response: *mut flare_response) -> i32 {
    guard(|| with_exchange(response, RESPONSE, |exchange| Ok(exchange.finish()?)))
}

/// What was written leaves without waiting for more. It does so at the end of the worker's turn anyway.
#[unsafe(no_mangle)]
pub extern "C" fn flare_response_flush(response: *mut flare_response) -> i32 {
    guard(|| {
        with_exchange(response, RESPONSE, |exchange| {
            exchange.flush();
            Ok(())
        })
    })
}

/// Ends the exchange because the code behind it failed: an answer that was begun is cut, otherwise it is 500. The message goes to the
/// server's log, at the level FLARE_LOG_ERROR, and never to the client. For those who have more to say than a handler's error code.
///
/// @param message  UTF-8; what is no UTF-8 in it is replaced.
/// @return FLARE_ERROR_FINISHED when it was answered before; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when nobody waits for it. The
/// message is logged all the same.
///
/// # Safety
/// `message` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_fail(response: *mut flare_response, message: *const c_char) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let message = unsafe { text::terminated(message, "message")? };
        let message = String::from_utf8_lossy(message);
        with_exchange(response, RESPONSE, |exchange| Ok(exchange.fail(&message)?))
    })
}

/// Gives the exchange up: the client sees a cut connection (on HTTP/1) instead of the rest of the answer.
#[unsafe(no_mangle)]
pub extern "C" fn flare_response_reset(response: *mut flare_response) -> i32 {
    guard(|| {
        with_exchange(response, RESPONSE, |exchange| {
            exchange.reset();
            Ok(())
        })
    })
}

/// Sends an interim answer before the head of the final one (RFC 9110, 15.2), such as 103 with a Link. HTTP/1.0 clients don't get it.
///
/// @param status  102 to 199.
/// @param names   The names of `count` header fields; may be NULL when `count` is 0.
/// @param values  Their values.
///
/// # Safety
/// `names` and `values` point to `count` NUL-terminated strings each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_inform(
    response: *mut flare_response,
    status: i32,
    names: *const *const c_char,
    values: *const *const c_char,
    count: usize,
) -> i32 {
    guard(|| {
        let status =
            u16::try_from(status).map_err(|_| Failure::argument("status", "is not within 102 to 199"))?;
        if count > 0 && (names.is_null() || values.is_null()) {
            return Err(Failure::argument("names or values", "is NULL but count is not 0"));
        }
        let mut headers = Headers::new();
        for index in 0..count {
            // SAFETY: the caller promises `count` strings behind each pointer.
            let (name, value) = unsafe {
                (text::required(*names.add(index), "name")?, text::terminated(*values.add(index), "value")?)
            };
            headers.append(name, value).map_err(field)?;
        }
        with_exchange(response, RESPONSE, |exchange| Ok(exchange.inform(status, headers)?))
    })
}

/// Answers with a file as it is now, by sendfile where the system can. The file must not become shorter until the answer is sent:
/// then the connection is cut, so that the client sees that it is not whole.
///
/// @return FLARE_ERROR_NOT_FOUND, FLARE_ERROR_PERMISSION or FLARE_ERROR_IO when the file can't be opened; otherwise as
/// flare_response_send(). After an error the exchange can still be answered.
///
/// # Safety
/// `path` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_send_file(
    response: *mut flare_response,
    status: i32,
    path: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let path = unsafe { text::required(path, "path") }?;
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(Failure::argument("path", "is no regular file"));
        }
        let body = FileBody::whole(file)?;
        send(response, status, |response| {
            *response.body_mut() = Body::File(body);
            Ok(())
        })
    })
}

/// Gives content of an answer when the client has taken what came before. Called on the worker, which it must not block.
///
/// @param buffer    Where to put content.
/// @param capacity  How much fits, at least 16384.
/// @return The number of bytes that were put; 0 at the end; FLARE_ERROR_WOULD_BLOCK when there is nothing yet (then
/// flare_response_flush() makes the worker ask again); any other negative number cuts the connection.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_source =
    Option<unsafe extern "C" fn(buffer: *mut u8, capacity: usize, user: *mut c_void) -> i64>;

/// Answers with content that is pulled while the client takes it.
///
/// @param length   The number of bytes in all, or -1 when it is not known.
/// @param destroy  Frees `user` when the answer is sent or cut, or when this call fails; may be NULL.
/// @return As flare_response_send().
///
/// # Safety
/// `source` may be called with `user` on the worker until `user` is destroyed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_send_source(
    response: *mut flare_response,
    status: i32,
    length: i64,
    source: flare_source,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends.
    let user = unsafe { UserData::new(user, destroy) };
    guard(move || {
        let call = source.ok_or_else(|| Failure::argument("source", "is NULL"))?;
        let length = match length {
            -1 => None,
            length => {
                Some(u64::try_from(length).map_err(|_| Failure::argument("length", "is less than -1"))?)
            }
        };
        let source = CSource { call, user, length, buffer: Vec::new() };
        send(response, status, |response| {
            *response.body_mut() = Body::from_source(source);
            Ok(())
        })
    })
}

struct CSource {
    call: unsafe extern "C" fn(*mut u8, usize, *mut c_void) -> i64,
    user: UserData,
    length: Option<u64>,
    buffer: Vec<u8>,
}

impl Source for CSource {
    fn length(&self) -> Option<u64> {
        self.length
    }

    fn pull(&mut self, _: &Request) -> Pull {
        const ROOM: usize = 32 * 1024;
        self.buffer.resize(ROOM, 0);
        // SAFETY: `flare_response_send_source` was promised that the callback may be called with `user` until it is destroyed; the
        // buffer has `ROOM` bytes.
        let given = unsafe { (self.call)(self.buffer.as_mut_ptr(), ROOM, self.user.pointer()) };
        match usize::try_from(given) {
            Ok(0) => Pull::End,
            Ok(given) if given <= ROOM => {
                self.buffer.truncate(given);
                Pull::Data(Bytes::from(std::mem::take(&mut self.buffer)))
            }
            Err(_) if given == i64::from(FLARE_ERROR_WOULD_BLOCK) => Pull::WouldBlock,
            _ => Pull::Failed,
        }
    }
}
