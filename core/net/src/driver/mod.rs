//! The readiness driver: waits for the operating system, then does the input and output of one thread's connections.

mod accept;
mod connect;
mod datagrams;
mod host;
mod reserve;
#[cfg(ring)]
mod ring;
#[cfg(not(ring))]
#[path = "without_ring.rs"]
mod ring;
mod send;
mod sources;

use crate::key::{ListenerKey, Target};
use crate::lease::Leases;
use crate::mailbox::{Mailbox, MailboxReceiver, mailbox};
use crate::timer_source::TimerSource;
use crate::udp::Batches;
use crate::{Address, Credentials, Event, Key, Lease, Stream};
use accept::Acceptor;
use datagrams::UdpSockets;
use mio::Interest;
use mio::unix::SourceFd;
use ring::Ring;
use rustix::io::Errno;
pub use send::Sent;
use socket2::SockRef;
use sources::{Source, Sources, State};
use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// The sizes a driver starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverOptions {
    /// How many events are taken from the system at a time. At least 1. Default 512; each takes 16 bytes.
    pub events: usize,
    /// The most bytes of a first read. At least 1. Default 65 KiB: 64 KiB of content, which many send at a time, and what frames them. A
    /// connection that filled it sends much: its next reads may be four times as large, which saves system calls.
    pub read_buffer: usize,
    /// Whether to use io_uring (Linux 6.1 or later), where the system permits it: see [`Driver::io_uring`]. Such a driver belongs to the thread that
    /// waits first, and is not for the loop of a host; its reads are not larger than the first. Default false.
    pub io_uring: bool,
}

impl Default for DriverOptions {
    fn default() -> DriverOptions {
        DriverOptions { events: 512, read_buffer: 65 * 1024, io_uring: false }
    }
}

/// How much larger than a first read the next ones may be.
const BULK: usize = 4;

/// Owns the sockets of one thread and does their input and output.
///
/// A turn is one [`Driver::wait`], then [`Driver::next`] until it gives `None`. Who has a budget for a turn may stop earlier: what is left
/// comes first in the next turn. Reading happens inside `next`, one connection after the
/// other; a connection with more to read than one buffer goes behind the others. A key that was closed may be passed to any method: it
/// names nothing, and nothing happens.
pub struct Driver {
    /// Before all descriptors, so that none is used any more when it is closed.
    ring: Option<Box<Ring>>,
    ring_refused: Option<io::Error>,
    poll: mio::Poll,
    events: mio::Events,
    sources: Sources,
    acceptors: Vec<Option<Acceptor>>,
    udp_sockets: UdpSockets,
    leases: Leases,
    batches: Batches,
    /// The most bytes of a first read.
    first_read: usize,
    /// What has something to do. Each source is in it at most once.
    ready: VecDeque<Target>,
    /// How many of `ready` belong to this turn. What comes behind waits for the next, so that no turn is endless.
    turn: usize,
    /// Wakes for the mailbox and for [`Driver::wake_self`]: some systems have only one such source.
    waker: Arc<mio::Waker>,
    has_mailbox: Cell<bool>,
    woke_self: Cell<bool>,
    mail_queued: bool,
    timer: Option<TimerSource>,
    timer_armed: bool,
}

impl Driver {
    /// A driver without connections. One that was to use io_uring and may not is one without.
    ///
    /// # Errors
    /// Running out of descriptors.
    pub fn new(options: DriverOptions) -> io::Result<Driver> {
        let poll = mio::Poll::new()?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), Target::Mailbox.to_token())?);
        let (ring, ring_refused) = match options.io_uring.then(|| Ring::new(options.read_buffer)) {
            Some(Ok(ring)) => (Some(ring), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        Ok(Driver {
            ring,
            ring_refused,
            poll,
            events: mio::Events::with_capacity(options.events.max(1)),
            sources: Sources::new(),
            acceptors: Vec::new(),
            udp_sockets: UdpSockets::new(),
            leases: Leases::new(options.read_buffer.max(1).saturating_mul(BULK)),
            batches: Batches::new(),
            first_read: options.read_buffer.max(1),
            ready: VecDeque::with_capacity(options.events.max(1)),
            turn: 0,
            waker,
            has_mailbox: Cell::new(false),
            woke_self: Cell::new(false),
            mail_queued: false,
            timer: None,
            timer_armed: false,
        })
    }

    /// Whether the driver uses io_uring: `None` when that was not asked for.
    ///
    /// # Errors
    /// Why it does not: `EPERM` where a sandbox forbids it, `ENOSYS` or `EINVAL` from an older system, `Unsupported` where there is none.
    pub fn io_uring(&self) -> Option<Result<(), &io::Error>> {
        match (&self.ring, &self.ring_refused) {
            (Some(_), _) => Some(Ok(())),
            (None, Some(error)) => Some(Err(error)),
            (None, None) => None,
        }
    }

    /// Makes the mailbox of this driver, for at most `capacity` messages. [`Event::Woken`] comes when something was posted.
    ///
    /// # Errors
    /// `AlreadyExists` for a second one.
    pub fn mailbox<T: Send>(&self, capacity: usize) -> io::Result<(Mailbox<T>, MailboxReceiver<T>)> {
        if self.has_mailbox.replace(true) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a driver has one mailbox"));
        }
        Ok(mailbox(Arc::clone(&self.waker), capacity))
    }

    /// Takes over a stream that was connected elsewhere, and begins to read it.
    ///
    /// # Errors
    /// What the system says when it cannot watch the socket: out of memory, or of watches.
    pub fn insert(&mut self, stream: Stream) -> io::Result<Key> {
        let socket = OwnedFd::from(stream);
        SockRef::from(&socket).set_nonblocking(true)?;
        self.adopt(socket)
    }

    /// Watches a socket that does not block, and begins to read it.
    fn adopt(&mut self, socket: OwnedFd) -> io::Result<Key> {
        if self.ring.is_some() {
            return self.adopt_on_ring(socket);
        }
        self.watch(socket, Interest::READABLE)
    }

    fn watch(&mut self, socket: OwnedFd, interest: Interest) -> io::Result<Key> {
        #[cfg(target_vendor = "apple")]
        SockRef::from(&socket).set_nosigpipe(true)?;
        let fd = socket.as_raw_fd();
        let key = self.sources.insert(socket)?;
        let token = Target::Connection(key).to_token();
        if let Err(error) = self.poll.registry().register(&mut SourceFd(&fd), token, interest) {
            self.sources.remove(key);
            return Err(error);
        }
        Ok(key)
    }

    /// Gives a connection out of the driver, without closing it: it does not block, as everything in here. What waited to be sent is dropped,
    /// what was not read yet is still there.
    ///
    /// # Errors
    /// `NotConnected` for a key that was closed; what the system says when it can't end the watch, and then the connection is closed. With
    /// io_uring, `WouldBlock` when bytes have come that would be lost: they are to be had from [`Driver::next`] first, and the connection stays.
    pub fn take(&mut self, key: Key) -> io::Result<Stream> {
        let mut registered = true;
        if self.ring.is_some() {
            self.leave_ring(key)?;
            registered = self.is_registered(key);
        }
        let socket = self.sources.remove(key).ok_or(io::ErrorKind::NotConnected)?;
        if registered {
            self.poll.registry().deregister(&mut SourceFd(&socket.as_raw_fd()))?;
        }
        Ok(if SockRef::from(&socket).local_addr()?.is_unix() {
            Stream::Unix(socket.into())
        } else {
            Stream::Tcp(socket.into())
        })
    }

    /// Waits until something is ready, at most for `timeout` (rounded up to whole milliseconds; `None`: for ever), and begins the next
    /// turn. Does not block when something is ready already. A signal may end the wait early; that is no error.
    ///
    /// # Errors
    /// What the system says when it cannot wait at all.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = if self.is_ready() { Some(Duration::ZERO) } else { timeout };
        if self.ring.is_some() {
            self.wait_on_ring(timeout)?;
        } else {
            self.take_readiness(timeout)?;
        }
        self.turn = self.ready.len();
        Ok(())
    }

    /// Waits for readiness, and remembers what came. Whether there may be more at once.
    fn take_readiness(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(false),
            Err(error) => return Err(error),
        }
        let mut count = 0;
        for event in &self.events {
            count += 1;
            let target = Target::from_token(event.token());
            let queue = match target {
                Target::Connection(key) => match self.sources.get(key) {
                    Some(source) => source.state.note(event),
                    None => false,
                },
                Target::Listener(key) => match acceptor(&mut self.acceptors, key) {
                    Some(acceptor) => acceptor.note_ready(),
                    None => false,
                },
                Target::Udp(key) => match self.udp_sockets.get(key) {
                    Some(endpoint) => endpoint.note(event),
                    None => false,
                },
                Target::Mailbox => {
                    self.woke_self.set(false);
                    self.has_mailbox.get() && !std::mem::replace(&mut self.mail_queued, true)
                }
                Target::Timer => {
                    self.timer_armed = false;
                    false
                }
            };
            if queue {
                self.ready.push_back(target);
            }
        }
        Ok(count >= self.events.capacity())
    }

    /// Does the next piece of work of this turn and says what came of it. `None`: the turn is over, [`Driver::wait`] again.
    // Not an iterator: after `None` more may come.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Event> {
        while self.turn > 0 {
            self.turn -= 1;
            let event = match self.ready.pop_front()? {
                Target::Connection(key) => self.serve(key),
                Target::Listener(key) => self.accept(key),
                Target::Udp(key) => self.serve_datagrams(key),
                Target::Mailbox => {
                    self.mail_queued = false;
                    Some(Event::Woken)
                }
                Target::Timer => None,
            };
            if event.is_some() {
                return event;
            }
        }
        if self.ring.is_some() { self.next_received() } else { None }
    }

    /// Whether something is ready already, so that [`Driver::wait`] will not block. The descriptor of the driver does not show this.
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty() || self.ring.as_ref().is_some_and(|ring| ring.is_ready())
    }

    /// Takes back a buffer that came with [`Event::Received`].
    pub fn recycle(&mut self, lease: Lease) {
        let lease = match &mut self.ring {
            Some(ring) => ring.take_back(lease),
            None => Some(lease),
        };
        if let Some(lease) = lease {
            self.leases.give_back(lease);
        }
    }

    /// Writes, then reads.
    fn serve(&mut self, key: Key) -> Option<Event> {
        let mut source = self.sources.get(key)?;
        source.state.remove(State::QUEUED);
        if source.state.contains(State::RING) {
            return self.serve_on_ring(key);
        }
        if source.state.contains(State::MORE_THAN_READING) {
            if let ControlFlow::Break(event) = self.serve_writing(key) {
                return event;
            }
            source = self.sources.get(key)?;
        }
        if source.state.may_read() {
            return self.read(key);
        }
        let error = lost(source)?;
        Some(fail(source, key, error))
    }

    /// What there may be to do for a connection before it is read: for most there is nothing, and this stays out of their way.
    #[inline(never)]
    fn serve_writing(&mut self, key: Key) -> ControlFlow<Option<Event>> {
        let Some(source) = self.sources.get(key) else { return ControlFlow::Break(None) };
        if source.state.contains(State::FAILED) {
            return ControlFlow::Break(None);
        }
        if source.state.contains(State::CONNECTING) {
            return ControlFlow::Break(self.finish_connect(key));
        }
        if source.state.take(State::WRITABLE)
            && let Err(error) = self.flush(key)
        {
            return ControlFlow::Break(self.sources.get(key).map(|source| fail(source, key, error)));
        }
        let Some(source) = self.sources.get(key) else { return ControlFlow::Break(None) };
        let unsent = source.backlog.is_some();
        let again = unsent && source.state.contains(State::WRITABLE);
        let told = if source.state.take(State::TELL_WRITABLE) {
            Some(Event::Writable { key })
        } else if source.state.take(State::TELL_FLUSHED) && !unsent {
            // With a new backlog it would be untrue.
            Some(Event::Flushed { key })
        } else {
            None
        };
        if again {
            // What the turn did not allow to send goes on in the next.
            self.queue_last(key);
        } else if told.is_some() {
            self.queue_first(key);
        }
        if told.is_some() { ControlFlow::Break(told) } else { ControlFlow::Continue(()) }
    }

    fn read(&mut self, key: Key) -> Option<Event> {
        let source = self.sources.get(key)?;
        let mut lease = self.leases.take();
        let limit = if source.state.contains(State::BULK) { usize::MAX } else { self.first_read };
        let (result, room) = loop {
            let space = lease.space(limit);
            let room = space.len();
            // Not through libc, whose calls are points where a thread can be cancelled: that costs 50 instructions each.
            match rustix::io::read(&source.socket, space) {
                Err(Errno::INTR) => {}
                result => break (result, room),
            }
        };
        match result {
            Ok(0) => {
                self.leases.give_back(lease);
                source.state.remove(State::READABLE);
                source.state.insert(State::ENDED);
                if source.state.contains(State::HUNG_UP) || source.state.contains(State::ERROR) {
                    self.queue_first(key);
                }
                Some(Event::ReadClosed { key })
            }
            Ok(count) => {
                lease.set_len(count);
                if count == room {
                    source.state.insert(State::BULK);
                    // There may be more. The others come first.
                    self.queue_last(key);
                    return Some(Event::Received { key, lease });
                }
                source.state.remove(State::BULK);
                if source.state.contains(State::CLOSING) {
                    // No event will tell about the end again: it has to be read.
                    self.queue_first(key);
                } else {
                    // The system has no more; asking it to say so would cost a call. The next event comes with the next bytes.
                    source.state.remove(State::READABLE);
                }
                Some(Event::Received { key, lease })
            }
            Err(error) => {
                self.leases.give_back(lease);
                source.state.remove(State::READABLE);
                if error == Errno::AGAIN {
                    return None;
                }
                Some(fail(source, key, error.into()))
            }
        }
    }

    /// Puts a connection first in this turn.
    fn queue_first(&mut self, key: Key) {
        if let Some(source) = self.sources.get(key)
            && !source.state.contains(State::QUEUED)
        {
            source.state.insert(State::QUEUED);
            self.ready.push_front(Target::Connection(key));
            self.turn += 1;
        }
    }

    /// Puts a connection last, in the next turn.
    fn queue_last(&mut self, key: Key) {
        if let Some(source) = self.sources.get(key)
            && !source.state.contains(State::QUEUED)
        {
            source.state.insert(State::QUEUED);
            self.ready.push_back(Target::Connection(key));
        }
    }

    /// Stops reading a connection. No system call; bytes that come wait in the system, and fill the peer's window. A reset is still
    /// reported, the end of the peer's bytes is not.
    pub fn pause_read(&mut self, key: Key) {
        if let Some(source) = self.sources.get(key) {
            source.state.insert(State::PAUSED);
        }
    }

    /// Reads a connection again. No system call: what became ready meanwhile was remembered.
    pub fn resume_read(&mut self, key: Key) {
        if let Some(source) = self.sources.get(key) {
            source.state.remove(State::PAUSED);
            if source.state.contains(State::RING) {
                self.resume_on_ring(key);
            } else if source.state.may_read() {
                self.queue_last(key);
            }
        }
    }

    /// Makes the close of a TCP connection a reset, for a peer that would take an ordinary end for the end of a message.
    pub fn reset_on_close(&mut self, key: Key) {
        if let Some(source) = self.sources.get(key) {
            // Err: not TCP, or gone already; then the end is as good.
            let _ = SockRef::from(&source.socket).set_linger(Some(Duration::ZERO));
        }
    }

    /// Closes a connection. Its backlog is dropped; bytes of the peer that were not read make the system answer with a reset.
    pub fn close(&mut self, key: Key) {
        if self.ring.is_some() {
            return self.close_on_ring(key);
        }
        // Closing the last descriptor also ends the watch: no call for that.
        self.sources.remove(key);
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there is no connection.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The address of this end of a connection. A system call.
    ///
    /// # Errors
    /// `NotConnected` for a key that was closed.
    pub fn local_address(&self, key: Key) -> io::Result<Address> {
        let source = self.sources.peek(key).ok_or(io::ErrorKind::NotConnected)?;
        SockRef::from(&source.socket).local_addr().map(|address| Address::from_socket2(&address))
    }

    /// The address of the other end of a connection. A system call; an accepted connection's came with its event.
    ///
    /// # Errors
    /// `NotConnected` when the peer is gone, or the key was closed.
    pub fn peer_address(&self, key: Key) -> io::Result<Address> {
        let source = self.sources.peek(key).ok_or(io::ErrorKind::NotConnected)?;
        SockRef::from(&source.socket).peer_addr().map(|address| Address::from_socket2(&address))
    }

    /// The process at the other end of a Unix socket, as it was when it connected (SO_PEERCRED; Linux). A system call.
    ///
    /// # Errors
    /// `NotConnected` for a key that was closed, `Unsupported` for TCP and on other systems.
    pub fn peer_credentials(&self, key: Key) -> io::Result<Credentials> {
        let source = self.sources.peek(key).ok_or(io::ErrorKind::NotConnected)?;
        Credentials::of_peer(&source.socket)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.ring.is_some() {
            self.send_last_batch();
        }
    }
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver")
            .field("connections", &self.sources.len())
            .field("ready", &self.ready.len())
            .finish_non_exhaustive()
    }
}

fn acceptor(acceptors: &mut [Option<Acceptor>], key: ListenerKey) -> Option<&mut Acceptor> {
    acceptors.get_mut(key.index())?.as_mut()
}

/// Why a connection that is not being read is lost, if it is.
fn lost(source: &mut Source) -> Option<io::Error> {
    let state = source.state;
    // While reading is only paused, bytes may be left even though both directions are closed.
    let hung_up =
        state.contains(State::HUNG_UP) && state.contains(State::ENDED) && !state.contains(State::WRITE_SHUT);
    if !hung_up && !state.contains(State::ERROR) {
        return None;
    }
    source.state.remove(State::ERROR);
    match SockRef::from(&source.socket).take_error() {
        Ok(Some(error)) | Err(error) => Some(error),
        Ok(None) => hung_up.then(|| io::ErrorKind::BrokenPipe.into()),
    }
}

fn fail(source: &mut Source, key: Key, error: io::Error) -> Event {
    source.state.insert(State::FAILED);
    Event::Failed { key, error }
}
