//! `flare_route_options`: what a route decides for itself.

use std::ffi::c_char;
use std::sync::Mutex;
use std::time::Duration;

use flare::RouteOptions;

use crate::guard::{Failure, guard, guard_or};
use crate::handle::Token;
use crate::object::{Object, ROUTE_OPTIONS, TABLE, with_route_options};
use crate::text;

/// What a route decides for itself. Made by flare_route_options_new(), freed by flare_route_options_free(). Any thread may use it.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_route_options {
    _opaque: [u8; 0],
}

/// Makes options that leave everything to the server. The caller owns the handle. NULL when there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn flare_route_options_new() -> *mut flare_route_options {
    guard_or(std::ptr::null_mut(), || {
        let options = Object::RouteOptions(Box::new(Mutex::new(RouteOptions::default())));
        Ok(TABLE.insert(ROUTE_OPTIONS.only(), options)?.to_pointer())
    })
}

/// Frees options. Routes that were added with them keep a copy.
#[unsafe(no_mangle)]
pub extern "C" fn flare_route_options_free(options: *mut flare_route_options) -> i32 {
    guard(|| Ok(TABLE.release(Token::from_pointer(options), ROUTE_OPTIONS)?))
}

/// Sets an option by name:
///
/// - "body_limit": the most bytes of content; more is refused with 413.
/// - "body_timeout_ms": from one part of the content to the next, 1 to 86400000; then 408.
/// - "body_min_rate": bytes per second that the content has to come with, 0 (any) to 1073741824; then 408.
/// - "handler_timeout_ms": from the call of the handler to its answer, 1 to 86400000; then 503.
/// - "streaming": 1 calls the handler at the head of the request; it takes the content with flare_request_read() or
///   flare_request_on_event().
/// - "blocking": 1 calls the handler on a pool of threads, where it may block; 503 with Retry-After when the pool is full.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it.
///
/// # Safety
/// `name` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_route_options_set_number(
    options: *mut flare_route_options,
    name: *const c_char,
    value: i64,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let name = unsafe { text::required(name, "name") }?;
        let switch = || match value {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Failure::argument(name, "is not 0 or 1")),
        };
        let timeout = || {
            let within = u64::try_from(value).ok().filter(|value| (1..=86_400_000).contains(value));
            let value = within.ok_or_else(|| Failure::argument(name, "is not within 1 to 86400000"))?;
            Ok::<_, Failure>(Duration::from_millis(value))
        };
        with_route_options(options, |options| {
            match name {
                "body_limit" => {
                    options.body_limit =
                        Some(u64::try_from(value).map_err(|_| Failure::argument(name, "is negative"))?);
                }
                "body_timeout_ms" => options.body_timeout = Some(timeout()?),
                "body_min_rate" => {
                    let within = u64::try_from(value).ok().filter(|value| *value <= 1 << 30);
                    options.body_min_rate =
                        Some(within.ok_or_else(|| Failure::argument(name, "is not within 0 to 1073741824"))?);
                }
                "handler_timeout_ms" => options.handler_timeout = Some(timeout()?),
                "streaming" => options.streaming = switch()?,
                "blocking" => options.blocking = switch()?,
                _ => return Err(Failure::argument(name, "is no option of a route")),
            }
            Ok(())
        })
    })
}
