//! A bounded queue into the thread that owns a driver, which wakes that thread.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The sending end: any thread may post. Clones send into the same queue.
pub struct Mailbox<T> {
    shared: Arc<Shared<T>>,
}

/// The receiving end, for the thread that owns the driver. Dropping it closes the mailbox and drops what is in it.
pub struct MailboxReceiver<T> {
    shared: Arc<Shared<T>>,
}

/// Why a message was not taken. It comes back.
#[derive(PartialEq, Eq)]
pub enum PostError<T> {
    /// The mailbox holds as many messages as it may.
    Full(T),
    /// The receiver is gone.
    Closed(T),
}

struct Shared<T> {
    queue: Mutex<Queue<T>>,
    /// Set by the post that wakes the receiver, cleared by the receiver: the posts between need not wake it again.
    woken: AtomicBool,
    waker: Arc<mio::Waker>,
}

struct Queue<T> {
    messages: Vec<T>,
    capacity: usize,
    closed: bool,
}

impl<T> Shared<T> {
    /// A post does nothing that can panic while it holds the lock, so a poisoned one still guards a whole queue.
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both ends of a mailbox that wakes through `waker` and holds at most `capacity` messages.
pub(crate) fn mailbox<T: Send>(waker: Arc<mio::Waker>, capacity: usize) -> (Mailbox<T>, MailboxReceiver<T>) {
    let queue = Mutex::new(Queue { messages: Vec::new(), capacity, closed: false });
    let shared = Arc::new(Shared { queue, woken: AtomicBool::new(false), waker });
    (Mailbox { shared: Arc::clone(&shared) }, MailboxReceiver { shared })
}

impl<T> Mailbox<T> {
    /// Puts a message into the queue and wakes the receiver, once for a burst. Never blocks for longer than another thread's post.
    ///
    /// # Errors
    /// When the mailbox is full or closed; the message comes back in the error.
    pub fn post(&self, message: T) -> Result<(), PostError<T>> {
        {
            let mut queue = self.shared.lock();
            if queue.closed {
                return Err(PostError::Closed(message));
            }
            if queue.messages.len() >= queue.capacity {
                return Err(PostError::Full(message));
            }
            queue.messages.push(message);
        }
        if !self.shared.woken.swap(true, Ordering::AcqRel) && self.shared.waker.wake().is_err() {
            // The message is in the queue and will be taken with the next: that one must try again to wake.
            self.shared.woken.store(false, Ordering::Release);
        }
        Ok(())
    }
}

impl<T> MailboxReceiver<T> {
    /// Moves all messages to the end of `into`, in the order they were posted. An empty `into` is swapped with the queue, so that two
    /// allocations are enough for ever.
    pub fn take(&mut self, into: &mut Vec<T>) {
        // Cleared first: a post that comes after the swap finds it clear and wakes again. One too many is harmless, one too few is not.
        self.shared.woken.store(false, Ordering::Release);
        let mut queue = self.shared.lock();
        if into.is_empty() {
            std::mem::swap(&mut queue.messages, into);
        } else {
            into.append(&mut queue.messages);
        }
    }
}

impl<T> Drop for MailboxReceiver<T> {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.closed = true;
        let messages = std::mem::take(&mut queue.messages);
        // A message's drop may post to this same mailbox: not under the lock.
        drop(queue);
        drop(messages);
    }
}

impl<T> Clone for Mailbox<T> {
    fn clone(&self) -> Mailbox<T> {
        Mailbox { shared: Arc::clone(&self.shared) }
    }
}

impl<T> PostError<T> {
    /// The message that was not taken.
    pub fn into_message(self) -> T {
        match self {
            PostError::Full(message) | PostError::Closed(message) => message,
        }
    }
}

impl<T> fmt::Debug for Mailbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for MailboxReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailboxReceiver").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for PostError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PostError::Full(_) => "Full",
            PostError::Closed(_) => "Closed",
        })
    }
}

impl<T> fmt::Display for PostError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PostError::Full(_) => "the mailbox is full",
            PostError::Closed(_) => "the mailbox is closed",
        })
    }
}

impl<T> std::error::Error for PostError<T> {}
