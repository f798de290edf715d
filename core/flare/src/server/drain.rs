//! How a server ended.

/// How one worker ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerReport {
    /// The number of the worker.
    pub worker: usize,
    /// Connections that ended by themselves while the server drained.
    pub finished: u64,
    /// Connections whose exchange was still running, or whose answer was still on its way, when the deadline passed.
    pub aborted: u64,
}

/// How a server ended, worker by worker.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainReport {
    /// One report for each worker.
    pub workers: Vec<WorkerReport>,
}

impl DrainReport {
    /// Connections that ended by themselves, over all workers.
    #[must_use]
    pub fn finished(&self) -> u64 {
        self.workers.iter().map(|worker| worker.finished).sum()
    }

    /// Connections whose exchange was cut, over all workers.
    #[must_use]
    pub fn aborted(&self) -> u64 {
        self.workers.iter().map(|worker| worker.aborted).sum()
    }
}
