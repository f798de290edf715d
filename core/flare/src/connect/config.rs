//! How connections are made.

use std::time::Duration;

use flare_net::{DialOptions, Race};

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
    /// Encrypt the connection. Its `handshake_timeout` counts as well, from the begin of the handshake. Default: no.
    #[cfg(feature = "tls")]
    pub tls: Option<flare_tls::ClientTls>,
}

impl Default for ConnectConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            attempt_delay: Race::DELAY,
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

    /// Sets [`ConnectConfig::tls`].
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: flare_tls::ClientTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Checks the times.
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
        within("attempt_delay_ms", self.attempt_delay, 10, 60 * 60 * 1000)
    }

    pub(super) fn dial(&self) -> DialOptions {
        DialOptions { timeout: self.timeout, attempt_delay: self.attempt_delay }
    }
}
