//! Sets of peers, by their addresses.

use std::net::IpAddr;

use flare_net::Peer;
use ipnet::IpNet;

/// A set of peers: networks such as `192.0.2.0/24` and `2001:db8::/32`, single addresses, and those on Unix sockets. Empty by default.
///
/// An IPv4 address in its IPv6 form (`::ffff:192.0.2.1`) is the same as the plain one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    networks: Vec<IpNet>,
    unix: bool,
}

/// A text that is no network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoNetwork(String);

impl std::fmt::Display for NoNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is no network and no address", self.0)
    }
}

impl std::error::Error for NoNetwork {}

impl Networks {
    /// Of each network or address on its own; `unix` stands for all Unix sockets.
    ///
    /// # Errors
    /// The first text that is neither.
    pub fn new<N: AsRef<str>>(texts: impl IntoIterator<Item = N>) -> Result<Self, NoNetwork> {
        let mut found = Self::default();
        for text in texts {
            match text.as_ref() {
                "unix" => found.unix = true,
                text => found.networks.push(network(text)?),
            }
        }
        Ok(found)
    }

    /// The same, with all peers on Unix sockets or with none of them.
    #[must_use]
    pub fn with_unix(mut self, unix: bool) -> Self {
        self.unix = unix;
        self
    }

    /// Whether a peer is among them.
    #[must_use]
    pub fn contains(&self, peer: Peer) -> bool {
        match peer {
            Peer::Ip(address) => self.contains_ip(address.ip()),
            Peer::Unix => self.unix,
        }
    }

    /// Whether an address is among them.
    #[must_use]
    pub fn contains_ip(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.networks.iter().any(|network| network.contains(&ip))
    }

    /// Whether there is nobody in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && !self.unix
    }
}

impl std::str::FromStr for Networks {
    type Err = NoNetwork;

    /// A list with commas, white space, or both between its parts. An empty text is the empty set.
    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let parts = text.split(|c: char| c == ',' || c.is_ascii_whitespace());
        Self::new(parts.filter(|part| !part.is_empty()))
    }
}

fn network(text: &str) -> Result<IpNet, NoNetwork> {
    let address = || text.parse::<IpAddr>().map(|ip| IpNet::from(ip.to_canonical()));
    text.parse::<IpNet>().or_else(|_| address()).map_err(|_| NoNetwork(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Peer {
        Peer::Ip(text.parse().unwrap())
    }

    #[test]
    fn a_list_is_read_and_asked() {
        let networks: Networks = " 192.0.2.0/24,2001:db8::/32  198.51.100.7,,\tunix".parse().unwrap();
        for inside in ["192.0.2.1:1", "[::ffff:192.0.2.9]:1", "[2001:db8::5]:1", "198.51.100.7:80"] {
            assert!(networks.contains(peer(inside)), "{inside}");
        }
        for outside in ["192.0.3.1:1", "[2001:db9::5]:1", "198.51.100.8:80", "[::1]:1"] {
            assert!(!networks.contains(peer(outside)), "{outside}");
        }
        assert!(networks.contains(Peer::Unix) && !networks.clone().with_unix(false).contains(Peer::Unix));
    }

    #[test]
    fn nothing_is_nobody() {
        let nobody: Networks = " , ".parse().unwrap();
        assert_eq!(nobody, Networks::default());
        assert!(nobody.is_empty() && !nobody.contains(Peer::Unix) && !nobody.contains(peer("127.0.0.1:1")));
    }

    #[test]
    fn what_is_no_network_is_named() {
        for text in ["localhost", "10.0.0.0/33", "10.0.0", "10.0.0.1:80", "*", "unix:/x"] {
            let error = Networks::new([text]).unwrap_err().to_string();
            assert_eq!(error, format!("{text:?} is no network and no address"));
        }
    }
}
