//! What happens around handlers: before the content is read, before the head of the answer leaves, and at the end.

mod access_log;
mod bearer;
mod forwarded;
mod rate_limit;
mod request_id;
#[cfg(test)]
mod sample;

use std::any::Any;
use std::sync::Arc;

pub use access_log::{AccessFormat, AccessLog};
pub use bearer::{BearerAuth, FixedTokens, Identity, identity};
pub use forwarded::{ClientAddress, Forwarded, ForwardedField, client_ip};
pub use rate_limit::RateLimit;
pub use request_id::{AssignedId, RequestId, request_id};

use crate::exchange::Exchange;
use crate::log::AccessRecord;
use crate::message::{Request, Response};

/// What becomes of an exchange after a middleware saw its request.
#[derive(Debug)]
pub enum Step {
    /// The next middleware sees it, or the handler.
    Next(Exchange),
    /// The middleware answered it, or keeps it and answers later, or lets it go on later with [`Exchange::proceed`].
    Done,
}

/// Something that sees exchanges before and after their handlers.
///
/// Middleware belongs to a router (all its routes, also the paths that no route takes) or to one route. The first that was
/// added is outermost: it sees the request first and the answer last. All calls are made on the worker, also for later and
/// streamed answers, and must not block. A panic ends the exchange with 500.
///
/// ```
/// use flare::middleware::{Middleware, Step};
/// use flare::prelude::*;
///
/// struct OnlyLocal;
///
/// impl Middleware for OnlyLocal {
///     fn on_request(&self, exchange: Exchange) -> Step {
///         match exchange.request().peer_address() {
///             Some(address) if !address.ip().is_loopback() => {
///                 exchange.respond(403);
///                 Step::Done
///             }
///             _ => Step::Next(exchange),
///         }
///     }
/// }
/// let mut router = Router::new();
/// router.layer(OnlyLocal);
/// ```
pub trait Middleware: Any + Send + Sync {
    /// The head of a request has come, its content has not been asked for: who answers here refuses an upload unread.
    fn on_request(&self, exchange: Exchange) -> Step {
        Step::Next(exchange)
    }

    /// The head of the answer is about to leave. Its content must not be changed here.
    fn on_head(&self, request: &Request, response: &mut Response) {
        let _ = (request, response);
    }

    /// The exchange has ended: its answer is sent whole, or cut.
    fn on_end(&self, record: &AccessRecord<'_>) {
        let _ = record;
    }
}

/// A middleware that several routers may share.
impl<M: Middleware + ?Sized> Middleware for Arc<M> {
    fn on_request(&self, exchange: Exchange) -> Step {
        (**self).on_request(exchange)
    }

    fn on_head(&self, request: &Request, response: &mut Response) {
        (**self).on_head(request, response);
    }

    fn on_end(&self, record: &AccessRecord<'_>) {
        (**self).on_end(record);
    }
}
