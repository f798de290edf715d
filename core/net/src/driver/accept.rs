//! Accepting connections.

use super::{Driver, acceptor};
use crate::key::{ListenerKey, MOST_LISTENERS, Target};
use crate::listener::ListenSocket;
use crate::{Event, Listener, Peer};
use mio::unix::SourceFd;
use mio::{Interest, Registry};
use socket2::SockRef;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

/// How many connections a listener accepts before the other sources have their turn.
const BATCH: u32 = 64;

/// A listener inside a driver.
pub(super) struct Acceptor {
    listener: Listener,
    exclusive: bool,
    registered: bool,
    paused: bool,
    queued: bool,
    /// How many more connections of this turn.
    budget: u32,
    /// The ring accepts for it.
    on_ring: Option<Box<OnRing>>,
}

/// What the ring does for a listener.
#[derive(Default)]
#[cfg_attr(not(ring), allow(dead_code))]
struct OnRing {
    accepting: bool,
    cancelling: bool,
    /// Accepted, and not yet told.
    accepted: VecDeque<OwnedFd>,
    error: Option<io::Error>,
}

impl OnRing {
    fn accept(&mut self, ip: bool) -> io::Result<(OwnedFd, Peer)> {
        let Some(socket) = self.accepted.pop_front() else {
            return Err(self.error.take().unwrap_or(io::ErrorKind::WouldBlock.into()));
        };
        if !ip {
            return Ok((socket, Peer::Unix));
        }
        match SockRef::from(&socket).peer_addr().map(|address| address.as_socket()) {
            Ok(Some(address)) => Ok((socket, Peer::Ip(address))),
            // It was reset already.
            Ok(None) | Err(_) => Err(io::Error::from_raw_os_error(libc::ECONNABORTED)),
        }
    }
}

impl Acceptor {
    /// Remembers an event. Whether the listener must be queued for it.
    pub(super) fn note_ready(&mut self) -> bool {
        // A paused listener tries again when it is resumed, event or not.
        !self.paused && !std::mem::replace(&mut self.queued, true)
    }

    /// Whether the ring shall begin to accept, which counts as begun then.
    #[cfg(ring)]
    pub(super) fn begins_on_ring(&mut self) -> bool {
        match &mut self.on_ring {
            Some(ring) if !self.paused && !ring.accepting && ring.error.is_none() => {
                ring.accepting = true;
                true
            }
            _ => false,
        }
    }

    /// Whether the ring shall be told to accept no more.
    #[cfg(ring)]
    pub(super) fn ends_on_ring(&mut self) -> bool {
        match &mut self.on_ring {
            Some(ring) if self.paused && ring.accepting => !std::mem::replace(&mut ring.cancelling, true),
            _ => false,
        }
    }

    /// Takes what the ring has accepted, or why it does not. `more`: it goes on.
    #[cfg(ring)]
    pub(super) fn accepted_on_ring(&mut self, accepted: io::Result<OwnedFd>, more: bool) {
        let Some(ring) = &mut self.on_ring else { return };
        if !more {
            (ring.accepting, ring.cancelling) = (false, false);
        }
        match accepted {
            Ok(socket) => ring.accepted.push_back(socket),
            Err(error) if concerns_one(&error) || error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.raw_os_error() == Some(libc::ECANCELED) => {}
            Err(error) => ring.error = Some(error),
        }
    }

    pub(super) fn fd(&self) -> RawFd {
        self.listener.as_fd().as_raw_fd()
    }

    fn register(&mut self, registry: &Registry, key: ListenerKey) -> io::Result<()> {
        if !self.registered && self.on_ring.is_none() {
            let token = Target::Listener(key).to_token();
            if self.exclusive {
                register_exclusive(registry, self.fd(), token)?;
            } else {
                registry.register(&mut SourceFd(&self.fd()), token, Interest::READABLE)?;
            }
            self.registered = true;
        }
        Ok(())
    }

    fn deregister(&mut self, registry: &Registry) {
        if std::mem::replace(&mut self.registered, false) {
            // It fails only for a descriptor that is not registered, and that is what we want.
            let _ = registry.deregister(&mut SourceFd(&self.fd()));
        }
    }

    fn pause(&mut self, registry: &Registry) {
        if !self.paused {
            self.paused = true;
            if self.exclusive {
                // The system wakes only one of those that share the socket: it must not choose one that does not accept.
                self.deregister(registry);
            }
        }
    }

    /// One connection, if one waits.
    fn accept(&mut self) -> io::Result<(OwnedFd, Peer)> {
        if let Some(ring) = &mut self.on_ring {
            return ring.accept(matches!(self.listener.socket, ListenSocket::Tcp(_)));
        }
        match &self.listener.socket {
            ListenSocket::Tcp(socket) => {
                let (stream, address) = socket.accept()?;
                // Linux has handed it down from the listener.
                #[cfg(not(any(target_os = "linux", target_os = "android")))]
                // A connection that is already reset refuses the option; reading it will tell.
                let _ = stream.set_nodelay(self.listener.nodelay);
                Ok((stream.into(), Peer::Ip(address)))
            }
            ListenSocket::Unix(socket) => {
                let (stream, _) = socket.accept()?;
                Ok((stream.into(), Peer::Unix))
            }
        }
    }
}

/// Registers so that of all drivers which share the socket only one is woken for a connection. mio has no word for it.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn register_exclusive(registry: &Registry, fd: RawFd, token: mio::Token) -> io::Result<()> {
    let events = (libc::EPOLLIN | libc::EPOLLET | libc::EPOLLEXCLUSIVE) as u32;
    let mut event = libc::epoll_event { events, u64: token.0 as u64 };
    // SAFETY: both descriptors are open, and the kernel reads one event, which outlives the call.
    let result = unsafe { libc::epoll_ctl(registry.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &mut event) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn register_exclusive(registry: &Registry, fd: RawFd, token: mio::Token) -> io::Result<()> {
    registry.register(&mut SourceFd(&fd), token, Interest::READABLE)
}

impl Driver {
    /// Accepts from a listener. With `exclusive`, only one of the drivers that have a clone of the listener is woken for each connection
    /// (EPOLLEXCLUSIVE; ignored on systems without it).
    ///
    /// # Errors
    /// What the system says when it cannot watch the socket.
    pub fn listen(&mut self, listener: Listener, exclusive: bool) -> io::Result<ListenerKey> {
        let index = u32::try_from(self.acceptors.len()).ok().filter(|index| *index < MOST_LISTENERS);
        let Some(index) = index else {
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, "too many listeners"));
        };
        let key = ListenerKey(index);
        let mut acceptor = Acceptor {
            listener,
            exclusive,
            registered: false,
            paused: false,
            queued: false,
            budget: BATCH,
            on_ring: None,
        };
        if self.ring.is_some() && !exclusive {
            // The ring takes all that waits: from a listener that others share it would take theirs.
            acceptor.on_ring = Some(Box::default());
            self.listeners_changed();
        }
        acceptor.register(self.poll.registry(), key)?;
        self.acceptors.push(Some(acceptor));
        Ok(key)
    }

    /// Stops accepting from a listener. Connections wait in its backlog, where the system completes them; with io_uring those that it had
    /// accepted already wait here.
    pub fn pause_accept(&mut self, listener: ListenerKey) {
        if let Some(acceptor) = acceptor(&mut self.acceptors, listener) {
            acceptor.pause(self.poll.registry());
            self.listeners_changed();
        }
    }

    /// Accepts again from a listener that was paused, by [`Driver::pause_accept`] or [`Event::AcceptFailed`]. When the system cannot watch it
    /// again, `AcceptFailed` follows.
    pub fn resume_accept(&mut self, listener: ListenerKey) {
        if let Some(acceptor) = acceptor(&mut self.acceptors, listener)
            && std::mem::replace(&mut acceptor.paused, false)
        {
            if !std::mem::replace(&mut acceptor.queued, true) {
                self.ready.push_back(Target::Listener(listener));
            }
            self.listeners_changed();
        }
    }

    /// Closes a listener. The socket goes with its last clone, and its waiting connections with it.
    pub fn close_listener(&mut self, listener: ListenerKey) {
        if let Some(place) = self.acceptors.get_mut(listener.index())
            && let Some(mut acceptor) = place.take()
        {
            // A clone in another driver keeps the socket alive, and with it our registration.
            acceptor.deregister(self.poll.registry());
            if acceptor.on_ring.is_some() {
                self.end_accept(listener);
            }
        }
    }

    /// Accepts the next connection of a listener.
    pub(super) fn accept(&mut self, key: ListenerKey) -> Option<Event> {
        loop {
            let acceptor = acceptor(&mut self.acceptors, key)?;
            if acceptor.paused {
                acceptor.queued = false;
                return None;
            }
            if acceptor.budget == 0 {
                acceptor.budget = BATCH;
                self.ready.push_back(Target::Listener(key));
                return None;
            }
            acceptor.budget -= 1;
            let accepted = match acceptor.register(self.poll.registry(), key) {
                Ok(()) => acceptor.accept(),
                Err(error) => Err(error),
            };
            let error = match accepted.map(|(socket, peer)| (self.adopt(socket), peer)) {
                Ok((Ok(new), peer)) => {
                    self.ready.push_front(Target::Listener(key));
                    self.turn += 1;
                    return Some(Event::Accepted { listener: key, key: new, peer });
                }
                Ok((Err(error), _)) => error,
                Err(error) if concerns_one(&error) => continue,
                Err(error) => error,
            };
            let acceptor = super::acceptor(&mut self.acceptors, key)?;
            acceptor.queued = false;
            acceptor.budget = BATCH;
            if error.kind() == io::ErrorKind::WouldBlock {
                return None;
            }
            acceptor.pause(self.poll.registry());
            self.listeners_changed();
            return Some(Event::AcceptFailed { listener: key, error });
        }
    }
}

/// Whether an error of accept belongs to the one connection that was waiting, as accept(2) says of those that TCP passes on. The next may be
/// fine.
fn concerns_one(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::EINTR
                | libc::ECONNABORTED
                | libc::ECONNRESET
                | libc::EPROTO
                | libc::EPERM
                | libc::ENETDOWN
                | libc::ENOPROTOOPT
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
                | libc::EOPNOTSUPP
                | libc::ENETUNREACH
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ListenOptions, Stream};

    #[test]
    fn accepted_sockets_do_not_block_and_have_the_listeners_nodelay() {
        for nodelay in [true, false] {
            let options = ListenOptions { nodelay, ..ListenOptions::default() };
            let listener = Listener::bind(&([127, 0, 0, 1], 0).into(), &options).unwrap();
            let _client = Stream::connect(listener.local_address()).unwrap();
            let mut acceptor = Acceptor {
                listener,
                exclusive: false,
                registered: false,
                paused: false,
                queued: false,
                budget: BATCH,
                on_ring: None,
            };
            let (socket, _) = acceptor.accept().unwrap();
            let socket = SockRef::from(&socket);
            assert_eq!(socket.tcp_nodelay().unwrap(), nodelay);
            assert!(socket.nonblocking().unwrap());
        }
    }

    #[test]
    fn running_out_is_not_the_fault_of_one_connection() {
        for code in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EAGAIN, libc::EBADF] {
            assert!(!concerns_one(&io::Error::from_raw_os_error(code)));
        }
        assert!(concerns_one(&io::Error::from_raw_os_error(libc::ECONNABORTED)));
    }
}
