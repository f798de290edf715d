//! Settings for connections that come through proxies which tell whom they speak for.

use std::time::Duration;

use flare_net::Peer;

use crate::networks::Networks;

/// Who has to send a PROXY header (version 1 or 2 of HAProxy's protocol) in front of everything else, before TLS too.
///
/// A header is required of those in [`from`](ProxyProtocol::from), and never looked for from others: it is not guessed whether there is one.
/// The requests of the connection then show the client's address as their [peer](crate::Request::peer), and as their
/// [local address](crate::Request::local_address) the one that the client connected to. When the proxy speaks for itself (LOCAL), or for a
/// family it does not know (UNKNOWN, UNSPEC), they show the ends of the connection itself. A connection whose header does not come in time, is
/// malformed, or is missing is closed without a word, and the log says so.
///
/// ```
/// use flare::ServerConfig;
///
/// let mut config = ServerConfig::default();
/// config.proxy_protocol.from = "10.0.0.0/8, fd00::/8".parse()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyProtocol {
    /// Peers that must send a header. Trust them: they say who the client is. Default: nobody.
    pub from: Networks,
    /// The addresses, as they were given to [`Server::listen`](crate::Server::listen), that this is for. Empty, as by default: all of them.
    pub on: Vec<String>,
    /// Whether connections of others are refused: closed at once, which the log tells. Otherwise, as by default, they are served as they are.
    pub only: bool,
    /// How long the whole header may take, from accept. Default 5 s.
    pub timeout: Duration,
}

impl Default for ProxyProtocol {
    fn default() -> Self {
        Self { from: Networks::default(), on: Vec::new(), only: false, timeout: Duration::from_secs(5) }
    }
}

/// What becomes of a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Introduction {
    /// It is what it seems to be.
    None,
    /// Its header comes first.
    Header,
    /// It is not wanted.
    Refused,
}

impl ProxyProtocol {
    /// Whether a listener of this address has anything to do with it.
    pub(crate) fn is_on(&self, address: &str) -> bool {
        !self.from.is_empty() && (self.on.is_empty() || self.on.iter().any(|on| on == address))
    }

    /// What a peer of such a listener has to do.
    pub(crate) fn expects(&self, peer: Peer) -> Introduction {
        if self.from.contains(peer) {
            Introduction::Header
        } else if self.only {
            Introduction::Refused
        } else {
            Introduction::None
        }
    }
}
