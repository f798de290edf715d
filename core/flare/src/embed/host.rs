//! A server whose only worker runs in the loop of its host: asyncio, libuv, GLib, a game, a plain epoll.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use flare_net::Address;

use crate::log::Level;
use crate::server::local::{self, Hosting};
use crate::server::shared::Shared;
use crate::server::worker::Worker;
use crate::server::{DrainReport, ServerHandle, WorkerReport};

/// A server in the host's loop.
///
/// The host watches [`HostServer::as_raw_fd`] for readability, level-triggered, and calls [`HostServer::poll`] when it is readable.
/// The descriptor shows everything: input, output, wake-ups of other threads and deadlines. `poll` never blocks.
///
/// The thread of the first `poll` is the worker: handlers, hooks and callbacks run inside `poll` on that thread, and only there.
/// Handles, requests and exchanges may be used from any thread, as with every server. One thread may host several servers.
///
/// Dropping it ends it at once: running exchanges are cut and the stop hooks run, in the thread that drops it.
///
/// ```no_run
/// use flare::embed::Budget;
/// use flare::prelude::*;
///
/// # fn wait_until_readable(_: std::os::fd::RawFd) {}
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::os::fd::AsRawFd;
/// let mut router = Router::new();
/// router.get("/", |_: &Request| "Hello, World!\n")?;
/// let server = Server::new(router).listen("127.0.0.1:8080")?.host()?;
/// while server.drained().is_none() {
///     wait_until_readable(server.as_raw_fd());
///     server.poll(Budget::default())?;
/// }
/// # Ok(())
/// # }
/// ```
pub struct HostServer {
    /// Taken by `poll` for its whole length, and by nothing else that could wait.
    state: Mutex<State>,
    /// The thread that the server belongs to, and how it ended. Never held for long.
    life: Mutex<Life>,
    /// The host's own, so that it may watch it whatever becomes of the worker.
    fd: OwnedFd,
    shared: Arc<Shared>,
    addresses: Vec<Address>,
}

enum State {
    Runs(Box<Worker>),
    Over,
    /// A panic or a fault of the system has ended the worker.
    Lost,
}

#[derive(Default)]
struct Life {
    thread: Option<ThreadId>,
    hosting: Option<Hosting>,
    report: Option<DrainReport>,
}

/// How much one [`HostServer::poll`] may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// Pieces of work: something that happened to a socket, a deadline, a message of another thread, an exchange that moves. 0 counts
    /// as 1. What is left keeps the descriptor readable.
    pub events: usize,
}

impl Default for Budget {
    /// 256 pieces: less than a millisecond of plain requests.
    fn default() -> Self {
        Self { events: 256 }
    }
}

impl Budget {
    /// A budget of so many pieces of work.
    #[must_use]
    pub fn events(events: usize) -> Self {
        Self { events }
    }
}

/// What a [`HostServer::poll`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Pieces of work that were done.
    pub worked: usize,
    /// Whether there is more to do at once. The descriptor is readable then.
    pub more: bool,
}

/// Why a [`HostServer::poll`] did nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum HostError {
    /// It was called by a handler, hook or callback of a server: those run inside `poll`, or on a worker.
    Reentered,
    /// Another thread has called `poll` before: the server belongs to that one.
    WrongThread,
    /// A panic went through an earlier `poll`, and the worker is lost with it.
    Lost,
    /// The operating system can't wait for events, or has no timer.
    Io(io::Error),
}

impl std::fmt::Display for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reentered => f.write_str("a poll can't be made inside a worker"),
            Self::WrongThread => f.write_str("the server belongs to the thread that polled it first"),
            Self::Lost => f.write_str("a panic has ended the worker"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for HostError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl HostServer {
    /// Of a worker that has not begun.
    ///
    /// # Errors
    /// Running out of descriptors.
    pub(crate) fn new(mut worker: Worker, shared: Arc<Shared>, addresses: Vec<Address>) -> io::Result<Self> {
        // The first poll calls the hooks for the start, so it should come without a connection.
        worker.wake();
        Ok(Self {
            fd: worker.as_fd().try_clone_to_owned()?,
            state: Mutex::new(State::Runs(Box::new(worker))),
            life: Mutex::default(),
            shared,
            addresses,
        })
    }

    /// The addresses, with the ports that were found for port 0.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// What other threads, and this one, use to watch, reach and end the server.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle::new(Arc::clone(&self.shared))
    }

    /// Works off what there is, at most the budget. Never blocks. After the end of the server it does nothing.
    ///
    /// # Errors
    /// [`HostError::Reentered`] and [`HostError::WrongThread`] change nothing. After the others the server can only be dropped.
    pub fn poll(&self, budget: Budget) -> Result<Progress, HostError> {
        self.turn(budget, None::<fn()>)
    }

    /// As [`HostServer::poll`], and calls `then` once behind the work. What that does to exchanges counts for this turn: their answers
    /// leave before the call returns, without a wake-up.
    ///
    /// For languages that have to take a lock before they run anything: handlers only collect their exchanges, and `then` takes the
    /// lock once and answers them all. It is called on the worker like a handler, so it must not wait. What it told counts for a
    /// budget of its own, as large as the other; what that makes happen in turn comes in the next poll.
    ///
    /// # Errors
    /// As [`HostServer::poll`]. `then` is not called when there is an error, or when the server has ended.
    pub fn poll_then(&self, budget: Budget, then: impl FnOnce()) -> Result<Progress, HostError> {
        self.turn(budget, Some(then))
    }

    fn turn(&self, budget: Budget, then: Option<impl FnOnce()>) -> Result<Progress, HostError> {
        if local::is_worker() {
            return Err(HostError::Reentered);
        }
        let first = self.bind()?;
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::WouldBlock) => return Err(HostError::Reentered),
            Err(TryLockError::Poisoned(_)) => return Err(HostError::Lost),
        };
        let mut worker = match std::mem::replace(&mut *state, State::Lost) {
            State::Runs(worker) => worker,
            State::Over => {
                *state = State::Over;
                return Ok(Progress { worked: 0, more: false });
            }
            State::Lost => return Err(HostError::Lost),
        };
        let entered = worker.enter();
        if first {
            worker.begin();
        }
        let budget = budget.events.max(1);
        let mut worked = worker.work(Some(Duration::ZERO), budget).map_err(HostError::Io)?;
        if let Some(then) = then {
            then();
            worked += worker.work_told(budget);
        }
        if worker.is_over() {
            let report = worker.end();
            drop(entered);
            *state = State::Over;
            self.ended(report);
            return Ok(Progress { worked, more: false });
        }
        let more = worker.sleep().map_err(HostError::Io)?;
        *state = State::Runs(worker);
        Ok(Progress { worked, more })
    }

    /// Binds the server to the first thread that polls. Whether that is now.
    fn bind(&self) -> Result<bool, HostError> {
        let current = thread::current().id();
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        match life.thread {
            Some(thread) if thread == current => Ok(false),
            Some(_) => Err(HostError::WrongThread),
            None => {
                life.thread = Some(current);
                life.hosting = Some(local::host());
                Ok(true)
            }
        }
    }

    fn ended(&self, report: WorkerReport) {
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        life.hosting = None;
        life.report = Some(DrainReport { workers: vec![report] });
    }

    /// Begins to end the server: no more connections are accepted, idle ones close, running exchanges get this long. Returns at once;
    /// the next polls do it, and [`HostServer::drained`] tells when it is done. A second call can only shorten the time.
    pub fn drain(&self, timeout: Duration) {
        self.handle().drain(timeout);
    }

    /// How the server ended; `None` while it has not. Its descriptor is never readable again, and stays open until it is dropped.
    #[must_use]
    pub fn drained(&self) -> Option<DrainReport> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner).report.clone()
    }
}

impl AsFd for HostServer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for HostServer {
    /// The descriptor to watch. Valid until the server is dropped; only to be watched, never read or closed.
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl Drop for HostServer {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let State::Runs(worker) = std::mem::replace(state, State::Lost) {
            let _entered = worker.enter();
            let report = worker.end();
            self.shared.service.log.tell(Level::Debug, "host server dropped", || format!("{report:?}"));
        }
    }
}

impl std::fmt::Debug for HostServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostServer")
            .field("addresses", &self.addresses)
            .field("fd", &self.fd)
            .finish_non_exhaustive()
    }
}
