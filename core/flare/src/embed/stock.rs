//! The middleware that comes with flare, made of settings by name: for languages that have no access to its types.

use std::sync::Arc;

use crate::message::Request;
use crate::middleware::{
    AccessFormat, AccessLog, BearerAuth, FixedTokens, Forwarded, ForwardedField, Identity, Middleware,
    RateLimit, RequestId, identity,
};
use crate::server::ConfigError;

/// Takes a line of the access log.
pub type LineSink = dyn Fn(&str) + Send + Sync;
/// Says whose token this is, if anybody's.
pub type TokenCheck = dyn Fn(&str, &Request) -> Option<Identity> + Send + Sync;

/// Settings of a middleware that comes with flare. docs/c-api/middleware.md lists the names.
pub struct StockMiddleware(Kind);

enum Kind {
    RequestId {
        trust_incoming: bool,
    },
    AccessLog {
        format: AccessFormat,
        sink: Option<Arc<LineSink>>,
    },
    BearerAuth {
        realm: String,
        tokens: Vec<(String, String)>,
        check: Option<Arc<TokenCheck>>,
    },
    RateLimit {
        capacity: u32,
        per_minute: u32,
        ipv6_prefix: u8,
        max_clients: u32,
        fields: bool,
        by_identity: bool,
    },
    Forwarded {
        field: ForwardedField,
        trusted: Vec<String>,
        trust_unix_sockets: bool,
    },
}

fn wrong(field: &str, problem: impl Into<String>) -> ConfigError {
    ConfigError { field: field.to_owned(), problem: problem.into() }
}

fn within(name: &str, value: i64, low: i64, high: i64) -> Result<u32, ConfigError> {
    let number = u32::try_from(value).ok().filter(|_| (low..=high).contains(&value));
    number.ok_or_else(|| wrong(name, format!("{value} is not within {low} to {high}")))
}

impl StockMiddleware {
    /// A middleware with its defaults: `request_id`, `access_log`, `bearer_auth`, `rate_limit` or `forwarded`.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn new(name: &str) -> Result<Self, ConfigError> {
        Ok(Self(match name {
            "request_id" => Kind::RequestId { trust_incoming: false },
            "access_log" => Kind::AccessLog { format: AccessFormat::Common, sink: None },
            "bearer_auth" => Kind::BearerAuth { realm: String::new(), tokens: Vec::new(), check: None },
            "rate_limit" => Kind::RateLimit {
                capacity: 60,
                per_minute: 60,
                ipv6_prefix: 64,
                max_clients: 65_536,
                fields: false,
                by_identity: false,
            },
            "forwarded" => Kind::Forwarded {
                field: ForwardedField::Standard,
                trusted: Vec::new(),
                trust_unix_sockets: false,
            },
            _ => return Err(wrong("name", format!("there is no middleware {name:?}"))),
        }))
    }

    /// Sets a number or a switch by name.
    ///
    /// # Errors
    /// This middleware has no such number, or the value is out of its range.
    pub fn set_number(&mut self, name: &str, value: i64) -> Result<(), ConfigError> {
        let switch = || within(name, value, 0, 1).map(|value| value == 1);
        match (&mut self.0, name) {
            (Kind::RequestId { trust_incoming }, "trust_incoming") => *trust_incoming = switch()?,
            (Kind::RateLimit { capacity, .. }, "capacity") => *capacity = within(name, value, 1, 1 << 30)?,
            (Kind::RateLimit { per_minute, .. }, "per_minute") => {
                *per_minute = within(name, value, 1, 1 << 30)?
            }
            (Kind::RateLimit { ipv6_prefix, .. }, "ipv6_prefix") => {
                *ipv6_prefix = within(name, value, 0, 128)? as u8
            }
            (Kind::RateLimit { max_clients, .. }, "max_clients") => {
                *max_clients = within(name, value, 1, 1 << 24)?
            }
            (Kind::RateLimit { fields, .. }, "fields") => *fields = switch()?,
            (Kind::RateLimit { by_identity, .. }, "by_identity") => *by_identity = switch()?,
            (Kind::Forwarded { trust_unix_sockets, .. }, "trust_unix_sockets") => {
                *trust_unix_sockets = switch()?
            }
            _ => return Err(wrong(name, "this middleware has no such number")),
        }
        Ok(())
    }

    /// Sets a text by name. A `trusted` network is added to those that are there.
    ///
    /// # Errors
    /// This middleware has no such text, or the value does not fit it.
    pub fn set_text(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        match (&mut self.0, name) {
            (Kind::AccessLog { format, .. }, "format") => {
                *format = match value {
                    "common" => AccessFormat::Common,
                    "combined" => AccessFormat::Combined,
                    "json" => AccessFormat::Json,
                    _ => return Err(wrong(name, "is not common, combined or json")),
                };
            }
            (Kind::BearerAuth { realm, .. }, "realm") => {
                BearerAuth::new(value, |_, _| None)?;
                value.clone_into(realm);
            }
            (Kind::Forwarded { field, .. }, "field") => {
                *field = match value {
                    "standard" => ForwardedField::Standard,
                    "x_forwarded" => ForwardedField::XForwarded,
                    "both" => ForwardedField::Both,
                    _ => return Err(wrong(name, "is not standard, x_forwarded or both")),
                };
            }
            (Kind::Forwarded { trusted, .. }, "trusted") => {
                Forwarded::new(ForwardedField::Standard, [value])?;
                trusted.push(value.to_owned());
            }
            _ => return Err(wrong(name, "this middleware has no such text")),
        }
        Ok(())
    }

    /// Adds a token of bearer authentication, with the name of its owner.
    ///
    /// # Errors
    /// This is another middleware, or the text is no token (RFC 6750, 2.1); the error does not tell it.
    pub fn add_token(&mut self, token: &str, name: &str) -> Result<(), ConfigError> {
        let Kind::BearerAuth { tokens, .. } = &mut self.0 else {
            return Err(wrong("token", "only bearer_auth has tokens"));
        };
        FixedTokens::new([(token, name)])?;
        tokens.push((token.to_owned(), name.to_owned()));
        Ok(())
    }

    /// Where the lines of an access log go. Gives back what was there, so that it is dropped where the caller likes.
    ///
    /// # Errors
    /// This is another middleware.
    pub fn on_line(&mut self, to: Arc<LineSink>) -> Result<Option<Arc<LineSink>>, ConfigError> {
        match &mut self.0 {
            Kind::AccessLog { sink, .. } => Ok(sink.replace(to)),
            _ => Err(wrong("on_line", "only access_log has lines")),
        }
    }

    /// Who is asked about tokens that were not added. Gives back what was there, as [`StockMiddleware::on_line`].
    ///
    /// # Errors
    /// This is another middleware.
    pub fn on_token(&mut self, ask: Arc<TokenCheck>) -> Result<Option<Arc<TokenCheck>>, ConfigError> {
        match &mut self.0 {
            Kind::BearerAuth { check, .. } => Ok(check.replace(ask)),
            _ => Err(wrong("on_token", "only bearer_auth has tokens")),
        }
    }

    /// The middleware. Each that is made counts for itself.
    ///
    /// # Errors
    /// Something is missing, or does not go with the rest.
    pub fn build(&self) -> Result<Arc<dyn Middleware>, ConfigError> {
        Ok(match &self.0 {
            Kind::RequestId { trust_incoming } => Arc::new(RequestId::new().trust_incoming(*trust_incoming)),
            Kind::AccessLog { format, sink } => {
                let sink = sink.clone().ok_or_else(|| wrong("on_line", "nobody takes the lines"))?;
                Arc::new(AccessLog::new(*format, move |line| sink(line)))
            }
            Kind::BearerAuth { tokens, check: None, .. } if tokens.is_empty() => {
                return Err(wrong("tokens", "there are none, and nobody is asked"));
            }
            Kind::BearerAuth { realm, tokens, check } => {
                let (fixed, check) = (FixedTokens::new(tokens.iter().cloned())?, check.clone());
                Arc::new(BearerAuth::new(realm, move |token, request| match fixed.find(token) {
                    Some(name) => Some(Identity::new(name)),
                    None => check.as_ref().and_then(|check| check(token, request)),
                })?)
            }
            Kind::RateLimit { capacity, per_minute, ipv6_prefix, max_clients, fields, by_identity } => {
                let limit = RateLimit::new(*capacity, f64::from(*per_minute) / 60.0)?
                    .ipv6_prefix(*ipv6_prefix)
                    .max_clients(*max_clients as usize)
                    .fields(*fields);
                let name = |request: &Request| identity(request).map(|who| who.name().to_owned());
                Arc::new(if *by_identity { limit.key(name) } else { limit })
            }
            Kind::Forwarded { field, trusted, trust_unix_sockets } => {
                Arc::new(Forwarded::new(*field, trusted)?.trust_unix_sockets(*trust_unix_sockets))
            }
        })
    }
}

impl std::fmt::Debug for StockMiddleware {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StockMiddleware").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(StockMiddleware::new("nothing").err().map(|error| error.field).as_deref(), Some("name"));
        let mut limit = StockMiddleware::new("rate_limit").unwrap();
        for (name, value) in
            [("capacity", 0), ("per_minute", -1), ("ipv6_prefix", 129), ("fields", 2), ("trust_incoming", 1)]
        {
            assert_eq!(limit.set_number(name, value).unwrap_err().field, name);
        }
        assert!(limit.build().is_ok() && limit.add_token("a", "b").is_err());
        let mut auth = StockMiddleware::new("bearer_auth").unwrap();
        assert_eq!(auth.build().err().map(|error| error.field).as_deref(), Some("tokens"));
        assert!(auth.add_token("no token", "ann").is_err() && auth.set_text("realm", "\n").is_err());
        assert!(auth.add_token("aaa", "ann").is_ok() && auth.build().is_ok());
        let mut forwarded = StockMiddleware::new("forwarded").unwrap();
        assert!(
            forwarded.set_text("trusted", "nowhere").is_err()
                && forwarded.set_text("trusted", "10.0.0.0/8").is_ok()
        );
        assert!(StockMiddleware::new("access_log").unwrap().build().is_err(), "nobody takes the lines");
    }
}
