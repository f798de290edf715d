//! Whether to believe a peer's certificates, for a TLS library that asks: the same judgement as on connections of rustls.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{AlertDescription, CertificateError};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::client::{server_name, server_verifier};
use super::server::client_verifier;
use crate::config::{ClientAuth, ClientTls, ServerTls};
use crate::error::ConfigError;

/// Judges the certificates of peers. It does not look at the proof that the peer has the key: that is the TLS library's part.
#[derive(Debug, Clone)]
pub struct Judge(Whom);

#[derive(Debug, Clone)]
enum Whom {
    Clients(Arc<dyn ClientCertVerifier>),
    Servers(Arc<dyn ServerCertVerifier>),
}

/// Why a certificate is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disbelief {
    /// The alert that says so to the peer (RFC 8446, 6.2).
    pub alert: u8,
    /// The reason, for people.
    pub reason: String,
}

impl fmt::Display for Disbelief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl From<rustls::Error> for Disbelief {
    fn from(error: rustls::Error) -> Self {
        let alert = match &error {
            rustls::Error::InvalidCertificate(reason) => AlertDescription::from(reason.clone()),
            _ => AlertDescription::CertificateUnknown,
        };
        Self { alert: alert.into(), reason: error.to_string() }
    }
}

impl Judge {
    /// Of the clients of a server. `None`: it does not ask them.
    ///
    /// # Errors
    /// What is wrong with `client_auth`.
    pub fn of_clients(tls: &ServerTls) -> Result<Option<Self>, ConfigError> {
        if tls.client_auth == ClientAuth::None {
            return Ok(None);
        }
        client_verifier(&tls.client_auth).map(|verifier| Some(Self(Whom::Clients(verifier))))
    }

    /// Of the servers that a client connects to.
    ///
    /// # Errors
    /// What is wrong with `trust` or `revocation_lists`.
    pub fn of_servers(tls: &ClientTls) -> Result<Self, ConfigError> {
        server_verifier(tls).map(|verifier| Self(Whom::Servers(verifier)))
    }

    /// Judges a chain, as DER, the peer's own certificate first, now. `name`: of the server, a DNS name or an IP address; nothing for clients.
    ///
    /// # Errors
    /// Why the peer is not believed.
    pub fn judge<'a>(
        &self,
        chain: impl IntoIterator<Item = &'a [u8]>,
        name: &str,
        ocsp: &[u8],
    ) -> Result<(), Disbelief> {
        let mut chain = chain.into_iter().map(CertificateDer::from);
        let Some(own) = chain.next() else {
            return Err(rustls::Error::NoCertificatesPresented.into());
        };
        let others: Vec<CertificateDer<'_>> = chain.collect();
        let now = UnixTime::now();
        match &self.0 {
            Whom::Clients(verifier) => verifier.verify_client_cert(&own, &others, now).map(drop)?,
            Whom::Servers(verifier) => {
                let Ok(name) = server_name(name, "server_name") else {
                    return Err(rustls::Error::from(CertificateError::NotValidForName).into());
                };
                verifier.verify_server_cert(&own, &others, &name, ocsp, now).map(drop)?;
            }
        }
        Ok(())
    }

    /// The names of the authorities that clients are told, each as the DER of an X.501 name (RFC 8446, 4.2.4).
    #[must_use]
    pub fn authorities(&self) -> Vec<&[u8]> {
        match &self.0 {
            Whom::Clients(verifier) => verifier.root_hint_subjects().iter().map(AsRef::as_ref).collect(),
            Whom::Servers(_) => Vec::new(),
        }
    }
}

/// Whether a text can be the name of a server that one connects to: a DNS name or an IP address.
///
/// # Errors
/// It is neither.
pub fn check_server_name(text: &str) -> Result<(), ConfigError> {
    server_name(text, "server_name").map(drop)
}
