//! What makes connections.

use std::sync::Arc;

use flare_net::{Resolver, Target};

use super::config::ConnectConfig;
use super::connecting::Connecting;
use super::connection::Connection;
use super::error::{ConnectError, ConnectFailure, Phase};
use super::secure::SecureContext;
use crate::Error;

/// Makes connections, all with the same settings. Clones are the same connector: they share TLS sessions, so that a server that is
/// connected to again needs no full handshake. Any thread may use it.
#[derive(Debug, Clone, Default)]
pub struct Connector {
    pub(super) config: Arc<ConnectConfig>,
    /// `None`: connections are not encrypted.
    pub(super) secure: Option<Arc<SecureContext>>,
    /// `None`: the resolver of the process.
    resolver: Option<Resolver>,
    /// For QUIC, made of the same settings when it is first asked for.
    #[cfg(feature = "http3")]
    quic: Arc<std::sync::OnceLock<flare_quic::ClientContext>>,
}

impl Connector {
    /// A connector with these settings. Files of certificates and keys are read here.
    ///
    /// # Errors
    /// [`Error::Config`] or [`Error::Tls`]: a setting or a file is wrong.
    pub fn new(config: ConnectConfig) -> Result<Self, Error> {
        config.check()?;
        let secure = SecureContext::of(&config)?.map(Arc::new);
        Ok(Self {
            config: Arc::new(config),
            secure,
            resolver: None,
            #[cfg(feature = "http3")]
            quic: Arc::default(),
        })
    }

    /// Looks names up with this resolver, instead of that of the process.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Resolver) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// The same for one other protocol (ALPN): nothing is read again, and TLS sessions are shared.
    #[cfg(feature = "tls")]
    pub(crate) fn with_alpn(&self, name: &[u8]) -> Self {
        let mut config = ConnectConfig::clone(&self.config);
        if let Some(tls) = &mut config.tls {
            tls.alpn = vec![name.to_vec()];
        }
        Self {
            config: Arc::new(config),
            secure: self.secure.as_ref().map(|secure| Arc::new(secure.with_alpn(&[name]))),
            resolver: self.resolver.clone(),
            #[cfg(feature = "http3")]
            quic: Arc::default(),
        }
    }

    /// Connects to `127.0.0.1:80`, `[::1]:80`, `unix:/path` or `name:port`, and blocks until that is done: not on a worker.
    ///
    /// # Errors
    /// Which step failed, and for whom.
    pub fn connect(&self, target: &str) -> Result<Connection, ConnectError> {
        let connecting = self.begin(target)?;
        loop {
            if let Some(connection) = connecting.wait(None)? {
                return Ok(connection);
            }
        }
    }

    /// Begins to connect, and blocks nowhere: see [`Connecting`] for what comes then.
    ///
    /// # Errors
    /// The target is none, TLS can't ask for its name, or descriptors have run out. Nothing was begun then.
    pub fn begin(&self, target: &str) -> Result<Connecting, ConnectError> {
        let parsed = Target::parse(target)
            .map_err(|error| ConnectError::new(target, Phase::Target, ConnectFailure::Target(error)))?;
        Connecting::begin(self, target, parsed)
    }

    #[cfg(feature = "http3")]
    pub(crate) fn config(&self) -> &ConnectConfig {
        &self.config
    }

    /// What QUIC connections are made of.
    #[cfg(feature = "http3")]
    pub(crate) fn quic(&self) -> Result<flare_quic::ClientContext, flare_tls::ConfigError> {
        if let Some(context) = self.quic.get() {
            return Ok(context.clone());
        }
        let tls = self.config.tls.clone().unwrap_or_default();
        let made = flare_quic::ClientContext::new(&tls, &flare_quic::QuicSettings::default())?;
        Ok(self.quic.get_or_init(|| made).clone())
    }

    pub(crate) fn resolver(&self) -> &Resolver {
        self.resolver.as_ref().unwrap_or_else(|| Resolver::system())
    }
}
