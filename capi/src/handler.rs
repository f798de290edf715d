//! C callbacks as handlers.

use std::ffi::c_void;
use std::sync::Arc;

use flare::{Exchange, Handler, Response};

use crate::object::{EXCHANGE, Object, RESPONSE, TABLE};
use crate::request::flare_request;
use crate::response::flare_response;
use crate::text::UserData;

/// Answers a request.
///
/// Called on a worker, which must not be blocked: answer with a flare_response_send... function, or retain the response and answer
/// later from any thread. Both handles are borrowed: without flare_response_retain() they end with the call. An exchange that
/// is neither answered nor retained when the call returns is answered with 500, and so is one whose handler returns an error.
///
/// @return FLARE_OK, or an error code: the exchange is answered with 500 unless it was answered before.
///
/// A C++ exception or a longjmp must not leave the callback: the process is aborted or its behaviour undefined.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_handler = Option<
    unsafe extern "C" fn(
        request: *mut flare_request,
        response: *mut flare_response,
        user: *mut c_void,
    ) -> i32,
>;

/// Frees what a `void *user` points to: called exactly once, from any thread, when flare needs it no more, also when the function
/// that took it fails.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_destroy = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// A C callback with its user data.
pub(crate) struct CHandler {
    pub(crate) call: unsafe extern "C" fn(*mut flare_request, *mut flare_response, *mut c_void) -> i32,
    /// Shared with the call that adds the route: when that fails, the destructor runs after its locks are gone.
    pub(crate) user: Arc<UserData>,
}

impl Handler for CHandler {
    fn handle(&self, exchange: Exchange) {
        // Err: no handle could be made. The exchange was dropped, which answers 500.
        let _ = TABLE.lend(EXCHANGE, Object::Exchange(exchange), |token, object| {
            let (request, response) = (token.to_pointer(), token.with_kind(RESPONSE).to_pointer());
            // SAFETY: `flare_router_add` was promised that the callback may be called with `user` from any thread until `user`
            // is destroyed, which is when `self` drops.
            let code = unsafe { (self.call)(request, response, self.user.pointer()) };
            if code != 0
                && let Object::Exchange(exchange) = object
                && exchange.draft(|response| *response = Response::status_only(500)).is_ok()
            {
                // Err: answered or cancelled by another thread in between, which is as good.
                let _ = exchange.finish();
            }
        });
    }
}
