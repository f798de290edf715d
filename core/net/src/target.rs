//! Whom to connect to, before it is known where that is.

use crate::address::UNIX;
use crate::{Address, AddressError, HostName};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Whom to connect to: an address, or a name that has to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An address.
    Address(Address),
    /// A TCP port of a host.
    Name {
        /// The host.
        host: HostName,
        /// The port.
        port: u16,
    },
}

impl Target {
    /// Reads `127.0.0.1:80`, `[::1]:80`, `unix:/path` or `name:port`. Nothing is looked up.
    ///
    /// # Errors
    /// When the text has another form, or its name is no name.
    pub fn parse(text: &str) -> Result<Target, AddressError> {
        if let Some(path) = text.strip_prefix(UNIX) {
            if path.is_empty() || path.contains('\0') {
                return Err(AddressError::NoPath);
            }
            return Ok(Target::Address(Address::Unix(Some(PathBuf::from(path)))));
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Target::Address(Address::Ip(address)));
        }
        let malformed = || AddressError::Malformed(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(malformed)?;
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port: u16 = port.parse().ok().filter(|_| digits).ok_or_else(malformed)?;
        if host.is_empty() || host.contains([':', '[', ']', '/', ' ']) {
            return Err(malformed());
        }
        // A dot behind an address makes it no name (and getaddrinfo would take it for one).
        if host.strip_suffix('.').is_some_and(|host| host.parse::<Ipv4Addr>().is_ok()) {
            return Err(malformed());
        }
        let host = HostName::new(host).map_err(|reason| AddressError::Name(text.to_owned(), reason))?;
        Ok(Target::Name { host, port })
    }
}

impl fmt::Display for Target {
    /// Writes what [`Target::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Address(address) => address.fmt(f),
            Target::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

impl From<Address> for Target {
    fn from(address: Address) -> Target {
        Target::Address(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_written_the_same() {
        for text in ["127.0.0.1:80", "[::1]:0", "unix:/a b", "localhost:65535", "a.example.:1", "my_db:5432"]
        {
            assert_eq!(Target::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn others_are_refused() {
        for text in ["", "a", ":1", "a:", "a:+1", "a:65536", "::1:80", "1.2.3.4.:80", "unix:", "unix:a\0b"] {
            assert!(
                matches!(Target::parse(text), Err(AddressError::Malformed(_) | AddressError::NoPath)),
                "{text}"
            );
        }
        for text in ["a\0b:80", "127.1:80", "a..b:80", "a\r\nhost:80"] {
            assert!(matches!(Target::parse(text), Err(AddressError::Name(..))), "{text}");
        }
    }
}
