//! Settings by name, for languages that have no access to the fields.

use std::time::Duration;

use super::config::ConnectConfig;
use crate::Error;
use crate::server::ConfigError;

impl ConnectConfig {
    /// Sets a number by name: `timeout_ms`, `attempt_delay_ms`, `keep_alive_ms` (0: off), `tls` (0 or 1), and with `tls_` before it what
    /// [`ClientTls::set_number`](crate::tls::ClientTls::set_number) knows, which also turns TLS on.
    ///
    /// # Errors
    /// There is no such setting, or the value does not fit it.
    pub fn set_number(&mut self, name: &str, value: i64) -> Result<(), Error> {
        let wrong = |problem: &str| -> Error {
            ConfigError { field: name.to_owned(), problem: format!("{value} {problem}") }.into()
        };
        let time = || u64::try_from(value).map(Duration::from_millis).map_err(|_| wrong("is negative"));
        let mut changed = self.clone();
        match name {
            "timeout_ms" => changed.timeout = time()?,
            "attempt_delay_ms" => changed.attempt_delay = time()?,
            "keep_alive_ms" => changed.keep_alive = Some(time()?).filter(|after| !after.is_zero()),
            #[cfg(feature = "tls")]
            "tls" => match value {
                0 => changed.tls = None,
                1 => drop(changed.tls.get_or_insert_default()),
                _ => return Err(wrong("is not 0 or 1")),
            },
            #[cfg(feature = "tls")]
            _ => match name.strip_prefix("tls_") {
                Some(name) => changed.tls.get_or_insert_default().set_number(name, value)?,
                None => return Err(unknown(name, "number")),
            },
            #[cfg(not(feature = "tls"))]
            _ => return Err(unknown(name, "number")),
        }
        changed.check()?;
        *self = changed;
        Ok(())
    }

    /// Sets a text by name: `family` (`any`, `ipv4` or `ipv6`), `local_address` (empty: the system chooses), and with `tls_` before it what [`ClientTls::set_text`](crate::tls::ClientTls::set_text) knows, which also turns TLS on.
    ///
    /// # Errors
    /// There is no such setting, or the value does not fit it.
    pub fn set_text(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let wrong = |problem: &str| -> Error {
            ConfigError { field: name.to_owned(), problem: format!("{value:?} {problem}") }.into()
        };
        let mut changed = self.clone();
        match name {
            "family" => {
                changed.family = value.parse().map_err(|()| wrong("is none of any, ipv4 and ipv6"))?
            }
            "local_address" if value.is_empty() => changed.local_address = None,
            "local_address" => {
                let address = value.parse().map_err(|_| wrong("is no address, such as 127.0.0.1 or ::1"))?;
                changed.local_address = Some(address);
            }
            _ => return self.set_tls_text(name, value),
        }
        changed.check()?;
        *self = changed;
        Ok(())
    }

    fn set_tls_text(&mut self, name: &str, value: &str) -> Result<(), Error> {
        #[cfg(feature = "tls")]
        if let Some(name) = name.strip_prefix("tls_") {
            let mut tls = self.tls.clone().unwrap_or_default();
            tls.set_text(name, value)?;
            self.tls = Some(tls);
            return Ok(());
        }
        let _ = value;
        Err(unknown(name, "text"))
    }
}

fn unknown(name: &str, kind: &str) -> Error {
    let problem = format!("there is no such {kind} setting");
    ConfigError { field: name.to_owned(), problem }.into()
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use flare_net::Family;

    use super::*;

    #[test]
    fn settings_are_set_by_name() {
        let mut config = ConnectConfig::default();
        config.set_number("timeout_ms", 500).unwrap();
        config.set_number("attempt_delay_ms", 20).unwrap();
        assert_eq!((config.timeout.as_millis(), config.attempt_delay.as_millis()), (500, 20));
        assert!(config.tls.is_none());
        config.set_number("keep_alive_ms", 5000).unwrap();
        config.set_text("local_address", "127.0.0.2").unwrap();
        config.set_text("family", "ipv4").unwrap();
        assert_eq!((config.keep_alive, config.family), (Some(Duration::from_secs(5)), Family::Ipv4));
        assert_eq!(config.local_address, Some([127, 0, 0, 2].into()));
        config.set_number("keep_alive_ms", 0).unwrap();
        config.set_text("local_address", "").unwrap();
        assert_eq!((config.keep_alive, config.local_address), (None, None));
        config.set_text("tls_server_name", "a.example").unwrap();
        config.set_number("tls_resumption", 3).unwrap();
        let tls = config.tls.as_ref().unwrap();
        assert_eq!((tls.server_name.as_deref(), tls.resumption), (Some("a.example"), 3));
        config.set_number("tls", 1).unwrap();
        assert_eq!(config.tls.as_ref().unwrap().resumption, 3);
        config.set_number("tls", 0).unwrap();
        assert!(config.tls.is_none());
    }

    #[test]
    fn what_does_not_fit_is_refused_and_changes_nothing() {
        let mut config = ConnectConfig::default();
        for (name, value, text) in [
            ("timeout_ms", -1, "setting timeout_ms: -1 is negative"),
            ("timeout_ms", 0, "setting timeout_ms: 0 is not within 1 to 86400000"),
            ("attempt_delay_ms", 9, "setting attempt_delay_ms: 9 is not within 10 to 3600000"),
            ("keep_alive_ms", 999, "setting keep_alive_ms: 999 is not within 1000 to 7200000"),
            ("tls", 2, "setting tls: 2 is not 0 or 1"),
            ("tls_min_version", 1, "TLS setting min_version: 1 is not 12 or 13"),
            ("nothing", 1, "setting nothing: there is no such number setting"),
        ] {
            assert_eq!(config.set_number(name, value).unwrap_err().to_string(), text);
        }
        let error = config.set_text("nothing", "").unwrap_err().to_string();
        assert_eq!(error, "setting nothing: there is no such text setting");
        assert!(config.set_text("tls_nothing", "").is_err());
        config.set_text("family", "ipv6").unwrap();
        for (name, value, text) in [
            ("family", "ipv5", "setting family: \"ipv5\" is none of any, ipv4 and ipv6"),
            (
                "local_address",
                "eth0",
                "setting local_address: \"eth0\" is no address, such as 127.0.0.1 or ::1",
            ),
            ("local_address", "127.0.0.1", "setting local_address: 127.0.0.1 is not of the family ipv6"),
        ] {
            assert_eq!(config.set_text(name, value).unwrap_err().to_string(), text);
        }
        assert!(config.tls.is_none());
        assert_eq!(config.timeout, ConnectConfig::default().timeout);
    }
}
