//! Addresses that are served over TLS: what they show, and how that is exchanged while they are served.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use flare_net::Millis;
use flare_tls::{ConfigError, ServerContext, ServerTls};

use crate::exchange::{Early, Ends};
use crate::server::tls_watch::shortest;
use crate::server::worker::Secure;

/// The application protocols that this server speaks over TLS, the preferred one first (RFC 7301).
const PROTOCOLS: &[&[u8]] = &[HTTP2, b"http/1.1"];
const HTTP2: &[u8] = b"h2";

/// TLS of one address, for all workers.
#[derive(Debug)]
pub(crate) struct TlsListener {
    /// Workers look at it once for each connection.
    current: RwLock<Arc<ServerContext>>,
    /// What it was made of.
    settings: Mutex<ServerTls>,
    /// The same for QUIC, where HTTP/3 is served beside it.
    #[cfg(feature = "http3")]
    quic: std::sync::OnceLock<QuicListener>,
    /// Of its files, from before they were read for the first time.
    first_stamps: Vec<Option<Stamp>>,
}

/// The same for QUIC.
#[cfg(feature = "http3")]
#[derive(Debug)]
struct QuicListener {
    /// Workers look at it once for each connection.
    current: RwLock<Arc<flare_quic::ServerContext>>,
    settings: flare_quic::QuicSettings,
}

#[cfg(feature = "http3")]
impl QuicListener {
    fn context(&self) -> Arc<flare_quic::ServerContext> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, context: Arc<flare_quic::ServerContext>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = context;
    }

    fn reload(&self, tls: &ServerTls) -> Result<flare_quic::ServerContext, ConfigError> {
        self.context().reload(tls, &self.settings)
    }
}

/// The addresses of a server that are served over TLS, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct TlsListeners {
    all: Vec<Arc<TlsListener>>,
    /// Held while files are read, so that two reloads do not cross.
    exchange: Mutex<()>,
}

impl FromIterator<Arc<TlsListener>> for TlsListeners {
    fn from_iter<I: IntoIterator<Item = Arc<TlsListener>>>(all: I) -> Self {
        Self { all: all.into_iter().collect(), exchange: Mutex::new(()) }
    }
}

impl TlsListeners {
    /// Reads the files again: of all addresses, or of none if one is wrong. Connections that are there go on as they are.
    pub(crate) fn reload(&self) -> Result<(), ConfigError> {
        let _one = self.exchange.lock().unwrap_or_else(PoisonError::into_inner);
        let made: Vec<_> = self.all.iter().map(|listener| listener.made_anew()).collect::<Result<_, _>>()?;
        for (listener, context) in self.all.iter().zip(made) {
            listener.set(context);
        }
        Ok(())
    }

    /// How often to look whether files changed.
    pub(crate) fn watch_period(&self) -> Option<Duration> {
        shortest(self.all.iter().map(|listener| listener.settings().watch))
    }

    /// What tells whether files changed.
    pub(crate) fn stamps(&self) -> Vec<Option<Stamp>> {
        self.all.iter().flat_map(|listener| stamps(&listener.settings().clone())).collect()
    }

    /// The same of the files that were read when the addresses were added.
    pub(crate) fn first_stamps(&self) -> Vec<Option<Stamp>> {
        self.all.iter().flat_map(|listener| listener.first_stamps.clone()).collect()
    }

    /// Gives an address other settings. `None`: there is no such address.
    pub(crate) fn replace(&self, index: usize, next: ServerTls) -> Option<Result<(), ConfigError>> {
        let _one = self.exchange.lock().unwrap_or_else(PoisonError::into_inner);
        self.all.get(index).map(|listener| listener.replace(next))
    }
}

impl TlsListener {
    /// Reads the files and checks everything.
    pub(crate) fn new(settings: ServerTls) -> Result<Self, ConfigError> {
        let settings = with_protocols(settings)?;
        let first_stamps = stamps(&settings);
        let context = ServerContext::new(&settings)?;
        Ok(Self {
            current: RwLock::new(Arc::new(context)),
            settings: Mutex::new(settings),
            #[cfg(feature = "http3")]
            quic: std::sync::OnceLock::new(),
            first_stamps,
        })
    }

    /// HTTP/3 is served too, with the same certificates.
    #[cfg(feature = "http3")]
    pub(crate) fn serve_quic(&self, quic: &flare_quic::QuicSettings) -> Result<(), ConfigError> {
        let context = flare_quic::ServerContext::new(&self.settings(), quic)?;
        let set =
            self.quic.set(QuicListener { current: RwLock::new(Arc::new(context)), settings: quic.clone() });
        // A bind that failed may be tried again, with the settings of then.
        if let Err(again) = set
            && let Some(listener) = self.quic.get()
        {
            listener.set(again.context());
        }
        Ok(())
    }

    /// How early data of a connection that begins now is marked.
    #[cfg(feature = "http3")]
    pub(crate) fn early(&self) -> Early {
        early(&self.context())
    }

    /// What a QUIC connection that begins now is made of.
    #[cfg(feature = "http3")]
    pub(crate) fn quic_context(&self) -> Option<Arc<flare_quic::ServerContext>> {
        self.quic.get().map(QuicListener::context)
    }

    /// The server does not speak HTTP/2.
    pub(crate) fn leave_out_http2(&self) -> Result<(), ConfigError> {
        let mut settings = self.settings().clone();
        settings.alpn.retain(|name| name != HTTP2);
        if settings.alpn.is_empty() {
            let problem = "has only h2, and the setting http2_enabled is off".to_owned();
            return Err(ConfigError { setting: "alpn".to_owned(), source: None, block: None, problem });
        }
        self.replace(settings)
    }

    /// TLS of a connection that begins now.
    pub(crate) fn accept(&self, ends: Ends, now: Millis) -> Secure {
        Secure::new(self.context(), ends, now)
    }

    /// What a connection that begins now is made of.
    fn context(&self) -> Arc<ServerContext> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn settings(&self) -> MutexGuard<'_, ServerTls> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same of the files as they are now.
    fn made_anew(&self) -> Result<Made, ConfigError> {
        let settings = self.settings().clone();
        self.make(&settings)
    }

    fn make(&self, settings: &ServerTls) -> Result<Made, ConfigError> {
        Ok(Made {
            tcp: self.context().reload(settings)?,
            #[cfg(feature = "http3")]
            quic: self.quic.get().map(|listener| listener.reload(settings)).transpose()?,
        })
    }

    fn replace(&self, next: ServerTls) -> Result<(), ConfigError> {
        let next = with_protocols(next)?;
        self.set(self.make(&next)?);
        *self.settings() = next;
        Ok(())
    }

    fn set(&self, made: Made) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(made.tcp);
        #[cfg(feature = "http3")]
        if let (Some(listener), Some(context)) = (self.quic.get(), made.quic) {
            listener.set(Arc::new(context));
        }
    }
}

/// How requests are marked that come before the end of the handshake.
pub(crate) fn early(context: &ServerContext) -> Early {
    match context.early_data() {
        None => Early::No,
        Some(early) if early.unsafe_methods => Early::Any,
        Some(_) => Early::Safe,
    }
}

/// What was read anew and is still to be taken.
struct Made {
    tcp: ServerContext,
    #[cfg(feature = "http3")]
    quic: Option<flare_quic::ServerContext>,
}

/// What changes when a file is written or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    changed: Option<SystemTime>,
    length: u64,
    number: u64,
}

impl Stamp {
    /// `None`: there is no such file. Links are followed.
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self { changed: metadata.modified().ok(), length: metadata.len(), number: metadata.ino() })
    }
}

fn stamps(settings: &ServerTls) -> Vec<Option<Stamp>> {
    settings.files().map(Stamp::of).collect()
}

/// Without protocols of their own, the settings get ours.
fn with_protocols(mut settings: ServerTls) -> Result<ServerTls, ConfigError> {
    if settings.alpn.is_empty() {
        settings.alpn = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
    }
    match settings.alpn.iter().position(|name| !PROTOCOLS.contains(&name.as_slice())) {
        Some(index) => {
            let (name, all) = (settings.alpn.swap_remove(index), PROTOCOLS.join(&b" or "[..]));
            let problem = format!(
                "this server does not speak {:?}; expected {}",
                String::from_utf8_lossy(&name),
                String::from_utf8_lossy(&all)
            );
            Err(ConfigError { setting: format!("alpn[{index}]"), source: None, block: None, problem })
        }
        None => Ok(settings),
    }
}
