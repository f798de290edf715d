//! What the languages above Rust are built on: exchanges that are pulled, and servers whose loop belongs to the host.

mod changed;
mod host;
mod queue;
mod stock;

pub(crate) use changed::Changed;
pub use host::{Budget, HostError, HostServer, Progress};
pub use queue::{Closed, Queue};
pub use stock::{LineSink, StockMiddleware, TokenCheck};

/// What the server is about to answer to a request that no route takes: the status and the value of `Allow`. `None`: a route has it.
///
/// For middleware of other languages, which wraps the answers to such requests like those of handlers.
#[must_use]
pub fn refusal(request: &crate::Request) -> Option<(u16, Option<&str>)> {
    let refusal = request.block.unrouted.as_ref()?;
    Some((refusal.status, refusal.allow.as_deref()))
}

/// Whether this code was called by a worker of any server, which must not wait: by a handler, a hook, a task or a callback, or at the
/// end of a worker's thread.
#[must_use]
pub fn on_worker() -> bool {
    crate::server::local::is_worker()
}
