//! Where a datagram came from and where it arrived.

use std::net::SocketAddr;

/// Both ends of a datagram, as seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    /// Our end.
    pub local: SocketAddr,
    /// The peer's end.
    pub peer: SocketAddr,
}

/// What routers said about congestion (RFC 3168): the two ECN bits of the IP header. quiche neither counts what is received nor marks what
/// is sent; so all that is sent is [`Ecn::NotCapable`], and what is received is of no use yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ecn {
    /// The sender takes no part.
    #[default]
    NotCapable,
    /// Capable, as ECT(0).
    Capable0,
    /// Capable, as ECT(1).
    Capable1,
    /// Congestion was met.
    Congested,
}
