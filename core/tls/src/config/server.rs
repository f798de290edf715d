//! What a server needs to know.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Identity, LoadedIdentity, Source, Version, check_alpn, check_handshake_timeout};
use crate::context::ServerContext;
use crate::error::ConfigError;

/// TLS of a server, as plain data. [`ServerTls::validate`] reads the files and says what is wrong.
#[derive(Debug, Clone)]
pub struct ServerTls {
    /// Who the server is: chosen by the name that the client asks for (SNI). The first one is for clients that ask for no name, or for
    /// one that nobody has. May be empty only if there is a resolver.
    pub identities: Vec<Identity>,
    /// Asked first for each handshake.
    pub resolver: Option<Resolver>,
    /// Whether clients show certificates too.
    pub client_auth: ClientAuth,
    /// The application protocols, the preferred one first. A client that offers others only is refused (RFC 7301, 3.2); one that offers
    /// none is served.
    pub alpn: Vec<Vec<u8>>,
    /// The oldest version that is spoken.
    pub min_version: Version,
    /// How clients come back without a full handshake.
    pub resumption: Resumption,
    /// Requests before the end of the handshake (0-RTT). `None`: never.
    pub early_data: Option<EarlyData>,
    /// A file that the secrets of all connections are appended to, in the format of `SSLKEYLOGFILE`: whoever has it can read
    /// everything. For finding faults only.
    pub key_log: Option<PathBuf>,
    /// From accept to the end of the handshake; then the connection closes. 1 ms to 1 h.
    pub handshake_timeout: Duration,
    /// How often the server looks whether one of the files changed, and takes the new ones if they are good. `None`: never; a reload is
    /// asked for. 100 ms to a day.
    pub watch: Option<Duration>,
    /// Handshakes at once, over all workers of a server. More clients wait, within their deadline. At least 1.
    pub max_handshakes: usize,
}

impl ServerTls {
    /// One identity, and defaults that are safe.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self::with_identities(vec![identity])
    }

    /// Several identities, and defaults that are safe.
    #[must_use]
    pub fn with_identities(identities: Vec<Identity>) -> Self {
        Self {
            identities,
            resolver: None,
            client_auth: ClientAuth::None,
            alpn: Vec::new(),
            min_version: Version::Tls12,
            resumption: Resumption::default(),
            early_data: None,
            key_log: None,
            handshake_timeout: Duration::from_secs(10),
            watch: None,
            max_handshakes: 1024,
        }
    }

    /// A chain and a key from files, and defaults that are safe.
    pub fn from_files(chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self::new(Identity::from_files(chain, key))
    }

    /// Reads all files and checks everything.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ServerContext::new(self).map(drop)
    }

    /// Checks what needs no file.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.identities.is_empty() && self.resolver.is_none() {
            return Err(ConfigError::new(
                "identities",
                "is empty; expected a certificate and its key, or a resolver",
            ));
        }
        check_alpn(&self.alpn)?;
        check_handshake_timeout(self.handshake_timeout)?;
        if self.max_handshakes == 0 {
            return Err(ConfigError::new("max_handshakes", "0 is not at least 1"));
        }
        if let Some(watch) = self.watch
            && !(Duration::from_millis(100)..=Duration::from_secs(24 * 60 * 60)).contains(&watch)
        {
            return Err(ConfigError::new("watch", format!("{watch:?} is not within 100 ms to a day")));
        }
        self.resumption.check()?;
        if let Some(early) = &self.early_data {
            early.check(&self.resumption)?;
        }
        Ok(())
    }

    /// The files this configuration was read from, to see whether one of them changed.
    pub fn files(&self) -> impl Iterator<Item = &std::path::Path> {
        let identities = self.identities.iter().flat_map(Identity::sources);
        identities.chain(self.client_auth.sources()).filter_map(|source| match source {
            Source::File(path) => Some(path.as_path()),
            Source::Bytes(_) => None,
        })
    }
}

/// Whether clients show certificates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// They are not asked.
    #[default]
    None,
    /// They are asked, and served without one too. A bad one ends the handshake.
    Optional {
        /// Authorities whose certificates are taken, as PEM.
        roots: Vec<Source>,
        /// Revocation lists, as PEM. If there are any, each certificate of a chain must be covered by one that is up to date.
        revocation_lists: Vec<Source>,
    },
    /// Without a good one the handshake ends.
    Required {
        /// Authorities whose certificates are taken, as PEM.
        roots: Vec<Source>,
        /// Revocation lists, as PEM. If there are any, each certificate of a chain must be covered by one that is up to date.
        revocation_lists: Vec<Source>,
    },
}

impl ClientAuth {
    /// Authorities and revocation lists.
    pub(super) fn parts(&self) -> (&[Source], &[Source]) {
        match self {
            Self::None => (&[], &[]),
            Self::Optional { roots, revocation_lists } | Self::Required { roots, revocation_lists } => {
                (roots, revocation_lists)
            }
        }
    }

    fn sources(&self) -> impl Iterator<Item = &Source> {
        let (roots, lists) = self.parts();
        roots.iter().chain(lists)
    }
}

/// How clients come back without a full handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumption {
    /// Give clients their session to keep, encrypted (RFC 5077, RFC 8446, 4.6.1). Otherwise it is kept here.
    pub tickets: bool,
    /// How long the key lasts that encrypts new tickets. A ticket can be used for one to two times as long. 1 s to 6 h.
    pub ticket_key_lifetime: Duration,
    /// How many tickets a TLS 1.3 client gets at the end of the handshake. 0 to 8.
    pub tickets_sent: usize,
    /// Sessions that are kept here for clients without tickets. 0: none. At most 16 Mi.
    pub cache: usize,
}

impl Default for Resumption {
    fn default() -> Self {
        Self {
            tickets: true,
            ticket_key_lifetime: Duration::from_secs(6 * 60 * 60),
            tickets_sent: 2,
            cache: 4096,
        }
    }
}

impl Resumption {
    fn check(&self) -> Result<(), ConfigError> {
        let life = self.ticket_key_lifetime;
        if life < Duration::from_secs(1) || life > Duration::from_secs(6 * 60 * 60) {
            let problem = format!("{life:?} is not within 1 s to 6 h");
            return Err(ConfigError::new("resumption.ticket_key_lifetime", problem));
        }
        if self.tickets_sent > 8 {
            let problem = format!("{} is not within 0 to 8", self.tickets_sent);
            return Err(ConfigError::new("resumption.tickets_sent", problem));
        }
        if self.cache > 1 << 24 {
            let problem = format!("{} is more than {}", self.cache, 1 << 24);
            return Err(ConfigError::new("resumption.cache", problem));
        }
        Ok(())
    }
}

/// Requests that clients send before the handshake has ended (0-RTT, RFC 8446, 2.3). Somebody who recorded them may send them again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlyData {
    /// The most bytes of a connection. 1 to 1 MiB.
    pub limit: u32,
    /// Take requests too whose method is not safe (RFC 9110, 9.2.1). Otherwise they are answered with 425 (RFC 8470).
    pub unsafe_methods: bool,
}

impl Default for EarlyData {
    fn default() -> Self {
        Self { limit: 16 << 10, unsafe_methods: false }
    }
}

impl EarlyData {
    fn check(&self, resumption: &Resumption) -> Result<(), ConfigError> {
        if !(1..=1 << 20).contains(&self.limit) {
            let problem = format!("{} is not within 1 to 1048576", self.limit);
            return Err(ConfigError::new("early_data.limit", problem));
        }
        // A ticket can be used twice; a session that is kept here is gone when it was used, so nothing can be sent again to this server.
        if resumption.tickets {
            let problem = "needs resumption.tickets = false: only sessions kept here can't be used twice (RFC 8446, 8.1)";
            return Err(ConfigError::new("early_data", problem));
        }
        if resumption.cache == 0 {
            return Err(ConfigError::new("early_data", "needs resumption.cache of at least 1"));
        }
        Ok(())
    }
}

/// What a client says about itself before the server shows who it is.
#[derive(Debug, Clone, Copy)]
pub struct Hello<'a> {
    /// The name it asks for (SNI, RFC 6066, 3), in lower case.
    pub server_name: Option<&'a str>,
}

/// What a [`Resolver`] chooses for a client.
#[derive(Debug, Clone)]
pub enum Choice {
    /// The identity that the configuration has for the name.
    ByName,
    /// This one.
    Identity(Arc<LoadedIdentity>),
    /// None: the handshake is refused with an alert, and nobody else is concerned.
    Refuse,
}

/// `None` is [`Choice::ByName`].
impl From<Option<Arc<LoadedIdentity>>> for Choice {
    fn from(identity: Option<Arc<LoadedIdentity>>) -> Self {
        identity.map_or(Self::ByName, Self::Identity)
    }
}

/// Chooses an identity by what the client says. Called on the worker for each handshake, so it must not block.
#[derive(Clone)]
pub struct Resolver(Arc<Choose>);

type Choose = dyn Fn(Hello<'_>) -> Choice + Send + Sync;

impl Resolver {
    /// A resolver that calls this function, which gives a [`Choice`] or an `Option` of an identity.
    pub fn new<C: Into<Choice>>(choose: impl Fn(Hello<'_>) -> C + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |hello| choose(hello).into()))
    }

    pub(crate) fn choose(&self, hello: Hello<'_>) -> Choice {
        (self.0)(hello)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}
