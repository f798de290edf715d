//! Connecting without blocking.

use super::sources::State;
use super::{Driver, fail};
use crate::{Address, Event, Key, SocketOptions};
use mio::Interest;
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};
use std::io;
use std::net::{Shutdown, SocketAddr};

fn prepare(socket: &Socket, options: &SocketOptions) -> io::Result<()> {
    if let Some(after) = options.keep_alive {
        let keep_alive = TcpKeepalive::new().with_time(after).with_interval(after);
        socket.set_tcp_keepalive(&keep_alive.with_retries(SocketOptions::PROBES))?;
    }
    if let Some(local) = options.local {
        socket.bind(&SocketAddr::new(local, 0).into())?;
    }
    Ok(())
}

impl Driver {
    /// Begins to connect a TCP or Unix stream. [`Event::Connected`] or [`Event::Failed`] follows; nothing is read before. What is sent before
    /// waits in the backlog. There is no deadline: [`Driver::close`] gives up. TCP sends small pieces at once (TCP_NODELAY).
    ///
    /// # Errors
    /// What the system can say at once: that nobody listens at a Unix address (`ConnectionRefused`, `NotFound`) or that its queue is full
    /// (`WouldBlock`: try again after a moment), that there is no route, `InvalidInput` for an unnamed Unix address, running out of
    /// descriptors. There is no connection then, and no event.
    pub fn connect(&mut self, address: &Address) -> io::Result<Key> {
        self.connect_with(address, &SocketOptions::default())
    }

    /// The same, with a socket made so.
    ///
    /// # Errors
    /// Also that the local address is none of this host (`AddrNotAvailable`), or of the other family.
    pub fn connect_with(&mut self, address: &Address, options: &SocketOptions) -> io::Result<Key> {
        let to = address.to_socket2()?;
        let socket = match address {
            Address::Ip(ip) => {
                let socket = Socket::new(Domain::for_address(*ip), Type::STREAM, None)?;
                socket.set_tcp_nodelay(true)?;
                prepare(&socket, options)?;
                socket
            }
            Address::Unix(_) => Socket::new(Domain::UNIX, Type::STREAM, None)?,
        };
        socket.set_nonblocking(true)?;
        let now = match socket.connect(&to) {
            Ok(()) => true,
            // A signal does not stop it (connect(2)).
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR)) => false,
            Err(error) => return Err(error),
        };
        // A Unix socket that watched for writability would have an event each time its peer reads. So only if we must.
        let interest = if now { Interest::READABLE } else { Interest::READABLE | Interest::WRITABLE };
        let key = self.watch(socket.into(), interest)?;
        if let Some(source) = self.sources.get(key) {
            source.state.insert(State::CONNECTING);
            if now {
                source.state.insert(State::WRITABLE);
                self.queue_last(key);
            } else {
                source.state.insert(State::WATCHES_WRITE);
            }
        }
        Ok(key)
    }

    /// Finds out what became of a connection that was begun.
    pub(super) fn finish_connect(&mut self, key: Key) -> Option<Event> {
        let source = self.sources.get(key)?;
        if !source.state.contains(State::WRITABLE) && !source.state.contains(State::CLOSING) {
            return None;
        }
        let socket = SockRef::from(&source.socket);
        let error = match socket.take_error() {
            Ok(Some(error)) | Err(error) => Some(error),
            Ok(None) => match socket.peer_addr() {
                Ok(_) => None,
                // An event that means nothing yet: another will come.
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                    source.state.remove(State::WRITABLE);
                    return None;
                }
                Err(error) => Some(error),
            },
        };
        source.state.remove(State::CONNECTING);
        let error = match error {
            None if source.state.contains(State::WRITE_SHUT) && source.backlog.is_none() => {
                socket.shutdown(Shutdown::Write).err()
            }
            error => error,
        };
        if let Some(error) = error {
            return Some(fail(source, key, error));
        }
        self.queue_first(key);
        Some(Event::Connected { key })
    }
}
