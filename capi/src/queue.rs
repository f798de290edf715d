//! `flare_queue`: events that are pulled by threads of the program, instead of callbacks on workers.

use std::collections::HashSet;
use std::ffi::c_char;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flare::embed::Queue;
use flare::{Event, Exchange, Flow, Handler, RouteOptions};

use crate::guard::{Failure, guard, guard_or};
use crate::handle::Token;
use crate::object::{
    EXCHANGE, Object, QUEUE, REQUEST, RESPONSE, TABLE, lock, with_exchange, with_queue, with_route_options,
    with_router,
};
use crate::request::flare_request;
use crate::request_stream::{
    FLARE_EVENT_CANCELLED, FLARE_EVENT_END, FLARE_EVENT_READABLE, FLARE_EVENT_REQUEST, FLARE_EVENT_WRITABLE,
};
use crate::response::flare_response;
use crate::route_options::flare_route_options;
use crate::router::{flare_router, route};
use crate::status::{FLARE_ERROR_CLOSED, FLARE_ERROR_TIMEOUT};
use crate::text;

/// Events that are pulled. Made by flare_queue_new(), freed by flare_queue_free(). Any number of threads may pull; each event goes to
/// one of them.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_queue {
    _opaque: [u8; 0],
}

/// What waits in a queue.
pub(crate) enum Item {
    /// A request of the route with this tag.
    Request(Exchange, u64),
    /// Something happened to an exchange whose handle C holds.
    Event(Token, i32, u64),
}

/// A queue, and the exchanges that have told that they are readable and were not looked at: so each waits at most once.
#[derive(Clone, Default)]
pub(crate) struct EventQueue {
    items: Queue<Item>,
    readable: Arc<Mutex<HashSet<usize>>>,
}

/// Makes an empty queue. The caller owns the handle. NULL when there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn flare_queue_new() -> *mut flare_queue {
    guard_or(std::ptr::null_mut(), || {
        Ok(TABLE.insert(QUEUE.only(), Object::Queue(Box::default()))?.to_pointer())
    })
}

/// Closes and frees a queue. Threads that wait in flare_queue_next() return; exchanges that nobody took are answered with 500, and so
/// are later ones.
#[unsafe(no_mangle)]
pub extern "C" fn flare_queue_free(queue: *mut flare_queue) -> i32 {
    guard(|| {
        let items = with_queue(queue, |queue| Ok(queue.items.clone()))?;
        TABLE.release(Token::from_pointer(queue), QUEUE)?;
        items.close();
        while let Ok(Some(_unanswered)) = items.next(Some(Duration::ZERO)) {}
        Ok(())
    })
}

/// Closes a queue: nothing is added any more; what is in it can still be taken.
#[unsafe(no_mangle)]
pub extern "C" fn flare_queue_close(queue: *mut flare_queue) -> i32 {
    guard(|| {
        with_queue(queue, |queue| {
            queue.items.close();
            Ok(())
        })
    })
}

/// Adds a route whose requests go to a queue.
///
/// @param options  May be NULL. With the option "streaming" the request comes at its head; see flare_queue_watch().
/// @param tag      Comes with each request of this route.
/// @return As flare_router_add().
///
/// # Safety
/// `method` and `pattern` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_router_add_queue(
    router: *mut flare_router,
    method: *const c_char,
    pattern: *const c_char,
    options: *const flare_route_options,
    queue: *mut flare_queue,
    tag: u64,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (method, pattern) =
            unsafe { (text::required(method, "method")?, text::required(pattern, "pattern")?) };
        let options = if options.is_null() {
            RouteOptions::default()
        } else {
            with_route_options(options, |options| Ok(options.clone()))?
        };
        let items = with_queue(queue, |queue| Ok(queue.items.clone()))?;
        with_router(router, |router| {
            router.add_with(method, pattern, options, QueueHandler { items, tag }).map(drop).map_err(route)
        })
    })
}

struct QueueHandler {
    items: Queue<Item>,
    tag: u64,
}

impl Handler for QueueHandler {
    fn handle(&self, exchange: Exchange) {
        // Err: the queue is closed. The exchange is dropped, which answers 500.
        let _ = self.items.push(Item::Request(exchange, self.tag));
    }
}

/// Takes the next event, and waits for it.
///
/// @param timeout_ms  How long; -1: for ever.
/// @param event       Gets one of FLARE_EVENT_REQUEST, _READABLE, _END, _WRITABLE and _CANCELLED.
/// @param request     Gets the request. With FLARE_EVENT_REQUEST the caller owns a reference, to be released with
///                    flare_request_release() or flare_response_release(); with the others it is borrowed from who holds it.
/// @param response    Gets the other face of the exchange; may be NULL.
/// @param tag         Gets the tag of the route, or what flare_queue_watch() was given; may be NULL.
/// @return FLARE_ERROR_TIMEOUT when nothing came in time, FLARE_ERROR_CLOSED when the queue is closed and empty.
///
/// # Safety
/// `event` and `request` may be written; `response` and `tag` may be written or are NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_queue_next(
    queue: *mut flare_queue,
    timeout_ms: i64,
    event: *mut i32,
    request: *mut *mut flare_request,
    response: *mut *mut flare_response,
    tag: *mut u64,
) -> i32 {
    guard(|| {
        let (event, request) = (text::place(event, "event")?, text::place(request, "request")?);
        // Not inside the handle: a wait must not keep it, or free would wait too.
        let queue = with_queue(queue, |queue| Ok(queue.clone()))?;
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        let item =
            queue.items.next(timeout).map_err(|_| Failure::new(FLARE_ERROR_CLOSED, "the queue is closed"))?;
        let item = item.ok_or_else(|| Failure::new(FLARE_ERROR_TIMEOUT, "no event came in time"))?;
        let (kind, token, number) = match item {
            Item::Request(exchange, number) => {
                (FLARE_EVENT_REQUEST, TABLE.insert(EXCHANGE, Object::Exchange(exchange))?, number)
            }
            Item::Event(token, kind, number) => {
                if kind == FLARE_EVENT_READABLE {
                    lock(&queue.readable).remove(&identity(token));
                }
                (kind, token, number)
            }
        };
        // SAFETY: not NULL, and the caller promises that they may be written.
        unsafe {
            event.write(kind);
            request.write(token.to_pointer());
        }
        if !response.is_null() {
            // SAFETY: the caller's promise.
            unsafe { response.write(token.with_kind(RESPONSE).to_pointer()) };
        }
        if !tag.is_null() {
            // SAFETY: the caller's promise.
            unsafe { tag.write(number) };
        }
        Ok(())
    })
}

/// Sends the events of an exchange to a queue, as flare_request_on_event() does to a callback; content is read with flare_request_read().
/// Retain the exchange: events end with it.
///
/// @param tag  Comes with each event.
#[unsafe(no_mangle)]
pub extern "C" fn flare_queue_watch(queue: *mut flare_queue, request: *mut flare_request, tag: u64) -> i32 {
    guard(|| {
        let queue = with_queue(queue, |queue| Ok(queue.clone()))?;
        let token = Token::from_pointer(request);
        with_exchange(request, REQUEST, |exchange| {
            exchange.watch(move |event| {
                let kind = match event {
                    Event::Readable => FLARE_EVENT_READABLE,
                    Event::End => FLARE_EVENT_END,
                    Event::Writable => FLARE_EVENT_WRITABLE,
                    Event::Cancelled => FLARE_EVENT_CANCELLED,
                    _ => return Flow::Continue,
                };
                let again = kind == FLARE_EVENT_READABLE && !lock(&queue.readable).insert(identity(token));
                if !again {
                    // Err: the queue is closed, and nobody wants events any more.
                    let _ = queue.items.push(Item::Event(token, kind, tag));
                }
                Flow::Continue
            });
            Ok(())
        })
    })
}

/// The number of an exchange among those that are alive.
fn identity(token: Token) -> usize {
    token.to_pointer::<u8>().addr()
}
