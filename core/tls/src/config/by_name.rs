//! Settings by name, for languages that have no access to the fields.

use std::time::Duration;

use super::{ClientAuth, EarlyData, ServerTls, Source, Version};
use crate::error::ConfigError;

impl ServerTls {
    /// Sets a number by name: `min_version` (12 or 13), `handshake_timeout_ms`, `max_handshakes`, `tickets` (0 or 1), `tickets_sent`,
    /// `ticket_key_lifetime_ms`, `session_cache`, `early_data_limit` (0: none), `early_data_unsafe_methods` (0 or 1), `client_auth` (0: none,
    /// 1: optional, 2: required), `watch_ms` (0: never).
    ///
    /// # Errors
    /// There is no such setting, or the value does not fit its type.
    pub fn set_number(&mut self, name: &str, value: i64) -> Result<(), ConfigError> {
        let wrong = |problem: &str| ConfigError::new(name, format!("{value} {problem}"));
        let size = || usize::try_from(value).map_err(|_| wrong("is negative"));
        let time = || u64::try_from(value).map(Duration::from_millis).map_err(|_| wrong("is negative"));
        let switch = || match value {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(wrong("is not 0 or 1")),
        };
        match name {
            "min_version" => {
                self.min_version = match value {
                    12 => Version::Tls12,
                    13 => Version::Tls13,
                    _ => return Err(wrong("is not 12 or 13")),
                };
            }
            "handshake_timeout_ms" => self.handshake_timeout = time()?,
            "max_handshakes" => self.max_handshakes = size()?,
            "tickets" => self.resumption.tickets = switch()?,
            "tickets_sent" => self.resumption.tickets_sent = size()?,
            "ticket_key_lifetime_ms" => self.resumption.ticket_key_lifetime = time()?,
            "session_cache" => self.resumption.cache = size()?,
            "early_data_limit" => {
                let limit = u32::try_from(value).map_err(|_| wrong("is not within 0 to 1048576"))?;
                let before = self.early_data.clone().unwrap_or_default();
                self.early_data = (limit > 0).then_some(EarlyData { limit, ..before });
            }
            "early_data_unsafe_methods" => {
                let unsafe_methods = switch()?;
                match &mut self.early_data {
                    Some(early) => early.unsafe_methods = unsafe_methods,
                    None => return Err(wrong("needs early_data_limit first")),
                }
            }
            "client_auth" => {
                let (roots, revocation_lists) = self.client_auth.parts();
                let (roots, revocation_lists) = (roots.to_vec(), revocation_lists.to_vec());
                self.client_auth = match value {
                    0 => ClientAuth::None,
                    1 => ClientAuth::Optional { roots, revocation_lists },
                    2 => ClientAuth::Required { roots, revocation_lists },
                    _ => return Err(wrong("is not 0 (none), 1 (optional) or 2 (required)")),
                };
            }
            "watch_ms" => self.watch = (value != 0).then(time).transpose()?,
            _ => return Err(ConfigError::new(name, "there is no such number setting")),
        }
        Ok(())
    }

    /// Sets a text by name: `alpn` (names with commas between them), `key_log` (a file; empty: none); and of the identity that was added
    /// last: `names` (with commas between them), `ocsp` (a file). Adds a file to those of client certificates, once `client_auth` is set:
    /// `client_roots`, `client_revocation_lists`.
    ///
    /// # Errors
    /// There is no such setting, or nothing that it is about.
    pub fn set_text(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        let words = || value.split(',').map(str::trim).filter(|word| !word.is_empty());
        match name {
            "alpn" => self.alpn = words().map(|word| word.as_bytes().to_vec()).collect(),
            "key_log" => self.key_log = (!value.is_empty()).then(|| value.into()),
            "names" | "ocsp" => {
                let Some(identity) = self.identities.last_mut() else {
                    return Err(ConfigError::new(name, "needs an identity first"));
                };
                if name == "names" {
                    identity.names = words().map(str::to_owned).collect();
                } else {
                    identity.ocsp = Some(Source::file(value));
                }
            }
            "client_roots" | "client_revocation_lists" => match &mut self.client_auth {
                ClientAuth::None => return Err(ConfigError::new(name, "needs client_auth first")),
                ClientAuth::Optional { roots, revocation_lists }
                | ClientAuth::Required { roots, revocation_lists } => {
                    let sources = if name == "client_roots" { roots } else { revocation_lists };
                    sources.push(Source::file(value));
                }
            },
            _ => return Err(ConfigError::new(name, "there is no such text setting")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_set_by_name() {
        let mut tls = ServerTls::with_identities(Vec::new());
        for (name, value) in [
            ("min_version", 13),
            ("handshake_timeout_ms", 500),
            ("max_handshakes", 7),
            ("tickets", 0),
            ("tickets_sent", 1),
            ("ticket_key_lifetime_ms", 60_000),
            ("session_cache", 9),
            ("early_data_limit", 100),
            ("early_data_unsafe_methods", 1),
            ("client_auth", 1),
            ("watch_ms", 1000),
        ] {
            assert_eq!(tls.set_number(name, value), Ok(()), "{name}");
        }
        assert_eq!(tls.set_text("client_roots", "roots.pem"), Ok(()));
        assert_eq!(tls.set_number("client_auth", 2), Ok(()));
        assert_eq!(tls.set_text("alpn", "h2, http/1.1"), Ok(()));
        let roots = vec![Source::file("roots.pem")];
        assert_eq!(tls.client_auth, ClientAuth::Required { roots, revocation_lists: Vec::new() });
        assert_eq!(tls.alpn, [b"h2".to_vec(), b"http/1.1".to_vec()]);
        assert_eq!((tls.min_version, tls.handshake_timeout), (Version::Tls13, Duration::from_millis(500)));
        assert_eq!((tls.max_handshakes, tls.resumption.tickets, tls.resumption.cache), (7, false, 9));
        assert_eq!(tls.early_data, Some(EarlyData { limit: 100, unsafe_methods: true }));
        assert_eq!(tls.watch, Some(Duration::from_secs(1)));
    }

    #[test]
    fn what_is_no_setting_or_does_not_fit_is_named() {
        let mut tls = ServerTls::with_identities(Vec::new());
        for (name, value) in [
            ("nothing", 1),
            ("min_version", 11),
            ("tickets", 2),
            ("max_handshakes", -1),
            ("early_data_limit", -1),
            ("early_data_unsafe_methods", 1),
            ("client_auth", 3),
            ("watch_ms", -1),
        ] {
            assert_eq!(tls.set_number(name, value).unwrap_err().setting, name);
        }
        for name in ["nothing", "names", "ocsp", "client_roots", "client_revocation_lists"] {
            assert_eq!(tls.set_text(name, "x").unwrap_err().setting, name);
        }
    }
}
