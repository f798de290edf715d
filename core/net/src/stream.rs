//! A connected socket on its way into a driver, or out of one in a test.

use crate::Address;
use crate::transmit::FLAGS;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use socket2::SockRef;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A connected TCP or Unix stream. It blocks until [`Driver::insert`](crate::Driver::insert) takes it over.
#[derive(Debug)]
pub enum Stream {
    /// TCP over IPv4 or IPv6.
    Tcp(TcpStream),
    /// A Unix stream socket.
    Unix(UnixStream),
}

impl Stream {
    /// Connects, and blocks until that is done. Meant for tests and tools: a driver's thread must not block.
    ///
    /// # Errors
    /// What the system says, such as `ConnectionRefused`, and `InvalidInput` for an unnamed Unix address.
    pub fn connect(address: &Address) -> io::Result<Stream> {
        match address {
            Address::Ip(address) => TcpStream::connect(address).map(Stream::Tcp),
            Address::Unix(Some(path)) => UnixStream::connect(path).map(Stream::Unix),
            Address::Unix(None) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "a Unix socket needs a path"))
            }
        }
    }

    /// Two Unix streams that are connected to each other.
    ///
    /// # Errors
    /// What the system says, such as running out of descriptors.
    pub fn pair() -> io::Result<(Stream, Stream)> {
        UnixStream::pair().map(|(one, other)| (Stream::Unix(one), Stream::Unix(other)))
    }

    /// Closes one direction or both, like `shutdown(2)`.
    ///
    /// # Errors
    /// `NotConnected` when the peer reset the connection.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.shutdown(how),
            Stream::Unix(stream) => stream.shutdown(how),
        }
    }

    /// Bounds each blocking read: it fails with `WouldBlock` or `TimedOut` then. `None` waits for ever.
    ///
    /// # Errors
    /// `InvalidInput` for a duration of zero.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.set_read_timeout(timeout),
            Stream::Unix(stream) => stream.set_read_timeout(timeout),
        }
    }

    /// Whether calls wait, or fail with `WouldBlock`.
    ///
    /// # Errors
    /// None that is known.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.set_nonblocking(nonblocking),
            Stream::Unix(stream) => stream.set_nonblocking(nonblocking),
        }
    }

    /// Waits until the stream can be read (or is over), or with `write` until it takes bytes, at most this long; `None` waits for ever.
    /// False: the time was over, or a signal came.
    ///
    /// # Errors
    /// What `poll(2)` says: running out of memory.
    pub fn wait(&self, read: bool, write: bool, timeout: Option<Duration>) -> io::Result<bool> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, read);
        flags.set(PollFlags::OUT, write);
        // Beyond what a timespec holds there is no difference to for ever.
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        match rustix::event::poll(&mut [PollFd::new(self, flags)], timeout.as_ref()) {
            Ok(count) => Ok(count > 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The address of this end.
    ///
    /// # Errors
    /// None that is known.
    pub fn local_address(&self) -> io::Result<Address> {
        SockRef::from(self).local_addr().map(|address| Address::from_socket2(&address))
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// `NotConnected` when the peer has reset the connection.
    pub fn peer_address(&self) -> io::Result<Address> {
        SockRef::from(self).peer_addr().map(|address| Address::from_socket2(&address))
    }

    /// Another handle on the same socket.
    ///
    /// # Errors
    /// Running out of descriptors.
    pub fn try_clone(&self) -> io::Result<Stream> {
        match self {
            Stream::Tcp(stream) => stream.try_clone().map(Stream::Tcp),
            Stream::Unix(stream) => stream.try_clone().map(Stream::Unix),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Stream {
        Stream::Tcp(stream)
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Stream {
        Stream::Unix(stream)
    }
}

impl From<Stream> for OwnedFd {
    fn from(stream: Stream) -> OwnedFd {
        match stream {
            Stream::Tcp(stream) => stream.into(),
            Stream::Unix(stream) => stream.into(),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Stream::Tcp(stream) => stream.as_fd(),
            Stream::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => (&mut &*stream).read(buffer),
            Stream::Unix(stream) => (&mut &*stream).read(buffer),
        }
    }
}

impl Write for &Stream {
    /// A broken pipe is an error, and no signal to the process.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        SockRef::from(*self).send_with_flags(bytes, FLAGS)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buffer),
            Stream::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            Stream::Unix(stream) => stream.write(bytes),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write_vectored(slices),
            Stream::Unix(stream) => stream.write_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
