//! Waiting for connections.

use std::time::Duration;

use flare_net::{Address, Driver, DriverOptions, ListenOptions, Listener, Mailbox, resolve};

use super::connection::Mux;
use super::error::{Ended, MuxError};
use super::hub::{Hub, Message};
use super::options::MuxOptions;
use crate::embed::Queue;

/// Listens for connections; several threads may accept. When it is dropped, connections that nobody accepted end; the others live on.
pub struct MuxListener {
    address: Address,
    accepted: Queue<Mux>,
    mailbox: Mailbox<Message>,
}

impl MuxListener {
    /// Listens on `unix:/path`, `127.0.0.1:80`, `[::1]:0` or `name:port`, with default settings. Port 0 is any free one. A socket file
    /// that nobody answers is replaced.
    ///
    /// # Errors
    /// [`MuxError::Address`], [`MuxError::Io`].
    pub fn bind(address: &str) -> Result<Self, MuxError> {
        Self::bind_with(address, &MuxOptions::default())
    }

    /// As [`MuxListener::bind`], with settings.
    ///
    /// # Errors
    /// As [`MuxListener::bind`].
    pub fn bind_with(address: &str, options: &MuxOptions) -> Result<Self, MuxError> {
        let mut result = Err(std::io::Error::from(std::io::ErrorKind::NotFound));
        for address in resolve(address)? {
            result = Listener::bind(&address, &ListenOptions::default());
            if result.is_ok() {
                break;
            }
        }
        let listener = result?;
        let address = listener.local_address().clone();
        let mut hub = Hub::new(Driver::new(DriverOptions::default())?, options.clone())?;
        let key = hub.driver.listen(listener, false)?;
        let accepted = Queue::new();
        hub.listen(key, accepted.clone());
        let mailbox = hub.mailbox();
        hub.start()?;
        Ok(Self { address, accepted, mailbox })
    }

    /// Where it listens, with the port that was found.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Takes the next connection, and waits for it: for ever, or so long.
    ///
    /// # Errors
    /// [`MuxError::Timeout`], and [`MuxError::Ended`] after [`MuxListener::close`].
    pub fn accept(&self, timeout: Option<Duration>) -> Result<Mux, MuxError> {
        match self.accepted.next(timeout) {
            Ok(Some(mux)) => Ok(mux),
            Ok(None) => Err(MuxError::Timeout),
            Err(_) => Err(MuxError::Ended(Ended::Closed)),
        }
    }

    /// Calls a function whenever a connection came or the listener was closed, from the thread that did it: for loops, which ask again with
    /// [`MuxListener::accept`] and no time to wait. It must return at once and not touch the listener. False: there is such a function
    /// already.
    pub fn on_change(&self, tell: impl Fn() + Send + Sync + 'static) -> bool {
        self.accepted.on_change(tell)
    }

    /// Listens no more. Threads that wait in `accept` return; connections that nobody accepted end.
    pub fn close(&self) {
        self.accepted.close();
        // Closed: it has ended already.
        let _ = self.mailbox.post(Message::StopListening);
        while let Ok(Some(unwanted)) = self.accepted.next(Some(Duration::ZERO)) {
            drop(unwanted);
        }
    }
}

impl Drop for MuxListener {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for MuxListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MuxListener").field("address", &self.address).finish_non_exhaustive()
    }
}
