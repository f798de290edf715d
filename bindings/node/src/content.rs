//! What JavaScript reads of a request besides its head.

use flare::{AnswerError, Exchange, Read};

use crate::answer::refusal;
use crate::js::{Arguments, Env, Function, Result, Value};
use crate::packed::pack_fields;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "bodyText", call: body_text },
    Function { name: "bodyBytes", call: body_bytes },
    Function { name: "trailers", call: trailers },
    Function { name: "read", call: read },
    Function { name: "release", call: release },
    Function { name: "cancelled", call: cancelled },
    Function { name: "refusal", call: own_refusal },
    Function { name: "held", call: held },
];

/// Asks an exchange something. One that is not here any more has nothing: `undefined`.
pub(crate) fn ask(
    arguments: &Arguments<'_>,
    what: impl FnOnce(Env, &Exchange) -> Result<Value>,
) -> Result<Value> {
    let env = arguments.env;
    let id = env.to_integer(arguments.get(0))?;
    let exchanges = arguments.environment.exchanges.borrow();
    match exchanges.get(id) {
        Some(exchange) => what(env, exchange),
        None => env.undefined(),
    }
}

/// `bodyText(id)`: the content that was collected, as text. What is not UTF-8 becomes U+FFFD.
fn body_text(arguments: &Arguments<'_>) -> Result<Value> {
    ask(arguments, |env, exchange| env.text(exchange.request().body()))
}

/// `bodyBytes(id)`: the content that was collected, as a `Buffer`.
fn body_bytes(arguments: &Arguments<'_>) -> Result<Value> {
    ask(arguments, |env, exchange| env.buffer(exchange.request().body()))
}

/// `trailers(id)`: the fields behind the content, packed.
fn trailers(arguments: &Arguments<'_>) -> Result<Value> {
    ask(arguments, |env, exchange| {
        let mut packed = Vec::new();
        pack_fields(exchange.request().trailers(), &mut packed);
        env.latin1(&packed)
    })
}

/// `read(id)`: a `Buffer` with what came of the content, 0 for "nothing yet", 1 for its end, or a negative number as those of `answer`.
fn read(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let id = env.to_integer(arguments.get(0))?;
    let found = {
        let exchanges = arguments.environment.exchanges.borrow();
        exchanges.get(id).map_or(Err(AnswerError::Answered), Exchange::read)
    };
    match found {
        Ok(Read::Data(data)) => env.buffer(&data),
        Ok(Read::WouldBlock) => env.integer(0),
        Ok(Read::End) => env.integer(1),
        Err(error) => env.integer(refusal(error)),
    }
}

/// `cancelled(id)`: why the exchange is over, as the numbers of `answer`; 0 if it is not.
fn cancelled(arguments: &Arguments<'_>) -> Result<Value> {
    ask(arguments, |env, exchange| {
        env.integer(
            exchange.request().cancelled().map_or(0, |reason| refusal(AnswerError::Cancelled(reason))),
        )
    })
}

/// `refusal(id)`: the status that the server will answer a request with that no route takes; 0 when a route does.
fn own_refusal(arguments: &Arguments<'_>) -> Result<Value> {
    ask(arguments, |env, exchange| {
        env.integer(flare::embed::refusal(exchange.request()).map_or(0, |(status, _)| status.into()))
    })
}

/// `release(id)`: JavaScript has no more use for the exchange.
fn release(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let id = env.to_integer(arguments.get(0))?;
    let dropped = arguments.environment.exchanges.borrow_mut().remove(id);
    drop(dropped);
    env.undefined()
}

/// `held()`: how many exchanges and sockets JavaScript holds, for tests of leaks.
fn held(arguments: &Arguments<'_>) -> Result<Value> {
    let environment = arguments.environment;
    let held = environment.exchanges.borrow().len() + environment.sockets.borrow().len();
    arguments.env.integer(i32::try_from(held).unwrap_or(i32::MAX))
}
