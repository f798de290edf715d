//! One QUIC connection, without its socket: datagrams, time and commands in; streams, datagrams and the next deadline out.

mod coalesced;
mod life;
mod moved;
mod quiet;
mod streams;
mod stuck;
mod transmit;

use std::time::Instant;

use bytes::Bytes;
use flare_tls::ConfigError;
use quiche::{BufFactory, RecvInfo};

use crate::context::{ClientContext, Disbelief, SessionKey};
use crate::endpoint::Registration;
use crate::path::{Ecn, Path};
pub use life::{Close, Handshake, Stats};
use moved::Left;
use quiet::Quiet;
use streams::Streams;
pub use streams::{Read, StreamError};
use transmit::Held;
pub use transmit::Run;

/// How quiche keeps what is sent: as [`Bytes`], so that shared content is not copied.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared;

impl BufFactory for Shared {
    type Buf = Bytes;
    type DgramBuf = Vec<u8>;

    fn buf_from_slice(bytes: &[u8]) -> Bytes {
        Bytes::copy_from_slice(bytes)
    }

    fn dgram_buf_from_slice(bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }
}

/// One connection, of either role.
pub struct Connection {
    inner: Quiet,
    path: Path,
    handshake: Option<Handshake>,
    /// Until when the handshake has to end. `None`: it has.
    handshake_deadline: Option<Instant>,
    /// A datagram that was made and is sent later.
    held: Option<Box<Held>>,
    /// Paths on which something may still be on its way.
    left: Vec<Left>,
    streams: Streams,
    client: Option<Client>,
    /// By which IDs the endpoint knows it.
    pub(crate) registration: Registration,
}

/// What only a client has.
pub(crate) struct Client {
    context: ClientContext,
    session: SessionKey,
    /// Whether streams may be used before the handshake has ended.
    early: bool,
    /// Whether a session was kept for the next connection.
    kept: bool,
    /// The number of the server's connection ID in use.
    destination: u64,
    disbelief: Disbelief,
}

impl Client {
    pub(crate) fn new(
        context: ClientContext,
        session: SessionKey,
        early: bool,
        disbelief: Disbelief,
    ) -> Self {
        Self { context, session, early, kept: false, destination: 0, disbelief }
    }
}

impl Connection {
    /// The client's side of a connection to a server of this name: a DNS name or an IP address. The handshake begins with the first
    /// [`Connection::transmit`].
    ///
    /// With `early`, streams may be used at once if the server gave a session that allows it; whatever is sent before the handshake has
    /// ended may be recorded and sent again by somebody else (RFC 9001, 9.2), and is lost if the server does not take it
    /// ([`Connection::is_early_refused`]).
    ///
    /// # Errors
    /// The name is neither.
    pub fn connect(
        context: &ClientContext,
        server_name: &str,
        path: Path,
        early: bool,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        context.begin(server_name, path, early, now)
    }

    pub(crate) fn server(
        inner: quiche::Connection<Shared>,
        path: Path,
        handshake_deadline: Instant,
        early_limit: u64,
    ) -> Self {
        Self {
            inner: Quiet::new(inner),
            path,
            handshake: None,
            handshake_deadline: Some(handshake_deadline),
            held: None,
            left: Vec::new(),
            streams: Streams::new(true, early_limit),
            client: None,
            registration: Registration::default(),
        }
    }

    pub(crate) fn client(
        inner: quiche::Connection<Shared>,
        path: Path,
        handshake_deadline: Instant,
        client: Client,
    ) -> Self {
        Self {
            inner: Quiet::new(inner),
            path,
            handshake: None,
            handshake_deadline: Some(handshake_deadline),
            held: None,
            left: Vec::new(),
            streams: Streams::new(false, u64::MAX),
            client: Some(client),
            registration: Registration::default(),
        }
    }

    // ---- datagrams

    /// Takes a datagram that the endpoint said is its own. It is decrypted in place.
    pub fn receive(&mut self, datagram: &mut [u8], path: Path, ecn: Ecn) {
        // quiche has no use for it.
        let _ = ecn;
        let info = RecvInfo { from: path.peer, to: path.local };
        let mut rest = datagram;
        while !rest.is_empty() {
            let (packet, behind) = coalesced::split(rest);
            // Err: the packet was none, or the connection is being closed by now and the peer will be told why.
            let _ = self.inner.recv(packet, info);
            rest = behind;
        }
        self.streams.changed();
        self.observe();
    }

    /// When [`Connection::timeout`] has to be called: loss, acknowledgements, idle time, pacing.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        // Nothing else is sent before what is held.
        let send = self.held.as_ref().map(|held| held.at()).or_else(|| self.next_for_left());
        let own = [self.inner.timeout_instant(), send, self.handshake_deadline];
        if self.inner.is_closed() { None } else { own.into_iter().flatten().min() }
    }

    /// The deadline passed, or may have.
    pub fn timeout(&mut self, now: Instant) {
        if self.handshake_deadline.is_some_and(|deadline| deadline <= now) {
            self.handshake_deadline = None;
            // Err: it is closing already.
            let _ = self.inner.close(false, NO_ERROR, b"the handshake took too long");
        }
        self.inner.on_timeout();
        if self.streams.someone_waits() && self.inner.is_established() {
            // quiche finds out how much may be written when a packet comes, and not when it takes packets for lost. If their content had
            // arrived all the same, nothing is sent again and no packet comes: so it is asked for one.
            // Err: the connection is over.
            let _ = self.inner.send_ack_eliciting();
        }
        self.streams.changed();
        self.observe();
    }

    pub(crate) fn inner(&self) -> &quiche::Connection<Shared> {
        &self.inner
    }

    pub(crate) fn inner_mut(&mut self) -> &mut quiche::Connection<Shared> {
        &mut self.inner
    }

    /// Looks what has changed inside of quiche.
    fn observe(&mut self) {
        self.observe_handshake();
        self.observe_paths();
        self.observe_session();
        self.give_ids();
    }
}

/// NO_ERROR of the transport (RFC 9000, 20.1).
const NO_ERROR: u64 = 0;

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.observe_session();
    }
}
