//! What JavaScript answers.

use std::time::Duration;

use flare::{AnswerError, Body, CancelReason, Exchange, Headers, InvalidField, Response, Upstream};

use crate::environment::Register;
use crate::gate::{Added, Passed};
use crate::handler;
use crate::js::{Arguments, Env, Error, Function, Result, Value};
use crate::turn::Turn;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "answer", call: answer },
    Function { name: "start", call: start },
    Function { name: "write", call: write },
    Function { name: "end", call: end },
    Function { name: "reset", call: reset },
    Function { name: "inform", call: inform },
    Function { name: "proceed", call: proceed },
    Function { name: "relay", call: relay },
];

/// What the value is that a handler gave back. The numbers are those of `lib/native.cjs`; 2 is a string that is text.
mod kind {
    /// Nothing: it was answered in another way.
    pub(super) const DONE: i32 = 0;
    /// Nothing yet: the answer comes later.
    pub(super) const KEPT: i32 = 1;
    /// A string that is JSON.
    pub(super) const JSON: i32 = 3;
    /// Bytes.
    pub(super) const BYTES: i32 = 4;
}

fn content_type(kind: i32) -> &'static str {
    match kind {
        kind::JSON => "application/json",
        kind::BYTES => "application/octet-stream",
        _ => "text/plain; charset=utf-8",
    }
}

/// A refused answer as a number: -1 when it was answered before, -2 when there is no room, -3 for misuse, and below when it is over.
pub(crate) fn refusal(error: AnswerError) -> i32 {
    match error {
        AnswerError::Answered => -1,
        AnswerError::WouldBlock => -2,
        AnswerError::Misuse(_) => -3,
        AnswerError::Cancelled(CancelReason::PeerGone) => -10,
        AnswerError::Cancelled(CancelReason::Deadline) => -11,
        AnswerError::Cancelled(CancelReason::Drain) => -12,
        AnswerError::Cancelled(_) => -13,
    }
}

/// What a handler gave back when it was called.
pub(crate) fn of_dispatch(turn: &Turn, id: i32, value: Value) -> Result<()> {
    let (env, environment) = (turn.env, &turn.environment);
    match environment.read(Register::Kind) {
        kind::DONE => Ok(()),
        kind::KEPT => {
            let taken = environment.exchanges.borrow_mut().take(id);
            if let Some(exchange) = taken {
                // Out of its place, because the callback of an exchange that is over is dropped at once.
                handler::attend(&exchange, id);
                let over = exchange.request().cancelled().is_some();
                let left = environment.exchanges.borrow_mut().put(id, exchange);
                drop(left);
                if over {
                    turn.notify(id, handler::Notice::Cancelled);
                }
            }
            Ok(())
        }
        kind => {
            let Some(exchange) = environment.exchanges.borrow_mut().remove(id) else { return Ok(()) };
            let status = u16::try_from(environment.read(Register::Status)).unwrap_or(500);
            let written = exchange.finish_with(|response| {
                response.set_status(status);
                response.headers_mut().append("content-type", content_type(kind))?;
                write_body(env, value, response)
            });
            match written {
                // The exchange is over: nobody waits for the answer.
                Ok(()) | Err(Problem::Answer(_)) => Ok(()),
                Err(problem) => Err(problem.into()),
            }
        }
    }
}

/// Why an answer was not written.
pub(crate) enum Problem {
    Answer(AnswerError),
    Field(InvalidField),
    Js(Error),
}

impl From<AnswerError> for Problem {
    fn from(error: AnswerError) -> Self {
        Self::Answer(error)
    }
}

impl From<InvalidField> for Problem {
    fn from(error: InvalidField) -> Self {
        Self::Field(error)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Js(error)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Answer(error) => Self::Coded("ERR_FLARE_ANSWER", error.to_string()),
            Problem::Field(error) => Self::Type(error.to_string()),
            Problem::Js(error) => error,
        }
    }
}

/// Copies a string or bytes into the answer, in memory that is there already.
fn write_body(env: Env, value: Value, response: &mut Response) -> std::result::Result<(), Problem> {
    let mut memory = match std::mem::take(response.body_mut()) {
        Body::Owned(memory) => memory,
        _ => Vec::new(),
    };
    memory.clear();
    append(env, value, &mut memory)?;
    *response.body_mut() = Body::Owned(memory);
    Ok(())
}

/// Appends a string in UTF-8, or bytes.
pub(crate) fn append(env: Env, value: Value, into: &mut Vec<u8>) -> Result<()> {
    match env.bytes(value)? {
        Some(bytes) => into.extend_from_slice(bytes),
        None => env.append_text(value, into)?,
    }
    Ok(())
}

/// Reads `name NUL value NUL ...`, as `lib/fields.cjs` packs it.
pub(crate) fn read_fields(env: Env, value: Value, into: &mut Headers) -> std::result::Result<(), Problem> {
    if env.is_absent(value)? {
        return Ok(());
    }
    let mut packed = Vec::new();
    env.append_latin1(value, &mut packed)?;
    let mut parts = packed.split(|byte| *byte == 0);
    while let (Some(name), Some(field)) = (parts.next(), parts.next()) {
        into.append(name, field)?;
    }
    Ok(())
}

/// Does something with an exchange, and gives the number of its result: 0, or as [`refusal`] says.
fn act(
    arguments: &Arguments<'_>,
    what: impl FnOnce(Env, &Exchange) -> std::result::Result<(), Problem>,
) -> Result<i32> {
    let env = arguments.env;
    let id = env.to_integer(arguments.get(0))?;
    let exchanges = arguments.environment.exchanges.borrow();
    let Some(exchange) = exchanges.get(id) else { return Ok(refusal(AnswerError::Answered)) };
    match what(env, exchange) {
        Ok(()) => Ok(0),
        Err(Problem::Answer(error)) => Ok(refusal(error)),
        Err(problem) => Err(problem.into()),
    }
}

/// Lets an exchange go that was answered, unless the last argument says that it is still read.
fn let_go(arguments: &Arguments<'_>, keep: Value) -> Result<()> {
    let env = arguments.env;
    if !env.to_boolean(keep)? {
        let dropped = arguments.environment.exchanges.borrow_mut().remove(env.to_integer(arguments.get(0))?);
        drop(dropped);
    }
    Ok(())
}

/// Writes a whole answer.
pub(crate) fn draft(
    env: Env,
    response: &mut Response,
    status: Value,
    fields: Value,
    content: Value,
) -> Result<()> {
    let written = head(env, response, status, fields)
        .and_then(|()| if env.is_absent(content)? { Ok(()) } else { write_body(env, content, response) });
    written.map_err(Error::from)
}

/// Replaces the fields of the names that are in `packed` by those.
pub(crate) fn replace_fields(packed: &[u8], fields: &mut Headers) {
    let mut added = Headers::new();
    let mut parts = packed.split(|byte| *byte == 0);
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        // Err: `lib` has checked names and values.
        let _ = added.append(name, value);
    }
    for (name, _) in added.iter() {
        fields.remove(name);
    }
    for (name, value) in added.iter() {
        // Err: it was a field before.
        let _ = fields.append(name, value);
    }
}

fn head(env: Env, response: &mut Response, status: Value, fields: Value) -> std::result::Result<(), Problem> {
    response.set_status(u16::try_from(env.to_integer(status)?).unwrap_or(500));
    response.headers_mut().clear();
    read_fields(env, fields, response.headers_mut())
}

/// `answer(id, status, fields, content, trailers, keep)`: answers whole.
fn answer(arguments: &Arguments<'_>) -> Result<Value> {
    let (status, fields, content, trailers) =
        (arguments.get(1), arguments.get(2), arguments.get(3), arguments.get(4));
    let result = act(arguments, |env, exchange| {
        exchange.finish_with(|response| {
            head(env, response, status, fields)?;
            if !env.is_absent(content)? {
                write_body(env, content, response)?;
            }
            if !env.is_absent(trailers)? {
                read_fields(env, trailers, response.trailers_mut())?;
            }
            Ok(())
        })
    })?;
    let_go(arguments, arguments.get(5))?;
    arguments.env.integer(result)
}

/// `start(id, status, fields)`: sends the head of an answer whose content follows.
fn start(arguments: &Arguments<'_>) -> Result<Value> {
    let (status, fields) = (arguments.get(1), arguments.get(2));
    let result = act(arguments, |env, exchange| {
        exchange.draft(|response| head(env, response, status, fields))??;
        Ok(exchange.start()?)
    })?;
    arguments.env.integer(result)
}

/// `write(id, content)`: takes it whole, or says that there is no room.
fn write(arguments: &Arguments<'_>) -> Result<Value> {
    let content = arguments.get(1);
    let result = act(arguments, |env, exchange| {
        let mut bytes = Vec::new();
        append(env, content, &mut bytes)?;
        Ok(exchange.write(bytes)?)
    })?;
    arguments.env.integer(result)
}

/// `end(id, trailers, keep)`: ends the content.
fn end(arguments: &Arguments<'_>) -> Result<Value> {
    let trailers = arguments.get(1);
    let result = act(arguments, |env, exchange| {
        let mut fields = Headers::new();
        read_fields(env, trailers, &mut fields)?;
        for (name, value) in fields.iter() {
            exchange.add_trailer(name, value)??;
        }
        Ok(exchange.finish()?)
    })?;
    let_go(arguments, arguments.get(2))?;
    arguments.env.integer(result)
}

/// `reset(id)`: gives the exchange up, and cuts what was begun.
fn reset(arguments: &Arguments<'_>) -> Result<Value> {
    let result = act(arguments, |_, exchange| {
        exchange.reset();
        Ok(())
    })?;
    arguments.env.integer(result)
}

/// `inform(id, status, fields)`: an interim answer.
fn inform(arguments: &Arguments<'_>) -> Result<Value> {
    let (status, fields) = (arguments.get(1), arguments.get(2));
    let result = act(arguments, |env, exchange| {
        let mut headers = Headers::new();
        read_fields(env, fields, &mut headers)?;
        Ok(exchange.inform(u16::try_from(env.to_integer(status)?).unwrap_or(0), headers)?)
    })?;
    arguments.env.integer(result)
}

/// `proceed(id, fields, comesBack)`: an exchange goes on from its gate. Fields are added to its answer, if that is of flare's own. One that comes back
/// keeps its number until then.
fn proceed(arguments: &Arguments<'_>) -> Result<Value> {
    let (env, environment) = (arguments.env, arguments.environment);
    let id = env.to_integer(arguments.get(0))?;
    let comes_back = env.to_boolean(arguments.get(2))?;
    let exchange = if comes_back {
        environment.exchanges.borrow_mut().take(id)
    } else {
        environment.exchanges.borrow_mut().remove(id)
    };
    let Some(exchange) = exchange else { return env.integer(refusal(AnswerError::Answered)) };
    if comes_back {
        exchange.request().set_extension(Passed(id));
    }
    if !env.is_absent(arguments.get(1))? {
        let mut packed = Vec::new();
        env.append_latin1(arguments.get(1), &mut packed)?;
        exchange.request().set_extension(Added(packed));
    }
    env.integer(exchange.proceed().map_or_else(refusal, |()| 0))
}

/// `relay(id, status, fields, address, prologue, connectTimeout, silenceTimeout, forwardContent)`: answers with what another server sends.
/// Times are in milliseconds.
fn relay(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let milliseconds = |index| env.to_number(arguments.get(index)).map(|ms| Duration::from_millis(ms as u64));
    let upstream = Upstream::to(&env.to_string(arguments.get(3))?)
        .map_err(|error| Error::Coded("ERR_FLARE_ADDRESS", error.to_string()))?;
    let mut prologue = Vec::new();
    append(env, arguments.get(4), &mut prologue)?;
    let upstream = upstream
        .prologue(prologue)
        .connect_timeout(milliseconds(5)?)
        .silence_timeout(milliseconds(6)?)
        .forward_content(env.to_boolean(arguments.get(7))?);
    let (status, fields) = (arguments.get(1), arguments.get(2));
    let result = act(arguments, |env, exchange| {
        exchange.draft(|response| head(env, response, status, fields))??;
        Ok(exchange.relay(upstream)?)
    })?;
    if result == 0 {
        let dropped = arguments.environment.exchanges.borrow_mut().remove(env.to_integer(arguments.get(0))?);
        drop(dropped);
    }
    env.integer(result)
}
