//! What all connections of a client share.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use boring::ex_data::Index;
use boring::ssl::{Ssl, SslRef, SslVerifyError, SslVerifyMode};
use flare_tls::adapter::{Judge, KeyLog, check_server_name};
use flare_tls::{ClientTls, ConfigError};
use quiche::ConnectionId;

use super::library::{Adapted, alert, builder, wrong};
use super::transport;
use crate::connection::{Client, Connection, Shared};
use crate::path::Path;
use crate::settings::QuicSettings;

/// Makes connections to servers. Shared by threads.
#[derive(Clone)]
pub struct ClientContext {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for ClientContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientContext").field("quic", &self.inner.quic).finish_non_exhaustive()
    }
}

struct Inner {
    /// Locked for the moment in which a connection is made.
    config: Mutex<quiche::Config>,
    /// The name that stands in for all others.
    server_name: Option<String>,
    sessions: Mutex<Sessions>,
    handshake_timeout: Duration,
    quic: QuicSettings,
}

/// What a connection asks of its server.
struct Asked {
    /// The name that it has to prove.
    name: String,
    /// Why it is not believed.
    disbelief: Disbelief,
}

/// Why the certificate of a server was not believed, once it was not.
pub(crate) type Disbelief = Arc<OnceLock<String>>;

/// Which sessions are good for a connection.
pub(crate) type SessionKey = Arc<str>;

/// Sessions to come back with, one for each server, each used once (RFC 8446, C.4).
struct Sessions {
    most: usize,
    order: VecDeque<SessionKey>,
    all: HashMap<SessionKey, Vec<u8>>,
}

/// Where a connection has what it asks. `None`: there are no places left, which are as many as there are numbers.
static ASKED: LazyLock<Option<Index<Ssl, Asked>>> = LazyLock::new(|| Ssl::new_ex_index().ok());

impl ClientContext {
    /// Reads all files and checks everything. Of the application protocols in `tls` none counts: it is `h3`.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(tls: &ClientTls, quic: &QuicSettings) -> Result<Self, ConfigError> {
        tls.check()?;
        quic.check()?;
        let judge = Judge::of_servers(tls)?;
        let mut builder = builder().map_err(wrong("quic"))?;
        builder.set_custom_verify_callback(SslVerifyMode::PEER, move |ssl| believe(&judge, ssl));
        // A stapled answer is asked for, and given to the judge.
        builder.enable_ocsp_stapling();
        if let Some(identity) = &tls.identity {
            let adapted = Adapted::new(&identity.load_as("identity")?).map_err(wrong("identity"))?;
            adapted.show_always(&mut builder).map_err(wrong("identity"))?;
        }
        if let Some(path) = &tls.key_log {
            let log = KeyLog::open(path)?;
            builder.set_keylog_callback(move |_, line| log.append(line));
        }
        let unusable = |error: quiche::Error| ConfigError::new("quic", format!("quiche: {error}"));
        let mut config = quiche::Config::with_boring_ssl_ctx_builder(quiche::PROTOCOL_VERSION, builder)
            .map_err(unusable)?;
        transport::apply(&mut config, quic).map_err(unusable)?;
        config.enable_early_data();
        Ok(Self {
            inner: Arc::new(Inner {
                config: Mutex::new(config),
                server_name: tls.server_name.clone(),
                sessions: Mutex::new(Sessions {
                    most: tls.resumption,
                    order: VecDeque::new(),
                    all: HashMap::new(),
                }),
                handshake_timeout: tls.handshake_timeout,
                quic: quic.clone(),
            }),
        })
    }

    /// How long a handshake may take.
    #[must_use]
    pub fn handshake_timeout(&self) -> Duration {
        self.inner.handshake_timeout
    }

    /// A connection to the server of this name, which begins with the session of an earlier one if there is one. `early`: that session may be
    /// used to send before the handshake has ended.
    pub(crate) fn begin(
        &self,
        name: &str,
        path: Path,
        early: bool,
        now: Instant,
    ) -> Result<Connection, ConfigError> {
        let inner = &*self.inner;
        let name = inner.server_name.as_deref().unwrap_or(name);
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        check_server_name(bare)?;
        let wrong = |problem: &str| ConfigError::new("server_name", format!("{name:?} {problem}"));
        let id: [u8; 16] =
            crate::endpoint::random().map_err(|error| ConfigError::new("quic", error.to_string()))?;
        let made = {
            let mut config = inner.config.lock().unwrap_or_else(PoisonError::into_inner);
            let host = bare.parse::<IpAddr>().is_err().then_some(bare);
            quiche::connect_with_buffer_factory::<Shared>(
                host,
                &ConnectionId::from_ref(&id),
                path.local,
                path.peer,
                &mut config,
            )
        };
        let mut made = made.map_err(|_| wrong("is no DNS name and no IP address"))?;
        let index = (*ASKED).ok_or_else(|| wrong("can't be kept"))?;
        let ssl: &mut SslRef = made.as_mut();
        let disbelief = Disbelief::default();
        ssl.set_ex_data(index, Asked { name: bare.to_owned(), disbelief: Arc::clone(&disbelief) });
        let session: SessionKey = format!("{bare} {}", path.peer.port()).into();
        let deadline = now + inner.handshake_timeout;
        let own = Client::new(self.clone(), Arc::clone(&session), early, disbelief);
        let mut connection = Connection::client(made, path, deadline, own);
        if let Some(folder) = &inner.quic.qlog {
            connection.log_events(folder);
        }
        if let Some(bytes) = self.sessions().take(&session) {
            connection.come_back(&bytes);
        }
        Ok(connection)
    }

    /// Keeps a session for the next connection to the same server.
    pub(crate) fn keep(&self, key: &SessionKey, session: &[u8]) {
        self.sessions().put(key, session.to_vec());
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.inner.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sessions {
    fn put(&mut self, key: &SessionKey, session: Vec<u8>) {
        if self.most == 0 {
            return;
        }
        if self.all.insert(Arc::clone(key), session).is_none() {
            self.order.push_back(Arc::clone(key));
        }
        while self.order.len() > self.most {
            let Some(oldest) = self.order.pop_front() else { return };
            self.all.remove(&oldest);
        }
    }

    fn take(&mut self, key: &SessionKey) -> Option<Vec<u8>> {
        let session = self.all.remove(key)?;
        self.order.retain(|other| other != key);
        Some(session)
    }
}

/// Whether the server of a connection is the one that was meant.
fn believe(judge: &Judge, ssl: &SslRef) -> Result<(), SslVerifyError> {
    let chain: Vec<Vec<u8>> =
        ssl.peer_cert_chain().into_iter().flatten().filter_map(|each| each.to_der().ok()).collect();
    let asked = ASKED.and_then(|index| ssl.ex_data(index));
    let name = asked.map_or("", |asked| &asked.name);
    let judgement = judge.judge(chain.iter().map(Vec::as_slice), name, ssl.ocsp_status().unwrap_or_default());
    judgement.map_err(|disbelief| {
        if let Some(asked) = asked {
            // Err: the first reason stays.
            let _ = asked.disbelief.set(disbelief.reason);
        }
        SslVerifyError::Invalid(alert(disbelief.alert))
    })
}
