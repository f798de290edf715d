//! What was agreed on a connection that is encrypted.

#[cfg(feature = "tls")]
pub use flare_tls::Session as TlsSession;

/// What was agreed on a connection that is encrypted: nothing is, without the feature `tls`.
#[cfg(not(feature = "tls"))]
#[derive(Debug)]
pub enum TlsSession {}

#[cfg(not(feature = "tls"))]
impl TlsSession {
    /// The application protocol that was agreed.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        match *self {}
    }
}
