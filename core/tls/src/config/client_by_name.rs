//! Settings of a client by name, for languages that have no access to the fields.

use std::time::Duration;

use super::{ClientTls, Source, Trust, Version};
use crate::error::ConfigError;

impl ClientTls {
    /// Sets a number by name: `min_version` (12 or 13), `handshake_timeout_ms`, `resumption` (servers whose sessions are kept),
    /// `insecure_any_certificate` (1: [`Trust::InsecureAnyCertificate`]; 0: [`Trust::Platform`]).
    ///
    /// # Errors
    /// There is no such setting, or the value does not fit its type.
    pub fn set_number(&mut self, name: &str, value: i64) -> Result<(), ConfigError> {
        let wrong = |problem: &str| ConfigError::new(name, format!("{value} {problem}"));
        match name {
            "min_version" => {
                self.min_version = match value {
                    12 => Version::Tls12,
                    13 => Version::Tls13,
                    _ => return Err(wrong("is not 12 or 13")),
                };
            }
            "handshake_timeout_ms" => {
                let time = u64::try_from(value).map_err(|_| wrong("is negative"))?;
                self.handshake_timeout = Duration::from_millis(time);
            }
            "resumption" => {
                self.resumption = usize::try_from(value).map_err(|_| wrong("is negative"))?;
            }
            "insecure_any_certificate" => {
                self.trust = match value {
                    0 => Trust::Platform,
                    1 => Trust::InsecureAnyCertificate,
                    _ => return Err(wrong("is not 0 or 1")),
                };
            }
            _ => return Err(ConfigError::new(name, "there is no such number setting")),
        }
        Ok(())
    }

    /// Sets a text by name: `alpn` (names with commas between them), `server_name` (empty: the name that is connected to), `key_log` (a file;
    /// empty: none). Adds a file: `roots`, `revocation_lists`.
    ///
    /// # Errors
    /// There is no such setting.
    pub fn set_text(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        match name {
            "alpn" => {
                let words = value.split(',').map(str::trim).filter(|word| !word.is_empty());
                self.alpn = words.map(|word| word.as_bytes().to_vec()).collect();
            }
            "server_name" => self.server_name = (!value.is_empty()).then(|| value.to_owned()),
            "key_log" => self.key_log = (!value.is_empty()).then(|| value.into()),
            "roots" => self.add_roots(Source::file(value)),
            "revocation_lists" => self.revocation_lists.push(Source::file(value)),
            _ => return Err(ConfigError::new(name, "there is no such text setting")),
        }
        Ok(())
    }

    /// Believes these authorities too, and from the first on no others than those that were added.
    pub fn add_roots(&mut self, roots: Source) {
        match &mut self.trust {
            Trust::Roots(before) => before.push(roots),
            Trust::Platform | Trust::InsecureAnyCertificate => self.trust = Trust::Roots(vec![roots]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_set_by_name() {
        let mut tls = ClientTls::default();
        for (name, value) in [("min_version", 13), ("handshake_timeout_ms", 500), ("resumption", 7)] {
            tls.set_number(name, value).unwrap();
        }
        tls.set_number("insecure_any_certificate", 1).unwrap();
        assert_eq!(tls.trust, Trust::InsecureAnyCertificate);
        for (name, value) in [
            ("alpn", "h2, http/1.1,"),
            ("server_name", "a.example"),
            ("key_log", "keys"),
            ("roots", "a.pem"),
            ("roots", "b.pem"),
            ("revocation_lists", "c.pem"),
        ] {
            tls.set_text(name, value).unwrap();
        }
        assert_eq!(tls.min_version, Version::Tls13);
        assert_eq!((tls.handshake_timeout, tls.resumption), (Duration::from_millis(500), 7));
        assert_eq!(tls.alpn, [b"h2".to_vec(), b"http/1.1".to_vec()]);
        assert_eq!(tls.server_name.as_deref(), Some("a.example"));
        assert_eq!(tls.key_log.as_deref(), Some(std::path::Path::new("keys")));
        assert_eq!(tls.trust, Trust::Roots(vec![Source::file("a.pem"), Source::file("b.pem")]));
        assert_eq!(tls.revocation_lists, [Source::file("c.pem")]);
        for name in ["server_name", "key_log"] {
            tls.set_text(name, "").unwrap();
        }
        assert!(tls.server_name.is_none() && tls.key_log.is_none());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut tls = ClientTls::default();
        for (name, value) in [
            ("min_version", 11),
            ("handshake_timeout_ms", -1),
            ("resumption", -1),
            ("insecure_any_certificate", 2),
            ("nothing", 1),
        ] {
            assert_eq!(tls.set_number(name, value).unwrap_err().setting, name);
        }
        assert_eq!(tls.set_text("nothing", "").unwrap_err().setting, "nothing");
    }
}
