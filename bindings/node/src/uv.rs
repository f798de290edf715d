//! The few functions of libuv that are needed. Node exports them to its addons; here they are looked up when the addon is loaded,
//! so that the addon links without Node, and a runtime without libuv gets an error instead of a crash.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::mem::transmute;

/// `UV_POLL` of `uv_handle_type`, the same since libuv 1.0.
const UV_POLL: c_uint = 8;
/// `UV_READABLE` of `uv_poll_event`.
const UV_READABLE: c_int = 1;
/// `UV_WRITABLE` of `uv_poll_event`.
const UV_WRITABLE: c_int = 2;

/// A loop of libuv's.
pub(crate) type Loop = *mut c_void;
/// A handle of libuv's, of any type.
pub(crate) type Handle = *mut c_void;
pub(crate) type OnPoll = unsafe extern "C" fn(Handle, c_int, c_int);
pub(crate) type OnClose = unsafe extern "C" fn(Handle);

/// libuv, as this process has it.
#[derive(Clone, Copy)]
pub(crate) struct Uv {
    handle_size: unsafe extern "C" fn(c_uint) -> usize,
    poll_init: unsafe extern "C" fn(Loop, Handle, c_int) -> c_int,
    poll_start: unsafe extern "C" fn(Handle, c_int, OnPoll) -> c_int,
    poll_stop: unsafe extern "C" fn(Handle) -> c_int,
    close: unsafe extern "C" fn(Handle, OnClose),
    reference: unsafe extern "C" fn(Handle),
    unreference: unsafe extern "C" fn(Handle),
    strerror: unsafe extern "C" fn(c_int) -> *const c_char,
}

fn find(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: `dlsym` reads the name, which ends with NUL.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!symbol.is_null()).then_some(symbol)
}

impl Uv {
    /// `None`: this process has no libuv, or does not show it.
    pub(crate) fn find() -> Option<Self> {
        // SAFETY: the types are those of libuv's header for the functions of these names, which its ABI keeps through all of 1.x.
        unsafe {
            Some(Self {
                handle_size: transmute::<*mut c_void, unsafe extern "C" fn(c_uint) -> usize>(find(
                    c"uv_handle_size",
                )?),
                poll_init: transmute::<*mut c_void, unsafe extern "C" fn(Loop, Handle, c_int) -> c_int>(
                    find(c"uv_poll_init")?,
                ),
                poll_start: transmute::<*mut c_void, unsafe extern "C" fn(Handle, c_int, OnPoll) -> c_int>(
                    find(c"uv_poll_start")?,
                ),
                poll_stop: transmute::<*mut c_void, unsafe extern "C" fn(Handle) -> c_int>(find(
                    c"uv_poll_stop",
                )?),
                close: transmute::<*mut c_void, unsafe extern "C" fn(Handle, OnClose)>(find(c"uv_close")?),
                reference: transmute::<*mut c_void, unsafe extern "C" fn(Handle)>(find(c"uv_ref")?),
                unreference: transmute::<*mut c_void, unsafe extern "C" fn(Handle)>(find(c"uv_unref")?),
                strerror: transmute::<*mut c_void, unsafe extern "C" fn(c_int) -> *const c_char>(find(
                    c"uv_strerror",
                )?),
            })
        }
    }

    fn check(&self, status: c_int) -> Result<(), String> {
        if status >= 0 {
            return Ok(());
        }
        // SAFETY: libuv gives a text that ends with NUL for every number.
        let text = unsafe { CStr::from_ptr((self.strerror)(status)) };
        Err(text.to_string_lossy().into_owned())
    }
}

/// What was given to [`Poll::set_data`].
///
/// # Safety
/// The handle is one of libuv's, and alive.
pub(crate) unsafe fn data(handle: Handle) -> *mut c_void {
    // SAFETY: every handle of libuv's begins with its public field `data`.
    unsafe { handle.cast::<*mut c_void>().read() }
}

/// A descriptor that a loop watches, for being readable unless told otherwise. Its memory is libuv's from `start` to the callback of `close`.
pub(crate) struct Poll {
    uv: Uv,
    /// `uv_poll_t`, whose size only libuv knows. Words, because it has to be aligned as pointers are.
    memory: Box<[u64]>,
    on_poll: OnPoll,
}

impl Poll {
    /// Watches `fd` in a loop, and calls back with a handle whose data is `data`.
    ///
    /// # Safety
    /// On the thread of the loop. The descriptor stays open, and the value in place, until the callback of [`Poll::close`].
    pub(crate) unsafe fn start(uv: Uv, uv_loop: Loop, fd: c_int, on_poll: OnPoll) -> Result<Self, String> {
        // SAFETY: asks for a number.
        let size = unsafe { (uv.handle_size)(UV_POLL) };
        let mut poll = Self { uv, memory: vec![0; size.div_ceil(8)].into_boxed_slice(), on_poll };
        // SAFETY: the memory is as large as libuv asks and stays where it is; the caller's word for the rest.
        uv.check(unsafe { (uv.poll_init)(uv_loop, poll.handle(), fd) })?;
        // SAFETY: the handle was made above.
        let started = uv.check(unsafe { (uv.poll_start)(poll.handle(), UV_READABLE, on_poll) });
        if let Err(problem) = started {
            // The loop knows the memory now, so it must stay.
            std::mem::forget(poll);
            return Err(problem);
        }
        Ok(poll)
    }

    fn handle(&mut self) -> Handle {
        self.memory.as_mut_ptr().cast()
    }

    pub(crate) fn set_data(&mut self, data: *mut c_void) {
        // SAFETY: every handle of libuv's begins with its public field `data`.
        unsafe { self.handle().cast::<*mut c_void>().write(data) };
    }

    /// What to watch for from now on.
    pub(crate) fn watch(&mut self, read: bool, write: bool) -> Result<(), String> {
        let events = if read { UV_READABLE } else { 0 } | if write { UV_WRITABLE } else { 0 };
        let (uv, handle) = (self.uv, self.handle());
        if events == 0 {
            // SAFETY: the handle is alive: its owner does not come here after `close`.
            return uv.check(unsafe { (uv.poll_stop)(handle) });
        }
        // SAFETY: as above.
        uv.check(unsafe { (uv.poll_start)(handle, events, self.on_poll) })
    }

    /// Whether the handle keeps the loop, and so the process, alive.
    pub(crate) fn keep_alive(&mut self, keep: bool) {
        let call = if keep { self.uv.reference } else { self.uv.unreference };
        // SAFETY: the handle is alive: its owner does not come here after `close`.
        unsafe { call(self.handle()) };
    }

    /// Stops watching; `on_close` is called when libuv has let go of the memory.
    pub(crate) fn close(&mut self, on_close: OnClose) {
        // SAFETY: the handle is alive, and its owner closes it once.
        unsafe {
            (self.uv.poll_stop)(self.handle());
            (self.uv.close)(self.handle(), on_close);
        }
    }
}
