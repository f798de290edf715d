//! From our data to that of rustls.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls_pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer,
    PrivateSec1KeyDer,
};

use crate::config::{LoadedIdentity, Source, Version, certificates, revocation_lists};
use crate::error::ConfigError;
use crate::pem::Kind;
use crate::provider::provider;

impl LoadedIdentity {
    /// The identity as rustls wants it.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub(crate) fn adapt(&self) -> Result<Arc<CertifiedKey>, String> {
        if let Some(adapted) = self.adapted.get() {
            return Ok(Arc::clone(adapted));
        }
        let key: PrivateKeyDer<'static> = match self.key_kind {
            Kind::Pkcs1Key => PrivatePkcs1KeyDer::from(self.key.clone()).into(),
            Kind::Sec1Key => PrivateSec1KeyDer::from(self.key.clone()).into(),
            _ => PrivatePkcs8KeyDer::from(self.key.clone()).into(),
        };
        let key = provider().key_provider.load_private_key(key).map_err(|error| {
            format!("can't be used: expected RSA (2048 to 8192 bits), ECDSA or Ed25519 ({error})")
        })?;
        let chain = self.chain.iter().cloned().map(CertificateDer::from).collect();
        let mut adapted = CertifiedKey::new(chain, key);
        adapted.ocsp.clone_from(&self.ocsp);
        if let Err(error) = adapted.keys_match()
            && matches!(error, rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch))
        {
            return Err("does not belong to the first certificate of the chain".to_owned());
        }
        Ok(Arc::clone(self.adapted.get_or_init(|| Arc::new(adapted))))
    }
}

/// The versions from this one on.
pub(super) fn versions(min: Version) -> &'static [&'static rustls::SupportedProtocolVersion] {
    static ALL: [&rustls::SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    match min {
        Version::Tls12 => &ALL,
        Version::Tls13 => &ALL[..1],
    }
}

/// Authorities from PEM files.
pub(super) fn roots(sources: &[Source], setting: &str) -> Result<RootCertStore, ConfigError> {
    if sources.is_empty() {
        return Err(ConfigError::new(setting, "is empty; expected at least one PEM file with authorities"));
    }
    let mut store = RootCertStore::empty();
    for source in sources {
        for block in certificates(source, setting)? {
            store.add(CertificateDer::from(block.der)).map_err(|error| {
                ConfigError::new(setting, format!("can't be an authority: {error}"))
                    .of(source)
                    .at(&block.place)
            })?;
        }
    }
    Ok(store)
}

/// Revocation lists from PEM files.
pub(super) fn lists(
    sources: &[Source],
    setting: &str,
) -> Result<Vec<CertificateRevocationListDer<'static>>, ConfigError> {
    let mut lists = Vec::new();
    for source in sources {
        lists.extend(revocation_lists(source, setting)?.into_iter().map(|block| block.der.into()));
    }
    Ok(lists)
}
