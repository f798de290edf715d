//! Names to addresses, off the threads that must not wait: a cache before a few threads that ask the system.

mod cache;
mod lookup;

use crate::HostName;
use cache::Cache;
pub use lookup::{Lookup, ResolveError, SystemLookup};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The addresses of a host, in the order in which the system would try them, with port 0; or why there are none.
pub type Answer = Result<Arc<[SocketAddr]>, ResolveError>;

/// How much a resolver may use, and for how long it believes what it learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverOptions {
    /// Threads that wait for the system, made when they are needed. At least 1. Default 4.
    pub threads: usize,
    /// Names that may wait for such a thread; more fail with [`ResolveError::Busy`]. Default 1024.
    pub queue: usize,
    /// Names whose answer is kept. Default 1024.
    pub cache: usize,
    /// How long addresses are kept. The system does not say how long they are good for. Default 30 s.
    pub age: Duration,
    /// How long it is kept that there are none. Other failures are not kept. Default 5 s.
    pub negative_age: Duration,
}

impl Default for ResolverOptions {
    fn default() -> ResolverOptions {
        ResolverOptions {
            threads: 4,
            queue: 1024,
            cache: 1024,
            age: Duration::from_secs(30),
            negative_age: Duration::from_secs(5),
        }
    }
}

/// How long a thread without work stays.
const STAY: Duration = Duration::from_secs(10);

/// Looks names up. Clones are the same resolver.
#[derive(Clone)]
pub struct Resolver {
    shared: Arc<Shared>,
}

struct Shared {
    options: ResolverOptions,
    lookup: Box<dyn Lookup>,
    state: Mutex<State>,
    /// Told of each name that is queued.
    queued: Condvar,
}

type Tell = Box<dyn FnOnce(Answer) + Send>;

struct State {
    cache: Cache,
    /// Who waits for which name. A name is in it from when it is queued until its answer is there.
    asked: HashMap<HostName, Vec<(u64, Tell)>>,
    queue: VecDeque<HostName>,
    threads: usize,
    idle: usize,
    next: u64,
}

/// What comes of a question.
#[derive(Debug)]
pub enum Resolution {
    /// The answer was at hand. Nobody is called back.
    Known(Answer),
    /// The answer comes later, by the callback, unless this is dropped before.
    Asked(Asking),
}

/// Somebody waits for an answer. Dropping it ends that; the answer still goes into the cache.
pub struct Asking {
    shared: Arc<Shared>,
    name: HostName,
    number: u64,
}

impl Resolver {
    /// The resolver of the process: getaddrinfo, with default options.
    pub fn system() -> &'static Resolver {
        static SYSTEM: OnceLock<Resolver> = OnceLock::new();
        SYSTEM.get_or_init(|| Resolver::new(ResolverOptions::default(), SystemLookup))
    }

    /// A resolver of its own, which asks `lookup`.
    pub fn new(options: ResolverOptions, lookup: impl Lookup) -> Resolver {
        let state = State {
            cache: Cache::new(options.cache),
            asked: HashMap::new(),
            queue: VecDeque::new(),
            threads: 0,
            idle: 0,
            next: 0,
        };
        Resolver {
            shared: Arc::new(Shared {
                options,
                lookup: Box::new(lookup),
                state: Mutex::new(state),
                queued: Condvar::new(),
            }),
        }
    }

    /// Asks for the addresses of a host. Never blocks. `tell` is called at most once, on a thread of the resolver, and must not block.
    pub fn resolve(&self, name: &HostName, tell: impl FnOnce(Answer) + Send + 'static) -> Resolution {
        let shared = &self.shared;
        let mut state = shared.lock();
        if let Some(answer) = state.cache.get(name, Instant::now()) {
            return Resolution::Known(answer);
        }
        let number = state.next;
        state.next += 1;
        if let Some(others) = state.asked.get_mut(name) {
            others.push((number, Box::new(tell)));
        } else {
            if state.queue.len() >= shared.options.queue {
                return Resolution::Known(Err(ResolveError::Busy));
            }
            if state.queue.len() >= state.idle && state.threads < shared.options.threads.max(1) {
                let own = Arc::clone(shared);
                let spawned =
                    std::thread::Builder::new().name("flare-resolve".into()).spawn(move || own.work());
                match spawned {
                    Ok(_) => state.threads += 1,
                    // Those that are there will come to it.
                    Err(_) if state.threads > 0 => {}
                    Err(error) => return Resolution::Known(Err(ResolveError::Failed(error.to_string()))),
                }
            }
            state.queue.push_back(name.clone());
            state.asked.insert(name.clone(), vec![(number, Box::new(tell))]);
            shared.queued.notify_one();
        }
        Resolution::Asked(Asking { shared: Arc::clone(shared), name: name.clone(), number })
    }
}

impl Shared {
    /// What panics is kept outside of the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a thread.
    fn work(self: Arc<Self>) {
        while let Some(name) = self.next_name() {
            let answer = catch_unwind(AssertUnwindSafe(|| self.lookup.lookup(&name)));
            let answer =
                answer.unwrap_or_else(|_| Err(ResolveError::Failed("the lookup panicked".to_owned())));
            let answer = answer.map(Arc::from);
            let waiting = {
                let mut state = self.lock();
                let age = match &answer {
                    Ok(_) => self.options.age,
                    Err(ResolveError::NotFound) => self.options.negative_age,
                    Err(_) => Duration::ZERO,
                };
                state.cache.put(&name, &answer, Instant::now(), age);
                state.asked.remove(&name).unwrap_or_default()
            };
            for (_, tell) in waiting {
                // One that panics must not take the answer from the others.
                let _ = catch_unwind(AssertUnwindSafe(|| tell(answer.clone())));
            }
        }
    }

    /// The next name to look up. `None`: nobody asked for a while, and the thread is not counted any more.
    fn next_name(&self) -> Option<HostName> {
        let mut state = self.lock();
        loop {
            if let Some(name) = state.queue.pop_front() {
                return Some(name);
            }
            state.idle += 1;
            let (back, waited) =
                self.queued.wait_timeout(state, STAY).unwrap_or_else(PoisonError::into_inner);
            state = back;
            state.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                return None;
            }
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let Some(waiting) = state.asked.get_mut(&self.name) else { return };
        let Some(at) = waiting.iter().position(|(number, _)| *number == self.number) else { return };
        let (_, unused) = waiting.swap_remove(at);
        if waiting.is_empty()
            && let Some(at) = state.queue.iter().position(|name| *name == self.name)
        {
            // Nobody began with it: so nobody has to.
            state.queue.remove(at);
            state.asked.remove(&self.name);
        }
        drop(state);
        // What it holds may ask again: not under the lock.
        drop(unused);
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").field("name", &self.name).finish_non_exhaustive()
    }
}
