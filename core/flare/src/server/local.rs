//! What a worker's own thread knows: that it is a worker, and what was told to the worker in this turn.
//!
//! An exchange that is touched on its own worker needs no wake-up: the worker looks at it before its turn ends. So small
//! writes leave together, and a later answer from a timer costs no system call.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::server::shared::Message;

/// The worker of this thread.
struct Local {
    /// Tells workers apart, also those of different servers.
    id: u64,
    messages: VecDeque<Message>,
}

thread_local! {
    static LOCAL: RefCell<Option<Local>> = const { RefCell::new(None) };
    /// The thread was made for a worker. It has no destructor, so it can be asked to the very end of the thread.
    static MADE_FOR_IT: Cell<bool> = const { Cell::new(false) };
    /// How many servers have their worker in the loop of this thread's host.
    static HOSTED: RefCell<Option<Arc<AtomicUsize>>> = const { RefCell::new(None) };
}

/// Whether this code was called by a worker: by a handler, a hook or a task, or by a destructor at the end of its thread.
pub(crate) fn is_worker() -> bool {
    MADE_FOR_IT.get() || LOCAL.try_with(|local| local.borrow().is_some()).unwrap_or(false)
}

/// Whether this thread can't wait for an exchange, because it moves exchanges itself: it is a worker, or the host of one.
pub(crate) fn must_not_block() -> bool {
    is_worker()
        || HOSTED
            .try_with(|hosted| {
                hosted.borrow().as_ref().is_some_and(|servers| servers.load(Ordering::Relaxed) > 0)
            })
            .unwrap_or(false)
}

/// This thread belongs to a worker, to its end.
pub(crate) fn belong() {
    MADE_FOR_IT.set(true);
}

/// This thread is the worker `id` while the result lives. Afterwards it is again what it was before.
pub(crate) fn enter(id: u64) -> Entered {
    Entered { before: LOCAL.replace(Some(Local { id, messages: VecDeque::new() })) }
}

/// See [`enter`].
pub(crate) struct Entered {
    before: Option<Local>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        // Dropped when nothing is borrowed: a message may hold an exchange, whose end touches it.
        let unread = LOCAL.replace(self.before.take());
        drop(unread);
    }
}

/// This thread is the host of one more server while the result lives, wherever that is dropped.
pub(crate) fn host() -> Hosting {
    let servers = HOSTED.with_borrow_mut(|hosted| Arc::clone(hosted.get_or_insert_default()));
    servers.fetch_add(1, Ordering::Relaxed);
    Hosting { servers }
}

/// See [`host`].
pub(crate) struct Hosting {
    servers: Arc<AtomicUsize>,
}

impl Drop for Hosting {
    fn drop(&mut self) {
        self.servers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Tells something to the worker `id` before its turn ends. It comes back when this thread is not that worker.
pub(crate) fn post(id: u64, message: Message) -> Result<(), Message> {
    let mut message = Some(message);
    // Err: the thread is at its end, where destructors may still let exchanges go, and is no worker any more.
    let _ = LOCAL.try_with(|local| {
        if let Some(local) = local.borrow_mut().as_mut()
            && local.id == id
        {
            local.messages.extend(message.take());
        }
    });
    message.map_or(Ok(()), Err)
}

/// Whether something was told to the worker of this thread.
pub(crate) fn has_messages() -> bool {
    LOCAL.with_borrow(|local| local.as_ref().is_some_and(|local| !local.messages.is_empty()))
}

/// Takes what was told to the worker of this thread, behind what is in `into`.
pub(crate) fn take_messages(into: &mut VecDeque<Message>) {
    LOCAL.with_borrow_mut(|local| {
        if let Some(local) = local
            && !local.messages.is_empty()
        {
            if into.is_empty() {
                std::mem::swap(&mut local.messages, into);
            } else {
                into.append(&mut local.messages);
            }
        }
    });
}
