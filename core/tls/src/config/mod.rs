//! The configuration as plain data. No type of a TLS library is in it: rustls reads it today, and another library may read the same.

mod by_name;
mod client;
mod client_by_name;
mod identities;
mod identity;
mod names;
mod server;
mod source;

use std::time::Duration;

use crate::error::ConfigError;

pub use client::{ClientTls, Trust};
pub use identities::Identities;
pub use identity::{Identity, LoadedIdentity};
pub(crate) use names::{NamePattern, Names};
pub use server::{Choice, ClientAuth, EarlyData, Hello, Resolver, Resumption, ServerTls};
pub use source::Source;
pub(crate) use source::{certificates, revocation_lists};

/// A version of the protocol. Older ones are never spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.2 (RFC 5246): with forward-secret key exchange and authenticated encryption only.
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl Version {
    /// The name as people write it: `TLSv1.2`, `TLSv1.3`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }
}

/// An hour: who needs longer for a handshake is not there.
const LONGEST_HANDSHAKE: Duration = Duration::from_secs(60 * 60);

fn check_handshake_timeout(timeout: Duration) -> Result<(), ConfigError> {
    if timeout < Duration::from_millis(1) || timeout > LONGEST_HANDSHAKE {
        let problem = format!("{timeout:?} is not within 1 ms to 1 h");
        return Err(ConfigError::new("handshake_timeout", problem));
    }
    Ok(())
}

/// Names of application protocols: 1 to 255 bytes each (RFC 7301, 3.1).
fn check_alpn(protocols: &[Vec<u8>]) -> Result<(), ConfigError> {
    for (index, name) in protocols.iter().enumerate() {
        if !(1..=255).contains(&name.len()) {
            let problem = format!("has {} bytes; expected 1 to 255 (RFC 7301)", name.len());
            return Err(ConfigError::new(format!("alpn[{index}]"), problem));
        }
    }
    let total: usize = protocols.iter().map(|name| name.len() + 1).sum();
    if total > 4096 {
        return Err(ConfigError::new("alpn", "is too long: the names have more than 4096 bytes together"));
    }
    Ok(())
}
