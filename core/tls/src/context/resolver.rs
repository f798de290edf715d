//! Which identity a client sees.

use std::cell::RefCell;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::{Identities, LoadedIdentity};

thread_local! {
    /// The name that the client of the running handshake asked for. rustls asks the resolver inside of the call that reads a
    /// ClientHello, and its unbuffered connection does not tell the name otherwise.
    static ASKED: RefCell<Option<Box<str>>> = const { RefCell::new(None) };
}

/// The name that was asked for in the call that has just returned.
pub(crate) fn take_asked() -> Option<Box<str>> {
    ASKED.with(RefCell::take)
}

impl ResolvesServerCert for Identities<Arc<CertifiedKey>> {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let chosen = self.choose(name.as_deref(), |identity: &LoadedIdentity| identity.adapt().ok());
        ASKED.with(|asked| asked.replace(name.map(String::into_boxed_str)));
        chosen
    }
}
