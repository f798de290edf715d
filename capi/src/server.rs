//! `flare_server`: from settings to drain.

use std::ffi::{CString, c_char, c_void};
use std::time::Duration;

use flare::log::{Level, Log};
use flare::server::WorkerContext;
use flare::{Error, Server, ServerConfig, ServerHandle};

use crate::config::flare_config;
use crate::guard::{Failure, guard, guard_number, guard_or};
use crate::handle::Token;
use crate::handler::flare_destroy;
use crate::life::{self, ServerState};
use crate::object::{Object, SERVER, TABLE, with_config, with_router, with_server};
use crate::router::flare_router;
use crate::status::*;
use crate::text::{self, UserData};

/// A server: routes, settings and addresses, then workers. Made by flare_server_new(), freed by flare_server_free(). Any thread may
/// use it.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_server {
    _opaque: [u8; 0],
}

/// Called on a worker, which must not be blocked, with the number of the worker from 0.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_task = Option<unsafe extern "C" fn(worker: u32, user: *mut c_void)>;

/// Takes an event of the log. Called from any thread of the server; `message` is valid during the call.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_log_sink = Option<unsafe extern "C" fn(level: i32, message: *const c_char, user: *mut c_void)>;

/// Something failed that should not fail.
pub const FLARE_LOG_ERROR: i32 = 1;
/// Something is wrong outside, and was handled.
pub const FLARE_LOG_WARN: i32 = 2;
/// The life of the server.
pub const FLARE_LOG_INFO: i32 = 3;
/// Details for those who look for a fault.
pub const FLARE_LOG_DEBUG: i32 = 4;

/// Takes an entry of the access log, on the worker of the exchange. The texts are valid during the call.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_access_sink = Option<
    unsafe extern "C" fn(
        peer: *const c_char,
        method: *const c_char,
        path: *const c_char,
        status: i32,
        body_bytes: u64,
        duration_ms: u64,
        user: *mut c_void,
    ),
>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let code = match error {
            Error::Bind { error, .. } | Error::Io(error) => Failure::from(error).code,
            Error::State(_) => FLARE_ERROR_INVALID_STATE,
            _ => FLARE_ERROR_INVALID_ARGUMENT,
        };
        Failure::new(code, message)
    }
}

/// Makes a server of the routes that a router has now.
///
/// @param router  Its routes are shared; the router may be changed or freed afterwards.
/// @param config  Its settings are copied; NULL for the defaults.
/// @return The server, which the caller owns; NULL with a message for a bad handle or a wrong setting.
#[unsafe(no_mangle)]
pub extern "C" fn flare_server_new(
    router: *const flare_router,
    config: *const flare_config,
) -> *mut flare_server {
    guard_or(std::ptr::null_mut(), || {
        let routes = with_router(router, |router| Ok(router.clone()))?;
        let config = if config.is_null() {
            ServerConfig::default()
        } else {
            with_config(config, |config| Ok(config.clone()))?
        };
        config.validate().map_err(|error| Failure::new(FLARE_ERROR_INVALID_ARGUMENT, error.to_string()))?;
        let server = Object::Server(Box::new(ServerState::new(Server::new(routes).config(config))));
        Ok(TABLE.insert(SERVER.only(), server)?.to_pointer())
    })
}

/// Frees a server. If it runs it is ended at once, and running exchanges are cut; the call waits for the workers, unless it is made
/// on a worker (of any server). While another thread is in flare_server_wait() or flare_server_run(), the end is left to that
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn flare_server_free(server: *mut flare_server) -> i32 {
    guard(|| {
        // Whoever waits for the server must not wait for ever.
        let _ = with_server(server, |server| {
            server.stop();
            Ok(())
        });
        Ok(TABLE.release(Token::from_pointer(server), SERVER)?)
    })
}

/// Changes a server that was not started yet.
pub(crate) fn change(
    server: *const flare_server,
    change: impl FnOnce(Server) -> Result<Server, Error>,
) -> Result<(), Failure> {
    with_server(server, |server| server.change(change))
}

/// Adds an address to listen on: "127.0.0.1:8080", "[::1]:0", "localhost:8080", "unix:/run/app.sock". Port 0 is any free port; see
/// flare_server_address(). It is bound by flare_server_start() or flare_server_run().
///
/// @return FLARE_ERROR_INVALID_ARGUMENT when the text is no address, FLARE_ERROR_INVALID_STATE after the start.
///
/// # Safety
/// `address` is a NUL-terminated string.
#[allow(rustdoc::broken_intra_doc_links, reason = "[::1] is an address")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_server_listen(server: *mut flare_server, address: *const c_char) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let address = unsafe { text::required(address, "address") }?;
        // Checked before the server is taken, so that a bad address costs nothing but this call.
        flare::server::check_address(address)?;
        change(server, |server| server.listen(address))
    })
}

/// Sends events of this level, and of those that matter more, to a callback. Without one, errors and warnings go to standard error.
///
/// @param level    FLARE_LOG_ERROR to FLARE_LOG_DEBUG.
/// @param destroy  Frees `user` when the server is gone, or when this call fails; may be NULL.
///
/// # Safety
/// `sink` may be called with `user` from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_server_set_log(
    server: *mut flare_server,
    level: i32,
    sink: flare_log_sink,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends.
    let user = unsafe { UserData::new(user, destroy) };
    guard(move || {
        let sink = sink.ok_or_else(|| Failure::argument("sink", "is NULL"))?;
        let level = match level {
            FLARE_LOG_ERROR => Level::Error,
            FLARE_LOG_WARN => Level::Warn,
            FLARE_LOG_INFO => Level::Info,
            FLARE_LOG_DEBUG => Level::Debug,
            _ => return Err(Failure::argument("level", "is not within FLARE_LOG_ERROR to FLARE_LOG_DEBUG")),
        };
        let log = Log::new(level, move |level, message| {
            let text = CString::new(message.replace('\0', " ")).unwrap_or_default();
            // SAFETY: the caller of `flare_server_set_log` promised that any thread may call it.
            unsafe { sink(level as i32, text.as_ptr(), user.pointer()) };
        });
        change(server, |server| Ok(server.log(log)))
    })
}

/// Calls back for each exchange that ended.
///
/// @param destroy  Frees `user` when the server is gone, or when this call fails; may be NULL.
///
/// # Safety
/// `sink` may be called with `user` from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_server_set_access_log(
    server: *mut flare_server,
    sink: flare_access_sink,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends.
    let user = unsafe { UserData::new(user, destroy) };
    guard(move || {
        let sink = sink.ok_or_else(|| Failure::argument("sink", "is NULL"))?;
        let call = move |record: &flare::log::AccessRecord<'_>| {
            let peer = CString::new(record.request.peer().to_string()).unwrap_or_default();
            let head = record.request.head();
            let (method, path) =
                (head.method_with_nul().as_ptr().cast(), head.path_with_nul().as_ptr().cast());
            let duration = u64::try_from(record.duration.as_millis()).unwrap_or(u64::MAX);
            let status = i32::from(record.status);
            // SAFETY: the caller of `flare_server_set_access_log` promised that any thread may call it; the texts end with NUL.
            unsafe { sink(peer.as_ptr(), method, path, status, record.body_bytes, duration, user.pointer()) };
        };
        change(server, |server| Ok(server.access_log(call)))
    })
}

/// A task with its user data, to be called on a worker.
struct CTask {
    call: unsafe extern "C" fn(u32, *mut c_void),
    user: UserData,
}

impl CTask {
    fn run(&self, context: &WorkerContext) {
        let worker = u32::try_from(context.worker()).unwrap_or(u32::MAX);
        // SAFETY: whoever gave the task promised that it may be called on any worker.
        unsafe { (self.call)(worker, self.user.pointer()) };
    }
}

fn task(call: flare_task, user: UserData) -> Result<CTask, Failure> {
    let call = call.ok_or_else(|| Failure::argument("task", "is NULL"))?;
    Ok(CTask { call, user })
}

/// Adds a task to a server that was not started, by one of its hooks.
///
/// # Safety
/// As for the functions below.
unsafe fn add_hook(
    server: *const flare_server,
    task: flare_task,
    user: *mut c_void,
    destroy: flare_destroy,
    hook: impl FnOnce(Server, CTask) -> Server,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends.
    let user = unsafe { UserData::new(user, destroy) };
    guard(move || {
        let task = self::task(task, user)?;
        change(server, |server| Ok(hook(server, task)))
    })
}

/// Calls back on each worker before it accepts its first connection.
///
/// @param destroy  Frees `user` when the server is gone, or when this call fails; may be NULL.
///
/// # Safety
/// `task` may be called with `user` on every worker, at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_server_on_worker_start(
    server: *mut flare_server,
    task: flare_task,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    let hook = |server: Server, task: CTask| server.on_worker_start(move |context| task.run(context));
    // SAFETY: the caller's promise.
    unsafe { add_hook(server, task, user, destroy, hook) }
}

/// Calls back on each worker after its last connection closed.
///
/// @param destroy  Frees `user` when the server is gone, or when this call fails; may be NULL.
///
/// # Safety
/// `task` may be called with `user` on every worker, at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_server_on_worker_stop(
    server: *mut flare_server,
    task: flare_task,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    let hook = |server: Server, task: CTask| server.on_worker_stop(move |context| task.run(context));
    // SAFETY: the caller's promise.
    unsafe { add_hook(server, task, user, destroy, hook) }
}

/// Binds the addresses and runs the workers on threads of their own. Returns at once.
///
/// @return FLARE_ERROR_ADDRESS_IN_USE, FLARE_ERROR_PERMISSION, FLARE_ERROR_NOT_FOUND (no such folder) or FLARE_ERROR_IO when an
/// address can't be bound, FLARE_ERROR_INVALID_STATE when it has no address: after these the server is as before, and can be started
/// again. FLARE_ERROR_INVALID_STATE too when it was started before: then it runs on.
#[unsafe(no_mangle)]
pub extern "C" fn flare_server_start(server: *mut flare_server) -> i32 {
    guard(|| with_server(server, ServerState::start))
}

/// Waits until the server has ended. It ends when somebody drains, stops or frees it, or by a signal after
/// flare_server_drain_on_signals().
///
/// @return FLARE_ERROR_INVALID_STATE when it was not started, another thread waits, or the call is made on a worker (of any server).
#[unsafe(no_mangle)]
pub extern "C" fn flare_server_wait(server: *mut flare_server) -> i32 {
    guard(|| with_server(server, ServerState::wait))
}

/// Starts the server and waits until it has ended: flare_server_start() and flare_server_wait().
#[unsafe(no_mangle)]
pub extern "C" fn flare_server_run(server: *mut flare_server) -> i32 {
    guard(|| {
        with_server(server, |server| {
            life::may_wait()?;
            server.start()?;
            server.wait()
        })
    })
}

/// Serves a router on one address with default settings, until the process gets SIGINT or SIGTERM; then it drains.
///
/// @return FLARE_OK after a drain, or the error of the step that failed.
///
/// # Safety
/// `address` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_serve(router: *const flare_router, address: *const c_char) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let address = unsafe { text::required(address, "address") }?;
        let routes = with_router(router, |router| Ok(router.clone()))?;
        life::may_wait()?;
        flare::serve(routes, address)?;
        Ok(())
    })
}

pub(crate) fn with_handle<R>(
    server: *const flare_server,
    f: impl FnOnce(&ServerHandle) -> Result<R, Failure>,
) -> Result<R, Failure> {
    with_server(server, |server| f(&server.handle()?))
}

/// Begins to end the server: no more connections are accepted, idle ones close, running exchanges get this long. Returns at once;
/// flare_server_wait() returns when it is done. A second call can only shorten the time.
///
/// @param timeout_ms  How long running exchanges may go on, in milliseconds. 0 cuts them.
#[unsafe(no_mangle)]
pub extern "C" fn flare_server_drain(server: *mut flare_server, timeout_ms: u64) -> i32 {
    guard(|| {
        with_handle(server, |handle| {
            handle.drain(Duration::from_millis(timeout_ms));
            Ok(())
        })
    })
}

/// Drains the server when the process gets SIGINT or SIGTERM, with the setting drain_timeout_ms; a second signal cuts what still runs.
/// The signals are given back when the server ends or is freed.
///
/// @return FLARE_ERROR_INVALID_STATE before the start.
#[unsafe(no_mangle)]
pub extern "C" fn flare_server_drain_on_signals(server: *mut flare_server) -> i32 {
    guard(|| with_server(server, ServerState::drain_on_signals))
}

/// An address that the server listens on, with the port that was found for port 0, copied into a buffer and terminated.
///
/// @param index  From 0. A name such as "localhost" may stand for several addresses.
/// @return The length of the whole text without the NUL, which may be more than fits; 0 when there is no such address, or the server
/// does not run, and the copy is empty.
///
/// # Safety
/// `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_server_address(
    server: *const flare_server,
    index: usize,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        text::copied(buffer, capacity, || {
            with_server(server, |server| {
                let missing = || Failure::new(FLARE_ERROR_NOT_FOUND, "the server has no such address");
                server.address(index)?.ok_or_else(missing)
            })
        })
    }
}

/// A number that the server counts, over all workers; docs/c-api/server.md lists the names, such as "requests" and "open", and after
/// the end "drain_finished" and "drain_aborted".
///
/// @return The number, or a negative error code: FLARE_ERROR_NOT_FOUND for an unknown name, FLARE_ERROR_INVALID_STATE before the start.
///
/// # Safety
/// `name` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_server_stat(server: *const flare_server, name: *const c_char) -> i64 {
    let mut found = 0;
    let code = guard(|| {
        // SAFETY: the caller's promise.
        let name = unsafe { text::required(name, "name") }?;
        let stats = with_handle(server, |handle| Ok(handle.stats()))?;
        let drained = with_server(server, |server| Ok(server.drained()))?;
        let value = match (name, drained) {
            ("drain_finished", Some((finished, _))) => Some(finished),
            ("drain_aborted", Some((_, aborted))) => Some(aborted),
            _ => stats.get(name),
        };
        let value = value
            .ok_or_else(|| Failure::new(FLARE_ERROR_NOT_FOUND, format!("there is no number {name:?}")))?;
        found = i64::try_from(value).unwrap_or(i64::MAX);
        Ok(())
    });
    if code == FLARE_OK { found } else { i64::from(code) }
}

/// The number of workers of a server that was started; a negative error code otherwise.
#[unsafe(no_mangle)]
pub extern "C" fn flare_server_workers(server: *const flare_server) -> i32 {
    guard_number(|| with_handle(server, |handle| Ok(i32::try_from(handle.workers()).unwrap_or(i32::MAX))))
}

/// Runs a task on a worker, after the events that came before. It must not block.
///
/// @param worker    The number of the worker, from 0.
/// @param delay_ms  How long the task waits before, in milliseconds; 0 for none.
/// @param destroy   Frees `user` after the task, or when it can't run any more; may be NULL.
/// @return FLARE_ERROR_NOT_FOUND when there is no such worker, or it has ended.
///
/// # Safety
/// `task` may be called with `user` on that worker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_server_post(
    server: *mut flare_server,
    worker: u32,
    delay_ms: u64,
    task: flare_task,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends.
    let user = unsafe { UserData::new(user, destroy) };
    guard(move || {
        let task = self::task(task, user)?;
        let posted = with_handle(server, |handle| {
            Ok(handle.post(worker as usize, move |context| {
                if delay_ms == 0 {
                    task.run(context);
                } else {
                    context.after(Duration::from_millis(delay_ms), move |context| task.run(context));
                }
            }))
        })?;
        if posted {
            Ok(())
        } else {
            Err(Failure::new(FLARE_ERROR_NOT_FOUND, "there is no such worker, or it has ended"))
        }
    })
}
