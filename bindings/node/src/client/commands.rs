//! What JavaScript does with a connection to a server, and with the exchanges on it.

use flare::Headers;
use flare::client::{Client, ContentLength, Request, RequestError};

use super::{State, of};
use crate::answer::read_fields;
use crate::js::{Arguments, Env, Error, Function, Kind, Result, Value};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "clientOpen", call: open },
    Function { name: "clientWrite", call: write },
    Function { name: "clientFinish", call: finish },
    Function { name: "clientConsumed", call: consumed },
    Function { name: "clientCancel", call: cancel },
    Function { name: "clientForget", call: forget },
    Function { name: "clientClose", call: close },
    Function { name: "clientDestroy", call: destroy },
    Function { name: "clientKeepAlive", call: keep_alive },
    Function { name: "clientTls", call: tls },
];

/// A refused command as a number: -1 when exchange or connection are over, -2 when there is no room for now. Misuse is thrown.
fn told(env: Env, result: std::result::Result<(), RequestError>) -> Result<Value> {
    match result {
        Ok(()) => env.integer(0),
        Err(RequestError::Over | RequestError::ConnectionOver) => env.integer(-1),
        Err(RequestError::WouldBlock | RequestError::Busy) => env.integer(-2),
        Err(error) => Err(Error::Type(error.to_string())),
    }
}

/// `clientOpen(client, method, scheme, authority, target, fields, length)`: the number of the exchange, -1 when the connection is over, or -2
/// when it takes no other exchange now. `length`: -1 for no content, -2 for content of an unknown length.
fn open(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let own = of(arguments)?;
    let mut headers = Headers::new();
    read_fields(env, arguments.get(5), &mut headers)?;
    let length = env.to_number(arguments.get(6))?;
    let request = Request {
        scheme: env.to_string(arguments.get(2))?,
        headers,
        content: match length {
            -1.0 => ContentLength::None,
            -2.0 => ContentLength::Unknown,
            length => ContentLength::Known(length as u64),
        },
        ..Request::new(
            &env.to_string(arguments.get(1))?,
            &env.to_string(arguments.get(3))?,
            &env.to_string(arguments.get(4))?,
        )
    };
    // What the server has said since, such as that it ends the connection.
    loop {
        match own.next_event() {
            Ok(Some(event)) => own.found.borrow_mut().push_back(event),
            Ok(None) => break,
            Err(_) => break,
        }
        own.again.set(true);
    }
    match own.with(|client| client.open(&request)) {
        Some(Ok(id)) => {
            own.exchanges.borrow_mut().insert(id.number(), id);
            env.number(id.number() as f64)
        }
        Some(Err(error)) => told(env, Err(error)),
        None => env.integer(-1),
    }
}

/// `clientWrite(client, exchange, content)`: a string or bytes, which are taken whole or not.
fn write(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let own = of(arguments)?;
    let Some(id) = own.exchange(arguments)? else { return env.integer(-1) };
    let content = arguments.get(2);
    let result = if env.kind(content)? == Kind::Text {
        let text = env.to_string(content)?;
        own.with(|client| client.try_write(id, text.as_bytes()))
    } else {
        let wrong = || Error::Type("content is neither a text nor a Uint8Array".to_owned());
        let bytes = env.bytes(content)?.ok_or_else(wrong)?;
        own.with(|client| client.try_write(id, bytes))
    };
    told(env, result.unwrap_or(Err(RequestError::Over)))
}

/// `clientFinish(client, exchange, trailers)`: the request is whole.
fn finish(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let own = of(arguments)?;
    let Some(id) = own.exchange(arguments)? else { return env.integer(-1) };
    let mut trailers = Headers::new();
    read_fields(env, arguments.get(2), &mut trailers)?;
    let trailers = (!trailers.is_empty()).then_some(&trailers);
    let result = own.with(|client| client.finish(id, trailers));
    told(env, result.unwrap_or(Err(RequestError::Over)))
}

/// `clientConsumed(client, exchange, bytes)`: so much content was used.
fn consumed(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let own = of(arguments)?;
    let bytes = env.to_number(arguments.get(2))? as usize;
    if let Some(id) = own.exchange(arguments)? {
        own.with(|client| client.consumed(id, bytes));
        own.soon();
    }
    env.undefined()
}

/// `clientCancel(client, exchange)`: nothing more of it is told.
fn cancel(arguments: &Arguments<'_>) -> Result<Value> {
    let own = of(arguments)?;
    if let Some(id) = own.exchange(arguments)? {
        own.exchanges.borrow_mut().remove(&id.number());
        own.found.borrow_mut().retain(|event| event.exchange() != id);
        own.with(|client| client.cancel(id));
        // It may be over now.
        own.soon();
    }
    arguments.env.undefined()
}

/// `clientForget(client, exchange)`: it is over, and all of its content was used.
fn forget(arguments: &Arguments<'_>) -> Result<Value> {
    let own = of(arguments)?;
    if let Some(id) = own.exchange(arguments)? {
        own.exchanges.borrow_mut().remove(&id.number());
    }
    arguments.env.undefined()
}

/// `clientClose(client)`: no more exchanges; over when those that run are.
fn close(arguments: &Arguments<'_>) -> Result<Value> {
    let own = of(arguments)?;
    own.with(Client::close);
    own.soon();
    arguments.env.undefined()
}

/// `clientDestroy(client)`: over at once, and nothing more is told.
fn destroy(arguments: &Arguments<'_>) -> Result<Value> {
    of(arguments)?.hosted.end();
    arguments.env.undefined()
}

/// `clientKeepAlive(client, keep)`: whether it keeps the process alive.
fn keep_alive(arguments: &Arguments<'_>) -> Result<Value> {
    let own = of(arguments)?;
    let keep = arguments.env.to_boolean(arguments.get(1))?;
    own.keeps_alive.set(keep);
    own.hosted.keep_alive(keep);
    arguments.env.undefined()
}

/// `clientTls(client)`: version, suite, ALPN, certificate of the server and whether the session was resumed; `undefined` without TLS.
fn tls(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let state = of(arguments)?.hosted.state.borrow();
    let State::Open(client) = &*state else { return env.undefined() };
    let Some(tls) = client.tls() else { return env.undefined() };
    let list = env.array()?;
    env.set_element(list, 0, env.text(tls.version().name().as_bytes())?)?;
    env.set_element(list, 1, env.text(tls.suite().as_bytes())?)?;
    env.set_element(list, 2, env.latin1(tls.alpn().unwrap_or_default())?)?;
    env.set_element(list, 3, env.buffer(tls.peer_certificate().unwrap_or_default())?)?;
    env.set_element(list, 4, env.boolean(tls.is_resumed())?)?;
    Ok(list)
}
