//! Which identity a client sees.

use std::cell::RefCell;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::{Hello, LoadedIdentity, Names, Resolver};

thread_local! {
    /// The name that the client of the running handshake asked for. rustls asks the resolver inside of the call that reads a
    /// ClientHello, and its unbuffered connection does not tell the name otherwise.
    static ASKED: RefCell<Option<Box<str>>> = const { RefCell::new(None) };
}

/// The name that was asked for in the call that has just returned.
pub(crate) fn take_asked() -> Option<Box<str>> {
    ASKED.with(RefCell::take)
}

/// Chooses by the callback, then by name, then the default.
#[derive(Debug)]
pub(super) struct Identities {
    names: Names<Arc<CertifiedKey>>,
    default: Option<Arc<CertifiedKey>>,
    resolver: Option<Resolver>,
}

impl Identities {
    pub(super) fn new(
        identities: &[(LoadedIdentity, Arc<CertifiedKey>)],
        resolver: Option<Resolver>,
    ) -> Self {
        let mut names = Names::new();
        for (identity, adapted) in identities {
            for pattern in identity.patterns() {
                names.add(pattern, adapted);
            }
        }
        let default = identities.first().map(|(_, adapted)| Arc::clone(adapted));
        Self { names, default, resolver }
    }

    fn choose(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let by_callback = |resolver: &Resolver| {
            let identity = resolver.choose(Hello { server_name: name })?;
            identity.adapt().ok()
        };
        let named = || name.and_then(|name| self.names.find(name)).or(self.default.as_ref()).cloned();
        self.resolver.as_ref().and_then(by_callback).or_else(named)
    }
}

impl ResolvesServerCert for Identities {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let chosen = self.choose(name.as_deref());
        ASKED.with(|asked| asked.replace(name.map(String::into_boxed_str)));
        chosen
    }
}
