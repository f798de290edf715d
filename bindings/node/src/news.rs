//! What other threads have to tell the loop: which objects changed.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::ffi::{c_int, c_void};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use napi_sys as sys;

use crate::js::{Arguments, AsyncContext, Env, Error, Function, Reference, Result, Scope, Value, node};
use crate::uv::{self, Handle, Poll};

pub(crate) const FUNCTIONS: &[Function] =
    &[Function { name: "news", call: news }, Function { name: "newsKeepAlive", call: keep_alive }];

/// The end that threads write to.
pub(crate) struct Teller {
    /// Objects by their numbers, each once: however much happens between two turns of the loop, this stays small.
    changed: Mutex<HashSet<i32>>,
    wake: UnixStream,
}

impl Teller {
    /// An object changed. Never waits, and may be called by any thread, also after the end of the environment.
    pub(crate) fn tell(&self, object: i32) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        let first = changed.is_empty();
        changed.insert(object);
        drop(changed);
        if first {
            // Err: the environment has ended. It can't be full: the loop reads before it takes.
            let _ = (&self.wake).write(&[1]);
        }
    }

    fn take(&self) -> HashSet<i32> {
        std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The end that the loop watches. JavaScript holds it, and so does the loop until it has let go of its handle.
struct Heard {
    env: Env,
    teller: Arc<Teller>,
    woken: UnixStream,
    poll: RefCell<Option<Poll>>,
    /// Called with the number of each object that changed.
    on_change: Reference,
    context: RefCell<Option<AsyncContext>>,
    closing: Cell<bool>,
    cleanup: Cell<sys::napi_async_cleanup_hook_handle>,
}

struct JsNews(Rc<Heard>);

fn of<'v>(env: Env, value: Value) -> Result<&'v Rc<Heard>> {
    // SAFETY: `lib` hands over here only what `news` gave it.
    unsafe { env.to_external::<JsNews>(value) }.map(|news| &news.0)
}

/// What threads of this environment's objects tell.
pub(crate) fn teller(env: Env, value: Value) -> Result<Arc<Teller>> {
    Ok(Arc::clone(&of(env, value)?.teller))
}

/// `news(onChange)`: from now on the loop hears of changes. It does not keep the process alive.
fn news(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let failed = |problem: String| Error::Coded("ERR_FLARE_MUX", format!("the loop: {problem}"));
    let (woken, wake) = UnixStream::pair().map_err(|error| failed(error.to_string()))?;
    for end in [&woken, &wake] {
        end.set_nonblocking(true).map_err(|error| failed(error.to_string()))?;
    }
    let mut uv_loop = null_mut();
    node!(env, napi_get_uv_event_loop(&mut uv_loop))?;
    let fd = woken.as_raw_fd();
    let heard = Rc::new(Heard {
        env,
        teller: Arc::new(Teller { changed: Mutex::default(), wake }),
        woken,
        poll: RefCell::default(),
        on_change: Reference::new(env, arguments.get(0))?,
        context: RefCell::new(Some(AsyncContext::new(env, env.object()?, "FlareMux")?)),
        closing: Cell::new(false),
        cleanup: Cell::new(null_mut()),
    });
    // SAFETY: this is the thread of the loop. The descriptor is that of `heard`, of which the loop keeps a count until `closed`.
    let poll = unsafe { Poll::start(arguments.environment.uv, uv_loop.cast(), fd, readable) };
    let mut poll = poll.map_err(failed)?;
    let data = Rc::into_raw(Rc::clone(&heard));
    poll.set_data(data.cast_mut().cast());
    poll.keep_alive(false);
    *heard.poll.borrow_mut() = Some(poll);
    let mut cleanup = null_mut();
    if let Err(error) =
        node!(env, napi_add_async_cleanup_hook(Some(environment_ends), data.cast_mut().cast(), &mut cleanup))
    {
        heard.close();
        return Err(error);
    }
    heard.cleanup.set(cleanup);
    env.external(Box::new(JsNews(heard)))
}

/// `newsKeepAlive(news, keep)`: whether somebody waits, for which the process stays.
fn keep_alive(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let keep = env.to_boolean(arguments.get(1))?;
    let heard = of(env, arguments.get(0))?;
    if !heard.closing.get()
        && let Some(poll) = heard.poll.borrow_mut().as_mut()
    {
        poll.keep_alive(keep);
    }
    env.undefined()
}

unsafe extern "C" fn readable(handle: Handle, _: c_int, _: c_int) {
    // SAFETY: libuv calls back with the handle of `news`, before `closed`; the count of the loop keeps what its data points to.
    let heard = unsafe { &*uv::data(handle).cast_const().cast::<Heard>() };
    // A panic must not reach libuv.
    if catch_unwind(AssertUnwindSafe(|| heard.work())).is_err() {
        heard.close();
    }
}

unsafe extern "C" fn closed(handle: Handle) {
    // SAFETY: libuv calls this once, with the handle of `news`; then the count that it had goes.
    let heard = unsafe { Rc::from_raw(uv::data(handle).cast_const().cast::<Heard>()) };
    heard.poll.borrow_mut().take();
    let cleanup = heard.cleanup.replace(null_mut());
    if !cleanup.is_null() {
        // SAFETY: the hook is removed once.
        unsafe { sys::napi_remove_async_cleanup_hook(cleanup) };
    }
}

unsafe extern "C" fn environment_ends(_: sys::napi_async_cleanup_hook_handle, data: *mut c_void) {
    // SAFETY: the hook is removed when the count of the loop goes.
    let heard = unsafe { &*data.cast_const().cast::<Heard>() };
    let _ = catch_unwind(AssertUnwindSafe(|| heard.close()));
}

impl Heard {
    fn work(&self) {
        // What is told after the read wakes again; what was told before it is taken.
        let _ = (&self.woken).read(&mut [0; 64]);
        let context = self.context.borrow();
        let Some(Ok(_scope)) = context.as_ref().map(|context| Scope::open(self.env, context)) else { return };
        for object in self.teller.take() {
            if let Err(Error::Pending) = self.tell(object) {
                self.env.raise_pending();
            }
        }
    }

    fn tell(&self, object: i32) -> Result<()> {
        let env = self.env;
        let arguments = [env.integer(object)?];
        env.call(env.undefined()?, self.on_change.value(env)?, &arguments).map(drop)
    }

    fn close(&self) {
        if self.closing.replace(true) {
            return;
        }
        if let Ok(mut context) = self.context.try_borrow_mut()
            && let Some(context) = context.take()
        {
            context.destroy(self.env);
        }
        if let Some(poll) = self.poll.borrow_mut().as_mut() {
            poll.close(closed);
        }
    }
}
