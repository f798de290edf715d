//! What all connections of a client share.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::adapt::{lists, roots, versions};
use super::key_log::KeyLog;
use crate::config::{ClientTls, Trust};
use crate::error::ConfigError;
use crate::provider::provider;

/// Makes connections to servers.
#[derive(Debug, Clone)]
pub struct ClientContext {
    pub(crate) config: Arc<rustls::ClientConfig>,
    /// The name that stands in for all others.
    pub(crate) server_name: Option<ServerName<'static>>,
    handshake_timeout: Duration,
}

impl ClientContext {
    /// Reads all files and checks everything.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(tls: &ClientTls) -> Result<Self, ConfigError> {
        tls.check()?;
        let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(provider()))
            .with_protocol_versions(versions(tls.min_version))
            .map_err(|error| ConfigError::new("min_version", error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(server_verifier(tls)?);
        let mut config = match &tls.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let adapted = identity
                    .load_as("identity")?
                    .adapt()
                    .map_err(|problem| ConfigError::new("identity.key", problem))?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(adapted)))
            }
        };
        config.alpn_protocols.clone_from(&tls.alpn);
        config.resumption = match tls.resumption {
            0 => Resumption::disabled(),
            servers => Resumption::in_memory_sessions(servers),
        };
        if let Some(path) = &tls.key_log {
            config.key_log = KeyLog::open(path)?;
        }
        let server_name =
            tls.server_name.as_deref().map(|name| server_name(name, "server_name")).transpose()?;
        Ok(Self { config: Arc::new(config), server_name, handshake_timeout: tls.handshake_timeout })
    }

    /// The same for other protocols (ALPN, RFC 7301): nothing is read again, and TLS sessions are shared.
    #[must_use]
    pub fn with_alpn(&self, alpn: &[&[u8]]) -> Self {
        let mut config = rustls::ClientConfig::clone(&self.config);
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Self { config: Arc::new(config), ..self.clone() }
    }

    /// How long a handshake may take.
    #[must_use]
    pub fn handshake_timeout(&self) -> Duration {
        self.handshake_timeout
    }
}

/// A DNS name or an IP address.
pub(crate) fn server_name(text: &str, setting: &str) -> Result<ServerName<'static>, ConfigError> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    ServerName::try_from(bare.to_owned())
        .map_err(|_| ConfigError::new(setting, format!("{text:?} is no DNS name and no IP address")))
}

pub(super) fn server_verifier(tls: &ClientTls) -> Result<Arc<dyn ServerCertVerifier>, ConfigError> {
    match &tls.trust {
        Trust::Platform => {
            let verifier =
                rustls_platform_verifier::Verifier::new(Arc::clone(provider())).map_err(|error| {
                    ConfigError::new("trust", format!("the system has no authorities: {error}"))
                })?;
            Ok(Arc::new(verifier))
        }
        Trust::Roots(sources) => {
            let store = roots(sources, "trust")?;
            let mut builder =
                WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider()));
            if !tls.revocation_lists.is_empty() {
                builder = builder
                    .with_crls(lists(&tls.revocation_lists, "revocation_lists")?)
                    .only_check_end_entity_revocation()
                    .enforce_revocation_expiration();
            }
            let verifier = builder.build().map_err(|error| ConfigError::new("trust", error.to_string()))?;
            Ok(verifier)
        }
        Trust::InsecureAnyCertificate => Ok(Arc::new(Anybody)),
    }
}

/// Believes every certificate. The peer still has to prove that it has the key to it.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
