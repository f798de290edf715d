//! What code that runs on a worker may do there.

use std::collections::HashMap;
use std::time::Duration;

pub(crate) type Task = Box<dyn FnOnce(&mut WorkerContext) + Send>;

/// The worker, for code that runs on it: start and stop hooks, posted tasks and timers.
pub struct WorkerContext {
    index: usize,
    next: u32,
    tasks: HashMap<u32, Task>,
    armed: Vec<(u32, Duration)>,
}

impl WorkerContext {
    pub(crate) fn new(index: usize) -> Self {
        Self { index, next: 0, tasks: HashMap::new(), armed: Vec::new() }
    }

    /// The number of the worker, from 0.
    #[must_use]
    pub fn worker(&self) -> usize {
        self.index
    }

    /// Runs a task on this worker after a while, at least 1 ms, at a resolution of 1 ms. It must not block. Tasks whose time has not come
    /// when the worker ends are dropped.
    pub fn after(&mut self, delay: Duration, task: impl FnOnce(&mut WorkerContext) + Send + 'static) {
        // Numbers wrap after 2^31 timers; a number that is still in use is passed over.
        while self.tasks.contains_key(&self.next) {
            self.next = following(self.next);
        }
        let id = self.next;
        self.next = following(id);
        self.tasks.insert(id, Box::new(task));
        self.armed.push((id, delay));
    }

    pub(crate) fn take_armed(&mut self) -> Vec<(u32, Duration)> {
        std::mem::take(&mut self.armed)
    }

    /// The task whose time has come.
    pub(crate) fn due(&mut self, id: u64) -> Option<Task> {
        u32::try_from(id).ok().and_then(|id| self.tasks.remove(&id))
    }
}

/// The next number of a timer. Half of the numbers are left to the worker's own timers.
fn following(id: u32) -> u32 {
    id.wrapping_add(1) & (u32::MAX >> 1)
}

impl std::fmt::Debug for WorkerContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerContext")
            .field("worker", &self.index)
            .field("timers", &self.tasks.len())
            .finish()
    }
}
