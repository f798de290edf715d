//! Middleware and handlers of flare's own, as objects that JavaScript hands on: requests that they see never cross into JavaScript.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use flare::files::Files;
use flare::log::AccessRecord;
use flare::message::Prepared;
use flare::middleware::{
    AccessFormat, AccessLog, BearerAuth, Forwarded, ForwardedField, Middleware, RateLimit, RequestId, Step,
};
use flare::server::ConfigError;
use flare::{Exchange, Handler, Request, Response};

use crate::answer::draft;
use crate::js::{Arguments, Env, Error, Function, Result, Value};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "requestId", call: request_id },
    Function { name: "accessLog", call: access_log },
    Function { name: "bearer", call: bearer },
    Function { name: "rateLimit", call: rate_limit },
    Function { name: "forwarded", call: forwarded },
    Function { name: "files", call: files },
    Function { name: "prepared", call: prepared },
];

/// Middleware that several routers and routes may have.
#[derive(Clone)]
pub(crate) struct Stock(Arc<dyn Middleware>);

impl Middleware for Stock {
    fn on_request(&self, exchange: Exchange) -> Step {
        self.0.on_request(exchange)
    }

    fn on_head(&self, request: &Request, response: &mut Response) {
        self.0.on_head(request, response);
    }

    fn on_end(&self, record: &AccessRecord<'_>) {
        self.0.on_end(record);
    }
}

/// A handler that several routes may have.
#[derive(Clone)]
pub(crate) struct OwnHandler(Arc<dyn Handler>);

impl Handler for OwnHandler {
    fn handle(&self, exchange: Exchange) {
        self.0.handle(exchange);
    }
}

/// The middleware behind a value of this file's functions.
pub(crate) fn middleware(env: Env, value: Value) -> Result<Stock> {
    // SAFETY: `lib` hands over as middleware only what the functions for middleware gave it.
    Ok(unsafe { env.to_external::<Stock>(value) }?.clone())
}

/// The handler behind a value of this file's functions.
pub(crate) fn handler(env: Env, value: Value) -> Result<OwnHandler> {
    // SAFETY: `lib` hands over as a handler only what the functions for handlers gave it.
    Ok(unsafe { env.to_external::<OwnHandler>(value) }?.clone())
}

fn stock(env: Env, middleware: impl Middleware) -> Result<Value> {
    env.external(Box::new(Stock(Arc::new(middleware))))
}

fn wrong(error: &ConfigError) -> Error {
    Error::Type(format!("{}: {}", error.field, error.problem))
}

/// An array of strings.
fn texts(env: Env, array: Value) -> Result<Vec<String>> {
    (0..env.array_length(array)?).map(|index| env.to_string(env.element(array, index)?)).collect()
}

/// `requestId(trustIncoming)`
fn request_id(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    stock(env, RequestId::new().trust_incoming(env.to_boolean(arguments.get(0))?))
}

/// `accessLog(format, path)`: to a file, which is appended to, or to `stdout` or `stderr`.
fn access_log(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let format = match env.to_string(arguments.get(0))?.as_str() {
        "common" => AccessFormat::Common,
        "combined" => AccessFormat::Combined,
        "json" => AccessFormat::Json,
        other => return Err(Error::Type(format!("format: {other:?} is not common, combined or json"))),
    };
    let path = env.to_string(arguments.get(1))?;
    // A line that can't be written is lost: there is no better place to tell of it.
    match path.as_str() {
        "stdout" => stock(env, AccessLog::new(format, |line| drop(writeln!(std::io::stdout(), "{line}")))),
        "stderr" => stock(env, AccessLog::new(format, |line| drop(writeln!(std::io::stderr(), "{line}")))),
        path => {
            let opened = OpenOptions::new().append(true).create(true).open(path);
            let file = opened.map_err(|error| Error::Coded("ERR_FLARE_FILE", format!("{path}: {error}")))?;
            let file = Mutex::new(file);
            stock(
                env,
                AccessLog::new(format, move |line| {
                    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                    // One write for a line, so that lines of several processes stay whole.
                    drop(file.write_all(format!("{line}\n").as_bytes()));
                }),
            )
        }
    }
}

/// `bearer(realm, tokens)`: tokens and the names of their owners in turn.
fn bearer(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let realm = env.to_string(arguments.get(0))?;
    let pairs = texts(env, arguments.get(1))?;
    let pairs = pairs.chunks_exact(2).map(|pair| match pair {
        [token, name] => (token.as_str(), name.as_str()),
        _ => ("", ""),
    });
    stock(env, BearerAuth::tokens(&realm, pairs).map_err(|error| wrong(&error))?)
}

/// `rateLimit(capacity, perSecond, ipv6Prefix, maxClients, fields, byIdentity)`
fn rate_limit(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let capacity = env.to_number(arguments.get(0))?;
    // What does not fit is out of range there too.
    let limit =
        RateLimit::new(capacity as u32, env.to_number(arguments.get(1))?).map_err(|error| wrong(&error))?;
    let mut limit = limit
        .ipv6_prefix(env.to_number(arguments.get(2))? as u8)
        .max_clients(env.to_number(arguments.get(3))? as usize)
        .fields(env.to_boolean(arguments.get(4))?);
    if env.to_boolean(arguments.get(5))? {
        limit = limit.key(|request| flare::middleware::identity(request).map(|who| who.name().to_owned()));
    }
    stock(env, limit)
}

/// `forwarded(field, trusted, trustUnix)`
fn forwarded(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let field = match env.to_string(arguments.get(0))?.as_str() {
        "forwarded" => ForwardedField::Standard,
        "x-forwarded-for" => ForwardedField::XForwarded,
        "both" => ForwardedField::Both,
        other => {
            return Err(Error::Type(format!("field: {other:?} is not forwarded, x-forwarded-for or both")));
        }
    };
    let found = Forwarded::new(field, texts(env, arguments.get(1))?).map_err(|error| wrong(&error))?;
    stock(env, found.trust_unix_sockets(env.to_boolean(arguments.get(2))?))
}

/// `files(directory, options)`: options as the text that [`Files::options`] reads.
fn files(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let directory = env.to_string(arguments.get(0))?;
    let files = Files::new(directory).map_err(|error| Error::Coded("ERR_FLARE_FILE", error.to_string()))?;
    let files = files.options(&env.to_string(arguments.get(1))?);
    let files = files.map_err(|error| Error::Type(error.to_string()))?;
    env.external(Box::new(OwnHandler(Arc::new(files))))
}

/// `prepared(status, fields, content)`
fn prepared(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let mut response = Response::new(200);
    draft(env, &mut response, arguments.get(0), arguments.get(1), arguments.get(2))?;
    let prepared = Prepared::new(response).map_err(|error| Error::Type(error.to_string()))?;
    env.external(Box::new(OwnHandler(Arc::new(prepared))))
}
