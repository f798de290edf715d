//! What the languages above Rust are built on: exchanges that are pulled, and servers whose loop belongs to the host.

mod host;
mod queue;

pub use host::{Budget, HostError, HostServer, Progress};
pub use queue::{Closed, Queue};

/// Whether this code was called by a worker of any server, which must not wait: by a handler, a hook, a task or a callback, or at the
/// end of a worker's thread.
#[must_use]
pub fn on_worker() -> bool {
    crate::server::local::is_worker()
}
