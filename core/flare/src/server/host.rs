//! From a server to one that its host runs.

use std::sync::Arc;

use super::shared::Message;
use super::worker::Worker;
use super::{BoundServer, Server};
use crate::embed::HostServer;
use crate::error::Error;

impl Server {
    /// Binds, with one worker whatever the setting says, and leaves the loop to the host.
    ///
    /// # Errors
    /// As [`Server::bind`] and [`BoundServer::host`].
    pub fn host(self) -> Result<HostServer, Error> {
        self.try_bind_for_host().map_err(|(_, error)| error)?.host()
    }

    /// As [`Server::try_bind`], with one worker whatever the setting says.
    ///
    /// # Errors
    /// As [`Server::bind`], with the server as it was.
    pub fn try_bind_for_host(mut self) -> Result<BoundServer, (Box<Self>, Error)> {
        let workers = std::mem::replace(&mut self.config.workers, 1);
        self.try_bind().map_err(|(mut server, error)| {
            server.config.workers = workers;
            (server, error)
        })
    }
}

impl BoundServer {
    /// Leaves the loop to the host. Nothing runs before it polls; connections wait.
    ///
    /// # Errors
    /// [`Error::State`] when the server was bound for several workers; [`Server::host`] binds for one. [`Error::Io`] when the loop
    /// can't be made.
    pub fn host(self) -> Result<HostServer, Error> {
        let Self { shared, sockets, addresses } = self;
        let mut sockets = sockets.into_iter();
        let (Some(own), Some(first), None) = (shared.workers.first(), sockets.next(), sockets.next()) else {
            return Err(Error::State("a server in the loop of a host has one worker"));
        };
        let worker = Worker::new(&shared, own, first, false)?;
        #[cfg(feature = "tls")]
        super::tls_watch::Watcher::start(&shared)?;
        if let Some(deadline) = shared.drain_asked() {
            own.post(Message::Drain(deadline));
        }
        Ok(HostServer::new(worker, Arc::clone(&shared), addresses)?)
    }
}
