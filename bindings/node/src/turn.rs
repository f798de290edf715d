//! The time in which the core may call JavaScript: while the loop, or JavaScript itself, has called the core.

use std::cell::Cell;
use std::ptr::null;
use std::rc::Rc;

use flare::Exchange;
use flare::log::AccessRecord;

use crate::answer;
use crate::environment::{Environment, Register};
use crate::handler::{self, Notice};
use crate::js::{Env, Error, Value};
use crate::packed::pack;

/// An environment that may be called, and the values that this takes.
pub(crate) struct Turn {
    pub(crate) env: Env,
    pub(crate) this: Value,
    pub(crate) dispatch: Value,
    pub(crate) event: Value,
    pub(crate) end: Value,
    pub(crate) socket: Value,
    pub(crate) client: Value,
    pub(crate) resolve: Value,
    pub(crate) environment: Rc<Environment>,
}

thread_local! {
    /// The turn of this thread, while there is one.
    static CURRENT: Cell<*const Turn> = const { Cell::new(null()) };
}

/// Runs `work` while `turn` is that of this thread.
pub(crate) fn within<T>(turn: &Turn, work: impl FnOnce() -> T) -> T {
    /// Puts the turn back that was there before, also after a panic.
    struct Restore(*const Turn);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _restore = Restore(CURRENT.replace(turn));
    work()
}

/// The turn of this thread. `None` outside of one: then no JavaScript can be called.
pub(crate) fn with<T>(work: impl FnOnce(&Turn) -> T) -> Option<T> {
    let turn = CURRENT.get();
    // SAFETY: `within` sets it to a value that it borrows until it has set it back, on this thread.
    let turn = unsafe { turn.as_ref() }?;
    Some(work(turn))
}

impl Turn {
    /// Hands an exchange to its handler in JavaScript. An exchange that can't be handed over is dropped, which answers 500.
    pub(crate) fn dispatch(&self, handler: i32, extras: bool, flags: i32, exchange: Exchange) {
        let environment = &self.environment;
        let packed = {
            let mut scratch = environment.scratch.borrow_mut();
            scratch.clear();
            pack(exchange.request(), extras, &mut scratch);
            self.env.latin1(&scratch)
        };
        let Ok(packed) = packed else { return };
        let Some(id) = environment.exchanges.borrow_mut().insert(exchange) else { return };
        environment.write(Register::Exchange, id);
        environment.write(Register::Handler, handler);
        environment.write(Register::Flags, flags);
        let answered = self
            .env
            .call(self.this, self.dispatch, &[packed])
            .and_then(|answer| answer::of_dispatch(self, id, answer));
        if let Err(error) = answered {
            self.fail(error);
            let dropped = environment.exchanges.borrow_mut().remove(id);
            drop(dropped);
        }
    }

    /// Hands an exchange back to JavaScript that went on from its gate.
    pub(crate) fn pass(&self, id: i32, flags: i32, exchange: Exchange) {
        handler::attend(&exchange, id);
        let unwanted = self.environment.exchanges.borrow_mut().put(id, exchange);
        // JavaScript has let it go in between.
        drop(unwanted);
        self.environment.write(Register::Flags, flags);
        self.notify(id, Notice::Passed);
    }

    /// Tells JavaScript of something that happened to an exchange.
    pub(crate) fn notify(&self, id: i32, notice: Notice) {
        let told = self.env.integer(id).and_then(|id| {
            let notice = self.env.integer(notice as i32)?;
            self.env.call(self.this, self.event, &[id, notice])
        });
        if let Err(error) = told {
            self.fail(error);
        }
    }

    /// Tells JavaScript of an exchange that has ended, for the server of this number.
    pub(crate) fn end(&self, server: i32, record: &AccessRecord<'_>) {
        let mut packed = Vec::new();
        pack(record.request, false, &mut packed);
        let told = || {
            let arguments = [
                self.env.integer(server)?,
                self.env.latin1(&packed)?,
                self.env.integer(record.status.into())?,
                self.env.number(record.body_bytes as f64)?,
                self.env.number(record.duration.as_secs_f64() * 1000.0)?,
                self.env.integer(record.whole.into())?,
            ];
            self.env.call(self.this, self.end, &arguments)
        };
        if let Err(error) = told() {
            self.fail(error);
        }
    }

    /// The functions that the core calls catch what handlers throw, so this is a fault of flare's own, or the end of the environment.
    pub(crate) fn fail(&self, error: Error) {
        if matches!(error, Error::Pending) {
            self.env.raise_pending();
        }
    }
}
