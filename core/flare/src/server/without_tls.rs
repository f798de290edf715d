//! In a build without TLS no address has it: this type has no value.

use std::sync::Arc;

use flare_net::Millis;

use crate::exchange::Ends;
use crate::server::worker::Secure;

#[derive(Debug)]
pub(crate) enum TlsListener {}

impl TlsListener {
    pub(crate) fn accept(&self, _: Ends, _: Millis) -> Secure {
        match *self {}
    }
}

#[derive(Debug, Default)]
pub(crate) struct TlsListeners;

impl FromIterator<Arc<TlsListener>> for TlsListeners {
    fn from_iter<I: IntoIterator<Item = Arc<TlsListener>>>(_: I) -> Self {
        Self
    }
}
