//! What is known of a listener when a connection comes through it.

use std::sync::Arc;

use flare_net::Address;

use crate::server::tls::TlsListener;

/// A listener's place, the same for every worker: the first listener of each has the first entrance, and so on.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    /// It is not one address but all of the host: each connection has one of its own.
    pub(crate) wildcard: bool,
    /// Proxies may have to introduce their connections.
    pub(crate) proxied: bool,
    /// What its connections begin with.
    pub(crate) tls: Option<Arc<TlsListener>>,
    /// The port on which HTTP/3 is served beside it.
    pub(crate) http3: Option<u16>,
}

impl Entrance {
    pub(crate) fn new(
        local: &Address,
        proxied: bool,
        tls: Option<Arc<TlsListener>>,
        datagrams: bool,
    ) -> Self {
        let wildcard = matches!(local, Address::Ip(address) if address.ip().is_unspecified());
        let http3 = match local {
            Address::Ip(address) if datagrams => Some(address.port()),
            _ => None,
        };
        Self { wildcard, proxied, tls, http3 }
    }
}
