//! How a connection is made.

use super::Race;
use crate::Address;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

/// How a connection is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialOptions {
    /// How long it may take, the lookup included. Default 10 s.
    pub timeout: Duration,
    /// How long an attempt has before the next address is tried beside it. Default [`Race::DELAY`].
    pub attempt_delay: Duration,
    /// Which addresses are tried. Default: all.
    pub family: Family,
    /// What the sockets are made with.
    pub socket: SocketOptions,
}

impl Default for DialOptions {
    fn default() -> DialOptions {
        DialOptions {
            timeout: Duration::from_secs(10),
            attempt_delay: Race::DELAY,
            family: Family::default(),
            socket: SocketOptions::default(),
        }
    }
}

impl DialOptions {
    /// The family that is left when the local address is of one.
    pub(super) fn family(&self) -> Family {
        match (self.family, self.socket.local) {
            (Family::Any, Some(IpAddr::V4(_))) => Family::Ipv4,
            (Family::Any, Some(IpAddr::V6(_))) => Family::Ipv6,
            (family, _) => family,
        }
    }
}

/// What a TCP socket that connects is made with. Unix sockets need none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// The address of this end, of an interface of this host. `None`: the system chooses.
    pub local: Option<IpAddr>,
    /// After this silence the peer is asked whether it is still there, by TCP, and again after each time as long; when it answers
    /// [`SocketOptions::PROBES`] of them not, the connection has failed. Whole seconds count. `None`: it is not asked.
    pub keep_alive: Option<Duration>,
}

impl SocketOptions {
    /// How many times a silent peer is asked.
    pub const PROBES: u32 = 3;
}

/// Which addresses are tried. Paths of Unix sockets always are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// All.
    #[default]
    Any,
    /// Those of IPv4.
    Ipv4,
    /// Those of IPv6.
    Ipv6,
}

impl Family {
    pub(super) fn has(self, address: &Address) -> bool {
        match (self, address) {
            (Family::Any, _) | (_, Address::Unix(_)) => true,
            (Family::Ipv4, Address::Ip(ip)) => ip.is_ipv4(),
            (Family::Ipv6, Address::Ip(ip)) => ip.is_ipv6(),
        }
    }
}

impl FromStr for Family {
    type Err = ();

    /// By the name that it is shown by.
    fn from_str(name: &str) -> Result<Family, ()> {
        match name {
            "any" => Ok(Family::Any),
            "ipv4" => Ok(Family::Ipv4),
            "ipv6" => Ok(Family::Ipv6),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::Any => "any",
            Family::Ipv4 => "ipv4",
            Family::Ipv6 => "ipv6",
        })
    }
}
