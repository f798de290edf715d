//! The cryptography: AWS-LC, or ring where that is not built in.

use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;
use rustls::server::ProducesTickets;

/// The one provider of the process, with our order of preference.
pub(crate) fn provider() -> &'static Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(make()))
}

#[cfg(feature = "aws-lc-rs")]
fn make() -> CryptoProvider {
    use rustls::crypto::aws_lc_rs::{self, kx_group};
    let mut provider = aws_lc_rs::default_provider();
    // Post-quantum first: what is recorded today must not be read by a machine of the future.
    provider.kx_groups =
        vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];
    provider
}

#[cfg(not(feature = "aws-lc-rs"))]
fn make() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

#[cfg(feature = "aws-lc-rs")]
pub(crate) fn ticket_keys() -> Result<Arc<dyn ProducesTickets>, rustls::Error> {
    rustls::crypto::aws_lc_rs::Ticketer::new()
}

#[cfg(not(feature = "aws-lc-rs"))]
pub(crate) fn ticket_keys() -> Result<Arc<dyn ProducesTickets>, rustls::Error> {
    rustls::crypto::ring::Ticketer::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forward_secret_suites_with_authenticated_encryption_are_there() {
        for suite in &provider().cipher_suites {
            let name = format!("{:?}", suite.suite());
            let forward_secret = name.starts_with("TLS13_") || name.starts_with("TLS_ECDHE_");
            let authenticated = name.contains("_GCM_") || name.contains("_POLY1305_");
            assert!(forward_secret && authenticated, "{name}");
        }
    }

    #[cfg(feature = "aws-lc-rs")]
    #[test]
    fn the_post_quantum_exchange_comes_first() {
        let first = provider().kx_groups.first().map(|group| group.name());
        assert_eq!(first, Some(rustls::NamedGroup::X25519MLKEM768));
    }
}
