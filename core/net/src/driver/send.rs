//! Sending, and what waits to be sent.

use super::Driver;
use super::sources::{Source, State};
use crate::backlog::Backlog;
use crate::key::Target;
use crate::transmit::{Progress, transmit};
use crate::{Key, Output};
use mio::unix::SourceFd;
use mio::{Interest, Registry};
use socket2::SockRef;
use std::io;
use std::net::Shutdown;
use std::os::fd::AsRawFd;

/// What became of an output.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Sent {
    /// The system has taken all of it, or will before anything else: with io_uring, before the driver waits or the connection is closed.
    All,
    /// Some of it waits in the connection's backlog. [`Event::Flushed`](crate::Event::Flushed) comes when the backlog is empty.
    Queued,
}

impl Driver {
    /// Sends an output, behind the backlog if there is one, and empties it in any case. The backlog has no bound of its own: look at
    /// [`Driver::backlog`], and stop making output while it is high. About 1 MiB is sent at a time: the rest waits in the backlog for its
    /// next turn, so that one connection does not hold up the others.
    ///
    /// # Errors
    /// `BrokenPipe` or `ConnectionReset` when the peer is gone, `UnexpectedEof` for a file that is too short, `NotConnected` for a key that
    /// was closed, and what else the system says. Some of the output may have been sent. The caller closes.
    pub fn send(&mut self, key: Key, output: &mut Output) -> io::Result<Sent> {
        let result = self.send_or_queue(key, output);
        // Whatever happened: the next output must not begin with the bytes of this one.
        output.clear();
        result
    }

    fn send_or_queue(&mut self, key: Key, output: &mut Output) -> io::Result<Sent> {
        let Some(source) = self.sources.get(key) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        if let Some(backlog) = &mut source.backlog {
            backlog.append(output, 0);
            return Ok(Sent::Queued);
        }
        if source.state.contains(State::CONNECTING) {
            if output.is_empty() {
                return Ok(Sent::All);
            }
            source.backlog = Some(Box::new(Backlog::of(output, 0)));
            return Ok(Sent::Queued);
        }
        if source.state.contains(State::RING)
            && let Some(sent) = self.send_on_ring(key, output)?
        {
            return Ok(sent);
        }
        let Some(source) = self.sources.get(key) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let Progress { sent, full } = transmit(&source.socket, output)?;
        source.sent += sent as u64;
        if sent >= output.len() {
            return Ok(Sent::All);
        }
        source.backlog = Some(Box::new(Backlog::of(output, sent)));
        if full {
            watch_write(source, key, self.poll.registry())?;
        } else {
            source.state.insert(State::WRITABLE);
            self.queue_last(key);
        }
        Ok(Sent::Queued)
    }

    /// Sends from the backlog, and remembers what is to be told of it.
    pub(super) fn flush(&mut self, key: Key) -> io::Result<()> {
        let Some(source) = self.sources.get(key) else { return Ok(()) };
        let Some(backlog) = &mut source.backlog else { return Ok(()) };
        let progress = backlog.flush(&source.socket)?;
        source.sent += progress.sent as u64;
        let left = backlog.len();
        if left < backlog.low_water {
            backlog.low_water = 0;
            source.state.insert(State::TELL_WRITABLE);
        }
        if left == 0 {
            source.backlog = None;
            source.state.insert(State::TELL_FLUSHED);
            if source.state.contains(State::WRITE_SHUT) {
                SockRef::from(&source.socket).shutdown(Shutdown::Write)?;
            }
        } else if progress.full {
            watch_write(source, key, self.poll.registry())?;
        } else {
            // The turn is used up: `serve` puts it behind the others.
            source.state.insert(State::WRITABLE);
        }
        Ok(())
    }

    /// How many bytes of a connection wait to be sent. Bytes of files count, though they take no memory.
    pub fn backlog(&self, key: Key) -> usize {
        self.sources.peek(key).and_then(|source| source.backlog.as_ref()).map_or(0, |backlog| backlog.len())
    }

    /// How many bytes of a connection the system has taken so far, since it was accepted, inserted or connected: with io_uring, also those that
    /// it is given next. 0 for a key that was closed.
    pub fn sent(&self, key: Key) -> u64 {
        self.sources.peek(key).map_or(0, |source| source.sent)
    }

    /// How many bytes the peer has not taken yet: those that wait here, and those that the system keeps for it. Unlike the backlog
    /// it falls with every byte, also while a large buffer of the system drains to a slow peer. Costs a system call; where the
    /// system does not tell, it is the backlog alone.
    pub fn undelivered(&self, key: Key) -> usize {
        let Some(source) = self.sources.peek(key) else { return 0 };
        self.backlog(key) + crate::undelivered::undelivered(&source.socket)
    }

    /// Asks for one [`Event::Writable`](crate::Event::Writable) when fewer than `mark` bytes wait to be sent: in the next turn if that is so already. 0 takes the
    /// question back.
    pub fn set_low_water(&mut self, key: Key, mark: usize) {
        let Some(source) = self.sources.get(key) else { return };
        source.state.remove(State::TELL_WRITABLE);
        match &mut source.backlog {
            Some(backlog) if backlog.len() >= mark => backlog.low_water = mark,
            Some(_) | None if mark == 0 => {}
            backlog => {
                if let Some(backlog) = backlog {
                    backlog.low_water = 0;
                }
                source.state.insert(State::TELL_WRITABLE);
                self.queue_last(key);
            }
        }
    }

    /// Says to the peer that nothing more will be sent, once the backlog is empty. Reading goes on.
    ///
    /// # Errors
    /// `NotConnected` when the peer has reset the connection, or the key was closed.
    pub fn shutdown_write(&mut self, key: Key) -> io::Result<()> {
        let Some(source) = self.sources.get(key) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        if source.state.contains(State::RING) {
            self.send_batch_of(key)?;
        }
        let Some(source) = self.sources.get(key) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        source.state.insert(State::WRITE_SHUT);
        if source.backlog.is_some() || source.state.contains(State::CONNECTING) {
            return Ok(());
        }
        SockRef::from(&source.socket).shutdown(Shutdown::Write)
    }
}

/// Asks the system to say when a socket that is full takes bytes again.
pub(super) fn watch_write(source: &mut Source, key: Key, registry: &Registry) -> io::Result<()> {
    if !source.state.contains(State::WATCHES_WRITE) {
        // It stays: without a blocked write it causes no events, and the next short write saves the call.
        let fd = source.socket.as_raw_fd();
        let token = Target::Connection(key).to_token();
        if source.state.contains(State::RING) {
            // Until now only the ring knew it; what there is to read stays its business.
            registry.register(&mut SourceFd(&fd), token, Interest::WRITABLE)?;
        } else {
            let interest = Interest::READABLE | Interest::WRITABLE;
            registry.reregister(&mut SourceFd(&fd), token, interest)?;
        }
        source.state.insert(State::WATCHES_WRITE);
    }
    Ok(())
}
