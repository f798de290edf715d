//! The life of a server behind its handle: made, running, ended.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};

use flare::embed::{HostServer, on_worker};
use flare::server::{DrainReport, RunningServer, SignalDrain};
use flare::{Error, Server, ServerHandle};

use crate::guard::Failure;
use crate::object::lock;
use crate::status::FLARE_ERROR_INVALID_STATE;

/// An error on a worker, where nothing may wait for the end of a server: that may be its own.
pub(crate) fn may_wait() -> Result<(), Failure> {
    if on_worker() { Err(state("a worker can't wait for a server")) } else { Ok(()) }
}

pub(crate) struct ServerState {
    life: Mutex<Life>,
    /// Told when a call gives back what it had taken.
    given_back: Condvar,
}

enum Life {
    /// Settings and addresses may still be added.
    Made(Box<Server>),
    /// A call on this thread changes or binds the server. It does so without the lock, because destructors of C may run meanwhile,
    /// and they may use the handle.
    Taken(ThreadId),
    /// A start failed behind the binding, and took the server with it.
    Lost,
    /// The workers run, or are about to. `running` is None until they do, and from when somebody waits for their end.
    Running {
        running: Option<RunningServer>,
        signals: Option<SignalDrain>,
        handle: ServerHandle,
        addresses: Vec<String>,
    },
    /// It runs in the loop of its host, or has ended there.
    Hosted { host: Arc<HostServer>, signals: Option<SignalDrain>, addresses: Vec<String> },
    /// It has ended like this.
    Ended { report: DrainReport, handle: ServerHandle },
}

fn state(message: &'static str) -> Failure {
    Failure::new(FLARE_ERROR_INVALID_STATE, message)
}

const NOT_STARTED: &str = "the server was not started";

/// The server, out of its state. Unless it is given back, it is lost.
struct Taken<'a> {
    from: &'a ServerState,
    becomes: Life,
}

impl Taken<'_> {
    /// What was bound; a server that could not be bound is given back.
    fn keep<T>(&mut self, bound: Result<T, (Box<Server>, Error)>) -> Result<T, Failure> {
        bound.map_err(|(server, error)| {
            self.becomes = Life::Made(server);
            error.into()
        })
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *lock(&self.from.life) = mem::replace(&mut self.becomes, Life::Lost);
        self.from.given_back.notify_all();
    }
}

impl ServerState {
    pub(crate) fn new(server: Server) -> ServerState {
        ServerState { life: Mutex::new(Life::Made(Box::new(server))), given_back: Condvar::new() }
    }

    /// Takes a server that was not started. Waits while another thread has it.
    fn take(&self) -> Result<(Server, Taken<'_>), Failure> {
        let me = thread::current().id();
        let mut life = lock(&self.life);
        loop {
            match mem::replace(&mut *life, Life::Taken(me)) {
                Life::Made(server) => return Ok((*server, Taken { from: self, becomes: Life::Lost })),
                Life::Taken(by) if by != me => {
                    *life = Life::Taken(by);
                    life = self.given_back.wait(life).unwrap_or_else(PoisonError::into_inner);
                }
                other => {
                    let problem = match &other {
                        Life::Taken(_) => "the server is being changed by the call that called this",
                        Life::Lost => "the start failed before: the server can only be freed",
                        _ => "the server was started before",
                    };
                    *life = other;
                    return Err(state(problem));
                }
            }
        }
    }

    pub(crate) fn change(&self, change: impl FnOnce(Server) -> Result<Server, Error>) -> Result<(), Failure> {
        let (server, mut taken) = self.take()?;
        taken.becomes = Life::Made(Box::new(change(server)?));
        Ok(())
    }

    pub(crate) fn start(&self) -> Result<(), Failure> {
        let (server, mut taken) = self.take()?;
        let bound = taken.keep(server.try_bind())?;
        let addresses = bound.addresses().iter().map(ToString::to_string).collect();
        // The hooks of the first worker may use the handle before the last worker has started.
        taken.becomes = Life::Running { handle: bound.handle(), running: None, signals: None, addresses };
        drop(taken);
        let started = bound.start();
        let mut life = lock(&self.life);
        match (started, &mut *life) {
            (Ok(started), Life::Running { running, .. }) => {
                *running = Some(started);
                Ok(())
            }
            (started, _) => {
                let before = mem::replace(&mut *life, Life::Lost);
                drop(life);
                drop(before);
                Err(started
                    .err()
                    .map_or_else(|| state("the server was ended while it started"), Failure::from))
            }
        }
    }

    /// Leaves the loop to the host.
    pub(crate) fn host_start(&self) -> Result<(), Failure> {
        let (server, mut taken) = self.take()?;
        let host = Arc::new(taken.keep(server.try_bind_for_host())?.host()?);
        let addresses = host.addresses().iter().map(ToString::to_string).collect();
        taken.becomes = Life::Hosted { host, signals: None, addresses };
        Ok(())
    }

    /// The server in the loop of its host.
    pub(crate) fn hosted(&self) -> Result<Arc<HostServer>, Failure> {
        match &*lock(&self.life) {
            Life::Hosted { host, .. } => Ok(Arc::clone(host)),
            Life::Running { .. } | Life::Ended { .. } => {
                Err(state("the server runs on threads of its own, not in the loop of a host"))
            }
            _ => Err(state(NOT_STARTED)),
        }
    }

    pub(crate) fn wait(&self) -> Result<(), Failure> {
        may_wait()?;
        let running = match &mut *lock(&self.life) {
            Life::Ended { .. } => return Ok(()),
            Life::Running { running, .. } => {
                running.take().ok_or_else(|| state("another thread starts the server, or waits for it"))?
            }
            Life::Hosted { .. } => return Err(state("the server runs in the loop of its host")),
            _ => return Err(state(NOT_STARTED)),
        };
        let handle = running.handle();
        let report = running.wait();
        let before = mem::replace(&mut *lock(&self.life), Life::Ended { report, handle });
        drop(before);
        Ok(())
    }

    /// Cuts everything, if it runs.
    pub(crate) fn stop(&self) {
        match &*lock(&self.life) {
            Life::Running { handle, .. } => handle.stop(),
            Life::Hosted { host, .. } => host.handle().stop(),
            _ => {}
        }
    }

    /// Of a server that was started.
    pub(crate) fn handle(&self) -> Result<ServerHandle, Failure> {
        match &*lock(&self.life) {
            Life::Running { handle, .. } | Life::Ended { handle, .. } => Ok(handle.clone()),
            Life::Hosted { host, .. } => Ok(host.handle()),
            _ => Err(state(NOT_STARTED)),
        }
    }

    pub(crate) fn drain_on_signals(&self) -> Result<(), Failure> {
        match &mut *lock(&self.life) {
            Life::Running { signals, handle, .. } => {
                if signals.is_none() {
                    *signals = Some(handle.drain_on_signals()?);
                }
                Ok(())
            }
            Life::Hosted { host, signals, .. } if host.drained().is_none() => {
                if signals.is_none() {
                    *signals = Some(host.handle().drain_on_signals()?);
                }
                Ok(())
            }
            Life::Hosted { .. } | Life::Ended { .. } => Err(state("the server has ended")),
            _ => Err(state(NOT_STARTED)),
        }
    }

    /// An address of a server that runs, with the port that was found.
    pub(crate) fn address(&self, index: usize) -> Result<Option<String>, Failure> {
        match &*lock(&self.life) {
            Life::Running { addresses, .. } => Ok(addresses.get(index).cloned()),
            Life::Hosted { host, addresses, .. } if host.drained().is_none() => {
                Ok(addresses.get(index).cloned())
            }
            _ => Err(state("the server does not run")),
        }
    }

    /// How many connections ended by themselves, and how many were cut. None before the end.
    pub(crate) fn drained(&self) -> Option<(u64, u64)> {
        let report = match &*lock(&self.life) {
            Life::Ended { report, .. } => report.clone(),
            Life::Hosted { host, .. } => host.drained()?,
            _ => return None,
        };
        Some((report.finished(), report.aborted()))
    }
}

impl Drop for ServerState {
    fn drop(&mut self) {
        if !on_worker() {
            return;
        }
        // Ending the server waits for its workers, and this may be one of them: another thread has to do it.
        let life = self.life.get_mut().unwrap_or_else(PoisonError::into_inner);
        let life = mem::replace(life, Life::Lost);
        if let Life::Running { running: Some(_), .. } = &life {
            let left = Arc::new(Mutex::new(Some(life)));
            let heir = Arc::clone(&left);
            let spawned =
                thread::Builder::new().name("flare-end".into()).spawn(move || drop(lock(&heir).take()));
            if spawned.is_err() {
                // No thread is left. The server was stopped before; its memory is all that is lost.
                mem::forget(left);
            }
        }
    }
}
