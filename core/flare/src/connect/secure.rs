//! TLS of a connection: its handshake on the driver of a [`Connecting`](super::Connecting), and what comes behind.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use flare_net::{Address, Driver, Key, Millis, Output, Stream, Target};
use flare_tls::{ClientContext, Connection, Event, Failure, Session};

use super::config::ConnectConfig;
use super::error::ConnectFailure;
use super::patience::Patience;
use crate::Error;

/// The most plaintext that is encrypted at a time.
const CHUNK: usize = 64 * 1024;
/// What is read of a socket at a time: a record and its header.
const READ: usize = flare_tls::MAX_RECORD + 256;

/// What all connections of a connector share.
#[derive(Debug)]
pub(super) struct SecureContext {
    context: ClientContext,
    names_server: bool,
}

impl SecureContext {
    pub(super) fn of(config: &ConnectConfig) -> Result<Option<Self>, Error> {
        let Some(tls) = &config.tls else { return Ok(None) };
        let context = ClientContext::new(tls)?;
        Ok(Some(Self { context, names_server: tls.server_name.is_some() }))
    }

    /// The same for other protocols.
    pub(super) fn with_alpn(&self, alpn: &[&[u8]]) -> Self {
        Self { context: self.context.with_alpn(alpn), names_server: self.names_server }
    }

    /// Whether TLS can ask for the name of this target.
    pub(super) fn check(&self, target: &Target) -> Result<(), String> {
        self.connection(target).map(drop)
    }

    fn connection(&self, target: &Target) -> Result<Connection, String> {
        let name = match target {
            // The name of a certificate has no dot at its end (RFC 6066, 3).
            Target::Name { host, .. } => host.as_str().trim_end_matches('.').to_owned(),
            Target::Address(Address::Ip(ip)) => ip.ip().to_string(),
            Target::Address(Address::Unix(_)) if self.names_server => String::new(),
            Target::Address(Address::Unix(_)) => {
                return Err("a path is no name for a certificate: set server_name".to_owned());
            }
        };
        Connection::client(&self.context, &name).map_err(|error| error.to_string())
    }

    /// Begins the handshake.
    pub(super) fn begin(
        &self,
        target: &Target,
        driver: &mut Driver,
        key: Key,
        now: Millis,
    ) -> Result<Handshake, ConnectFailure> {
        let mut handshake = Handshake {
            tls: self.connection(target).map_err(ConnectFailure::ServerName)?,
            session: None,
            plain: Vec::new(),
            ended: false,
            timeout: self.context.handshake_timeout(),
            deadline: now + self.context.handshake_timeout(),
        };
        handshake.received(driver, key, &mut [])?;
        Ok(handshake)
    }
}

/// A handshake on its way.
pub(super) struct Handshake {
    tls: Connection,
    session: Option<Arc<Session>>,
    /// What came behind the handshake already.
    plain: Vec<u8>,
    ended: bool,
    timeout: Duration,
    deadline: Millis,
}

impl Handshake {
    pub(super) fn deadline(&self) -> Millis {
        self.deadline
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn is_complete(&self) -> bool {
        self.tls.is_complete()
    }

    /// Bytes came. Nothing is read behind the end of the handshake.
    pub(super) fn received(
        &mut self,
        driver: &mut Driver,
        key: Key,
        bytes: &mut [u8],
    ) -> Result<(), ConnectFailure> {
        let mut output = Output::new();
        let Self { session, plain, ended, .. } = self;
        let result = self.tls.receive(bytes, output.buffer(), |event| match event {
            Event::Ready(agreed) => *session = Some(agreed),
            Event::Data(data) => plain.extend_from_slice(data),
            Event::PeerClosed => *ended = true,
            Event::Early(_) | Event::Complete => {}
        });
        // The alert of a failure is in it as well.
        let sent = driver.send(key, &mut output);
        result.map_err(|failure| match failure {
            Failure::Over => ConnectFailure::TlsClosed,
            failure => ConnectFailure::Tls { kind: failure.kind(), problem: failure.to_string() },
        })?;
        if self.tls.is_complete() {
            driver.pause_read(key);
        }
        sent.map(drop).map_err(ConnectFailure::Io)
    }

    /// The handshake has ended.
    pub(super) fn into_secure(self) -> Secure {
        Secure {
            // `Ready` comes before the end of the handshake, so it is there.
            session: self.session,
            incoming: Mutex::new(Incoming { plain: self.plain, at: 0, ended: self.ended, failed: None }),
            sealed: Mutex::new(Sealed { tls: self.tls, outgoing: Vec::new() }),
            writing: Mutex::new(Outgoing::default()),
        }
    }
}

/// TLS over a stream that does not block.
///
/// Three locks, so that a thread that waits to read does not hold up one that writes: `incoming` and `writing` are held by one reader and one
/// writer while they wait, `sealed` for moments. They are taken in this order.
pub(super) struct Secure {
    session: Option<Arc<Session>>,
    incoming: Mutex<Incoming>,
    writing: Mutex<Outgoing>,
    sealed: Mutex<Sealed>,
}

struct Incoming {
    /// Decrypted, and read up to `at`.
    plain: Vec<u8>,
    at: usize,
    /// The peer said that nothing more comes.
    ended: bool,
    /// Why nothing more can be read.
    failed: Option<(io::ErrorKind, String)>,
}

struct Sealed {
    tls: Connection,
    /// Encrypted, in the order in which it has to leave.
    outgoing: Vec<u8>,
}

/// What the writer has taken of [`Sealed::outgoing`], sent up to `at`.
#[derive(Default)]
struct Outgoing {
    bytes: Vec<u8>,
    at: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Secure {
    pub(super) fn session(&self) -> Option<&Session> {
        self.session.as_deref()
    }

    pub(super) fn read(&self, stream: &Stream, buffer: &mut [u8], patience: Patience) -> io::Result<usize> {
        let mut incoming = lock(&self.incoming);
        loop {
            let count = incoming.give(buffer);
            if count > 0 || incoming.ended {
                return Ok(count);
            }
            // Also what was answered to what came last: after a failure it is the alert.
            let waits = self.flush_beside(stream);
            if let Some((kind, problem)) = &incoming.failed {
                return Err(io::Error::new(*kind, problem.clone()));
            }
            match incoming.fill(stream, &self.sealed) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    patience.wait(stream, true, waits)?;
                }
                result => result?,
            }
        }
    }

    /// Sends what is left over, if nobody else is about it. Whether something still is.
    fn flush_beside(&self, stream: &Stream) -> bool {
        let mut writing = match self.writing.try_lock() {
            Ok(writing) => writing,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        match self.push(&mut writing, stream, Patience::No) {
            Ok(()) => false,
            // Another error is found by reading.
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    pub(super) fn write(&self, stream: &Stream, bytes: &[u8], patience: Patience) -> io::Result<usize> {
        let mut writing = lock(&self.writing);
        self.push(&mut writing, stream, patience)?;
        let chunk = bytes.get(..CHUNK).unwrap_or(bytes);
        {
            let Sealed { tls, outgoing } = &mut *lock(&self.sealed);
            tls.send(chunk, outgoing).map_err(|failure| match failure {
                Failure::Over => io::Error::from(io::ErrorKind::BrokenPipe),
                failure => io::Error::other(failure),
            })?;
        }
        match self.push(&mut writing, stream, patience) {
            // It is taken, and kept for the next call.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            result => result?,
        }
        Ok(chunk.len())
    }

    pub(super) fn flush(&self, stream: &Stream, patience: Patience) -> io::Result<()> {
        self.push(&mut lock(&self.writing), stream, patience)
    }

    /// Says the end to the peer.
    pub(super) fn close_write(&self, stream: &Stream, patience: Patience) -> io::Result<()> {
        let mut writing = lock(&self.writing);
        {
            let Sealed { tls, outgoing } = &mut *lock(&self.sealed);
            tls.close(outgoing);
        }
        self.push(&mut writing, stream, patience)
    }

    /// Sends everything that is encrypted.
    fn push(&self, writing: &mut Outgoing, mut stream: &Stream, patience: Patience) -> io::Result<()> {
        loop {
            let rest = writing.bytes.get(writing.at..).unwrap_or_default();
            if rest.is_empty() {
                writing.bytes.clear();
                writing.at = 0;
                std::mem::swap(&mut writing.bytes, &mut lock(&self.sealed).outgoing);
                if writing.bytes.is_empty() {
                    return Ok(());
                }
                continue;
            }
            match stream.write(rest) {
                Ok(count) => writing.at += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    patience.wait(stream, false, true)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Incoming {
    /// Gives what was decrypted before.
    fn give(&mut self, buffer: &mut [u8]) -> usize {
        let rest = self.plain.get(self.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        if self.at >= self.plain.len() {
            self.plain.clear();
            self.at = 0;
        }
        count
    }

    /// Reads the socket once.
    fn fill(&mut self, mut stream: &Stream, sealed: &Mutex<Sealed>) -> io::Result<()> {
        let mut buffer = [0; READ];
        let count = match stream.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        };
        let Some(bytes) = buffer.get_mut(..count).filter(|bytes| !bytes.is_empty()) else {
            let problem = "the connection ended without the end of TLS: it may have been cut";
            self.failed = Some((io::ErrorKind::UnexpectedEof, problem.to_owned()));
            return Ok(());
        };
        let Sealed { tls, outgoing } = &mut *lock(sealed);
        let Self { plain, ended, .. } = self;
        let result = tls.receive(bytes, outgoing, |event| match event {
            Event::Data(data) => plain.extend_from_slice(data),
            Event::PeerClosed => *ended = true,
            Event::Ready(_) | Event::Early(_) | Event::Complete => {}
        });
        if let Err(failure) = result {
            self.failed = Some((io::ErrorKind::InvalidData, format!("TLS: {failure}")));
        }
        Ok(())
    }
}
