//! Where to listen and whom to connect to.

use crate::resolver::{Lookup, ResolveError, SystemLookup};
use crate::{HostNameError, Target};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The prefix of a Unix socket's path in text.
pub(crate) const UNIX: &str = "unix:";

/// The address of a socket.
#[derive(Clone, Eq, PartialEq, Hash, Debug)]
pub enum Address {
    /// TCP over IPv4 or IPv6. Port 0 asks for any free port when listening.
    Ip(SocketAddr),
    /// A Unix stream socket; `None` is an unnamed one, such as the connecting end.
    Unix(Option<PathBuf>),
}

impl fmt::Display for Address {
    /// Writes what [`resolve`] reads, save for an unnamed Unix socket: that is `unix:`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Ip(address) => address.fmt(f),
            Address::Unix(Some(path)) => write!(f, "{UNIX}{}", path.display()),
            Address::Unix(None) => f.write_str(UNIX),
        }
    }
}

impl<T: Into<SocketAddr>> From<T> for Address {
    fn from(address: T) -> Address {
        Address::Ip(address.into())
    }
}

impl Address {
    pub(crate) fn from_socket2(address: &socket2::SockAddr) -> Address {
        match address.as_socket() {
            Some(address) => Address::Ip(address),
            None => Address::Unix(address.as_pathname().map(PathBuf::from)),
        }
    }

    pub(crate) fn to_socket2(&self) -> io::Result<socket2::SockAddr> {
        match self {
            Address::Ip(address) => Ok((*address).into()),
            Address::Unix(Some(path)) => socket2::SockAddr::unix(path),
            Address::Unix(None) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "a Unix socket needs a path"))
            }
        }
    }
}

/// The other end of an accepted connection: an [`Address`] without the path, which the connecting end of a Unix socket rarely has.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Debug)]
pub enum Peer {
    /// A TCP peer.
    Ip(SocketAddr),
    /// A peer on this machine, over a Unix socket.
    Unix,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Ip(address) => address.fmt(f),
            Peer::Unix => f.write_str(UNIX),
        }
    }
}

/// Why a text is not an address.
#[derive(Debug)]
pub enum AddressError {
    /// The text is not `host:port`, or the port is not a number up to 65535.
    Malformed(String),
    /// `unix:` without a path.
    NoPath,
    /// What stands for the host is no name of one.
    Name(String, HostNameError),
    /// The host's name could not be resolved.
    Unresolved(String, io::Error),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::Malformed(text) => {
                write!(f, "{text:?} is not an address: expected HOST:PORT, [IPV6]:PORT or unix:PATH")
            }
            AddressError::Name(text, reason) => write!(f, "{text:?} is not an address: {reason}"),
            AddressError::NoPath => f.write_str("unix: needs a path behind it"),
            AddressError::Unresolved(text, error) => write!(f, "cannot resolve {text:?}: {error}"),
        }
    }
}

impl std::error::Error for AddressError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            AddressError::Unresolved(_, error) => Some(error),
            _ => None,
        }
    }
}

/// Reads an address: `127.0.0.1:80`, `[::1]:0`, `unix:/path`, or `name:port`, whose name is looked up (this blocks) and may give several
/// addresses. The answer has at least one address and none twice.
///
/// # Errors
/// When the text has another form, or the name cannot be resolved.
pub fn resolve(text: &str) -> Result<Vec<Address>, AddressError> {
    let (host, port) = match Target::parse(text)? {
        Target::Address(address) => return Ok(vec![address]),
        Target::Name { host, port } => (host, port),
    };
    let unresolved = |error: ResolveError| {
        let kind = match &error {
            ResolveError::NotFound => io::ErrorKind::NotFound,
            _ => io::ErrorKind::Other,
        };
        AddressError::Unresolved(text.to_owned(), io::Error::new(kind, error))
    };
    let found = SystemLookup.lookup(&host).map_err(unresolved)?;
    let with_port = |mut address: SocketAddr| {
        address.set_port(port);
        Address::Ip(address)
    };
    Ok(found.into_iter().map(with_port).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Address {
        let mut addresses = resolve(text).unwrap();
        assert_eq!(addresses.len(), 1, "{text}");
        addresses.remove(0)
    }

    #[test]
    fn numbers_and_paths_are_read_and_written_the_same() {
        for text in
            ["127.0.0.1:80", "[::1]:0", "[fe80::1%3]:9", "0.0.0.0:65535", "unix:/tmp/a b.sock", "unix:x"]
        {
            assert_eq!(one(text).to_string(), text);
        }
    }

    #[test]
    fn a_name_is_looked_up() {
        let addresses = resolve("localhost:8080").unwrap();
        assert!(!addresses.is_empty());
        for address in addresses {
            assert!(matches!(address, Address::Ip(ip) if ip.ip().is_loopback() && ip.port() == 8080));
        }
    }

    #[test]
    fn other_texts_are_refused_with_a_reason() {
        for text in [
            "",
            ":",
            ":80",
            "80",
            "127.0.0.1",
            "127.0.0.1:",
            "a:65536",
            "a:-1",
            "::1:80",
            "[::1]",
            "[::1:80",
            "a b:1",
        ] {
            assert!(matches!(resolve(text), Err(AddressError::Malformed(_))), "{text}");
        }
        assert!(matches!(resolve("unix:"), Err(AddressError::NoPath)));
        let error = resolve("nothing").unwrap_err().to_string();
        assert_eq!(error, "\"nothing\" is not an address: expected HOST:PORT, [IPV6]:PORT or unix:PATH");
    }

    #[test]
    fn an_unnamed_socket_cannot_be_used() {
        assert_eq!(Address::Unix(None).to_socket2().unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(Address::Unix(None).to_string(), "unix:");
    }

    #[test]
    fn a_peer_is_small() {
        assert!(size_of::<Peer>() <= 32);
    }
}
