//! How other threads watch, reach and end a server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::server::ServerStats;
use crate::server::context::WorkerContext;
use crate::server::shared::{Message, Shared};

/// Watches, reaches and ends a server, from any thread.
#[derive(Clone)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

impl ServerHandle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Begins to end the server: no more connections are accepted, idle ones close, running exchanges get this long. Returns
    /// at once; whoever runs the server gets the report. A second call can only shorten the time.
    pub fn drain(&self, timeout: Duration) {
        let now = Instant::now();
        self.shared.drain(now.checked_add(timeout).unwrap_or(now));
    }

    /// Ends the server at once: running exchanges are cut.
    pub fn stop(&self) {
        self.drain(Duration::ZERO);
    }

    /// What the server has done so far.
    #[must_use]
    pub fn stats(&self) -> ServerStats {
        self.shared.stats()
    }

    /// Reads the files of all addresses that are served over TLS again. New connections get what is in them now; those that are there go
    /// on as they are. Blocks while it reads.
    ///
    /// # Errors
    /// What is wrong with the files. Everything stays as it was then.
    #[cfg(feature = "tls")]
    pub fn reload_tls(&self) -> Result<(), crate::Error> {
        Ok(self.shared.tls.reload()?)
    }

    /// Gives an address other TLS settings. `index`: which of those that were added with [`Server::listen_tls`](crate::Server::listen_tls),
    /// from 0. New connections get them; those that are there go on as they are. Blocks while it reads files.
    ///
    /// # Errors
    /// There is no such address, or the settings or files are wrong. Everything stays as it was then.
    #[cfg(feature = "tls")]
    pub fn replace_tls(&self, index: usize, tls: crate::tls::ServerTls) -> Result<(), crate::Error> {
        let replaced = self.shared.tls.replace(index, tls);
        Ok(replaced.ok_or(crate::Error::State("the server has no such TLS address"))??)
    }

    /// The number of workers.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.shared.workers.len()
    }

    /// Runs a task on a worker. It must not block. False: there is no such worker, or it does not run.
    pub fn post(&self, worker: usize, task: impl FnOnce(&mut WorkerContext) + Send + 'static) -> bool {
        self.shared.workers.get(worker).is_some_and(|worker| worker.post(Message::Run(Box::new(task))))
    }

    /// Sends a message to all WebSockets of this server that are on the list of a topic, as
    /// [`WebSocket::publish`](crate::websocket::WebSocket::publish).
    ///
    /// # Errors
    /// As there.
    pub fn publish(
        &self,
        topic: &str,
        message: crate::websocket::Message<'_>,
    ) -> Result<(), crate::websocket::SendError> {
        self.shared.broadcast.publish(topic, message)
    }

    /// The time that a drain by signal takes at most, from the settings.
    #[must_use]
    pub fn drain_timeout(&self) -> Duration {
        self.shared.service.config.drain_timeout
    }
}

impl std::fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerHandle").field("workers", &self.workers()).finish_non_exhaustive()
    }
}
