//! From the data of flare-tls to that of BoringSSL.

use boring::error::ErrorStack;
use boring::pkey::{PKey, Private};
use boring::ssl::{SslAlert, SslContextBuilder, SslMethod, SslRef, SslVersion};
use boring::x509::X509;
use flare_tls::{ConfigError, LoadedIdentity};

/// Post-quantum first: what is recorded today must not be read by a machine of the future.
const GROUPS: &str = "X25519MLKEM768:X25519:P-256:P-384";

/// A builder with what both roles have in common.
pub(super) fn builder() -> Result<SslContextBuilder, ErrorStack> {
    let mut builder = SslContextBuilder::new(SslMethod::tls())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_3))?;
    builder.set_max_proto_version(Some(SslVersion::TLS1_3))?;
    builder.set_curves_list(GROUPS)?;
    Ok(builder)
}

/// BoringSSL's errors, about a setting.
pub(super) fn wrong(setting: &str) -> impl Fn(ErrorStack) -> ConfigError + '_ {
    move |error| ConfigError::new(setting, format!("BoringSSL: {error}"))
}

/// An identity as BoringSSL wants it.
pub(super) struct Adapted {
    chain: Vec<X509>,
    key: PKey<Private>,
    ocsp: Option<Vec<u8>>,
}

impl Adapted {
    pub(super) fn new(identity: &LoadedIdentity) -> Result<Self, ErrorStack> {
        let chain = identity.certificates().map(X509::from_der).collect::<Result<_, _>>()?;
        let key = PKey::private_key_from_der(identity.key())?;
        Ok(Self { chain, key, ocsp: identity.ocsp().map(<[u8]>::to_vec) })
    }

    /// Makes it the identity of one connection.
    pub(super) fn show(&self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        if let Some((own, others)) = self.chain.split_first() {
            ssl.set_certificate(own)?;
            for other in others {
                ssl.add_chain_cert(other)?;
            }
        }
        ssl.set_private_key(&self.key)?;
        match &self.ocsp {
            // Sent to clients that ask for it.
            Some(answer) => ssl.set_ocsp_status(answer),
            None => Ok(()),
        }
    }

    /// Makes it the identity of all connections of a context.
    pub(super) fn show_always(&self, builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        if let Some((own, others)) = self.chain.split_first() {
            builder.set_certificate(own)?;
            for other in others {
                builder.add_extra_chain_cert(other.clone())?;
            }
        }
        builder.set_private_key(&self.key)
    }
}

/// An alert by its number (RFC 8446, 6.2), as far as it is about certificates.
pub(super) fn alert(number: u8) -> SslAlert {
    match number {
        42 => SslAlert::BAD_CERTIFICATE,
        43 => SslAlert::UNSUPPORTED_CERTIFICATE,
        44 => SslAlert::CERTIFICATE_REVOKED,
        45 => SslAlert::CERTIFICATE_EXPIRED,
        48 => SslAlert::UNKNOWN_CA,
        49 => SslAlert::ACCESS_DENIED,
        51 => SslAlert::DECRYPT_ERROR,
        80 => SslAlert::INTERNAL_ERROR,
        113 => SslAlert::BAD_CERTIFICATE_STATUS_RESPONSE,
        116 => SslAlert::CERTIFICATE_REQUIRED,
        _ => SslAlert::CERTIFICATE_UNKNOWN,
    }
}
