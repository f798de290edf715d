//! What a client needs to know.

use std::path::PathBuf;
use std::time::Duration;

use super::{Identity, Source, Version, check_alpn, check_handshake_timeout};
use crate::context::ClientContext;
use crate::error::ConfigError;

/// TLS of a client, as plain data. [`ClientTls::validate`] reads the files and says what is wrong.
#[derive(Debug, Clone)]
pub struct ClientTls {
    /// Whom to believe.
    pub trust: Trust,
    /// Revocation lists, as PEM, for servers whose authorities are given. If there are any, the certificate of the server must be
    /// covered by one that is up to date.
    pub revocation_lists: Vec<Source>,
    /// Who the client is, for servers that ask.
    pub identity: Option<Identity>,
    /// The name that the certificate of the server must be for, and that it is asked for, if that is not the name that is connected to.
    /// A DNS name or an IP address.
    pub server_name: Option<String>,
    /// The application protocols, the preferred one first.
    pub alpn: Vec<Vec<u8>>,
    /// The oldest version that is spoken.
    pub min_version: Version,
    /// Servers whose sessions are kept, to come back without a full handshake. 0: none. At most 65536.
    pub resumption: usize,
    /// A file that the secrets of all connections are appended to, in the format of `SSLKEYLOGFILE`: whoever has it can read
    /// everything. For finding faults only.
    pub key_log: Option<PathBuf>,
    /// From the start to the end of the handshake. 1 ms to 1 h.
    pub handshake_timeout: Duration,
}

impl Default for ClientTls {
    fn default() -> Self {
        Self {
            trust: Trust::Platform,
            revocation_lists: Vec::new(),
            identity: None,
            server_name: None,
            alpn: Vec::new(),
            min_version: Version::Tls12,
            resumption: 256,
            key_log: None,
            handshake_timeout: Duration::from_secs(10),
        }
    }
}

/// Whom a client believes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// What the operating system believes. On Linux the bundle of the distribution, or the one that `SSL_CERT_FILE` and `SSL_CERT_DIR`
    /// name.
    #[default]
    Platform,
    /// These authorities, as PEM, and no others.
    Roots(Vec<Source>),
    /// Anybody. The connection is encrypted, and the peer may be anyone, also somebody in the middle. For tests.
    InsecureAnyCertificate,
}

impl ClientTls {
    /// Believes these authorities and no others.
    #[must_use]
    pub fn with_roots(roots: Source) -> Self {
        Self { trust: Trust::Roots(vec![roots]), ..Self::default() }
    }

    /// Reads all files and checks everything.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ClientContext::new(self).map(drop)
    }

    /// Checks what needs no file.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        check_alpn(&self.alpn)?;
        check_handshake_timeout(self.handshake_timeout)?;
        if self.resumption > 1 << 16 {
            let problem = format!("{} is more than {}", self.resumption, 1 << 16);
            return Err(ConfigError::new("resumption", problem));
        }
        if let Trust::Roots(roots) = &self.trust
            && roots.is_empty()
        {
            return Err(ConfigError::new("trust", "has no authorities; expected at least one PEM file"));
        }
        if !self.revocation_lists.is_empty() && !matches!(self.trust, Trust::Roots(_)) {
            return Err(ConfigError::new(
                "revocation_lists",
                "need authorities that are given (Trust::Roots)",
            ));
        }
        Ok(())
    }
}
