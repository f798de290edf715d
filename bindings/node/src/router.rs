//! Routes, and what they may decide for themselves.

use std::cell::RefCell;
use std::time::Duration;

use flare::{RouteOptions, Router};

use crate::gate::Gate;
use crate::handler::JsHandler;
use crate::js::{Arguments, Env, Error, Function, Kind, Result, Value};
use crate::stock;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "router", call: router },
    Function { name: "route", call: route },
    Function { name: "layer", call: layer },
    Function { name: "mount", call: mount },
];

/// A router that JavaScript fills.
pub(crate) struct JsRouter(pub(crate) RefCell<Router>);

/// The router behind a value, which `lib` got from [`router`].
pub(crate) fn of<'v>(env: Env, value: Value) -> Result<&'v JsRouter> {
    // SAFETY: `lib` hands over here only what `router` gave it.
    unsafe { env.to_external(value) }
}

/// A copy of a router of JavaScript's, for a server.
pub(crate) fn copy(env: Env, value: Value) -> Result<Router> {
    Ok(of(env, value)?.0.borrow().clone())
}

pub(crate) fn wrong(error: &flare::RouteError) -> Error {
    Error::Coded("ERR_FLARE_ROUTE", error.to_string())
}

/// `router()`: an empty one.
fn router(arguments: &Arguments<'_>) -> Result<Value> {
    arguments.env.external(Box::new(JsRouter(RefCell::default())))
}

/// `route(router, method, pattern, handler, gate, extras, middleware, options)`: `handler` is a number of JavaScript's or a handler of
/// flare's own; `gate` the number of a chain, or negative for none; `middleware` an array of flare's own around this route.
fn route(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let router = of(env, arguments.get(0))?;
    let (method, pattern) = (env.to_string(arguments.get(1))?, env.to_string(arguments.get(2))?);
    let (gate, extras) = (env.to_integer(arguments.get(4))?, env.to_boolean(arguments.get(5))?);
    let given = arguments.get(7);
    let number = |index| env.element(given, index).and_then(|value| env.to_number(value)).map(whole);
    let mut options = RouteOptions {
        body_limit: number(0)?,
        handler_timeout: number(1)?.map(Duration::from_millis),
        streaming: number(2)? == Some(1),
        blocking: number(3)? == Some(1),
        body_timeout: number(4)?.map(Duration::from_millis),
        body_min_rate: number(5)?,
        ..RouteOptions::default()
    };
    let around = arguments.get(6);
    for index in 0..env.array_length(around)? {
        options = options.layer(stock::middleware(env, env.element(around, index)?)?);
    }
    if gate >= 0 {
        options = options.layer(Gate { id: gate, extras, unrouted: false });
    }
    let mut router = router.0.borrow_mut();
    let added = if env.kind(arguments.get(3))? == Kind::Number {
        let id = env.to_integer(arguments.get(3))?;
        let handler = JsHandler { id, streaming: options.streaming, extras, gated: gate >= 0 };
        router.add_with(&method, &pattern, options, handler)
    } else {
        router.add_with(&method, &pattern, options, stock::handler(env, arguments.get(3))?)
    };
    added.map_err(|error| wrong(&error))?;
    env.undefined()
}

/// `layer(router, middleware)`: middleware of flare's own around all its routes, or the number of a chain for requests that none takes.
fn layer(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let router = of(env, arguments.get(0))?;
    if env.kind(arguments.get(1))? == Kind::Number {
        let id = env.to_integer(arguments.get(1))?;
        router.0.borrow_mut().layer(Gate { id, extras: env.to_boolean(arguments.get(2))?, unrouted: true });
    } else {
        router.0.borrow_mut().layer(stock::middleware(env, arguments.get(1))?);
    }
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
