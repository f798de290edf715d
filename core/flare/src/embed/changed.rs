//! Who is told of a change: threads that wait for one, and a loop that does not wait.

use std::sync::{Condvar, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// A condition variable that can also call a function.
#[derive(Default)]
pub(crate) struct Changed {
    threads: Condvar,
    tell: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Changed {
    /// Calls a function at each change from now on. False: there is one already.
    pub(crate) fn set(&self, tell: impl Fn() + Send + Sync + 'static) -> bool {
        self.tell.set(Box::new(tell)).is_ok()
    }

    pub(crate) fn notify_one(&self) {
        self.threads.notify_one();
        self.call();
    }

    pub(crate) fn notify_all(&self) {
        self.threads.notify_all();
        self.call();
    }

    fn call(&self) {
        if let Some(tell) = self.tell.get() {
            tell();
        }
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.threads.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wait_timeout<'a, T>(&self, guard: MutexGuard<'a, T>, left: Duration) -> MutexGuard<'a, T> {
        self.threads.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
    }
}
