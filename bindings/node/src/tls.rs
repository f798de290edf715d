//! Certificates and settings of a server that speaks TLS.

use std::sync::Arc;

use flare::tls::{Choice, Hello, Identity, LoadedIdentity, Resolver, ServerTls, Source};

use crate::js::{Arguments, Env, Error, Function, Kind, Result, Value, ValueScope};
use crate::server::failed;
use crate::turn;

pub(crate) const FUNCTIONS: &[Function] = &[Function { name: "identity", call: load }];

/// Certificates and key that were read and checked.
struct JsIdentity(Arc<LoadedIdentity>);

/// `identity(cert, key)`: reads them now.
fn load(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let identity =
        Identity::new(source(env, "cert", arguments.get(0))?, source(env, "key", arguments.get(1))?);
    let loaded = identity.load().map_err(|error| failed(&error.into()))?;
    env.external(Box::new(JsIdentity(Arc::new(loaded))))
}

/// Has JavaScript choose, which knows the function by this number. Handshakes are read in the loop, as everything is.
fn resolver(number: i32) -> Resolver {
    Resolver::new(move |hello| {
        let ask = |turn: &turn::Turn| {
            choose(turn, number, hello).unwrap_or_else(|error| {
                turn.fail(error);
                Choice::Refuse
            })
        };
        // None: JavaScript can't be called any more.
        turn::with(ask).unwrap_or(Choice::Refuse)
    })
}

/// An identity, `undefined` for the one of that name, or anything else to refuse.
fn choose(turn: &turn::Turn, number: i32, hello: Hello<'_>) -> Result<Choice> {
    let env = turn.env;
    let _scope = ValueScope::open(env)?;
    let name = match hello.server_name {
        Some(name) => env.text(name.as_bytes())?,
        None => env.undefined()?,
    };
    let chosen = env.call(turn.this, turn.resolve, &[env.integer(number)?, name])?;
    Ok(match env.kind(chosen)? {
        Kind::Undefined => Choice::ByName,
        // SAFETY: of externals `lib` hands over here only what `identity` gave it.
        Kind::Other => Choice::Identity(Arc::clone(&unsafe { env.to_external::<JsIdentity>(chosen) }?.0)),
        _ => Choice::Refuse,
    })
}

/// From an array of certificates, key, and names and values of settings in turn, as `lib/tls.cjs` makes it. A text is a file, which is
/// read on each reload; bytes are what would be in it. `also` is another pair of certificates and key, `resolve` the number of a function that
/// chooses. `undefined`: no TLS.
pub(crate) fn settings(env: Env, array: Value) -> Result<Option<ServerTls>> {
    if env.is_absent(array)? {
        return Ok(None);
    }
    let mut tls = ServerTls::new(identity(env, array)?);
    for index in (2..env.array_length(array)?).step_by(2) {
        let name = env.to_string(env.element(array, index)?)?;
        let value = env.element(array, index + 1)?;
        if name == "also" {
            tls.identities.push(identity(env, value)?);
            continue;
        }
        if name == "resolve" {
            tls.resolver = Some(resolver(env.to_integer(value)?));
            continue;
        }
        let set = match env.kind(value)? {
            Kind::Text => tls.set_text(&name, &env.to_string(value)?),
            // Whole numbers, which `lib` has checked.
            _ => tls.set_number(&name, env.to_number(value)? as i64),
        };
        set.map_err(|error| failed(&error.into()))?;
    }
    Ok(Some(tls))
}

/// The first two elements of an array.
fn identity(env: Env, array: Value) -> Result<Identity> {
    let chain = source(env, "cert", env.element(array, 0)?)?;
    let key = source(env, "key", env.element(array, 1)?)?;
    Ok(Identity::new(chain, key))
}

pub(crate) fn source(env: Env, name: &str, value: Value) -> Result<Source> {
    if env.kind(value)? == Kind::Text {
        return Ok(Source::file(env.to_string(value)?));
    }
    let problem = || Error::Coded("ERR_FLARE_TLS", format!("tls.{name} is neither a path nor bytes"));
    Ok(Source::bytes(env.bytes(value)?.ok_or_else(problem)?))
}
