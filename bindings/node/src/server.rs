//! A server in the loop of Node.
//!
//! libuv watches the one descriptor of the server, and calls back on the thread of the environment when there is work. So handlers
//! run between the other callbacks of the loop, as those of Node's own servers do.

use std::cell::Cell;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::Duration;

use flare::embed::{Budget, HostServer};
use flare::server::DrainReport;
use flare::websocket::SendError;
use flare::{Server, ServerConfig};

use crate::hosted::Hosted;
use crate::js::{Arguments, Env, Error, Function, Kind, Reference, Result, Scope, Value};
use crate::watch::Watched;
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

/// A server. JavaScript holds it, and so does its watch until it has ended: then its state is `None`.
struct OwnServer {
    hosted: Hosted<Option<HostServer>>,
    /// Called with the report at the end.
    on_end: Cell<Option<Reference>>,
}

struct JsServer(Rc<OwnServer>);

fn of<'v>(env: Env, value: Value) -> Result<&'v Rc<OwnServer>> {
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
    let server = Rc::new(OwnServer {
        hosted: Hosted::new(arguments, Some(server)),
        on_end: Cell::new(Some(Reference::new(env, arguments.get(3))?)),
    });
    server.hosted.begin(fd, "FlareServer", Rc::clone(&server) as Rc<dyn Watched>)?;
    env.external(Box::new(JsServer(server)))
}

impl Watched for OwnServer {
    fn ready(&self, scope: &mut Scope<'_>, is_lost: bool) {
        // Answers that come from promises belong to this turn of the server too, and leave without a wake-up.
        let polled = self.hosted.enter(|| {
            let server = self.hosted.state.borrow();
            let server = server.as_ref()?;
            Some(server.poll_then(Budget::default(), || scope.settle()).map(|_| server.drained()))
        });
        let ended = match polled {
            Some(Some(Ok(Some(report)))) => Ok(report),
            Some(Some(Err(error))) => Err(error.to_string()),
            Some(Some(Ok(None))) if is_lost => Err("the loop can't watch the server".to_owned()),
            Some(Some(Ok(None)) | None) | None => return,
        };
        self.tell_end(ended);
        self.hosted.end();
    }

    fn end(&self) {
        self.hosted.end();
    }
}

impl OwnServer {
    /// Tells JavaScript how the server ended.
    fn tell_end(&self, report: std::result::Result<DrainReport, String>) {
        let env = self.hosted.env;
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
        self.hosted.state.borrow().as_ref().map_or(0, |server| server.handle().stats().requests)
    }
}

/// `addresses(server)`: where it listens, as texts.
fn addresses(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let array = env.array()?;
    if let Some(server) = of(env, arguments.get(0))?.hosted.state.borrow().as_ref() {
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
    if let Some(server) = of(env, arguments.get(0))?.hosted.state.borrow().as_ref() {
        server.drain(timeout);
    }
    env.undefined()
}

/// `keepAlive(server, keep)`: whether the server keeps the process alive.
fn keep_alive(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let keep = env.to_boolean(arguments.get(1))?;
    of(env, arguments.get(0))?.hosted.keep_alive(keep);
    env.undefined()
}

/// `reloadTls(server)`: reads the files of its certificates again.
fn reload_tls(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let handle = of(env, arguments.get(0))?.hosted.state.borrow().as_ref().map(|server| server.handle());
    if let Some(handle) = handle {
        handle.reload_tls().map_err(|error| failed(&error))?;
    }
    env.undefined()
}

/// `publish(server, topic, message)`: to the sockets of a topic. The number of the result is as that of `wsSend`.
fn publish(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let handle = of(env, arguments.get(0))?.hosted.state.borrow().as_ref().map(|server| server.handle());
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
        of(env, arguments.get(0))?.hosted.state.borrow().as_ref().map(|server| server.handle().stats())
    else {
        return env.undefined();
    };
    let object = env.object()?;
    for (name, own) in NAMES {
        env.set(object, name, env.number(stats.get(own).unwrap_or_default() as f64)?)?;
    }
    Ok(object)
}
