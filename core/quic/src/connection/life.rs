//! The life of a connection: what was agreed, where the peer is, and why it ended.

use std::net::SocketAddr;
use std::path::Path as File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use boring::ssl::SslRef;
use flare_tls::adapter::Facts;
use flare_tls::{Session, Version};
use quiche::{ConnectionId, PathEvent};

use super::{Client, Connection};
use crate::endpoint::random;
use crate::path::Path;

/// What was agreed in the handshake.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// What flare-tls says of a TCP connection: version, suite, ALPN, server name, certificates of the peer.
    pub session: Arc<Session>,
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The peer said so.
    pub by_peer: bool,
    /// Whether the code is of the application (for HTTP/3: RFC 9114, 8.1) and not of the transport.
    pub application: bool,
    /// The code.
    pub code: u64,
    /// The reason, for people.
    pub reason: Vec<u8>,
}

impl std::fmt::Display for Close {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let who = if self.by_peer { "the peer" } else { "this end" };
        let layer = if self.application { "application" } else { "transport" };
        write!(f, "{who} closed it with {layer} code {:#x}", self.code)?;
        if self.reason.is_empty() {
            return Ok(());
        }
        // A peer may write what it likes: no control characters for logs.
        write!(f, " ({})", self.reason.escape_ascii())
    }
}

/// How a connection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// The estimated time to the peer and back.
    pub round_trip: Duration,
    /// The congestion window, in bytes.
    pub congestion_window: u64,
    /// The size of the largest packet that is sent, in bytes.
    pub packet_size: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets received.
    pub received: u64,
    /// Packets that were lost.
    pub lost: u64,
    /// Packets that were sent because others were lost.
    pub retransmitted: u64,
    /// Bytes of datagrams sent.
    pub bytes_sent: u64,
    /// Bytes of datagrams received.
    pub bytes_received: u64,
}

impl Connection {
    /// What was agreed, once the handshake has ended (or, at a server, once early data may be used). The same one each time.
    #[must_use]
    pub fn handshake(&self) -> Option<&Handshake> {
        self.handshake.as_ref()
    }

    /// Whether streams may be used: after the handshake, or with early data.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let early = self.client.as_ref().is_none_or(|client| client.early);
        self.inner.is_established() || early && self.inner.is_in_early_data()
    }

    /// Whether what is received now came before the end of the handshake (0-RTT): it may be a replay (RFC 8470).
    #[must_use]
    pub fn is_early(&self) -> bool {
        !self.inner.is_established() && self.inner.is_in_early_data()
    }

    /// Whether the server did not take what a client sent before the handshake ended: it has to be sent again, on new streams of a new
    /// connection. Known when the handshake has ended.
    #[must_use]
    pub fn is_early_refused(&self) -> bool {
        /// What `SSL_get_early_data_reason` says when early data was taken.
        const ACCEPTED: u32 = 2;
        let offered = self.client.as_ref().is_some_and(|client| client.early);
        offered
            && self.inner.is_established()
            && self.streams.used_early()
            && self.inner.early_data_reason() != ACCEPTED
    }

    /// The name of the group that the keys came from, such as `X25519MLKEM768`. `None`: not agreed yet, or there was no exchange.
    #[must_use]
    pub fn key_exchange(&mut self) -> Option<&'static str> {
        let ssl: &mut SslRef = self.inner.as_mut();
        ssl.curve_name()
    }

    /// The answer of its authority that a server stapled to its certificate (RFC 6066, 8), as DER. It was given to who judged the certificate.
    #[must_use]
    pub fn stapled(&mut self) -> Option<&[u8]> {
        let ssl: &mut SslRef = self.inner.as_mut();
        ssl.ocsp_status()
    }

    /// Where the peer is now. It may move (RFC 9000, 9).
    #[must_use]
    pub fn path(&self) -> Path {
        self.path
    }

    /// A client goes on from another address of its own (RFC 9000, 9.2). False: not yet, because there is no connection ID to do it with
    /// ([RFC 9000, 9.5](https://www.rfc-editor.org/rfc/rfc9000#section-9.5)), the handshake has not ended, or the server does not allow it.
    pub fn migrate(&mut self, local: SocketAddr) -> bool {
        let forbidden = |params: &quiche::TransportParams| params.disable_active_migration;
        if !self.inner.is_established() || self.inner.peer_transport_params().is_none_or(forbidden) {
            return false;
        }
        let Ok(id) = self.inner.migrate_source(local) else { return false };
        self.go_on(Some(Path { local, ..self.path }));
        if let Some(client) = &mut self.client {
            // The same ID on two paths would tell others that both are one client.
            let before = std::mem::replace(&mut client.destination, id);
            if before != id {
                // Err: it is not used any more.
                let _ = self.inner.retire_dcid(before);
            }
        }
        true
    }

    /// A client has no endpoint, so it gives out its connection IDs itself: for the server to change to when one of both moves.
    pub(super) fn give_ids(&mut self) {
        if self.client.is_none() || !self.inner.is_established() || self.is_closing() {
            return;
        }
        while self.inner.scids_left() > 0 {
            let (Ok(id), Ok(token)) = (random::<16>(), random::<16>()) else { return };
            let token = u128::from_be_bytes(token);
            // Err: the server takes no more after all.
            if self.inner.new_scid(&ConnectionId::from_ref(&id), token, false).is_err() {
                return;
            }
        }
        while self.inner.retired_scids() > 0 && self.inner.retired_scid_next().is_some() {}
    }

    /// Ends the connection with a code of the application. What was not sent yet is dropped. The first call counts.
    pub fn close(&mut self, code: u64, reason: &str) {
        // Err: it is closing already.
        if self.inner.close(true, code, reason.as_bytes()).is_ok() {
            self.held = None;
        }
    }

    /// Nothing more will be received or sent on streams; but the connection has to be kept, with its deadlines, until it is closed.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        let inner = &self.inner;
        inner.is_draining()
            || inner.is_closed()
            || inner.local_error().is_some()
            || inner.peer_error().is_some()
    }

    /// It ends by our will, and could not say so yet: quiche holds a CONNECTION_CLOSE back while the congestion window is full, and lets it
    /// out with the next probe, at [`Connection::deadline`].
    #[must_use]
    pub fn owes_close(&self) -> bool {
        let inner = &self.inner;
        inner.local_error().is_some() && !inner.is_draining() && !inner.is_closed()
    }

    /// It is over: it can be dropped.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// Why it ended, if it did. `None` with [`Connection::is_closed`]: it was idle for too long, or the peer does not know it any more.
    #[must_use]
    pub fn close_reason(&self) -> Option<Close> {
        let (by_peer, error) = match (self.inner.peer_error(), self.inner.local_error()) {
            (Some(error), _) => (true, error),
            (None, Some(error)) => (false, error),
            (None, None) => return None,
        };
        let reason = error.reason.clone();
        Some(Close { by_peer, application: error.is_app, code: error.error_code, reason })
    }

    /// Why the certificate of the server was not believed, at a client; then the connection is closing.
    #[must_use]
    pub fn disbelief(&self) -> Option<&str> {
        self.client.as_ref()?.disbelief.get().map(String::as_str)
    }

    /// How it goes.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let all = self.inner.stats();
        let now = self.inner.path_stats().find(|path| path.active);
        let path = now.as_ref();
        Stats {
            round_trip: path.map_or(Duration::ZERO, |path| path.rtt),
            congestion_window: path.map_or(0, |path| path.cwnd as u64),
            packet_size: path.map_or(0, |path| path.pmtu as u64),
            sent: all.sent as u64,
            received: all.recv as u64,
            lost: all.lost as u64,
            retransmitted: all.retrans as u64,
            bytes_sent: all.sent_bytes,
            bytes_received: all.recv_bytes,
        }
    }

    /// Writes events of the connection into a file of its own in this folder, named by the connection's ID. If it can't be made, there is
    /// no log: it is for finding faults, and must not cause one.
    pub(crate) fn log_events(&mut self, folder: &File) {
        #[cfg(feature = "qlog")]
        {
            let id = self.inner.trace_id().to_owned();
            if let Ok(file) = std::fs::File::create(folder.join(format!("{id}.sqlog"))) {
                let writer = std::io::BufWriter::new(file);
                self.inner.set_qlog(Box::new(writer), "flare".to_owned(), format!("connection {id}"));
            }
        }
        #[cfg(not(feature = "qlog"))]
        let _ = folder;
    }

    /// Offers the session of an earlier connection.
    pub(crate) fn come_back(&mut self, session: &[u8]) {
        // Err: it is of another build; then the handshake is a full one.
        let _ = self.inner.set_session(session);
    }

    pub(super) fn observe_handshake(&mut self) {
        if self.handshake_deadline.is_some() && self.inner.is_established() {
            self.handshake_deadline = None;
            self.streams.established();
        }
        let server_early = self.client.is_none() && self.inner.is_in_early_data();
        if self.handshake.is_none() && (self.inner.is_established() || server_early) {
            self.handshake = Some(Handshake { session: Arc::new(self.session()) });
        }
    }

    fn session(&mut self) -> Session {
        let ssl: &mut SslRef = self.inner.as_mut();
        let suite = ssl.current_cipher().and_then(|cipher| cipher.standard_name()).unwrap_or("");
        let server_name = match self.client {
            None => self.inner.server_name().map(str::to_ascii_lowercase),
            Some(_) => None,
        };
        let chain = self.inner.peer_cert_chain().unwrap_or_default();
        Session::new(&Facts {
            version: Version::Tls13,
            suite,
            server_name: server_name.as_deref(),
            alpn: Some(self.inner.application_proto()).filter(|name| !name.is_empty()),
            peer_certificates: &chain,
            resumed: self.inner.is_resumed(),
        })
    }

    pub(super) fn observe_paths(&mut self) {
        let mut moved = false;
        while let Some(event) = self.inner.next_path_event() {
            moved = true;
            match event {
                PathEvent::New(local, peer) => {
                    // Err: no connection ID is left for the path; the peer may try again.
                    let _ = self.inner.probe_path(local, peer);
                }
                PathEvent::Validated(local, peer) | PathEvent::FailedValidation(local, peer) => {
                    self.judged(Path { local, peer });
                }
                _ => {}
            }
        }
        if moved {
            let now = self.inner.path_stats().find(|path| path.active);
            self.go_on(now.map(|path| Path { local: path.local_addr, peer: path.peer_addr }));
        }
    }

    /// What is sent goes by this path from now on.
    fn go_on(&mut self, path: Option<Path>) {
        if let Some(path) = path.filter(|path| *path != self.path) {
            let before = std::mem::replace(&mut self.path, path);
            self.leave(before, Instant::now());
        }
    }

    pub(super) fn observe_session(&mut self) {
        let (Some(Client { context, session, kept, .. }), Some(bytes)) =
            (&mut self.client, self.inner.session())
        else {
            return;
        };
        // Servers send several, of about the same size, at the end of the handshake; one is enough.
        if !std::mem::replace(kept, true) {
            context.keep(session, bytes);
        }
    }
}
