//! What a worker's own thread knows: that it is a worker, and which exchanges were touched in this turn.
//!
//! An exchange that is touched on its own worker needs no wake-up: the worker looks at it before its turn ends. So small
//! writes leave together, and a later answer from a timer costs no system call.

use std::cell::RefCell;

use crate::exchange::ExchangeKey;

/// The worker of this thread.
struct Local {
    /// Tells workers apart, also those of different servers.
    id: u64,
    touched: Vec<ExchangeKey>,
}

thread_local! {
    static LOCAL: RefCell<Option<Local>> = const { RefCell::new(None) };
}

/// Whether this thread is a worker, which must not block.
pub(crate) fn is_worker() -> bool {
    LOCAL.with_borrow(Option::is_some)
}

/// This thread is the worker `id` from now on.
pub(crate) fn enter(id: u64) {
    LOCAL.set(Some(Local { id, touched: Vec::new() }));
}

/// This thread is no worker any more.
pub(crate) fn leave() {
    LOCAL.set(None);
}

/// Remembers an exchange of the worker `id` for the end of the turn. False: this thread is not that worker.
pub(crate) fn touch(id: u64, key: ExchangeKey) -> bool {
    LOCAL.with_borrow_mut(|local| match local {
        Some(local) if local.id == id => {
            local.touched.push(key);
            true
        }
        _ => false,
    })
}

/// Whether exchanges wait for the end of the turn.
pub(crate) fn has_touched() -> bool {
    LOCAL.with_borrow(|local| local.as_ref().is_some_and(|local| !local.touched.is_empty()))
}

/// Takes the exchanges that were touched. `into` is empty; its memory is used again.
pub(crate) fn take_touched(into: &mut Vec<ExchangeKey>) {
    LOCAL.with_borrow_mut(|local| {
        if let Some(local) = local
            && !local.touched.is_empty()
        {
            std::mem::swap(&mut local.touched, into);
        }
    });
}
