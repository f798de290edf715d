//! `flare_router`: callbacks by method and path.

use std::ffi::{c_char, c_void};
use std::sync::{Arc, Mutex};

use flare::routing::RouteProblem;
use flare::{RouteError, RouteOptions, Router};

use crate::guard::{Failure, guard, guard_or};
use crate::handle::Token;
use crate::handler::{CHandler, flare_destroy, flare_handler};
use crate::object::{Object, ROUTER, TABLE, with_route_options, with_router};
use crate::route_options::flare_route_options;
use crate::status::{FLARE_ERROR_CONFLICT, FLARE_ERROR_INVALID_ARGUMENT};
use crate::text::{self, UserData};

/// Handlers by method and path. Made by flare_router_new(), freed by flare_router_free().
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_router {
    _opaque: [u8; 0],
}

/// Makes a router without routes: everything is 404. The caller owns the handle. NULL when there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn flare_router_new() -> *mut flare_router {
    guard_or(std::ptr::null_mut(), || {
        Ok(TABLE.insert(ROUTER.only(), Object::Router(Box::new(Mutex::new(Router::new()))))?.to_pointer())
    })
}

/// Frees a router. Servers that were made from it keep its routes.
#[unsafe(no_mangle)]
pub extern "C" fn flare_router_free(router: *mut flare_router) -> i32 {
    guard(|| Ok(TABLE.release(Token::from_pointer(router), ROUTER)?))
}

/// Adds a handler for a method and a pattern.
///
/// Patterns are made of segments: text, `:name` (one segment, not empty) and, last, `*name` (the rest of the path). Text beats
/// `:name` beats `*name`. HEAD is answered by GET; OPTIONS and 405 by the server, with Allow.
///
/// @param method   A method such as "GET", case-sensitive, or "*" for every method.
/// @param pattern  A pattern such as "/hi/:name".
/// @param handler  Called on a worker for each request.
/// @param user     Handed to the handler. It may be used by several workers at once.
/// @param destroy  Frees `user`; may be NULL. Called when the router and all servers made from it are gone, or when this call fails.
/// @return FLARE_ERROR_INVALID_ARGUMENT for a bad method or pattern, FLARE_ERROR_CONFLICT when another route matches the same.
///
/// # Safety
/// `method` and `pattern` are NUL-terminated strings. `handler` may be called with `user` from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_router_add(
    router: *mut flare_router,
    method: *const c_char,
    pattern: *const c_char,
    handler: flare_handler,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { flare_router_add_with(router, method, pattern, std::ptr::null(), handler, user, destroy) }
}

/// The same as flare_router_add(), with options of the route's own.
///
/// @param options  Copied; NULL for none.
///
/// # Safety
/// As for flare_router_add().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_router_add_with(
    router: *mut flare_router,
    method: *const c_char,
    pattern: *const c_char,
    options: *const flare_route_options,
    handler: flare_handler,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends; and shared, so that it runs
    // when no lock is held.
    let user = Arc::new(unsafe { UserData::new(user, destroy) });
    guard(|| {
        // SAFETY: the caller's promise.
        let (method, pattern) =
            unsafe { (text::required(method, "method")?, text::required(pattern, "pattern")?) };
        let call = handler.ok_or_else(|| Failure::argument("handler", "is NULL"))?;
        let options = if options.is_null() {
            RouteOptions::default()
        } else {
            with_route_options(options, |options| Ok(options.clone()))?
        };
        let handler = CHandler { call, user: Arc::clone(&user) };
        with_router(router, |router| {
            router.add_with(method, pattern, options, handler).map(drop).map_err(route)
        })
    })
}

/// Adds all routes of another router below a prefix; its "/" becomes the prefix itself. The other router is left as it is and may
/// be freed.
///
/// @return As flare_router_add(). After an error no route was added.
///
/// # Safety
/// `prefix` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_router_mount(
    router: *mut flare_router,
    prefix: *const c_char,
    other: *mut flare_router,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let prefix = unsafe { text::required(prefix, "prefix") }?;
        // Copied first: so a router can be mounted in itself, and no two locks are held.
        let other = with_router(other, |other| Ok(other.clone()))?;
        // And a clone goes in, because the last of these routes must not be dropped under the lock: their destructors are C.
        with_router(router, |router| router.mount(prefix, other.clone()).map(drop).map_err(route))
    })
}

pub(crate) fn route(error: RouteError) -> Failure {
    let code = match error.problem() {
        RouteProblem::Conflict => FLARE_ERROR_CONFLICT,
        _ => FLARE_ERROR_INVALID_ARGUMENT,
    };
    Failure::new(code, error.to_string())
}
