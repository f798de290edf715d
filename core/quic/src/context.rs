//! What all connections of a server share: quiche's settings, made from ours.

use std::sync::Arc;

use flare_tls::{ConfigError, ServerTls};

use crate::settings::QuicSettings;

/// Makes connections for the clients of a server. A reload makes a second one; connections keep the one they began with. Shared by threads.
#[derive(Clone)]
pub struct ServerContext {
    // quiche::Config is per worker: it is built from the SslContext here by Endpoint
    _inner: Arc<()>,
}

impl ServerContext {
    /// Reads all files and checks everything, also what QUIC can't honour of settings for TLS (versions below 1.3, for instance, are left out;
    /// what can't be left out is an error that names the setting).
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(tls: &ServerTls, quic: &QuicSettings) -> Result<Self, ConfigError> {
        let _ = (tls, quic);
        todo!()
    }
}
