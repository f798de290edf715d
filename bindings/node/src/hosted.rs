//! What the loop has of JavaScript's: something that is being made, what it becomes, and its end.

use std::cell::RefCell;
use std::os::fd::RawFd;
use std::rc::Rc;

use crate::environment::Environment;
use crate::js::{Arguments, Env, Error, Result, Value, ValueScope};
use crate::turn;
use crate::watch::{Watch, Watched};

/// A state with a descriptor, which the loop watches until it is over: `S::default()`.
pub(crate) struct Hosted<S> {
    pub(crate) env: Env,
    pub(crate) environment: Rc<Environment>,
    pub(crate) state: RefCell<S>,
    watch: RefCell<Option<Watch>>,
}

impl<S: Default> Hosted<S> {
    pub(crate) fn new(arguments: &Arguments<'_>, state: S) -> Self {
        let environment = Rc::clone(arguments.environment);
        Self { env: arguments.env, environment, state: RefCell::new(state), watch: RefCell::default() }
    }

    /// Has the loop watch the descriptor of the state. `owner` has this value; `name` is what tools know the calls by.
    pub(crate) fn begin(&self, fd: RawFd, name: &'static str, owner: Rc<dyn Watched>) -> Result<()> {
        let watch = Watch::start(self.env, &self.environment, fd, name, owner)?;
        *self.watch.borrow_mut() = Some(watch);
        Ok(())
    }

    /// It has become another, with a descriptor of its own.
    ///
    /// # Errors
    /// The loop can't watch that. It is still what it was.
    pub(crate) fn become_other(&self, fd: RawFd, state: S) -> Result<()> {
        let other = match self.watch.borrow().as_ref() {
            Some(watch) => watch.other(fd)?,
            None => None,
        };
        let over = || Error::Coded("ERR_FLARE_STATE", "it is over".to_owned());
        // Before what it watched is closed.
        let before = self.watch.replace(Some(other.ok_or_else(over)?));
        drop(before);
        let before = self.state.replace(state);
        drop(before);
        Ok(())
    }

    /// Lets go of it at once, and tells nobody. Once is enough.
    pub(crate) fn end(&self) {
        // First the watch: its descriptor is open until then.
        let watch = self.watch.borrow_mut().take();
        drop(watch);
        // What is borrowed is in use further up: a handler has ended the process.
        let before = self.state.try_borrow_mut().map(|mut state| std::mem::take(&mut *state));
        drop(before);
    }

    /// Does something while JavaScript can be called. `None`: the environment ends.
    pub(crate) fn enter<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        self.environment.enter(self.env, work).ok()
    }

    /// Whether it keeps the process alive.
    pub(crate) fn keep_alive(&self, keep: bool) {
        if let Some(watch) = self.watch.borrow().as_ref() {
            watch.keep_alive(keep);
        }
    }

    /// What the loop watches for, unless it is over.
    pub(crate) fn set(&self, read: bool, write: bool) -> Result<()> {
        self.watch.borrow().as_ref().map_or(Ok(()), |watch| watch.set(read, write))
    }
}

/// Tells JavaScript what happens on a connection: of which exchange, what, and two values.
pub(crate) fn tell(number: i32, exchange: f64, what: i32, values: impl FnOnce(Env) -> Result<[Value; 2]>) {
    let call = |turn: &turn::Turn| {
        let env = turn.env;
        // So that what was told does not stay until the end of the turn.
        let _scope = ValueScope::open(env)?;
        let [first, second] = values(env)?;
        let arguments = [env.integer(number)?, env.number(exchange)?, env.integer(what)?, first, second];
        env.call(turn.this, turn.client, &arguments).map(drop)
    };
    // None: JavaScript can't be called.
    let _ = turn::with(|turn| {
        if let Err(error) = call(turn) {
            turn.fail(error);
        }
    });
}
