//! What all connections of a server share.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use boring::ssl::{
    ClientHello, NameType, SelectCertError, SslContextBuilder, SslRef, SslVerifyError, SslVerifyMode,
};
use boring::stack::Stack;
use boring::x509::X509Name;
use flare_tls::adapter::{Identities, Judge, KeyLog};
use flare_tls::{ClientAuth, ConfigError, EarlyData, LoadedIdentity, Resumption, ServerTls};
use quiche::{Config, ConnectionId, RetryConnectionIds};

use super::library::{Adapted, alert, builder, wrong};
use super::tickets::Tickets;
use super::transport;
use crate::connection::Connection;
use crate::path::Path;
use crate::settings::QuicSettings;

/// Makes connections for the clients of a server. A reload makes a second one; connections keep the one they began with. Shared by threads.
#[derive(Clone)]
pub struct ServerContext {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for ServerContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerContext").field("quic", &self.inner.quic).finish_non_exhaustive()
    }
}

struct Inner {
    /// Locked for the moment in which a connection is made. quiche wants it changed for the token of each first connection ID.
    config: Mutex<Config>,
    tickets: Option<Tickets>,
    handshake_timeout: Duration,
    early_data: Option<EarlyData>,
    client_auth: ClientAuth,
    resumption: Resumption,
    quic: QuicSettings,
}

/// What a connection begins with.
pub(crate) struct Begin<'a> {
    pub(crate) id: &'a [u8],
    pub(crate) reset_token: u128,
    pub(crate) retried: Option<Retried<'a>>,
    pub(crate) path: Path,
    pub(crate) now: Instant,
}

/// What came before, if the client was sent a Retry packet.
pub(crate) struct Retried<'a> {
    /// Where its first packet went to.
    pub(crate) original: &'a [u8],
    /// The ID that the Retry packet gave.
    pub(crate) given: &'a [u8],
}

impl ServerContext {
    /// Reads all files and checks everything, also what QUIC can't honour of settings for TLS (versions below 1.3, for instance, are left out;
    /// what can't be left out is an error that names the setting).
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(tls: &ServerTls, quic: &QuicSettings) -> Result<Self, ConfigError> {
        let tickets = Tickets::new(&tls.resumption).map_err(wrong("resumption.tickets"))?;
        Self::with_tickets(tls, quic, tickets)
    }

    /// A context for the same place with other files or settings. Clients may go on with the sessions they have; but not where client
    /// certificates count (who came in by the old rules is asked again), and not where the transport changed: early data is sent by what
    /// the transport was (RFC 9000, 7.4.1).
    ///
    /// # Errors
    /// As [`ServerContext::new`]. This one stays as it is.
    pub fn reload(&self, tls: &ServerTls, quic: &QuicSettings) -> Result<Self, ConfigError> {
        let now = &*self.inner;
        let same = tls.resumption == now.resumption && tls.early_data == now.early_data && *quic == now.quic;
        if same && now.client_auth == ClientAuth::None && tls.client_auth == ClientAuth::None {
            return Self::with_tickets(tls, quic, now.tickets.clone());
        }
        Self::new(tls, quic)
    }

    fn with_tickets(
        tls: &ServerTls,
        quic: &QuicSettings,
        tickets: Option<Tickets>,
    ) -> Result<Self, ConfigError> {
        tls.check()?;
        quic.check()?;
        let mut builder = builder().map_err(wrong("quic"))?;
        choose_identity(&mut builder, tls)?;
        ask_clients(&mut builder, tls)?;
        match &tickets {
            Some(tickets) => tickets.install(&mut builder, tls.resumption.tickets_sent),
            None => Tickets::none(&mut builder),
        }
        builder.set_session_id_context(b"flare").map_err(wrong("resumption"))?;
        if let Some(path) = &tls.key_log {
            let log = KeyLog::open(path)?;
            builder.set_keylog_callback(move |_, line| log.append(line));
        }
        let unusable = |error: quiche::Error| ConfigError::new("quic", format!("quiche: {error}"));
        let mut config =
            Config::with_boring_ssl_ctx_builder(quiche::PROTOCOL_VERSION, builder).map_err(unusable)?;
        transport::apply(&mut config, quic).map_err(unusable)?;
        if tls.early_data.is_some() {
            config.enable_early_data();
        }
        Ok(Self {
            inner: Arc::new(Inner {
                config: Mutex::new(config),
                tickets,
                handshake_timeout: tls.handshake_timeout,
                early_data: tls.early_data.clone(),
                client_auth: tls.client_auth.clone(),
                resumption: tls.resumption.clone(),
                quic: quic.clone(),
            }),
        })
    }

    /// What clients may send before the handshake has ended. Content beyond its limit waits for the end of the handshake.
    #[must_use]
    pub fn early_data(&self) -> Option<&EarlyData> {
        self.inner.early_data.as_ref()
    }

    /// Where connections write their events.
    pub(crate) fn qlog(&self) -> Option<&PathBuf> {
        self.inner.quic.qlog.as_ref()
    }

    /// A connection for a client. `None`: quiche can't, for lack of memory.
    pub(crate) fn begin(&self, begin: &Begin<'_>) -> Option<Connection> {
        let inner = &*self.inner;
        let id = ConnectionId::from_ref(begin.id);
        let Path { local, peer } = begin.path;
        let made = {
            let mut config = inner.config.lock().unwrap_or_else(PoisonError::into_inner);
            config.set_stateless_reset_token(Some(begin.reset_token));
            let accept = |config: &mut Config| match &begin.retried {
                None => quiche::accept_with_buf_factory(&id, None, local, peer, config),
                Some(retried) => {
                    let ids = RetryConnectionIds {
                        original_destination_cid: &ConnectionId::from_ref(retried.original),
                        retry_source_cid: &ConnectionId::from_ref(retried.given),
                    };
                    quiche::accept_with_retry(&id, ids, local, peer, config)
                }
            };
            match accept(&mut config) {
                // quiche has 128 bytes for transport parameters, which long IDs and large windows fill. Those that it gives out later have their tokens.
                Err(quiche::Error::BufferTooShort) => {
                    config.set_stateless_reset_token(None);
                    accept(&mut config)
                }
                made => made,
            }
        };
        let early_limit = inner.early_data.as_ref().map_or(0, |early| u64::from(early.limit));
        let mut connection =
            Connection::server(made.ok()?, begin.path, begin.now + inner.handshake_timeout, early_limit);
        if let Some(folder) = self.qlog() {
            connection.log_events(folder);
        }
        Some(connection)
    }
}

/// Shows each client the identity for the name that it asks for.
fn choose_identity(builder: &mut SslContextBuilder, tls: &ServerTls) -> Result<(), ConfigError> {
    let mut all = Vec::new();
    for (index, identity) in tls.identities.iter().enumerate() {
        let setting = format!("identities[{index}]");
        let loaded = identity.load_as(&setting)?;
        let adapted = Adapted::new(&loaded).map_err(wrong(&setting))?;
        all.push((loaded, Arc::new(adapted)));
    }
    let identities = all.iter().map(|(loaded, adapted)| (loaded, Arc::clone(adapted)));
    let identities = Identities::new(identities, tls.resolver.clone());
    let adapt = |identity: &LoadedIdentity| identity.in_form(|identity| Adapted::new(identity).ok());
    builder.set_select_certificate_callback(move |mut hello: ClientHello<'_>| {
        let name = hello.servername(NameType::HOST_NAME).map(str::to_ascii_lowercase);
        let chosen = identities.choose(name.as_deref(), adapt).ok_or(SelectCertError::ERROR)?;
        chosen.show(hello.ssl_mut()).map_err(|_| SelectCertError::ERROR)
    });
    Ok(())
}

/// Asks clients for certificates, if the settings say so.
fn ask_clients(builder: &mut SslContextBuilder, tls: &ServerTls) -> Result<(), ConfigError> {
    let Some(judge) = Judge::of_clients(tls)? else { return Ok(()) };
    // Clients with several certificates choose by who is believed here.
    let wrong = wrong("client_auth.roots");
    let mut authorities = Stack::new().map_err(&wrong)?;
    for name in judge.authorities() {
        authorities.push(X509Name::from_der(name).map_err(&wrong)?).map_err(&wrong)?;
    }
    builder.set_client_ca_list(authorities);
    let mut mode = SslVerifyMode::PEER;
    if matches!(tls.client_auth, ClientAuth::Required { .. }) {
        mode |= SslVerifyMode::FAIL_IF_NO_PEER_CERT;
    }
    builder.set_custom_verify_callback(mode, move |ssl| {
        let chain = client_chain(ssl);
        let judgement = judge.judge(chain.iter().map(Vec::as_slice), "", &[]);
        judgement.map_err(|disbelief| SslVerifyError::Invalid(alert(disbelief.alert)))
    });
    Ok(())
}

/// The certificates of a client, its own first, which BoringSSL keeps apart.
fn client_chain(ssl: &SslRef) -> Vec<Vec<u8>> {
    let own = ssl.peer_certificate().and_then(|own| own.to_der().ok());
    let others = ssl.peer_cert_chain().into_iter().flatten().filter_map(|other| other.to_der().ok());
    own.into_iter().chain(others).collect()
}
