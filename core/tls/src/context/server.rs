//! What all connections of a server share.

use std::sync::Arc;
use std::time::Duration;

use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier};

use super::adapt::{lists, roots, versions};
use super::key_log::KeyLog;
use super::tickets::ticketer;
use crate::config::{ClientAuth, EarlyData, Identities, Resumption, ServerTls, Source};
use crate::error::ConfigError;
use crate::provider::provider;

/// Makes connections for the clients of a server. A reload makes a second one; connections keep the one they began with.
#[derive(Debug, Clone)]
pub struct ServerContext {
    pub(crate) config: Arc<rustls::ServerConfig>,
    handshake_timeout: Duration,
    max_handshakes: usize,
    early_data: Option<EarlyData>,
    client_auth: ClientAuth,
    resumption: Resumption,
}

impl ServerContext {
    /// Reads all files and checks everything.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(tls: &ServerTls) -> Result<Self, ConfigError> {
        tls.check()?;
        let mut identities = Vec::new();
        for (index, identity) in tls.identities.iter().enumerate() {
            let setting = format!("identities[{index}]");
            let loaded = identity.load_as(&setting)?;
            let adapted =
                loaded.adapt().map_err(|problem| ConfigError::new(format!("{setting}.key"), problem))?;
            identities.push((loaded, adapted));
        }
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::clone(provider()))
            .with_protocol_versions(versions(tls.min_version))
            .map_err(|error| ConfigError::new("min_version", error.to_string()))?
            .with_client_cert_verifier(client_verifier(&tls.client_auth)?)
            .with_cert_resolver(Arc::new(Identities::new(
                identities.iter().map(|(loaded, adapted)| (loaded, Arc::clone(adapted))),
                tls.resolver.clone(),
            )));
        config.alpn_protocols.clone_from(&tls.alpn);
        config.send_tls13_tickets = tls.resumption.tickets_sent;
        config.session_storage = match tls.resumption.cache {
            0 => Arc::new(NoServerSessionStorage {}),
            size => ServerSessionMemoryCache::new(size),
        };
        if tls.resumption.tickets {
            config.ticketer = ticketer(&tls.resumption)
                .map_err(|error| ConfigError::new("resumption.tickets", error.to_string()))?;
        }
        if let Some(early) = &tls.early_data {
            config.max_early_data_size = early.limit;
        }
        if let Some(path) = &tls.key_log {
            config.key_log = KeyLog::open(path)?;
        }
        Ok(Self {
            config: Arc::new(config),
            handshake_timeout: tls.handshake_timeout,
            max_handshakes: tls.max_handshakes,
            early_data: tls.early_data.clone(),
            client_auth: tls.client_auth.clone(),
            resumption: tls.resumption.clone(),
        })
    }

    /// A context for the same place with other files or settings. Clients may go on with the sessions they have; but not where client
    /// certificates count: who came in by the old rules is asked again.
    ///
    /// # Errors
    /// As [`ServerContext::new`]. This one stays as it is.
    pub fn reload(&self, tls: &ServerTls) -> Result<Self, ConfigError> {
        let mut next = Self::new(tls)?;
        let same = next.resumption == self.resumption && next.early_data == self.early_data;
        if same && self.client_auth == ClientAuth::None && next.client_auth == ClientAuth::None {
            let mut config = rustls::ServerConfig::clone(&next.config);
            config.ticketer = Arc::clone(&self.config.ticketer);
            config.session_storage = Arc::clone(&self.config.session_storage);
            next.config = Arc::new(config);
        }
        Ok(next)
    }

    /// How long a handshake may take.
    #[must_use]
    pub fn handshake_timeout(&self) -> Duration {
        self.handshake_timeout
    }

    /// How many handshakes may run at once.
    #[must_use]
    pub fn max_handshakes(&self) -> usize {
        self.max_handshakes
    }

    /// What clients may send before the handshake has ended.
    #[must_use]
    pub fn early_data(&self) -> Option<&EarlyData> {
        self.early_data.as_ref()
    }
}

pub(super) fn client_verifier(auth: &ClientAuth) -> Result<Arc<dyn ClientCertVerifier>, ConfigError> {
    let (authorities, revoked, required): (&[Source], &[Source], bool) = match auth {
        ClientAuth::None => return Ok(WebPkiClientVerifier::no_client_auth()),
        ClientAuth::Optional { roots, revocation_lists } => (roots, revocation_lists, false),
        ClientAuth::Required { roots, revocation_lists } => (roots, revocation_lists, true),
    };
    let store = roots(authorities, "client_auth.roots")?;
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider()));
    if !revoked.is_empty() {
        // An old list may not know of what was revoked since.
        builder = builder
            .with_crls(lists(revoked, "client_auth.revocation_lists")?)
            .enforce_revocation_expiration();
    }
    if !required {
        builder = builder.allow_unauthenticated();
    }
    builder.build().map_err(|error| ConfigError::new("client_auth", error.to_string()))
}
