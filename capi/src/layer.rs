//! Middleware of C callbacks.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex};

use flare::log::AccessRecord;
use flare::middleware::{Middleware, Step};
use flare::{Exchange, Request, Response};

use crate::guard::{Failure, guard};
use crate::handler::flare_destroy;
use crate::object::{
    EXCHANGE, Object, REQUEST, RESPONSE, TABLE, lock, with_exchange, with_route_options, with_router,
};
use crate::request::flare_request;
use crate::response::flare_response;
use crate::route_options::flare_route_options;
use crate::router::flare_router;
use crate::text::UserData;

/// What a middleware returns that answered the exchange, or keeps it.
pub const FLARE_DONE: i32 = 1;

/// Sees a request before its content is asked for. Called on the worker, which it must not block; both handles are borrowed.
///
/// @return FLARE_OK: the next middleware sees it, or the handler. FLARE_DONE: it was answered here, or retained to be answered later or
/// to go on with flare_response_proceed(). Another number answers 500.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_on_request = Option<
    unsafe extern "C" fn(
        request: *mut flare_request,
        response: *mut flare_response,
        user: *mut c_void,
    ) -> i32,
>;

/// Sees the head of an answer before it leaves; flare_response_add_header() and flare_response_set_header() may change it. Called on the
/// worker; the answer can be changed during the call only. The request may be retained, to be read later.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_on_head = Option<
    unsafe extern "C" fn(
        request: *mut flare_request,
        response: *mut flare_response,
        status: i32,
        user: *mut c_void,
    ),
>;

/// Hears that an exchange has ended. Called on the worker; the handle is valid during the call only.
///
/// @param status       Of the answer; 0 when there was none.
/// @param body_bytes   Content that was sent.
/// @param duration_ms  From the head of the request to now.
/// @param whole        1 when the answer was sent whole, 0 when it was cut.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_on_end = Option<
    unsafe extern "C" fn(
        request: *mut flare_request,
        status: i32,
        body_bytes: u64,
        duration_ms: u64,
        whole: i32,
        user: *mut c_void,
    ),
>;

/// Adds middleware around all routes of a router, those that are added later and paths without a route included. The first that is
/// added is outermost: it sees requests first and answers last. Each callback may be NULL.
///
/// @param destroy  Frees `user` when the router and all servers made from it are gone, or when this call fails; may be NULL.
///
/// # Safety
/// The callbacks may be called with `user` from any thread, at once, until `user` is destroyed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_router_add_layer(
    router: *mut flare_router,
    on_request: flare_on_request,
    on_head: flare_on_head,
    on_end: flare_on_end,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends.
    let user = Arc::new(unsafe { UserData::new(user, destroy) });
    guard(|| {
        let layer = CLayer { on_request, on_head, on_end, user: Arc::clone(&user) };
        with_router(router, |router| {
            router.layer(layer);
            Ok(())
        })
    })
}

/// Adds middleware around the routes that are added with these options, inside that of their router. The first that is added is
/// outermost. Each callback may be NULL.
///
/// @param destroy  Frees `user` when the options and all routes made with them are gone, or when this call fails; may be NULL.
///
/// # Safety
/// As for flare_router_add_layer().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_route_options_add_layer(
    options: *mut flare_route_options,
    on_request: flare_on_request,
    on_head: flare_on_head,
    on_end: flare_on_end,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends.
    let user = Arc::new(unsafe { UserData::new(user, destroy) });
    guard(|| {
        let layer = CLayer { on_request, on_head, on_end, user: Arc::clone(&user) };
        with_route_options(options, |options| {
            options.middleware.push(Arc::new(layer));
            Ok(())
        })
    })
}

/// Lets an exchange go on that a middleware had retained: the next middleware sees it, or the handler. The handles must not be used to
/// answer afterwards, only be released.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT in a handler, behind which nothing comes; FLARE_ERROR_FINISHED when it went on before or was
/// answered; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when it is over.
#[unsafe(no_mangle)]
pub extern "C" fn flare_response_proceed(response: *mut flare_response) -> i32 {
    guard(|| with_exchange(response, RESPONSE, |exchange| Ok(exchange.proceed()?)))
}

struct CLayer {
    on_request: flare_on_request,
    on_head: flare_on_head,
    on_end: flare_on_end,
    user: Arc<UserData>,
}

/// The head of an answer while a middleware looks at it. The pointer is taken away before the answer goes on, so a handle that
/// outlives the call finds nothing.
pub(crate) struct Head {
    request: Request,
    response: Mutex<Option<NonNull<Response>>>,
}

// SAFETY: the pointer is only followed under the mutex and while the call that lends the answer is running; `Response` may be used from
// any thread.
unsafe impl Send for Head {}
// SAFETY: as above.
unsafe impl Sync for Head {}

impl Head {
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// Changes the answer, if the call that lends it is still running.
    pub(crate) fn change<R>(
        &self,
        change: impl FnOnce(&mut Response) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let mut response = lock(&self.response);
        let Some(pointer) = response.as_mut() else {
            return Err(Failure::new(crate::status::FLARE_ERROR_FINISHED, "the head of the answer has left"));
        };
        // SAFETY: `on_head` takes the pointer away, under this mutex, before its borrow of the answer ends.
        change(unsafe { pointer.as_mut() })
    }
}

impl Middleware for CLayer {
    fn on_request(&self, exchange: Exchange) -> Step {
        let Some(call) = self.on_request else { return Step::Next(exchange) };
        let exchange = Arc::new(exchange);
        let lent = Object::Shared(Arc::clone(&exchange));
        let code = TABLE.lend(EXCHANGE, lent, |token, _| {
            // SAFETY: `flare_router_add_layer` was promised that the callback may be called with `user`.
            unsafe { call(token.to_pointer(), token.with_kind(RESPONSE).to_pointer(), self.user.pointer()) }
        });
        match code {
            Ok(crate::status::FLARE_OK) => match Arc::try_unwrap(exchange) {
                Ok(exchange) => Step::Next(exchange),
                // Retained, and not done: it goes on from here, and what C holds can't answer any more.
                Err(shared) => shared.hand_over().map_or(Step::Done, Step::Next),
            },
            Ok(FLARE_DONE) => Step::Done,
            // Err: answered before, which is the caller's will, or no handle could be made.
            _ => {
                let _ = exchange.answer(500_u16);
                Step::Done
            }
        }
    }

    fn on_head(&self, request: &Request, response: &mut Response) {
        let Some(call) = self.on_head else { return };
        let status = i32::from(response.status());
        let head =
            Arc::new(Head { request: request.clone(), response: Mutex::new(Some(NonNull::from(response))) });
        // Err: no handle could be made; the answer leaves as it is.
        let _ = TABLE.lend(EXCHANGE, Object::Head(Arc::clone(&head)), |token, _| {
            // SAFETY: as in `on_request`.
            unsafe {
                call(token.to_pointer(), token.with_kind(RESPONSE).to_pointer(), status, self.user.pointer())
            };
        });
        lock(&head.response).take();
    }

    fn on_end(&self, record: &AccessRecord<'_>) {
        let Some(call) = self.on_end else { return };
        let duration = u64::try_from(record.duration.as_millis()).unwrap_or(u64::MAX);
        // Err: no handle could be made; nobody can be told.
        let _ = TABLE.lend(REQUEST.only(), Object::Request(record.request.clone()), |token, _| {
            let status = i32::from(record.status);
            let whole = i32::from(record.whole);
            // SAFETY: as in `on_request`.
            unsafe {
                call(token.to_pointer(), status, record.body_bytes, duration, whole, self.user.pointer())
            };
        });
    }
}
