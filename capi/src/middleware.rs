//! `flare_middleware`: the middleware that comes with flare, by settings.

use std::ffi::{CString, c_char, c_void};
use std::sync::{Arc, Mutex};

use flare::embed::StockMiddleware;
use flare::middleware::{Identity, client_ip, identity, request_id};
use flare::server::ConfigError;

use crate::guard::{Failure, guard, guard_or};
use crate::handle::Token;
use crate::handler::flare_destroy;
use crate::object::{
    MIDDLEWARE, Object, REQUEST, TABLE, with_middleware, with_request, with_route_options, with_router,
};
use crate::request::flare_request;
use crate::route_options::flare_route_options;
use crate::router::flare_router;
use crate::status::*;
use crate::text::{self, UserData};

/// Settings of a middleware that comes with flare. Made by flare_middleware_new(), freed by flare_middleware_free(). Any thread may use
/// it.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_middleware {
    _opaque: [u8; 0],
}

/// Takes a line of an access log, without its end. Called on workers, several at once, which it must not block.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_line_sink =
    Option<unsafe extern "C" fn(line: *const c_char, length: usize, user: *mut c_void)>;

/// Says whose token this is. Called on workers, several at once, which it must not block; the request is borrowed, and can be read.
///
/// @param name      Gets the name of the owner, NUL-terminated and in UTF-8; empty at first.
/// @param capacity  Bytes in `name`, the NUL included.
/// @return FLARE_OK for a valid token; any other number refuses it.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_token_check = Option<
    unsafe extern "C" fn(
        token: *const c_char,
        request: *mut flare_request,
        name: *mut c_char,
        capacity: usize,
        user: *mut c_void,
    ) -> i32,
>;

fn invalid(error: ConfigError) -> Failure {
    Failure::new(FLARE_ERROR_INVALID_ARGUMENT, error.to_string())
}

/// Makes settings for a middleware: "request_id", "access_log", "bearer_auth", "rate_limit" or "forwarded". They are listed in
/// docs/c-api/middleware.md. The caller owns the handle. NULL with a message for another name, or when there is no memory.
///
/// # Safety
/// `name` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_middleware_new(name: *const c_char) -> *mut flare_middleware {
    guard_or(std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let name = unsafe { text::required(name, "name") }?;
        let stock = StockMiddleware::new(name).map_err(invalid)?;
        Ok(TABLE.insert(MIDDLEWARE.only(), Object::Middleware(Box::new(Mutex::new(stock))))?.to_pointer())
    })
}

/// Frees settings. Routers and options that were given them have a middleware of their own.
#[unsafe(no_mangle)]
pub extern "C" fn flare_middleware_free(middleware: *mut flare_middleware) -> i32 {
    guard(|| Ok(TABLE.release(Token::from_pointer(middleware), MIDDLEWARE)?))
}

/// Sets a number or a switch (0 or 1) by name.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for a name that this middleware does not have, or a value out of its range.
///
/// # Safety
/// `name` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_middleware_set_number(
    middleware: *mut flare_middleware,
    name: *const c_char,
    value: i64,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let name = unsafe { text::required(name, "name") }?;
        with_middleware(middleware, |stock| stock.set_number(name, value).map_err(invalid))
    })
}

/// Sets a text by name, which is copied.
///
/// @return As flare_middleware_set_number().
///
/// # Safety
/// `name` and `value` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_middleware_set_text(
    middleware: *mut flare_middleware,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (text::required(name, "name")?, text::required(value, "value")?) };
        with_middleware(middleware, |stock| stock.set_text(name, value).map_err(invalid))
    })
}

/// Adds a token of "bearer_auth", with the name of its owner. Both are copied. Tokens are compared in a time that does not tell them.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for another middleware, or what is no token (RFC 6750, 2.1).
///
/// # Safety
/// `token` and `name` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_middleware_add_token(
    middleware: *mut flare_middleware,
    token: *const c_char,
    name: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (token, name) = unsafe { (text::required(token, "token")?, text::required(name, "name")?) };
        with_middleware(middleware, |stock| stock.add_token(token, name).map_err(invalid))
    })
}

/// Gives the lines of an "access_log" to a callback, instead of the one before.
///
/// @param destroy  Frees `user` when the settings and all middleware made of them are gone, or when this call fails; may be NULL.
/// @return FLARE_ERROR_INVALID_ARGUMENT for another middleware, or when `sink` is NULL.
///
/// # Safety
/// `sink` may be called with `user` from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_middleware_on_line(
    middleware: *mut flare_middleware,
    sink: flare_line_sink,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends.
    let user = Arc::new(unsafe { UserData::new(user, destroy) });
    guard(|| {
        let sink = sink.ok_or_else(|| Failure::argument("sink", "is NULL"))?;
        let own = Arc::clone(&user);
        let line = move |line: &str| {
            // Lines are of ASCII without NUL; the copy ends with one.
            let text = CString::new(line).unwrap_or_default();
            // SAFETY: the caller promised that any thread may call it.
            unsafe { sink(text.as_ptr(), line.len(), own.pointer()) };
        };
        // What was there is dropped behind the lock: its destructor is C.
        with_middleware(middleware, |stock| stock.on_line(Arc::new(line)).map_err(invalid)).map(drop)
    })
}

/// Asks a callback about tokens of "bearer_auth" that were not added, instead of the one before.
///
/// @param destroy  As for flare_middleware_on_line().
/// @return FLARE_ERROR_INVALID_ARGUMENT for another middleware, or when `check` is NULL.
///
/// # Safety
/// `check` may be called with `user` from any thread, and writes a NUL-terminated string into the place it is given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_middleware_on_token(
    middleware: *mut flare_middleware,
    check: flare_token_check,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends.
    let user = Arc::new(unsafe { UserData::new(user, destroy) });
    guard(|| {
        let check = check.ok_or_else(|| Failure::argument("check", "is NULL"))?;
        let own = Arc::clone(&user);
        let ask = move |token: &str, request: &flare::Request| {
            let token = CString::new(token).ok()?;
            let mut name = [0_u8; 256];
            let place = name.as_mut_ptr().cast();
            let lent = Object::Request(request.clone());
            // Err: no handle could be made, so nobody vouches for the token.
            let code = TABLE.lend(REQUEST.only(), lent, |handle, _| {
                // SAFETY: the caller promised that any thread may call it; the place has so many bytes.
                unsafe { check(token.as_ptr(), handle.to_pointer(), place, 256, own.pointer()) }
            });
            let length = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            let name = String::from_utf8_lossy(name.get(..length).unwrap_or_default());
            matches!(code, Ok(FLARE_OK)).then(|| Identity::new(name))
        };
        with_middleware(middleware, |stock| stock.on_token(Arc::new(ask)).map_err(invalid)).map(drop)
    })
}

/// Adds a middleware with these settings around all routes of a router, as flare_router_add_layer() does. Each that is added counts for
/// itself: a rate limit that is added twice is two limits.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT when something is missing; the message names it.
#[unsafe(no_mangle)]
pub extern "C" fn flare_router_add_middleware(
    router: *mut flare_router,
    middleware: *const flare_middleware,
) -> i32 {
    guard(|| {
        let built = with_middleware(middleware, |stock| stock.build().map_err(invalid))?;
        with_router(router, |router| {
            router.layer(Arc::clone(&built));
            Ok(())
        })
    })
}

/// Adds a middleware with these settings around the routes that are added with these options, inside that of their router.
///
/// @return As flare_router_add_middleware().
#[unsafe(no_mangle)]
pub extern "C" fn flare_route_options_add_middleware(
    options: *mut flare_route_options,
    middleware: *const flare_middleware,
) -> i32 {
    guard(|| {
        let built = with_middleware(middleware, |stock| stock.build().map_err(invalid))?;
        with_route_options(options, |options| {
            options.middleware.push(Arc::clone(&built));
            Ok(())
        })
    })
}

/// The id that "request_id" gave the request, copied into a buffer and terminated.
///
/// @return The length of the whole text without the NUL, which may be more than fits; 0 when it has none.
///
/// # Safety
/// `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_id(
    request: *const flare_request,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe { found(request, buffer, capacity, |request| request_id(request).map(|id| id.to_string())) }
}

/// The name of whom "bearer_auth" let pass, copied into a buffer and terminated.
///
/// @return As flare_request_id().
///
/// # Safety
/// As for flare_request_id().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_identity(
    request: *const flare_request,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe { found(request, buffer, capacity, |request| identity(request).map(|who| who.name().to_owned())) }
}

/// The IP address of the client, as "forwarded" found it or else that of the connection, copied into a buffer and terminated.
///
/// @return As flare_request_id(); 0 for a client that is unknown, or on a Unix socket.
///
/// # Safety
/// As for flare_request_id().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_client(
    request: *const flare_request,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe { found(request, buffer, capacity, |request| client_ip(request).map(|ip| ip.to_string())) }
}

/// Copies what middleware found out.
///
/// # Safety
/// As for flare_request_id().
unsafe fn found(
    request: *const flare_request,
    buffer: *mut c_char,
    capacity: usize,
    what: impl FnOnce(&flare::Request) -> Option<String>,
) -> usize {
    let missing = || Failure::new(FLARE_ERROR_NOT_FOUND, "no middleware found it out");
    // SAFETY: the caller's promise.
    unsafe {
        text::copied(buffer, capacity, || with_request(request, |request| what(request).ok_or_else(missing)))
    }
}
