//! quiche's connection, and whether it has said that it has nothing to send.
//!
//! To find that out costs quiche about as much as a small packet, and whoever sends asks once more than there are datagrams, for each run of
//! them. So the answer is kept until the connection is touched again, in whatever way.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};

use quiche::{Error, PathEvent, SendInfo};

use super::Shared;

pub(super) struct Quiet {
    inner: quiche::Connection<Shared>,
    quiet: bool,
}

impl Quiet {
    pub(super) fn new(inner: quiche::Connection<Shared>) -> Self {
        Self { inner, quiet: false }
    }

    /// The next datagram, on this path if there is one: its length, and where it goes. `None`: there is none now.
    pub(super) fn send(
        &mut self,
        room: &mut [u8],
        path: Option<(SocketAddr, SocketAddr)>,
    ) -> Option<(usize, SendInfo)> {
        if self.quiet && path.is_none() {
            return None;
        }
        let (local, peer) = path.unzip();
        match self.inner.send_on_path(room, local, peer) {
            Ok(made) => Some(made),
            Err(error) => {
                // After other errors the connection is being closed: the next call makes the packet that says so.
                self.quiet = path.is_none() && error == Error::Done;
                None
            }
        }
    }

    /// Whether it has said so.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// It is asked again, whatever it has said.
    pub(super) fn ask_again(&mut self) {
        self.quiet = false;
    }

    /// The next thing that happened to a path.
    pub(super) fn next_path_event(&mut self) -> Option<PathEvent> {
        let event = self.inner.path_event_next();
        self.quiet &= event.is_none();
        event
    }
}

impl Deref for Quiet {
    type Target = quiche::Connection<Shared>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl DerefMut for Quiet {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.quiet = false;
        &mut self.inner
    }
}
