//! The request of an exchange.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::exchange::{CancelReason, Early, SharedBlock};
use crate::message::{Headers, Method, TlsSession, Version};
use crate::routing::Params;

use flare_net::Address;
pub use flare_net::Peer;

/// The request of an exchange: an immutable head, and the content if the route collects it.
///
/// A request may be cloned, kept, and read from any thread; it stays valid until the last clone is gone, also after the
/// answer was sent or the client left.
#[derive(Clone)]
pub struct Request {
    pub(crate) block: SharedBlock,
}

impl Request {
    /// The method; [`Method::Extension`] for one that is not in the enumeration, see [`Request::method_str`].
    #[must_use]
    pub fn method(&self) -> Method {
        self.block.head.method()
    }

    /// The method as it was sent. Methods are case-sensitive (RFC 9110, 9.1).
    #[must_use]
    pub fn method_str(&self) -> &str {
        self.block.head.method_str()
    }

    /// The path as it was sent, still percent-encoded. `*` for `OPTIONS *`, empty for CONNECT.
    #[must_use]
    pub fn path(&self) -> &str {
        self.block.head.path()
    }

    /// The query as it was sent, without the question mark; `None` when there is no question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.block.head.query()
    }

    /// The decoded names and values of a query in form encoding (`a=1&b=2`).
    pub fn query_pairs(
        &self,
    ) -> impl Iterator<Item = (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)> {
        form_urlencoded::parse(self.query().unwrap_or_default().as_bytes())
    }

    /// The authority (host and port) from an absolute target or from `Host`; may be empty.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.block.head.authority()
    }

    /// The protocol version of the request.
    #[must_use]
    pub fn version(&self) -> Version {
        self.block.head.version()
    }

    /// The header fields, names in lower case.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.block.head.headers()
    }

    /// The first header field of this name, if its value is UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get_str(name)
    }

    /// The parameters that the route took from the path, decoded.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.block.params
    }

    /// A parameter of the route, decoded, if it is UTF-8.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.block.params.get_str(name)
    }

    /// The protocol that the client offers to go on with, as a byte stream: the value of `Upgrade`, which may be a list (RFC 9110,
    /// 7.8), or the protocol of an extended CONNECT (RFC 8441). [`Exchange::switch_protocol`](crate::Exchange::switch_protocol) accepts.
    /// `None`: it offers none, or content comes first.
    #[must_use]
    pub fn offered_protocol(&self) -> Option<&str> {
        let offered = || self.block.head.protocol().or_else(|| self.header("upgrade"));
        self.block.offers_switch.then(offered).flatten()
    }

    /// The same, and a NUL behind it. It need not be UTF-8.
    #[must_use]
    pub fn offered_protocol_with_nul(&self) -> Option<&[u8]> {
        let offered =
            || self.block.head.protocol_with_nul().or_else(|| self.headers().get_with_nul("upgrade"));
        self.block.offers_switch.then(offered).flatten()
    }

    /// The content. Empty when there is none.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.block.body.get().map(Vec::as_slice).unwrap_or_default()
    }

    /// The content as text, if it is UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.body()).ok()
    }

    /// The trailers that followed the content; empty until it has ended.
    #[must_use]
    pub fn trailers(&self) -> &Headers {
        static NONE: Headers = Headers::new();
        self.block.trailers.get().map_or(&NONE, |trailers| trailers)
    }

    /// Who sent the request: the other end of its connection, or whom a trusted proxy told
    /// ([`ServerConfig::proxy_protocol`](crate::ServerConfig)).
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.block.ends.peer
    }

    /// The address of the client; `None` on a Unix socket.
    #[must_use]
    pub fn peer_address(&self) -> Option<SocketAddr> {
        match self.block.ends.peer {
            Peer::Ip(address) => Some(address),
            Peer::Unix => None,
        }
    }

    /// What the client connected to: the address of this end of its connection. Behind a proxy that tells it
    /// ([`ServerConfig::proxy_protocol`](crate::ServerConfig)) the one that the client connected to there. An unnamed Unix socket in a test
    /// without a socket.
    #[must_use]
    pub fn local_address(&self) -> &Address {
        &self.block.ends.local
    }

    /// What was agreed in the handshake, with the certificate that the client showed; `None` on a connection that is not encrypted.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsSession> {
        self.block.ends.tls.as_deref()
    }

    /// Whether the request came before the end of the handshake (0-RTT): somebody else may have recorded it and sent it again (RFC 8470).
    #[must_use]
    pub fn is_early(&self) -> bool {
        self.block.early != Early::No
    }

    /// Why the exchange is over before its answer was sent, if it is.
    #[must_use]
    pub fn cancelled(&self) -> Option<CancelReason> {
        self.block.channel.state.cancelled()
    }

    /// A value of this type that a middleware or handler attached.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.block.extensions.get()
    }

    /// Attaches a value for those who see the request later; it replaces another one of its type.
    pub fn set_extension<T: Send + Sync + 'static>(&self, value: T) {
        self.block.extensions.set(value);
    }

    /// A text that a middleware or handler attached under this name, in any language.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.block.extensions.text(name)
    }

    /// Tells the server's log, at the level error, that code around this request failed, and lets the exchange go on. See also
    /// [`Exchange::fail`](crate::Exchange::fail).
    pub fn log_error(&self, message: &str) {
        self.block.channel.home.failed(message);
    }

    /// Attaches a text for those who see the request later; it replaces another one of its name.
    pub fn set_attribute(&self, name: &str, value: &str) {
        self.block.extensions.set_text(name, value);
    }

    /// Makes the worker pull again, after [`Pull::WouldBlock`](crate::message::Pull).
    pub fn wake(&self) {
        self.block.channel.tell();
    }

    /// The method, path and so on with their final NUL, for C.
    #[doc(hidden)]
    #[must_use]
    pub fn head(&self) -> &flare_proto::RequestHead {
        &self.block.head
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method_str())
            .field("path", &self.path())
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
