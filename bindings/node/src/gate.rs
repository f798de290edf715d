//! Middleware of JavaScript's.
//!
//! A chain of it runs in JavaScript, in one piece, at the head of a request: so what it refuses is never read. When the chain has come to its
//! end, the exchange goes on: to have its content collected for a handler in JavaScript, to a handler of flare's own, or to the answer
//! of the server when no route takes it.

use flare::embed::refusal;
use flare::log::AccessRecord;
use flare::middleware::{Middleware, Step};
use flare::{Exchange, Request, Response};

use crate::answer::replace_fields;
use crate::handler::{Notice, flag};
use crate::turn;

/// The place in the core where a chain of JavaScript's middleware is.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The number of its route in JavaScript.
    pub(crate) id: i32,
    /// Stock middleware is around it, whose results it may ask for.
    pub(crate) extras: bool,
    /// For requests that no route takes, and only for those.
    pub(crate) unrouted: bool,
}

/// The number of an exchange that is on its way to a handler of JavaScript's.
pub(crate) struct Passed(pub(crate) i32);

/// Fields, packed, that JavaScript adds to an answer of flare's own.
pub(crate) struct Added(pub(crate) Vec<u8>);

impl Middleware for Gate {
    fn on_request(&self, exchange: Exchange) -> Step {
        if self.unrouted != refusal(exchange.request()).is_some() {
            return Step::Next(exchange);
        }
        let mut flags = flag::GATE;
        if has_content(exchange.request()) {
            flags |= flag::COMING;
        }
        // None: JavaScript can't be called. The exchange was dropped, which answers 500.
        let _ = turn::with(|turn| turn.dispatch(self.id, self.extras, flags, exchange));
        Step::Done
    }

    fn on_head(&self, request: &Request, response: &mut Response) {
        if let Some(added) = request.extension::<Added>() {
            replace_fields(&added.0, response.headers_mut());
        }
    }

    fn on_end(&self, record: &AccessRecord<'_>) {
        // It may have ended on its way, as when its content was too large; then JavaScript still waits for it.
        if let Some(passed) = record.request.extension::<Passed>() {
            let _ = turn::with(|turn| {
                if turn.environment.exchanges.borrow().is_out(passed.0) {
                    turn.notify(passed.0, Notice::Cancelled);
                }
            });
        }
    }
}

/// Whether content follows the head, by RFC 9112, 6.
fn has_content(request: &Request) -> bool {
    let fields = request.headers();
    fields.get("transfer-encoding").is_some()
        || fields.get("content-length").is_some_and(|length| length != b"0")
}
