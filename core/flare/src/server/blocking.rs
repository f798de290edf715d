//! Threads for handlers that block.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::exchange::Exchange;
use crate::log::{Level, Log};
use crate::router::Route;

/// A bounded pool: so many threads, made when they are needed, and so many exchanges that wait for one.
pub(crate) struct BlockingPool {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    most_threads: usize,
    most_waiting: usize,
    log: Log,
    /// Handlers that panicked. Several threads count, so it is no counter of a worker.
    panics: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(Arc<Route>, Exchange)>,
    threads: usize,
    /// Threads that are in a handler.
    busy: usize,
    over: bool,
}

impl BlockingPool {
    pub(crate) fn new(most_threads: usize, most_waiting: usize, log: Log) -> Self {
        let shared = Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            most_threads,
            most_waiting,
            log,
            panics: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Handlers that panicked since the begin.
    pub(crate) fn panics(&self) -> u64 {
        self.shared.panics.load(Ordering::Relaxed)
    }

    /// Hands an exchange to a thread. It comes back when all threads are busy and the queue is full, or no thread can be made.
    pub(crate) fn submit(&self, route: Arc<Route>, exchange: Exchange) -> Result<(), Exchange> {
        // Dropped behind the lock: what an exchange holds is the application's.
        let mut cancelled = VecDeque::new();
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.waiting.len() >= state.threads - state.busy && state.threads < self.shared.most_threads {
            let shared = Arc::clone(&self.shared);
            match std::thread::Builder::new().name("flare-blocking".to_owned()).spawn(move || shared.run()) {
                Ok(_) => state.threads += 1,
                Err(error) => {
                    self.shared
                        .log
                        .tell(Level::Error, "no thread for the blocking pool", || error.to_string());
                    if state.threads == 0 {
                        return Err(exchange);
                    }
                }
            }
        }
        let places = self.shared.most_waiting + state.threads - state.busy;
        if state.waiting.len() >= places {
            cancelled = state.take_cancelled();
        }
        if state.waiting.len() >= places {
            return Err(exchange);
        }
        state.waiting.push_back((route, exchange));
        drop(state);
        drop(cancelled);
        self.shared.work.notify_one();
        Ok(())
    }
}

impl State {
    /// Takes out those that were cancelled while they waited. They are looked for only when their places are needed.
    fn take_cancelled(&mut self) -> VecDeque<(Arc<Route>, Exchange)> {
        let (cancelled, live) =
            self.waiting.drain(..).partition(|(_, exchange)| exchange.request().cancelled().is_some());
        self.waiting = live;
        cancelled
    }
}

impl Shared {
    fn run(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some((route, exchange)) = state.waiting.pop_front() {
                state.busy += 1;
                drop(state);
                // Nobody waits any more for an exchange that was cancelled while it waited here.
                if exchange.request().cancelled().is_none() {
                    let call = std::panic::AssertUnwindSafe(|| route.handler.handle(exchange));
                    if std::panic::catch_unwind(call).is_err() {
                        self.panics.fetch_add(1, Ordering::Relaxed);
                        self.log.tell(Level::Error, "handler panicked", || "in the blocking pool".to_owned());
                    }
                }
                state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.busy -= 1;
            } else if state.over {
                state.threads -= 1;
                return;
            } else {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Drop for BlockingPool {
    /// The threads end when their handlers return; who waits is let go, which answers 500.
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.over = true;
            std::mem::take(&mut state.waiting)
        };
        self.shared.work.notify_all();
        drop(waiting);
    }
}
