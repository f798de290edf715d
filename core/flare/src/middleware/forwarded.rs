//! Who sent a request that came through proxies (RFC 7239).

mod element;
mod walk;

use std::net::IpAddr;

use crate::exchange::Exchange;
use crate::message::Request;
use crate::middleware::{Middleware, Step};
use crate::networks::{Networks, NoNetwork};
use crate::server::ConfigError;

/// Finds the client behind trusted proxies.
///
/// Each proxy adds, at the end of a field, whom it got the request from. Anybody can send such a field, so only what trusted
/// proxies added counts: the walk goes from the peer of the connection, and from the last entry to the first, up to the first
/// address that is not trusted. That one is the client. What stands before it came from the client, and is not looked at. When
/// the peer itself is not trusted, it is the client.
///
/// The result is a [`ClientAddress`]; [`client_ip`] gives its address. [`RateLimit`](crate::middleware::RateLimit) and
/// [`AccessLog`](crate::middleware::AccessLog) use it, so this middleware belongs before them.
///
/// ```
/// use flare::middleware::{Forwarded, ForwardedField, client_ip};
/// use flare::prelude::*;
///
/// let mut router = Router::new();
/// router.layer(Forwarded::new(ForwardedField::XForwarded, ["10.0.0.0/8", "fd00::/8", "192.0.2.7"])?);
/// router.get("/", |request: &Request| match client_ip(request) {
///     Some(ip) => format!("you are {ip}"),
///     None => "nobody knows who you are".to_owned(),
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Forwarded {
    field: ForwardedField,
    trusted: Networks,
}

/// The fields that trusted proxies add. A field that they only pass on must not be chosen: its content is the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedField {
    /// `Forwarded` (RFC 7239).
    Standard,
    /// `X-Forwarded-For`, with `X-Forwarded-Proto` and `X-Forwarded-Host`. Of the last two, which have no rules, the last value
    /// counts.
    XForwarded,
    /// Both, for proxies of both kinds. When a request has both they must agree: what they tell differently is unknown.
    Both,
}

/// Who sent a request, as far as trusted proxies tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ClientAddress {
    /// The address of the client, an IPv4 one never in its IPv6 form. `None`: a proxy hid it or wrote what is no address, or
    /// the client is on a Unix socket.
    pub ip: Option<IpAddr>,
    /// The scheme that the client used, in lower case; `None` when no trusted proxy tells.
    pub proto: Option<String>,
    /// The host that the client asked for, with its port if there is one; `None` when no trusted proxy tells.
    pub host: Option<String>,
}

impl Forwarded {
    /// Trusts proxies in these networks: `192.0.2.0/24`, `2001:db8::/32`, or a single address; `unix` for peers on Unix sockets.
    ///
    /// # Errors
    /// One of them is no network. The error names it.
    pub fn new<N: AsRef<str>>(
        field: ForwardedField,
        trusted: impl IntoIterator<Item = N>,
    ) -> Result<Self, ConfigError> {
        let wrong =
            |error: NoNetwork| ConfigError { field: "trusted".to_owned(), problem: error.to_string() };
        Ok(Self { field, trusted: Networks::new(trusted).map_err(wrong)? })
    }

    /// Whether peers on Unix sockets are trusted proxies. They are not unless this says so.
    #[must_use]
    pub fn trust_unix_sockets(mut self, trust: bool) -> Self {
        self.trusted = self.trusted.with_unix(trust);
        self
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        self.trusted.contains_ip(ip)
    }

    /// Who sent this request.
    fn resolve(&self, request: &Request) -> ClientAddress {
        let ip = peer_ip(request);
        let found =
            if self.trusted.contains(request.peer()) { walk::client(self, request.headers()) } else { None };
        found.unwrap_or(ClientAddress { ip, ..ClientAddress::default() })
    }
}

impl Middleware for Forwarded {
    fn on_request(&self, exchange: Exchange) -> Step {
        let request = exchange.request();
        request.set_extension(self.resolve(request));
        Step::Next(exchange)
    }
}

/// The address of the client: what [`Forwarded`] found, or else the peer of the connection. An IPv4 address is never in its
/// IPv6 form. `None`: the client is unknown, or on a Unix socket.
#[must_use]
pub fn client_ip(request: &Request) -> Option<IpAddr> {
    match request.extension::<ClientAddress>() {
        Some(client) => client.ip,
        None => peer_ip(request),
    }
}

fn peer_ip(request: &Request) -> Option<IpAddr> {
    request.peer_address().map(|address| address.ip().to_canonical())
}

#[cfg(test)]
mod tests;
