//! Many streams on one connection, for sidecars.
//!
//! Nothing here waits: what is not there yet is `undefined`, and the news say when to ask again.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flare::mux::{Ended, Mux, MuxError, MuxListener, MuxStream};

use crate::js::{Arguments, Env, Error, Function, Kind, Result, Value, node};
use crate::news;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "muxConnect", call: connect },
    Function { name: "muxConnected", call: connected },
    Function { name: "muxListen", call: listen },
    Function { name: "muxAddress", call: address },
    Function { name: "muxAcceptConnection", call: accept_connection },
    Function { name: "muxCloseListener", call: close_listener },
    Function { name: "muxOpen", call: open },
    Function { name: "muxAccept", call: accept },
    Function { name: "muxClose", call: close },
    Function { name: "muxSend", call: send },
    Function { name: "muxReceive", call: receive },
    Function { name: "muxFinish", call: finish },
    Function { name: "muxError", call: error },
    Function { name: "muxCancel", call: cancel },
    Function { name: "muxCloseStream", call: close_stream },
];

/// A connection that a thread of its own makes: looking up a name waits.
type Connecting = Arc<Mutex<Option<std::result::Result<Mux, MuxError>>>>;

struct JsConnecting(Connecting);
/// `None` once it is closed: garbage is collected late, and the connection is there as long as somebody holds it or a stream of it.
struct JsMux(RefCell<Option<Mux>>);
/// The same.
struct JsStream(RefCell<Option<MuxStream>>);
struct JsListener(MuxListener);

fn mux_cell<'v>(arguments: &Arguments<'_>) -> Result<&'v RefCell<Option<Mux>>> {
    // SAFETY: `lib` hands over here only what `muxConnected` and `muxAcceptConnection` gave it.
    unsafe { arguments.env.to_external::<JsMux>(arguments.get(0)) }.map(|mux| &mux.0)
}

fn stream_cell<'v>(arguments: &Arguments<'_>) -> Result<&'v RefCell<Option<MuxStream>>> {
    // SAFETY: `lib` hands over here only what `muxOpen` and `muxAccept` gave it.
    unsafe { arguments.env.to_external::<JsStream>(arguments.get(0)) }.map(|stream| &stream.0)
}

fn stream(arguments: &Arguments<'_>) -> Result<MuxStream> {
    stream_cell(arguments)?.borrow().clone().ok_or_else(|| failed(MuxError::Cancelled))
}

fn listener<'v>(arguments: &Arguments<'_>) -> Result<&'v MuxListener> {
    // SAFETY: `lib` hands over here only what `muxListen` gave it.
    unsafe { arguments.env.to_external::<JsListener>(arguments.get(0)) }.map(|listener| &listener.0)
}

fn failed(error: MuxError) -> Error {
    let code = match &error {
        MuxError::Timeout => "ETIMEDOUT",
        MuxError::Finished => "ERR_FLARE_MUX_FINISHED",
        MuxError::Cancelled => "ERR_FLARE_MUX_CANCELLED",
        MuxError::Remote(_) => "ERR_FLARE_MUX_REMOTE",
        MuxError::TooManyStreams => "ERR_FLARE_MUX_STREAMS",
        MuxError::Ended(_) => "ERR_FLARE_MUX_ENDED",
        MuxError::Address(_) => "ERR_FLARE_ADDRESS",
        MuxError::Io(cause) => match cause.kind() {
            ErrorKind::ConnectionRefused => "ECONNREFUSED",
            ErrorKind::NotFound => "ENOENT",
            ErrorKind::AddrInUse => "EADDRINUSE",
            ErrorKind::PermissionDenied => "EACCES",
            _ => "ERR_FLARE_MUX",
        },
        _ => "ERR_FLARE_MUX",
    };
    Error::Coded(code, error.to_string())
}

fn null(env: Env) -> Result<Value> {
    let mut value = std::ptr::null_mut();
    node!(env, napi_get_null(&mut value))?;
    Ok(Value(value))
}

/// What a loop gets: the object; `undefined` when it has to ask again; `null` when no more come.
fn found<T>(
    env: Env,
    result: std::result::Result<T, MuxError>,
    give: impl FnOnce(T) -> Result<Value>,
) -> Result<Value> {
    match result {
        Ok(object) => give(object),
        Err(MuxError::Timeout) => env.undefined(),
        Err(MuxError::Ended(Ended::PeerClosed | Ended::Closed)) => null(env),
        Err(error) => Err(failed(error)),
    }
}

/// `muxConnect(address, news, number)`: begins to connect. The news say when `muxConnected` has the result.
fn connect(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let address = env.to_string(arguments.get(0))?;
    let teller = news::teller(env, arguments.get(1))?;
    let number = env.to_integer(arguments.get(2))?;
    let connecting = Connecting::default();
    let result = Arc::clone(&connecting);
    let started = std::thread::Builder::new().name("flare-mux-connect".to_owned()).spawn(move || {
        let made = Mux::connect(&address);
        *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
        teller.tell(number);
    });
    started.map_err(|error| failed(error.into()))?;
    env.external(Box::new(JsConnecting(connecting)))
}

/// `muxConnected(connecting, news, number)`: the connection, whose news have this number.
fn connected(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    // SAFETY: `lib` hands over here only what `muxConnect` gave it.
    let connecting = unsafe { env.to_external::<JsConnecting>(arguments.get(0)) }?;
    let made = connecting.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    match made {
        None => env.undefined(),
        Some(made) => give_mux(arguments, made.map_err(failed)?),
    }
}

fn give_mux(arguments: &Arguments<'_>, mux: Mux) -> Result<Value> {
    let env = arguments.env;
    let (teller, number) = (news::teller(env, arguments.get(1))?, env.to_integer(arguments.get(2))?);
    mux.on_change(move || teller.tell(number));
    env.external(Box::new(JsMux(RefCell::new(Some(mux)))))
}

fn give_stream(arguments: &Arguments<'_>, stream: MuxStream) -> Result<Value> {
    let env = arguments.env;
    let (teller, number) = (news::teller(env, arguments.get(1))?, env.to_integer(arguments.get(2))?);
    stream.on_change(move || teller.tell(number));
    env.external(Box::new(JsStream(RefCell::new(Some(stream)))))
}

/// `muxListen(address, news, number)`
fn listen(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let listener = MuxListener::bind(&env.to_string(arguments.get(0))?).map_err(failed)?;
    let (teller, number) = (news::teller(env, arguments.get(1))?, env.to_integer(arguments.get(2))?);
    listener.on_change(move || teller.tell(number));
    env.external(Box::new(JsListener(listener)))
}

/// `muxAddress(listener)`: where it listens, with the port that was found.
fn address(arguments: &Arguments<'_>) -> Result<Value> {
    arguments.env.text(listener(arguments)?.address().to_string().as_bytes())
}

/// `muxAcceptConnection(listener, news, number)`: the next connection, whose news have this number.
fn accept_connection(arguments: &Arguments<'_>) -> Result<Value> {
    let next = listener(arguments)?.accept(Some(Duration::ZERO));
    found(arguments.env, next, |mux| give_mux(arguments, mux))
}

/// `muxCloseListener(listener)`
fn close_listener(arguments: &Arguments<'_>) -> Result<Value> {
    listener(arguments)?.close();
    arguments.env.undefined()
}

/// `muxOpen(mux, news, number)`: a stream, whose news have this number.
fn open(arguments: &Arguments<'_>) -> Result<Value> {
    let mux = mux_cell(arguments)?.borrow();
    let mux = mux.as_ref().ok_or_else(|| failed(MuxError::Ended(Ended::Closed)))?;
    give_stream(arguments, mux.open().map_err(failed)?)
}

/// `muxAccept(mux, news, number)`: the next stream of the peer, whose news have this number.
fn accept(arguments: &Arguments<'_>) -> Result<Value> {
    let mux = mux_cell(arguments)?.borrow();
    let Some(mux) = mux.as_ref() else { return null(arguments.env) };
    let next = mux.accept(Some(Duration::ZERO));
    found(arguments.env, next, |stream| give_stream(arguments, stream))
}

/// `muxClose(mux)`: no more streams. The others go on, and the connection with them.
fn close(arguments: &Arguments<'_>) -> Result<Value> {
    let mux = mux_cell(arguments)?.take();
    if let Some(mux) = mux {
        mux.close();
    }
    arguments.env.undefined()
}

/// `muxSend(stream, bytes)`: a text or bytes. Whether they were taken.
fn send(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let (stream, data) = (stream(arguments)?, arguments.get(1));
    let sent = if env.kind(data)? == Kind::Text {
        stream.try_send(env.to_string(data)?.as_bytes())
    } else {
        let wrong = || Error::Type("what is sent is neither a text nor a Uint8Array".to_owned());
        stream.try_send(env.bytes(data)?.ok_or_else(wrong)?)
    };
    match sent {
        Ok(()) => env.integer(1),
        Err(MuxError::WouldBlock) => env.integer(0),
        Err(error) => Err(failed(error)),
    }
}

/// `muxReceive(stream)`: bytes; `undefined` when there are none yet; `null` when the peer is done.
fn receive(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    match stream(arguments)?.recv(Some(Duration::ZERO)) {
        Ok(Some(bytes)) => env.buffer(&bytes),
        Ok(None) => null(env),
        Err(MuxError::Timeout) => env.undefined(),
        Err(error) => Err(failed(error)),
    }
}

/// `muxFinish(stream)`
fn finish(arguments: &Arguments<'_>) -> Result<Value> {
    stream(arguments)?.finish().map_err(failed)?;
    arguments.env.undefined()
}

/// `muxError(stream, text)`
fn error(arguments: &Arguments<'_>) -> Result<Value> {
    stream(arguments)?.error(&arguments.env.to_string(arguments.get(1))?).map_err(failed)?;
    arguments.env.undefined()
}

/// `muxCancel(stream)`
fn cancel(arguments: &Arguments<'_>) -> Result<Value> {
    stream(arguments)?.cancel().map_err(failed)?;
    arguments.env.undefined()
}

/// `muxCloseStream(stream)`: lets go of it.
fn close_stream(arguments: &Arguments<'_>) -> Result<Value> {
    let stream = stream_cell(arguments)?.take();
    if let Some(stream) = stream {
        stream.close();
    }
    arguments.env.undefined()
}
