//! `flare_websocket_options`: what a WebSocket route decides for itself.

use std::ffi::{c_char, c_void};
use std::sync::{Arc, Mutex};

use flare::websocket::WsOptions;

use crate::guard::{Failure, guard, guard_or};
use crate::handle::Token;
use crate::handler::{CHandler, flare_destroy, flare_handler};
use crate::object::{Object, TABLE, WEBSOCKET_OPTIONS, with_websocket_options};
use crate::status::FLARE_ERROR_INVALID_ARGUMENT;
use crate::text::{self, UserData};

/// What a WebSocket route decides for itself. Made by flare_websocket_options_new(), freed by flare_websocket_options_free(). Any thread may
/// use it.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_websocket_options {
    _opaque: [u8; 0],
}

/// Makes options with safe defaults. The caller owns the handle. NULL when there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_options_new() -> *mut flare_websocket_options {
    guard_or(std::ptr::null_mut(), || {
        let options = Object::WebSocketOptions(Box::new(Mutex::new(WsOptions::default())));
        Ok(TABLE.insert(WEBSOCKET_OPTIONS.only(), options)?.to_pointer())
    })
}

/// Frees options. Routes that were added with them keep a copy.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_options_free(options: *mut flare_websocket_options) -> i32 {
    guard(|| Ok(TABLE.release(Token::from_pointer(options), WEBSOCKET_OPTIONS)?))
}

/// Sets an option by name:
///
/// - "message_limit": the most bytes of a message, 1 to 1073741824; more ends the socket with 1009. 1 MiB by default.
/// - "ping_interval_ms": a client that sent nothing for so long is sent a Ping, 1 to 86400000. 30 s by default.
/// - "ping_timeout_ms": and one that sent nothing for so long after it is gone, 1 to 86400000. 20 s by default.
/// - "close_timeout_ms": how long the client may take for its Close after ours, 1 to 86400000. 10 s by default.
/// - "deflate": 1 allows compressed messages (permessage-deflate, RFC 7692). 0 by default.
/// - "deflate_takeover": 1 lets them refer to those before, for about 300 KiB that each such socket holds. 0 by default.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it.
///
/// # Safety
/// `name` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_options_set_number(
    options: *mut flare_websocket_options,
    name: *const c_char,
    value: i64,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let name = unsafe { text::required(name, "name") }?;
        with_websocket_options(options, |options| options.set_number(name, value).map_err(invalid))
    })
}

/// Sets an option by name:
///
/// - "protocols": subprotocols that are spoken here, separated by commas. None by default.
/// - "origins": the web pages that may open a socket, separated by commas, such as `https://example.com`; "same" for those of the host that the
///   request names, the default; "*" for all. A client that sends no Origin is no browser, and always may.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name.
///
/// # Safety
/// `name` and `value` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_options_set_text(
    options: *mut flare_websocket_options,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (text::required(name, "name")?, text::required(value, "value")?) };
        with_websocket_options(options, |options| options.set_text(name, value).map_err(invalid))
    })
}

/// Sets who answers a GET that does not ask for a WebSocket. Without one the answer is 426 (Upgrade Required).
///
/// @param destroy  Frees `user`; may be NULL. Called when the options and all routes made with them are gone, or when this call fails.
///
/// # Safety
/// `handler` may be called with `user` from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_options_set_otherwise(
    options: *mut flare_websocket_options,
    handler: flare_handler,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends; and shared, so that it runs
    // when no lock is held.
    let user = Arc::new(unsafe { UserData::new(user, destroy) });
    guard(|| {
        let call = handler.ok_or_else(|| Failure::argument("handler", "is NULL"))?;
        let handler = CHandler { call, user: Arc::clone(&user) };
        // What was there goes when no lock is held: its destructor is C.
        with_websocket_options(options, |options| Ok(options.otherwise.replace(Arc::new(handler)))).map(drop)
    })
}

/// A copy of the options behind a handle, which may be NULL.
pub(crate) fn options_or_default(options: *const flare_websocket_options) -> Result<WsOptions, Failure> {
    if options.is_null() {
        return Ok(WsOptions::default());
    }
    with_websocket_options(options, |options| Ok(options.clone()))
}

fn invalid(error: flare::server::ConfigError) -> Failure {
    Failure::new(FLARE_ERROR_INVALID_ARGUMENT, error.to_string())
}
