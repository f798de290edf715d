//! Answers that never change: a handler of flare's own, added to a router.

use std::ffi::{c_char, c_void};

use flare::Response;
use flare::message::Prepared;

use crate::guard::{Failure, guard};
use crate::object::with_router;
use crate::response::{checked_status, field};
use crate::router::{flare_router, route};
use crate::status::FLARE_ERROR_INVALID_ARGUMENT;
use crate::text;

/// Adds a route whose answer never changes. It is encoded once, which costs less than a handler that makes it for each request; Date,
/// Server and Connection are still added each time, and middleware may still change the head.
///
/// @param status        200 to 599, but not 204, 205 or 304.
/// @param content_type  The value of Content-Type; NULL for none.
/// @param body          The content, which is copied; may be NULL when `length` is 0.
/// @param length        The number of bytes.
/// @return As flare_router_add().
///
/// # Safety
/// `method`, `pattern` and `content_type` are NUL-terminated strings; `body` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_router_add_prepared(
    router: *mut flare_router,
    method: *const c_char,
    pattern: *const c_char,
    status: i32,
    content_type: *const c_char,
    body: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (method, pattern, content_type, body) = unsafe {
            (
                text::required(method, "method")?,
                text::required(pattern, "pattern")?,
                text::optional(content_type, "content_type")?,
                text::bytes(body, length, "body")?,
            )
        };
        let mut response = Response::new(checked_status(status)?).with_body(body.to_vec());
        if let Some(content_type) = content_type {
            response.headers_mut().append("content-type", content_type).map_err(field)?;
        }
        let prepared = Prepared::new(response)
            .map_err(|error| Failure::new(FLARE_ERROR_INVALID_ARGUMENT, format!("status: {error}")))?;
        with_router(router, |router| router.add(method, pattern, prepared).map(drop).map_err(route))
    })
}
