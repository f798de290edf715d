//! A descriptor in the loop of Node, and whose it is.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::rc::Rc;

use napi_sys as sys;

use crate::environment::Environment;
use crate::js::{AsyncContext, Env, Error, Result, Scope, node};
use crate::uv::{self, Handle, Poll};

/// Whose descriptor it is.
pub(crate) trait Watched {
    /// The descriptor is ready, or the loop can't watch it any more. It may close its [`Watch`] here.
    fn ready(&self, scope: &mut Scope<'_>, is_lost: bool);

    /// It is over: the environment ends, or [`Watched::ready`] has panicked. No JavaScript is called.
    fn end(&self);
}

/// A descriptor that the loop watches, until this is dropped.
pub(crate) struct Watch(Rc<Own>);

/// The loop has a count of it, until it has let go of its handle.
struct Own {
    env: Env,
    environment: Rc<Environment>,
    name: &'static str,
    /// Gone when it was closed, so that they do not hold each other.
    watched: RefCell<Option<Rc<dyn Watched>>>,
    poll: RefCell<Option<Poll>>,
    context: RefCell<Option<AsyncContext>>,
    closing: Cell<bool>,
    /// Tells the owner when the environment ends first.
    cleanup: Cell<sys::napi_async_cleanup_hook_handle>,
}

impl Watch {
    /// Watches a descriptor for being readable. It must stay open until the watch is dropped. `name`: what tools know the calls by.
    pub(crate) fn start(
        env: Env,
        environment: &Rc<Environment>,
        fd: RawFd,
        name: &'static str,
        watched: Rc<dyn Watched>,
    ) -> Result<Self> {
        let mut uv_loop = null_mut();
        node!(env, napi_get_uv_event_loop(&mut uv_loop))?;
        let own = Rc::new(Own {
            env,
            environment: Rc::clone(environment),
            name,
            watched: RefCell::new(Some(watched)),
            poll: RefCell::default(),
            context: RefCell::new(Some(AsyncContext::new(env, env.object()?, name)?)),
            closing: Cell::new(false),
            cleanup: Cell::new(null_mut()),
        });
        // SAFETY: this is the thread of the loop. The owner keeps the descriptor until it has dropped the watch, which stops watching at once, and
        // the loop has a count of `own` until `closed`.
        let poll = unsafe { Poll::start(environment.uv, uv_loop.cast(), fd, ready) };
        let mut poll =
            poll.map_err(|problem| Error::Coded("ERR_FLARE_LOOP", format!("the loop: {problem}")))?;
        let data = Rc::into_raw(Rc::clone(&own)).cast_mut().cast::<c_void>();
        poll.set_data(data);
        *own.poll.borrow_mut() = Some(poll);
        let watch = Self(own);
        let mut cleanup = null_mut();
        node!(env, napi_add_async_cleanup_hook(Some(environment_ends), data, &mut cleanup))?;
        watch.0.cleanup.set(cleanup);
        Ok(watch)
    }

    /// Watches another descriptor for the same owner. `None`: this one was closed.
    pub(crate) fn other(&self, fd: RawFd) -> Result<Option<Self>> {
        let Own { env, environment, name, watched, .. } = &*self.0;
        let watched = watched.borrow().clone();
        watched.map(|watched| Self::start(*env, environment, fd, name, watched)).transpose()
    }

    /// What to watch for.
    pub(crate) fn set(&self, read: bool, write: bool) -> Result<()> {
        match self.0.poll.borrow_mut().as_mut() {
            Some(poll) if !self.0.closing.get() => poll
                .watch(read, write)
                .map_err(|problem| Error::Coded("ERR_FLARE_LOOP", format!("the loop: {problem}"))),
            _ => Ok(()),
        }
    }

    /// Whether it keeps the process alive.
    pub(crate) fn keep_alive(&self, keep: bool) {
        if let Some(poll) = self.0.poll.borrow_mut().as_mut().filter(|_| !self.0.closing.get()) {
            poll.keep_alive(keep);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What is behind the data of a handle or hook.
///
/// # Safety
/// The data is what `start` set, and `closed` has not been called.
unsafe fn own<'o>(data: *const c_void) -> &'o Own {
    // SAFETY: the count that the loop has keeps it.
    unsafe { &*data.cast::<Own>() }
}

unsafe extern "C" fn ready(handle: Handle, status: c_int, _: c_int) {
    // SAFETY: libuv calls back with the handle of `start`, before `closed`.
    let own = unsafe { own(uv::data(handle)) };
    // A panic must not reach libuv. What it was about is lost.
    if catch_unwind(AssertUnwindSafe(|| own.work(status < 0))).is_err() {
        own.end();
    }
}

unsafe extern "C" fn closed(handle: Handle) {
    // SAFETY: libuv calls this once, with the handle of `start`; then the count that it had goes.
    let own = unsafe { Rc::from_raw(uv::data(handle).cast_const().cast::<Own>()) };
    own.poll.borrow_mut().take();
    let cleanup = own.cleanup.replace(null_mut());
    if !cleanup.is_null() {
        // SAFETY: the hook is removed once.
        unsafe { sys::napi_remove_async_cleanup_hook(cleanup) };
    }
}

unsafe extern "C" fn environment_ends(_: sys::napi_async_cleanup_hook_handle, data: *mut c_void) {
    // SAFETY: the hook is removed when the count of the loop goes.
    let own = unsafe { own(data) };
    own.environment.end();
    own.end();
}

impl Own {
    fn work(&self, is_lost: bool) {
        let Some(watched) = self.watched.borrow().clone() else { return };
        {
            let context = self.context.borrow();
            let Some(Ok(mut scope)) = context.as_ref().map(|context| Scope::open(self.env, context)) else {
                return;
            };
            watched.ready(&mut scope, is_lost);
        }
        if self.closing.get() {
            self.leave_context();
        }
    }

    /// Stops watching, and ends what was watched.
    fn end(&self) {
        let watched = self.watched.borrow().clone();
        let _ = catch_unwind(AssertUnwindSafe(|| {
            if let Some(watched) = watched {
                watched.end();
            }
            self.close();
        }));
    }

    /// Stops watching, at once.
    fn close(&self) {
        if self.closing.replace(true) {
            return;
        }
        let watched = self.watched.borrow_mut().take();
        if let Some(poll) = self.poll.borrow_mut().as_mut() {
            poll.close(closed);
        }
        self.leave_context();
        drop(watched);
    }

    /// Lets the context go, unless it is in use further up.
    fn leave_context(&self) {
        if let Ok(mut context) = self.context.try_borrow_mut()
            && let Some(context) = context.take()
        {
            context.destroy(self.env);
        }
    }
}
