//! What is known of a listener when a connection comes through it.

use flare_net::Address;

/// A listener's place, the same for every worker: the first listener of each has the first entrance, and so on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entrance {
    /// It is not one address but all of the host: each connection has one of its own.
    pub(crate) wildcard: bool,
    /// Proxies may have to introduce their connections.
    pub(crate) proxied: bool,
}

impl Entrance {
    pub(crate) fn new(local: &Address, proxied: bool) -> Self {
        let wildcard = matches!(local, Address::Ip(address) if address.ip().is_unspecified());
        Self { wildcard, proxied }
    }
}
