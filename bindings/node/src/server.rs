//! A server in the loop of Node.
//!
//! libuv watches the one descriptor of the server, and calls back on the thread of the environment when there is work. So handlers
//! run between the other callbacks of the loop, as those of Node's own servers do.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::rc::Rc;
use std::time::Duration;

use flare::embed::{Budget, HostServer};
use flare::server::DrainReport;
use flare::websocket::SendError;
use flare::{Server, ServerConfig};
use napi_sys as sys;

use crate::environment::Environment;
use crate::js::{Arguments, AsyncContext, Env, Error, Function, Kind, Reference, Result, Scope, Value, node};
use crate::uv::{self, Handle, Poll};
use crate::{router, tls, turn, websocket};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "listen", call: listen },
    Function { name: "addresses", call: addresses },
    Function { name: "drain", call: drain },
    Function { name: "keepAlive", call: keep_alive },
    Function { name: "stats", call: stats },
    Function { name: "reloadTls", call: reload_tls },
    Function { name: "publish", call: publish },
];

/// A server. JavaScript holds it, and so does the loop until it has let go of its handle.
struct Hosted {
    env: Env,
    environment: Rc<Environment>,
    /// Gone when it has ended.
    server: RefCell<Option<HostServer>>,
    poll: RefCell<Option<Poll>>,
    /// Called with the report at the end.
    on_end: Cell<Option<Reference>>,
    context: RefCell<Option<AsyncContext>>,
    /// The loop was asked to let go of the handle.
    closing: Cell<bool>,
    /// Ends the server when the environment ends first.
    cleanup: Cell<sys::napi_async_cleanup_hook_handle>,
}

struct JsServer(Rc<Hosted>);

fn of<'v>(env: Env, value: Value) -> Result<&'v Rc<Hosted>> {
    // SAFETY: `lib` hands over here only what `listen` gave it.
    unsafe { env.to_external::<JsServer>(value) }.map(|server| &server.0)
}

pub(crate) fn failed(error: &flare::Error) -> Error {
    let code = match error {
        flare::Error::Config(_) => "ERR_FLARE_CONFIG",
        flare::Error::Route(_) => "ERR_FLARE_ROUTE",
        flare::Error::Tls(_) => "ERR_FLARE_TLS",
        flare::Error::Address { .. } => "ERR_FLARE_ADDRESS",
        flare::Error::Bind { error, .. } if error.kind() == std::io::ErrorKind::AddrInUse => "EADDRINUSE",
        flare::Error::Bind { error, .. } if error.kind() == std::io::ErrorKind::PermissionDenied => "EACCES",
        flare::Error::Bind { .. } => "ERR_FLARE_BIND",
        _ => "ERR_FLARE_SERVER",
    };
    Error::Coded(code, error.to_string())
}

/// Settings from an array of names and values in turn.
pub(crate) fn config(env: Env, array: Value) -> Result<ServerConfig> {
    let mut config = ServerConfig::default();
    for index in (0..env.array_length(array)?).step_by(2) {
        let name = env.to_string(env.element(array, index)?)?;
        let value = env.element(array, index + 1)?;
        let set = match env.kind(value)? {
            Kind::Text => config.set_text(&name, &env.to_string(value)?),
            // Whole numbers, which `lib` has checked.
            _ => config.set_number(&name, env.to_number(value)? as i64),
        };
        set.map_err(|error| failed(&error.into()))?;
    }
    Ok(config)
}

/// `listen(router, addresses, settings, onEnd, listener, tls)`: binds, and serves from the next turn of the loop on. `listener` is
/// the number under which ends of exchanges are told, or negative. `tls`: see `tls::settings`; without it the addresses are plain.
fn listen(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let router = router::copy(env, arguments.get(0))?;
    let mut server = Server::new(router).config(config(env, arguments.get(2))?);
    let listener = env.to_integer(arguments.get(4))?;
    if listener >= 0 {
        server = server.access_log(move |record| {
            let _ = turn::with(|turn| turn.end(listener, record));
        });
    }
    let texts = arguments.get(1);
    let tls = tls::settings(env, arguments.get(5))?;
    for index in 0..env.array_length(texts)? {
        let address = env.to_string(env.element(texts, index)?)?;
        let added = match &tls {
            Some(tls) => server.listen_tls(&address, tls.clone()),
            None => server.listen(&address),
        };
        server = added.map_err(|error| failed(&error))?;
    }
    let server = server.host().map_err(|error| failed(&error))?;
    let fd = server.as_raw_fd();
    let mut uv_loop = null_mut();
    node!(env, napi_get_uv_event_loop(&mut uv_loop))?;
    let hosted = Rc::new(Hosted {
        env,
        environment: Rc::clone(arguments.environment),
        server: RefCell::new(Some(server)),
        poll: RefCell::default(),
        on_end: Cell::new(Some(Reference::new(env, arguments.get(3))?)),
        context: RefCell::new(Some(AsyncContext::new(env, env.object()?, "FlareServer")?)),
        closing: Cell::new(false),
        cleanup: Cell::new(null_mut()),
    });
    // SAFETY: this is the thread of the loop. The server keeps its descriptor, and the loop a count of the server, until `closed`.
    let poll = unsafe { Poll::start(hosted.environment.uv, uv_loop.cast(), fd, readable) };
    let mut poll =
        poll.map_err(|problem| Error::Coded("ERR_FLARE_SERVER", format!("the loop: {problem}")))?;
    let data = Rc::into_raw(Rc::clone(&hosted));
    poll.set_data(data.cast_mut().cast());
    *hosted.poll.borrow_mut() = Some(poll);
    let mut cleanup = null_mut();
    if let Err(error) =
        node!(env, napi_add_async_cleanup_hook(Some(environment_ends), data.cast_mut().cast(), &mut cleanup))
    {
        hosted.close();
        return Err(error);
    }
    hosted.cleanup.set(cleanup);
    env.external(Box::new(JsServer(hosted)))
}

/// The server behind the data of a handle or hook.
///
/// # Safety
/// The data is what `listen` set, and `closed` has not been called.
unsafe fn hosted<'h>(data: *const c_void) -> &'h Hosted {
    // SAFETY: the count that the loop has keeps it.
    unsafe { &*data.cast::<Hosted>() }
}

unsafe extern "C" fn readable(handle: Handle, status: c_int, _: c_int) {
    // SAFETY: libuv calls back with the handle of `listen`, before `closed`.
    let own = unsafe { hosted(uv::data(handle)) };
    // A panic must not reach libuv. The core catches those of handlers, so this one is its own: the server is lost.
    if catch_unwind(AssertUnwindSafe(|| own.work(status))).is_err() {
        own.close();
    }
}

unsafe extern "C" fn closed(handle: Handle) {
    // SAFETY: libuv calls this once, with the handle of `listen`; then the count that it had goes.
    let own = unsafe { Rc::from_raw(uv::data(handle).cast_const().cast::<Hosted>()) };
    own.poll.borrow_mut().take();
    if own.server.try_borrow_mut().is_err() {
        // It is polled further up, by a handler that has ended the process.
        std::mem::forget(Rc::clone(&own));
    }
    let cleanup = own.cleanup.replace(null_mut());
    if !cleanup.is_null() {
        // SAFETY: the hook is removed once.
        unsafe { sys::napi_remove_async_cleanup_hook(cleanup) };
    }
}

/// The environment ends before the server, as when a worker thread is terminated or the process exits.
unsafe extern "C" fn environment_ends(_: sys::napi_async_cleanup_hook_handle, data: *mut c_void) {
    // SAFETY: the hook is removed when the count of the loop goes.
    let own = unsafe { hosted(data) };
    own.environment.end();
    let _ = catch_unwind(AssertUnwindSafe(|| own.close()));
}

impl Hosted {
    /// The loop found the descriptor readable.
    fn work(&self, status: c_int) {
        let over = {
            let context = self.context.borrow();
            let Some(Ok(mut scope)) = context.as_ref().map(|context| Scope::open(self.env, context)) else {
                return;
            };
            // Answers that come from promises belong to this turn of the server too, and leave without a wake-up.
            let polled = self.environment.enter(self.env, || {
                let server = self.server.borrow();
                let server = server.as_ref()?;
                Some(server.poll_then(Budget::default(), || scope.settle()).map(|_| server.drained()))
            });
            let ended = match polled {
                Ok(Some(Ok(Some(report)))) => Some(Ok(report)),
                Ok(Some(Err(error))) => Some(Err(error.to_string())),
                Ok(Some(Ok(None))) if status < 0 => Some(Err("the loop can't watch the server".to_owned())),
                Ok(Some(Ok(None)) | None) | Err(_) => None,
            };
            let over = ended.is_some();
            if let Some(report) = ended {
                self.tell_end(report);
            }
            over
        };
        if over {
            self.close();
        }
    }

    /// Tells JavaScript how the server ended.
    fn tell_end(&self, report: std::result::Result<DrainReport, String>) {
        let env = self.env;
        let Some(on_end) = self.on_end.take() else { return };
        let call = || {
            let arguments = match report {
                Ok(report) => [
                    env.undefined()?,
                    env.number(report.finished() as f64)?,
                    env.number(report.aborted() as f64)?,
                    env.number(self.requests() as f64)?,
                ],
                Err(problem) => {
                    [env.text(problem.as_bytes())?, env.undefined()?, env.undefined()?, env.undefined()?]
                }
            };
            env.call(env.undefined()?, on_end.value(env)?, &arguments).map(drop)
        };
        if let Err(Error::Pending) = call() {
            env.raise_pending();
        }
        on_end.delete(env);
    }

    fn requests(&self) -> u64 {
        self.server.borrow().as_ref().map_or(0, |server| server.handle().stats().requests)
    }

    /// Drops the server, and its handle in the loop.
    fn close(&self) {
        if self.closing.replace(true) {
            return;
        }
        // What is borrowed is in use further up: a handler has ended the process.
        if let Ok(mut server) = self.server.try_borrow_mut() {
            let ended = server.take();
            drop(server);
            drop(ended);
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

/// `addresses(server)`: where it listens, as texts.
fn addresses(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let array = env.array()?;
    if let Some(server) = of(env, arguments.get(0))?.server.borrow().as_ref() {
        for (index, address) in (0..).zip(server.addresses()) {
            env.set_element(array, index, env.text(address.to_string().as_bytes())?)?;
        }
    }
    Ok(array)
}

/// `drain(server, ms)`: begins to end it.
fn drain(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let timeout = Duration::from_millis(env.to_number(arguments.get(1))?.max(0.0) as u64);
    if let Some(server) = of(env, arguments.get(0))?.server.borrow().as_ref() {
        server.drain(timeout);
    }
    env.undefined()
}

/// `keepAlive(server, keep)`: whether the server keeps the process alive.
fn keep_alive(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let keep = env.to_boolean(arguments.get(1))?;
    let server = of(env, arguments.get(0))?;
    if !server.closing.get()
        && let Some(poll) = server.poll.borrow_mut().as_mut()
    {
        poll.keep_alive(keep);
    }
    env.undefined()
}

/// `reloadTls(server)`: reads the files of its certificates again.
fn reload_tls(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let handle = of(env, arguments.get(0))?.server.borrow().as_ref().map(|server| server.handle());
    if let Some(handle) = handle {
        handle.reload_tls().map_err(|error| failed(&error))?;
    }
    env.undefined()
}

/// `publish(server, topic, message)`: to the sockets of a topic. The number of the result is as that of `wsSend`.
fn publish(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let handle = of(env, arguments.get(0))?.server.borrow().as_ref().map(|server| server.handle());
    let topic = env.to_string(arguments.get(1))?;
    let sent = websocket::with_message(arguments, arguments.get(2), |message| match handle {
        Some(handle) => handle.publish(&topic, message),
        None => Err(SendError::Closed),
    });
    websocket::told(env, sent?)
}

/// `stats(server)`: what it has done, as an object of numbers; `undefined` when it has ended.
fn stats(arguments: &Arguments<'_>) -> Result<Value> {
    const NAMES: [(&str, &str); 27] = [
        ("accepted", "accepted"),
        ("open", "open"),
        ("requests", "requests"),
        ("answers2xx", "answers_2xx"),
        ("answers3xx", "answers_3xx"),
        ("answers4xx", "answers_4xx"),
        ("answers5xx", "answers_5xx"),
        ("bytesIn", "bytes_in"),
        ("bytesOut", "bytes_out"),
        ("badRequests", "bad_requests"),
        ("timeouts", "timeouts"),
        ("panics", "panics"),
        ("acceptErrors", "accept_errors"),
        ("tlsHandshakes", "tls_handshakes"),
        ("tlsResumed", "tls_resumed"),
        ("tlsFailed", "tls_failed"),
        ("quicHandshakes", "quic_handshakes"),
        ("quicRetries", "quic_retries"),
        ("quicRefused", "quic_refused"),
        ("quicForwarded", "quic_forwarded"),
        ("quicLost", "quic_lost"),
        ("quicRetransmitted", "quic_retransmitted"),
        ("datagramsIn", "datagrams_in"),
        ("datagramsOut", "datagrams_out"),
        ("datagramsDropped", "datagrams_dropped"),
        ("httpDatagramsIn", "http_datagrams_in"),
        ("httpDatagramsDropped", "http_datagrams_dropped"),
    ];
    let env = arguments.env;
    let Some(stats) =
        of(env, arguments.get(0))?.server.borrow().as_ref().map(|server| server.handle().stats())
    else {
        return env.undefined();
    };
    let object = env.object()?;
    for (name, own) in NAMES {
        env.set(object, name, env.number(stats.get(own).unwrap_or_default() as f64)?)?;
    }
    Ok(object)
}
