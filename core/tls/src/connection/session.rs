//! What was agreed in a handshake.

use rustls::{CipherSuite, CommonState, HandshakeKind, ProtocolVersion};

use crate::config::Version;

/// What was agreed in a handshake. Requests carry it, so it is small and shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    version: Version,
    suite: &'static str,
    server_name: Option<Box<str>>,
    alpn: Option<Box<[u8]>>,
    peer_certificates: Box<[Box<[u8]>]>,
    resumed: bool,
}

/// The same as plain data, for adapters of another TLS library.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The version of TLS.
    pub version: Version,
    /// The cipher suite by its name in the IANA registry.
    pub suite: &'static str,
    /// The name that the client asked for, in lower case.
    pub server_name: Option<&'a str>,
    /// The application protocol.
    pub alpn: Option<&'a [u8]>,
    /// The certificates that the peer showed, as DER, its own first, which were checked.
    pub peer_certificates: &'a [&'a [u8]],
    /// Whether the client came back with a session of an earlier connection.
    pub resumed: bool,
}

impl Session {
    /// Of what another TLS library agreed on.
    #[must_use]
    pub fn new(facts: &Facts<'_>) -> Self {
        Self {
            version: facts.version,
            suite: facts.suite,
            server_name: facts.server_name.map(Box::from),
            alpn: facts.alpn.map(Box::from),
            peer_certificates: facts.peer_certificates.iter().map(|der| Box::from(*der)).collect(),
            resumed: facts.resumed,
        }
    }

    pub(super) fn of(common: &CommonState, server_name: Option<Box<str>>) -> Self {
        let version = match common.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => Version::Tls13,
            _ => Version::Tls12,
        };
        let certificates = common.peer_certificates().unwrap_or_default();
        Self {
            version,
            suite: common.negotiated_cipher_suite().map_or("", |suite| suite_name(suite.suite())),
            server_name,
            alpn: common.alpn_protocol().map(Box::from),
            peer_certificates: certificates.iter().map(|der| Box::from(der.as_ref())).collect(),
            resumed: common.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }

    /// The version of TLS.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The cipher suite by its name in the IANA registry, such as `TLS_AES_256_GCM_SHA384`.
    #[must_use]
    pub fn suite(&self) -> &'static str {
        self.suite
    }

    /// The name that the client asked for (SNI), in lower case. Only on the server's side.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// The application protocol (ALPN). `None`: none was agreed.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.alpn.as_deref()
    }

    /// The certificates that the peer showed, as DER, its own first. They were checked. Empty: it showed none.
    pub fn peer_certificates(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.peer_certificates.iter().map(|der| &**der)
    }

    /// The peer's own certificate, as DER.
    #[must_use]
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        self.peer_certificates.first().map(|der| &**der)
    }

    /// Whether the client came back with a session of an earlier connection.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }
}

fn suite_name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        other => other.as_str().unwrap_or("unknown"),
    }
}
