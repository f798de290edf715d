//! Routes, and what they may decide for themselves.

use std::cell::RefCell;
use std::time::Duration;

use flare::{RouteOptions, Router};

use crate::handler::JsHandler;
use crate::js::{Arguments, Env, Error, Function, Result, Value};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "router", call: router },
    Function { name: "route", call: route },
    Function { name: "mount", call: mount },
];

/// A router that JavaScript fills.
pub(crate) struct JsRouter(RefCell<Router>);

/// The router behind a value, which `lib` got from [`router`].
fn of<'v>(env: Env, value: Value) -> Result<&'v JsRouter> {
    // SAFETY: `lib` hands over here only what `router` gave it.
    unsafe { env.to_external(value) }
}

/// A copy of a router of JavaScript's, for a server.
pub(crate) fn copy(env: Env, value: Value) -> Result<Router> {
    Ok(of(env, value)?.0.borrow().clone())
}

fn wrong(error: &flare::RouteError) -> Error {
    Error::Coded("ERR_FLARE_ROUTE", error.to_string())
}

/// `router()`: an empty one.
fn router(arguments: &Arguments<'_>) -> Result<Value> {
    arguments.env.external(Box::new(JsRouter(RefCell::default())))
}

/// `route(router, method, pattern, handler, streaming, bodyLimit, timeout, extras)`: limit and timeout (ms) are negative for the
/// server's own.
fn route(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let router = of(env, arguments.get(0))?;
    let (method, pattern) = (env.to_string(arguments.get(1))?, env.to_string(arguments.get(2))?);
    let handler = JsHandler {
        id: env.to_integer(arguments.get(3))?,
        streaming: env.to_boolean(arguments.get(4))?,
        extras: env.to_boolean(arguments.get(7))?,
    };
    let options = RouteOptions {
        streaming: handler.streaming,
        body_limit: whole(env.to_number(arguments.get(5))?),
        handler_timeout: whole(env.to_number(arguments.get(6))?).map(Duration::from_millis),
        ..RouteOptions::default()
    };
    router.0.borrow_mut().add_with(&method, &pattern, options, handler).map_err(|error| wrong(&error))?;
    env.undefined()
}

/// A number of JavaScript's that is not negative.
fn whole(number: f64) -> Option<u64> {
    // As large as any setting may be; what is not whole was refused before.
    (number >= 0.0).then_some(number as u64)
}

/// `mount(router, prefix, other)`: all routes of the other one below the prefix.
fn mount(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let (router, prefix) = (of(env, arguments.get(0))?, env.to_string(arguments.get(1))?);
    let other = copy(env, arguments.get(2))?;
    router.0.borrow_mut().mount(&prefix, other).map_err(|error| wrong(&error))?;
    env.undefined()
}
