//! What makes connections to servers: settings, and why there is none.

use std::io::ErrorKind;
use std::time::Duration;

use flare::connect::{ConnectConfig, ConnectError, ConnectFailure, Connector, Phase};
use flare::tls::{ClientTls, Identity, Source};

use crate::js::{Arguments, Env, Function, Kind, Result, Value};
use crate::server::failed;
use crate::tls::source;

pub(crate) const FUNCTIONS: &[Function] = &[Function { name: "connector", call: connector }];

struct JsConnector(Connector);

/// The connector behind a value.
pub(crate) fn of<'v>(env: Env, value: Value) -> Result<&'v Connector> {
    // SAFETY: `lib` hands over here only what `connector` gave it.
    unsafe { env.to_external::<JsConnector>(value) }.map(|connector| &connector.0)
}

/// `connector(timeout, attemptDelay, alpn, tls)`: times in milliseconds; `tls`: see [`settings`], or `undefined` for plain connections.
fn connector(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let time = |index| env.to_number(arguments.get(index)).map(|ms| Duration::from_millis(ms as u64));
    let mut config = ConnectConfig::default().with_timeout(time(0)?).with_attempt_delay(time(1)?);
    if !env.is_absent(arguments.get(3))? {
        let mut tls = settings(env, arguments.get(3))?;
        tls.set_text("alpn", &env.to_string(arguments.get(2))?).map_err(|error| failed(&error.into()))?;
        config = config.with_tls(tls);
    }
    let connector = Connector::new(config).map_err(|error| failed(&error))?;
    env.external(Box::new(JsConnector(connector)))
}

/// From an array of names and values in turn. Of what is PEM a text is a file, and bytes are what would be in it.
pub(crate) fn settings(env: Env, array: Value) -> Result<ClientTls> {
    let mut tls = ClientTls::default();
    let mut chain: Option<Source> = None;
    for index in (0..env.array_length(array)?).step_by(2) {
        let name = env.to_string(env.element(array, index)?)?;
        let value = env.element(array, index + 1)?;
        let set = match (name.as_str(), env.kind(value)?) {
            ("cert", _) => {
                chain = Some(source(env, "cert", value)?);
                Ok(())
            }
            // `lib` gives it right behind.
            ("key", _) => {
                let key = source(env, "key", value)?;
                tls.identity = chain.take().map(|chain| Identity::new(chain, key));
                Ok(())
            }
            ("roots", _) => {
                tls.add_roots(source(env, "roots", value)?);
                Ok(())
            }
            ("revocation_lists", _) => {
                tls.revocation_lists.push(source(env, "revocation_lists", value)?);
                Ok(())
            }
            (name, Kind::Text) => tls.set_text(name, &env.to_string(value)?),
            // Whole numbers, which `lib` has checked.
            (name, _) => tls.set_number(name, env.to_number(value)? as i64),
        };
        set.map_err(|error| failed(&error.into()))?;
    }
    Ok(tls)
}

/// The code that JavaScript sees.
pub(crate) fn code(error: &ConnectError) -> &'static str {
    match error.failure() {
        ConnectFailure::Target(_) => "ERR_FLARE_ADDRESS",
        ConnectFailure::ServerName(_) | ConnectFailure::Tls { .. } => "ERR_FLARE_TLS",
        ConnectFailure::TlsClosed => "ECONNRESET",
        _ => match error.kind() {
            ErrorKind::ConnectionRefused => "ECONNREFUSED",
            ErrorKind::ConnectionReset => "ECONNRESET",
            ErrorKind::TimedOut => "ETIMEDOUT",
            ErrorKind::NotFound if error.phase() == Phase::Resolve => "ENOTFOUND",
            ErrorKind::NotFound => "ENOENT",
            ErrorKind::PermissionDenied => "EACCES",
            ErrorKind::HostUnreachable => "EHOSTUNREACH",
            ErrorKind::NetworkUnreachable => "ENETUNREACH",
            _ => "ERR_FLARE_CONNECT",
        },
    }
}
