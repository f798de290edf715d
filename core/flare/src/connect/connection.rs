//! A connection that was made.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use flare_net::{Address, Stream};

use super::patience::Patience;
use super::secure::Secure;
use crate::message::TlsSession;

/// A connection that was made, TCP or Unix, encrypted or not.
///
/// Any thread may use it, also to read and to write at the same time: one thread reads at a time and one writes, others wait for them. Each
/// call may have a time limit; with a limit of zero it tries, and fails with `WouldBlock`, so that a loop can watch the descriptor.
/// Dropping it closes it.
pub struct Connection {
    /// Does not block.
    stream: Stream,
    peer: Address,
    secure: Option<Secure>,
    limits: Mutex<Limits>,
}

/// For [`Read`] and [`Write`], which take none.
#[derive(Clone, Copy, Default)]
struct Limits {
    read: Option<Duration>,
    write: Option<Duration>,
}

impl Connection {
    pub(super) fn new(stream: Stream, peer: Address, secure: Option<Secure>) -> Self {
        Self { stream, peer, secure, limits: Mutex::default() }
    }

    /// Reads some bytes, at least one; 0 is the end. Waits at most this long; `None` waits for ever, zero does not wait.
    ///
    /// # Errors
    /// `WouldBlock` and `TimedOut`: nothing came in time. `UnexpectedEof`: an encrypted connection ended without saying so, and may have been
    /// cut by anybody. `InvalidData`: the peer broke the rules of TLS. `ConnectionReset` and what else the system says.
    pub fn read_within(&self, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        let patience = Patience::of(timeout);
        if buffer.is_empty() {
            return Ok(0);
        }
        if let Some(secure) = &self.secure {
            return secure.read(&self.stream, buffer, patience);
        }
        loop {
            match (&self.stream).read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    patience.wait(&self.stream, true, false)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Writes some bytes, at least one, and says how many. Waits at most this long; `None` waits for ever, zero does not wait.
    ///
    /// An encrypted connection takes up to 64 KiB at a time, and may keep some of it when the peer takes nothing: see
    /// [`Connection::flush_within`].
    ///
    /// # Errors
    /// `WouldBlock` and `TimedOut`: nothing was taken in time, and the call may be made again. `BrokenPipe`: the peer is gone, or
    /// [`Connection::close_write`] was called. What else the system says.
    pub fn write_within(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        let patience = Patience::of(timeout);
        if bytes.is_empty() {
            return Ok(0);
        }
        if let Some(secure) = &self.secure {
            return secure.write(&self.stream, bytes, patience);
        }
        loop {
            match (&self.stream).write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    patience.wait(&self.stream, false, true)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Gives to the system what an encrypted connection has kept. Reading does so too, as far as it goes without waiting.
    ///
    /// # Errors
    /// `WouldBlock` and `TimedOut`: the peer does not take it. What else the system says.
    pub fn flush_within(&self, timeout: Option<Duration>) -> io::Result<()> {
        match &self.secure {
            Some(secure) => secure.flush(&self.stream, Patience::of(timeout)),
            None => Ok(()),
        }
    }

    /// Waits until reading, or writing, may be worth another try; whichever is first, of those that are asked for.
    ///
    /// # Errors
    /// `TimedOut` and `WouldBlock`: neither in time. What else the system says.
    pub(crate) fn wait_for(&self, read: bool, write: bool, timeout: Option<Duration>) -> io::Result<()> {
        Patience::of(timeout).wait(&self.stream, read, write)
    }

    /// Says that nothing more will be written: the peer reads the end behind the last byte. Reading goes on. What an encrypted connection has
    /// kept is written before, within the time limit of writes.
    ///
    /// # Errors
    /// What was kept could not be written, or the peer is gone.
    pub fn close_write(&self) -> io::Result<()> {
        if let Some(secure) = &self.secure {
            secure.close_write(&self.stream, Patience::of(self.limits().write))?;
        }
        self.stream.shutdown(Shutdown::Write)
    }

    /// Ends both directions at once, also for threads that wait in a call: reads find the end, writes fail with `BrokenPipe`.
    ///
    /// # Errors
    /// `NotConnected`: the peer has reset the connection.
    pub fn close(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Both)
    }

    /// Limits each call of [`Read::read`]; `None`, the default, waits for ever. Zero makes them try.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).read = timeout;
    }

    /// Limits each call of [`Write::write`] and [`Write::flush`]; `None`, the default, waits for ever. Zero makes them try.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).write = timeout;
    }

    fn limits(&self) -> Limits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address that was reached.
    #[must_use]
    pub fn peer_address(&self) -> &Address {
        &self.peer
    }

    /// The address of this end.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_address(&self) -> io::Result<Address> {
        self.stream.local_address()
    }

    /// What was agreed, if the connection is encrypted: version, suite, application protocol, certificates.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsSession> {
        self.secure.as_ref().and_then(Secure::session)
    }
}

impl Read for &Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_within(buffer, self.limits().read)
    }
}

impl Write for &Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_within(bytes, self.limits().write)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_within(self.limits().write)
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(secure) = &self.secure {
            // Err: the peer does not take it, and finds out by an end that nobody announced.
            let _ = secure.close_write(&self.stream, Patience::No);
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl AsRawFd for Connection {
    /// The socket, to watch. It does not block. Reading or writing it would take bytes from under an encrypted connection; and such a one
    /// may have more to read when its socket has none: read until `WouldBlock` before watching.
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_fd().as_raw_fd()
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .field("tls", &self.secure.is_some())
            .finish_non_exhaustive()
    }
}
