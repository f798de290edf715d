//! How connections are made.

use std::net::IpAddr;
use std::time::Duration;

use flare_net::{DialOptions, Family, Race, SocketOptions};

use crate::server::ConfigError;

/// Settings of a [`Connector`](super::Connector).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConnectConfig {
    /// How long a connection may take to make: the lookup of its name, all addresses and the TLS handshake together. 1 ms to 24 h, at a
    /// resolution of 1 ms. Default 10 s.
    pub timeout: Duration,
    /// How long an address has before the next is tried beside it (RFC 8305, 5). 10 ms to 1 h. Default 250 ms.
    pub attempt_delay: Duration,
    /// Which addresses are tried. Default: all.
    pub family: Family,
    /// The address of this end, of an interface of this host; only addresses of its family are tried then. Default: the system chooses.
    pub local_address: Option<IpAddr>,
    /// After this silence the peer is asked by TCP whether it is still there, and again after each time as long; when it answers three of them not,
    /// the connection has failed. 1 s to 2 h, in whole seconds. Default: it is not asked.
    pub keep_alive: Option<Duration>,
    /// Encrypt the connection. Its `handshake_timeout` counts as well, from the begin of the handshake. Default: no.
    #[cfg(feature = "tls")]
    pub tls: Option<flare_tls::ClientTls>,
}

impl Default for ConnectConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            attempt_delay: Race::DELAY,
            family: Family::Any,
            local_address: None,
            keep_alive: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl ConnectConfig {
    /// Sets [`ConnectConfig::timeout`].
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets [`ConnectConfig::attempt_delay`].
    #[must_use]
    pub fn with_attempt_delay(mut self, delay: Duration) -> Self {
        self.attempt_delay = delay;
        self
    }

    /// Sets [`ConnectConfig::family`].
    #[must_use]
    pub fn with_family(mut self, family: Family) -> Self {
        self.family = family;
        self
    }

    /// Sets [`ConnectConfig::local_address`].
    #[must_use]
    pub fn with_local_address(mut self, address: IpAddr) -> Self {
        self.local_address = Some(address);
        self
    }

    /// Sets [`ConnectConfig::keep_alive`].
    #[must_use]
    pub fn with_keep_alive(mut self, after: Duration) -> Self {
        self.keep_alive = Some(after);
        self
    }

    /// Sets [`ConnectConfig::tls`].
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: flare_tls::ClientTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Checks the times, and what contradicts itself.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let within = |field: &str, value: Duration, low: u64, high: u64| {
            let range = Duration::from_millis(low)..=Duration::from_millis(high);
            if range.contains(&value) {
                return Ok(());
            }
            let problem = format!("{} is not within {low} to {high}", value.as_millis());
            Err(ConfigError { field: field.to_owned(), problem })
        };
        within("timeout_ms", self.timeout, 1, 24 * 60 * 60 * 1000)?;
        // RFC 8305, 5: it MUST NOT be less than 10 milliseconds.
        within("attempt_delay_ms", self.attempt_delay, 10, 60 * 60 * 1000)?;
        if let Some(after) = self.keep_alive {
            within("keep_alive_ms", after, 1000, 2 * 60 * 60 * 1000)?;
        }
        match (self.local_address, self.family) {
            (Some(address), Family::Ipv4) if !address.is_ipv4() => Err(self.not_of_family(address)),
            (Some(address), Family::Ipv6) if !address.is_ipv6() => Err(self.not_of_family(address)),
            _ => Ok(()),
        }
    }

    fn not_of_family(&self, address: IpAddr) -> ConfigError {
        let problem = format!("{address} is not of the family {}", self.family);
        ConfigError { field: "local_address".to_owned(), problem }
    }

    pub(super) fn dial(&self) -> DialOptions {
        DialOptions {
            timeout: self.timeout,
            attempt_delay: self.attempt_delay,
            family: self.family,
            socket: SocketOptions { local: self.local_address, keep_alive: self.keep_alive },
        }
    }
}
