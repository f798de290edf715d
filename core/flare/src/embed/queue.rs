//! Events that are pulled by threads of the host.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::changed::Changed;

/// A queue from workers to threads that pull. It may be cloned; several threads may pull, and each item goes to one of them.
///
/// It needs no limit of its own: a connection whose exchange waits here is not read, so there are never more items than exchanges in
/// flight (the setting `max_exchanges`) and what each of them has to tell.
pub struct Queue<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Changed,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

/// The queue was closed, and all that was in it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

impl<T> Queue<T> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        let state = State { items: VecDeque::new(), closed: false };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), changed: Changed::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item. It comes back when the queue is closed.
    ///
    /// # Errors
    /// The item.
    pub fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.closed {
            return Err(item);
        }
        state.items.push_back(item);
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Takes the next item, and waits for it: for ever, or so long. `Ok(None)`: nothing came in time.
    ///
    /// # Errors
    /// [`Closed`] when nothing will come any more.
    pub fn next(&self, timeout: Option<Duration>) -> Result<Option<T>, Closed> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.lock();
        loop {
            if let Some(item) = state.items.pop_front() {
                return Ok(Some(item));
            }
            if state.closed {
                return Err(Closed);
            }
            state = match deadline {
                None => self.shared.changed.wait(state),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Ok(None);
                    }
                    self.shared.changed.wait_timeout(state, left)
                }
            };
        }
    }

    /// Closes the queue: nothing is added any more; what is in it can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.shared.changed.notify_all();
    }

    /// Calls a function whenever an item came or the queue was closed, from the thread that did it: for loops, which ask again with
    /// [`Queue::next`] and no time to wait. It must return at once and not touch the queue. False: there is such a function already.
    pub fn on_change(&self, tell: impl Fn() + Send + Sync + 'static) -> bool {
        self.shared.changed.set(tell)
    }

    /// How many items wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Whether no item waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> std::fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("len", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_order_and_then_the_end() {
        let queue = Queue::new();
        queue.push(1).unwrap();
        queue.push(2).unwrap();
        assert_eq!(queue.next(None), Ok(Some(1)));
        queue.close();
        assert_eq!(queue.push(3), Err(3));
        assert_eq!(queue.next(None), Ok(Some(2)));
        assert_eq!(queue.next(None), Err(Closed));
    }

    #[test]
    fn a_loop_is_told_instead_of_waiting() {
        let (queue, told) = (Queue::new(), Arc::new(Mutex::new(0)));
        let count = Arc::clone(&told);
        assert!(queue.on_change(move || *count.lock().unwrap() += 1));
        assert!(!queue.on_change(|| ()));
        queue.push(1).unwrap();
        assert_eq!(*told.lock().unwrap(), 1);
        queue.close();
        assert_eq!((*told.lock().unwrap(), queue.next(Some(Duration::ZERO))), (2, Ok(Some(1))));
    }

    #[test]
    fn a_wait_ends_in_time() {
        let queue = Queue::<u8>::new();
        assert_eq!(queue.next(Some(Duration::from_millis(1))), Ok(None));
    }

    #[test]
    fn every_item_goes_to_one_thread() {
        let queue = Queue::new();
        let pullers: Vec<_> = (0..4)
            .map(|_| {
                let queue = queue.clone();
                std::thread::spawn(move || {
                    let mut sum = 0_u64;
                    while let Ok(Some(item)) = queue.next(None) {
                        sum += item;
                    }
                    sum
                })
            })
            .collect();
        for item in 1..=10_000_u64 {
            queue.push(item).unwrap();
        }
        queue.close();
        let sum: u64 = pullers.into_iter().map(|puller| puller.join().unwrap()).sum();
        assert_eq!(sum, 10_000 * 10_001 / 2);
    }
}
