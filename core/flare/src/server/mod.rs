//! The server: settings, workers, and their life from bind to drain.

mod alternatives;
mod blocking;
mod config;
mod connections;
mod context;
mod counters;
mod drain;
mod entrance;
pub(crate) mod environment;
pub(crate) mod guard;
mod handle;
mod host;
mod http1;
mod http2;
#[cfg(feature = "http3")]
mod http3;
pub(crate) mod local;
mod pieces;
mod proxy_protocol;
mod running;
pub(crate) mod session;
pub(crate) mod shared;
mod signals;
mod sockets;
mod streams;
#[cfg(feature = "tls")]
pub(crate) mod tls;
#[cfg(not(feature = "tls"))]
#[path = "without_tls.rs"]
pub(crate) mod tls;
#[cfg(feature = "tls")]
mod tls_watch;
mod tunnel;
pub(crate) mod worker;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use flare_net::Address;

pub use config::{ConfigError, ServerConfig};
pub use context::WorkerContext;
pub use counters::ServerStats;
pub use drain::{DrainReport, WorkerReport};
pub use handle::ServerHandle;
pub use proxy_protocol::ProxyProtocol;
pub use signals::SignalDrain;

use crate::error::Error;
use crate::log::{AccessRecord, Level, Log};
use crate::router::Router;
use entrance::Entrance;
use environment::{AccessSink, Service};
use shared::{Hooks, Shared};
use sockets::Sockets;
use tls::TlsListener;
use worker::Worker;

/// A server: a router, settings, and the addresses it listens on.
///
/// ```no_run
/// use flare::prelude::*;
///
/// fn main() -> Result<(), flare::Error> {
///     let mut router = Router::new();
///     router.get("/", |_: &Request| "Hello, World!\n")?;
///     Server::new(router).listen("127.0.0.1:8080")?.run()?;
///     Ok(())
/// }
/// ```
pub struct Server {
    router: Router,
    config: ServerConfig,
    hooks: Hooks,
    log: Log,
    access: Option<Arc<AccessSink>>,
    addresses: Vec<Listen>,
}

/// An address to listen on.
#[derive(Debug)]
struct Listen {
    address: String,
    /// What its connections begin with.
    tls: Option<Arc<TlsListener>>,
}

/// What a server has once its addresses are bound.
struct Opened {
    /// Of each worker.
    sockets: Vec<Sockets>,
    /// What is known of each address.
    entrances: Vec<Entrance>,
    /// The addresses, with the ports that were found.
    addresses: Vec<Address>,
    /// What the workers need for HTTP/3, if an address has it.
    #[cfg(feature = "http3")]
    quic: Option<Arc<flare_quic::EndpointShared>>,
}

impl Server {
    /// A server with default settings.
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self {
            router,
            config: ServerConfig::default(),
            hooks: Hooks::default(),
            log: Log::default(),
            access: None,
            addresses: Vec::new(),
        }
    }

    /// Sets the settings. They are checked when the server binds.
    #[must_use]
    pub fn config(mut self, config: ServerConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets where events go.
    #[must_use]
    pub fn log(mut self, log: Log) -> Self {
        self.log = log;
        self
    }

    /// Calls back for each exchange that ended, on its worker.
    #[must_use]
    pub fn access_log(mut self, sink: impl Fn(&AccessRecord<'_>) + Send + Sync + 'static) -> Self {
        self.access = Some(Arc::new(sink));
        self
    }

    /// Calls back on each worker before it accepts its first connection.
    #[must_use]
    pub fn on_worker_start(mut self, hook: impl Fn(&mut WorkerContext) + Send + Sync + 'static) -> Self {
        self.hooks.start.push(Box::new(hook));
        self
    }

    /// Calls back on each worker after its last connection closed.
    #[must_use]
    pub fn on_worker_stop(mut self, hook: impl Fn(&mut WorkerContext) + Send + Sync + 'static) -> Self {
        self.hooks.stop.push(Box::new(hook));
        self
    }

    /// Adds an address: `127.0.0.1:8080`, `[::1]:0`, `localhost:8080`, `unix:/run/app.sock`. Port 0 is any free port.
    ///
    /// # Errors
    /// When the text is no address. Whether it can be bound shows when the server binds.
    pub fn listen(mut self, address: &str) -> Result<Self, Error> {
        resolve(address)?;
        self.addresses.push(Listen { address: address.to_owned(), tls: None });
        Ok(self)
    }

    /// Adds an address that is served over TLS. The files are read and checked at once; [`ServerHandle::reload_tls`] reads them again.
    /// The application protocols (ALPN) are those of the server, if the settings name none.
    ///
    /// ```no_run
    /// use flare::prelude::*;
    /// use flare::tls::ServerTls;
    ///
    /// # fn main() -> Result<(), flare::Error> {
    /// let tls = ServerTls::from_files("chain.pem", "key.pem");
    /// Server::new(Router::new()).listen_tls("0.0.0.0:443", tls)?.run()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the text is no address, or the settings or files are wrong.
    #[cfg(feature = "tls")]
    pub fn listen_tls(mut self, address: &str, tls: crate::tls::ServerTls) -> Result<Self, Error> {
        resolve(address)?;
        let tls = TlsListener::new(tls)?;
        self.addresses.push(Listen { address: address.to_owned(), tls: Some(Arc::new(tls)) });
        Ok(self)
    }

    /// Checks the settings and binds the addresses. Connections wait from now on.
    ///
    /// # Errors
    /// When a setting is wrong, there is no address, or one can't be bound.
    pub fn bind(self) -> Result<BoundServer, Error> {
        self.try_bind().map_err(|(_, error)| error)
    }

    /// As [`Server::bind`], but a failure gives the server back, so that it can be tried again.
    ///
    /// # Errors
    /// As [`Server::bind`], with the server as it was.
    pub fn try_bind(self) -> Result<BoundServer, (Box<Self>, Error)> {
        match self.open_sockets() {
            Ok(opened) => {
                let tls = self.addresses.into_iter().filter_map(|listen| listen.tls).collect();
                let service =
                    Service::new(self.router, self.config, self.log, self.access, &opened.entrances);
                let shared = Shared::new(service, self.hooks, tls, opened.entrances, opened.sockets.len());
                #[cfg(feature = "http3")]
                let shared = shared.with_quic(opened.quic);
                Ok(BoundServer {
                    shared: Arc::new(shared),
                    sockets: opened.sockets,
                    addresses: opened.addresses,
                })
            }
            Err(error) => Err((Box::new(self), error)),
        }
    }

    /// Checks the settings and binds the addresses.
    fn open_sockets(&self) -> Result<Opened, Error> {
        self.config.validate()?;
        if self.addresses.is_empty() {
            return Err(Error::State("the server has no address to listen on"));
        }
        let listens = |on: &str| self.addresses.iter().any(|listen| listen.address == on);
        if let Some(other) = self.config.proxy_protocol.on.iter().find(|on| !listens(on)) {
            let problem = format!("the server does not listen on {other:?}");
            return Err(ConfigError { field: "proxy_protocol_on".to_owned(), problem }.into());
        }
        let workers = if self.config.workers == 0 { flare_net::cores() } else { self.config.workers };
        let mut each: Vec<Sockets> = (0..workers).map(|_| Sockets::default()).collect();
        let mut addresses = Vec::new();
        let mut entrances = Vec::new();
        for Listen { address: text, tls } in &self.addresses {
            #[cfg(feature = "tls")]
            if let Some(tls) = tls
                && !self.config.http2_enabled
            {
                tls.leave_out_http2()?;
            }
            #[cfg(feature = "http3")]
            if let Some(tls) = tls
                && self.config.http3_enabled
            {
                tls.serve_quic(&self.config.quic)?;
            }
            let proxied = self.config.proxy_protocol.is_on(text);
            for address in resolve(text)? {
                let datagrams =
                    tls.is_some() && self.config.http3_enabled && matches!(address, Address::Ip(_));
                let bound = sockets::bind_for_all(&address, datagrams, &self.config, &mut each)?;
                entrances.push(Entrance::new(&bound, proxied, tls.clone(), datagrams));
                addresses.push(bound);
            }
        }
        Ok(Opened {
            #[cfg(feature = "http3")]
            quic: match entrances.iter().any(|entrance| entrance.http3.is_some()) {
                true => Some(sockets::share(&each, &self.config, &self.log)?),
                false => None,
            },
            sockets: each,
            entrances,
            addresses,
        })
    }

    /// Binds, and runs until the server is drained. Returns how it ended.
    ///
    /// # Errors
    /// As [`Server::bind`] and [`BoundServer::run`].
    pub fn run(self) -> Result<DrainReport, Error> {
        self.bind()?.run()
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("router", &self.router)
            .field("config", &self.config)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// Serves a router on one address with default settings, until the process gets SIGTERM or SIGINT; then it drains.
///
/// # Errors
/// When the address is none or can't be bound, or a thread can't be made.
pub fn serve(router: Router, address: &str) -> Result<DrainReport, Error> {
    let running = Server::new(router).listen(address)?.bind()?.start()?;
    let _signals = running.handle().drain_on_signals()?;
    Ok(running.wait())
}

/// Checks that a text is an address to listen on.
///
/// # Errors
/// [`Error::Address`] when it is none, or its name is not known.
pub fn check_address(text: &str) -> Result<(), Error> {
    resolve(text).map(drop)
}

/// Checks TLS settings: reads all files, and says what is wrong.
///
/// # Errors
/// [`Error::Tls`] with the first thing that is wrong.
#[cfg(feature = "tls")]
pub fn check_tls(tls: &crate::tls::ServerTls) -> Result<(), Error> {
    TlsListener::new(tls.clone())?;
    Ok(())
}

fn resolve(text: &str) -> Result<Vec<Address>, Error> {
    flare_net::resolve(text)
        .map_err(|error| Error::Address { address: text.to_owned(), problem: error.to_string() })
}

/// A server that has its addresses.
pub struct BoundServer {
    shared: Arc<Shared>,
    sockets: Vec<Sockets>,
    addresses: Vec<Address>,
}

impl BoundServer {
    /// The addresses, with the ports that were found for port 0.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// What other threads use to watch, reach and end the server.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle::new(Arc::clone(&self.shared))
    }

    /// Runs the workers on threads of their own.
    ///
    /// # Errors
    /// When a thread or its loop can't be made; the others are ended first.
    pub fn start(self) -> Result<RunningServer, Error> {
        #[cfg(feature = "tls")]
        tls_watch::Watcher::start(&self.shared)?;
        let mut running = RunningServer {
            shared: Arc::clone(&self.shared),
            threads: Vec::new(),
            addresses: self.addresses,
        };
        for (worker, sockets) in self.shared.workers.iter().zip(self.sockets) {
            let (shared, own) = (Arc::clone(&self.shared), Arc::clone(worker));
            let name = format!("flare-{}", own.index);
            let (ready, wait) = std::sync::mpsc::channel();
            let spawned = std::thread::Builder::new().name(name).spawn(move || {
                if shared.service.config.pin_workers
                    && let Err(error) = flare_net::pin_to_core(own.index % flare_net::cores())
                {
                    shared.service.log.tell(Level::Warn, "worker not pinned", || error.to_string());
                }
                let io_uring = shared.service.config.io_uring;
                match Worker::new(&shared, &own, sockets, io_uring) {
                    Ok(worker) => {
                        if let Some(deadline) = shared.drain_asked() {
                            own.post(shared::Message::Drain(deadline));
                        }
                        // Err: nobody waits for the start any more.
                        let _ = ready.send(Ok(()));
                        worker.run()
                    }
                    Err(error) => {
                        let _ = ready.send(Err(error));
                        WorkerReport { worker: own.index, ..WorkerReport::default() }
                    }
                }
            });
            let started = match spawned {
                Ok(thread) => {
                    running.threads.push(thread);
                    wait.recv()
                        .unwrap_or_else(|_| Err(std::io::Error::other("a worker panicked while it started")))
                }
                Err(error) => Err(error),
            };
            if let Err(error) = started {
                running.shared.drain(Instant::now());
                running.wait();
                return Err(error.into());
            }
        }
        for address in &running.addresses {
            running.shared.service.log.tell(Level::Info, "listening", || address.to_string());
        }
        Ok(running)
    }

    /// Runs until the server is drained, and says how it ended.
    ///
    /// # Errors
    /// As [`BoundServer::start`].
    pub fn run(self) -> Result<DrainReport, Error> {
        Ok(self.start()?.wait())
    }
}

impl std::fmt::Debug for BoundServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BoundServer").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// A server whose workers run. Dropping it ends them at once, and waits for them; but not on a worker, which can't wait for itself.
pub struct RunningServer {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<WorkerReport>>,
    addresses: Vec<Address>,
}

impl RunningServer {
    /// The addresses, with the ports that were found for port 0.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// What other threads use to watch, reach and end the server.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle::new(Arc::clone(&self.shared))
    }

    /// Waits until the server has ended, and says how. It ends when somebody drains it.
    pub fn wait(mut self) -> DrainReport {
        self.join()
    }

    fn join(&mut self) -> DrainReport {
        let mut report = DrainReport::default();
        for (index, thread) in std::mem::take(&mut self.threads).into_iter().enumerate() {
            let worker = thread.join().unwrap_or_else(|_| {
                self.shared.service.log.tell(Level::Error, "worker panicked", || index.to_string());
                WorkerReport { worker: index, ..WorkerReport::default() }
            });
            report.workers.push(worker);
        }
        let ended = || format!("{} connections finished, {} cut", report.finished(), report.aborted());
        self.shared.service.log.tell(Level::Info, "ended", ended);
        report
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.shared.drain(Instant::now());
            let current = std::thread::current().id();
            if self.threads.iter().all(|thread| thread.thread().id() != current) {
                self.join();
            }
        }
    }
}

impl std::fmt::Debug for RunningServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunningServer").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}
