//! The one contract between the server and the code that answers.

use crate::exchange::Exchange;
use crate::message::{IntoResponse, Request};

/// Something that answers exchanges.
///
/// A closure `Fn(&Request) -> impl IntoResponse` is a handler. Implement the trait to own the exchange and answer later.
/// A handler is called on a worker and must not block it. A panic ends its exchange with 500.
pub trait Handler: Send + Sync + 'static {
    /// Takes over an exchange.
    fn handle(&self, exchange: Exchange);
}

impl<F, R> Handler for F
where
    F: Fn(&Request) -> R + Send + Sync + 'static,
    R: IntoResponse,
{
    fn handle(&self, exchange: Exchange) {
        let answer = self(exchange.request());
        exchange.respond(answer);
    }
}

/// A handler from a closure that takes the exchange itself and may answer later.
///
/// ```
/// use flare::prelude::*;
/// let mut router = Router::new();
/// router.get("/later", flare::later(|exchange: Exchange| {
///     std::thread::spawn(move || exchange.respond("done"));
/// }))?;
/// # Ok::<(), flare::RouteError>(())
/// ```
pub fn later<F: Fn(Exchange) + Send + Sync + 'static>(handler: F) -> impl Handler {
    Later(handler)
}

struct Later<F>(F);

impl<F: Fn(Exchange) + Send + Sync + 'static> Handler for Later<F> {
    fn handle(&self, exchange: Exchange) {
        (self.0)(exchange);
    }
}
