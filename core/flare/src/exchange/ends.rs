//! Whom a connection joins.

use std::sync::Arc;

use flare_net::{Address, Peer};

use crate::message::TlsSession;

/// Both ends of a connection, as its requests show them: those of its socket, or those that a trusted proxy told.
#[derive(Debug, Clone)]
pub(crate) struct Ends {
    /// The client.
    pub(crate) peer: Peer,
    /// What the client connected to. Most connections of a worker share it with their listener.
    pub(crate) local: Arc<Address>,
    /// What was agreed between them, if the connection is encrypted.
    pub(crate) tls: Option<Arc<TlsSession>>,
}

impl Ends {
    /// Takes over those of another connection. The usual case, that it came by the same listener, costs a comparison.
    #[inline]
    pub(crate) fn become_those(&mut self, other: &Ends) {
        self.peer = other.peer;
        if !Arc::ptr_eq(&self.local, &other.local) {
            self.local = Arc::clone(&other.local);
        }
        if self.tls.is_some() || other.tls.is_some() {
            self.tls.clone_from(&other.tls);
        }
    }
}
