//! Certificates and settings of a server that speaks TLS.

use flare::tls::{Identity, ServerTls, Source};

use crate::js::{Env, Error, Kind, Result, Value};
use crate::server::failed;

/// From an array of certificates, key, and names and values of settings in turn, as `lib/tls.cjs` makes it. A text is a file, which is
/// read on each reload; bytes are what would be in it. `also` is another pair of certificates and key. `undefined`: no TLS.
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
