//! What opens sockets.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flare_proto::websocket::{DeflateConfig, Limits};

use super::backoff::Backoff;
use super::error::OpenError;
use super::opening::Opening;
use super::options::{Options, Wire};
use super::socket::Socket;
use crate::Error;
use crate::connect::{ConnectConfig, Connector};

/// So many hosts are remembered.
const REMEMBERED: usize = 1024;

/// Opens sockets, all with the same settings. Clones are the same opener: they share TLS sessions, and what was found out about servers. Any thread
/// may use it.
#[derive(Debug, Clone)]
pub struct Opener {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) limits: Arc<Limits>,
    pub(super) deflate: Option<DeflateConfig>,
    plain: Connector,
    /// For `wss:`: what the options allow, and HTTP/1.1 alone. `None`: there is no TLS in this build.
    secure: Option<[Connector; 2]>,
    /// Hosts with ports that speak HTTP/2 and have no sockets on it.
    without_sockets: Mutex<HashSet<String>>,
}

impl Opener {
    /// An opener with these settings. Files of certificates and keys are read here.
    ///
    /// # Errors
    /// [`Error::Config`] or [`Error::Tls`]: a setting or a file is wrong.
    pub fn new(options: Options) -> Result<Self, Error> {
        options.check()?;
        let shared = Shared {
            limits: Arc::new(options.limits()),
            deflate: options.deflate_config(),
            plain: Connector::new(plain(&options.connect))?,
            secure: secure(&options)?,
            without_sockets: Mutex::default(),
            options,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Opens a socket to a `ws:` or `wss:` URI, and blocks until that is done: not on a worker.
    ///
    /// # Errors
    /// Why it was not opened.
    pub fn open(&self, uri: &str) -> Result<Socket, OpenError> {
        wait(&self.begin(uri)?)
    }

    /// As [`Opener::open`], again and again, as long as [it may go well later](OpenError::is_temporary). For first attempts, and for sockets that
    /// were lost. To be able to cancel it, [begin](Opener::begin_again).
    ///
    /// # Errors
    /// Why the last attempt failed.
    pub fn open_again(&self, uri: &str, backoff: &Backoff) -> Result<Socket, OpenError> {
        wait(&self.begin_again(uri, backoff)?)
    }

    /// Begins to open a socket, and blocks nowhere: see [`Opening`] for what comes then.
    ///
    /// # Errors
    /// The URI is none, TLS can't ask for its name, or descriptors have run out. Nothing was begun then.
    pub fn begin(&self, uri: &str) -> Result<Opening, OpenError> {
        Opening::begin(&self.shared, uri, None)
    }

    /// Begins to open a socket, in several attempts if need be.
    ///
    /// # Errors
    /// As [`Opener::begin`].
    pub fn begin_again(&self, uri: &str, backoff: &Backoff) -> Result<Opening, OpenError> {
        Opening::begin(&self.shared, uri, Some(backoff.clone()))
    }
}

fn wait(opening: &Opening) -> Result<Socket, OpenError> {
    loop {
        if let Some(socket) = opening.wait(None)? {
            return Ok(socket);
        }
    }
}

impl Shared {
    /// What connects. `None`: there is no TLS.
    pub(super) fn connector(&self, is_secure: bool, may_http2: bool) -> Option<&Connector> {
        if !is_secure {
            return Some(&self.plain);
        }
        let [any, http1] = self.secure.as_ref()?;
        Some(if may_http2 { any } else { http1 })
    }

    /// Whether to offer HTTP/2 to this host and port.
    pub(super) fn may_http2(&self, target: &str) -> bool {
        match self.options.wire {
            Wire::Http1 => false,
            Wire::Http2 => true,
            Wire::Any => {
                !self.without_sockets.lock().unwrap_or_else(PoisonError::into_inner).contains(target)
            }
        }
    }

    /// Remembers that this host has no sockets on HTTP/2.
    pub(super) fn remember(&self, target: &str) {
        let mut without = self.without_sockets.lock().unwrap_or_else(PoisonError::into_inner);
        if without.len() >= REMEMBERED {
            without.clear();
        }
        without.insert(target.to_owned());
    }

    pub(super) fn open_timeout(&self) -> Duration {
        self.options.open_timeout
    }
}

/// `ws:` is not encrypted, whatever is set for `wss:`.
fn plain(config: &ConnectConfig) -> ConnectConfig {
    let config = config.clone();
    #[cfg(feature = "tls")]
    let config = ConnectConfig { tls: None, ..config };
    config
}

#[cfg(feature = "tls")]
fn secure(options: &Options) -> Result<Option<[Connector; 2]>, Error> {
    let (http2, http1): (&[u8], &[u8]) = (b"h2", b"http/1.1");
    let alpn: &[&[u8]] = match options.wire {
        Wire::Any => &[http2, http1],
        Wire::Http1 => &[http1],
        Wire::Http2 => &[http2],
    };
    let mut tls = options.connect.tls.clone().unwrap_or_default();
    tls.alpn = alpn.iter().map(|name| name.to_vec()).collect();
    let any = Connector::new(options.connect.clone().with_tls(tls))?;
    // The system's authorities are many, so they are read once.
    let only_http1 = any.with_alpn(http1);
    Ok(Some([any, only_http1]))
}

#[cfg(not(feature = "tls"))]
fn secure(_: &Options) -> Result<Option<[Connector; 2]>, Error> {
    Ok(None)
}
