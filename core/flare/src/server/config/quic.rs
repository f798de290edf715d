//! The settings of QUIC, by name.

use std::path::PathBuf;
use std::time::Duration;

use flare_quic::{Congestion, QuicSettings, Retry};

use super::{ConfigError, wrong};

/// Checks all of them.
pub(super) fn validate(settings: &QuicSettings) -> Result<(), ConfigError> {
    settings.check().map_err(|error| {
        let name = error.setting.trim_start_matches("quic.");
        let unit = if name == "idle_timeout" { "_ms" } else { "" };
        wrong(&format!("quic_{name}{unit}"), error.problem)
    })
}

/// Sets a number. `name` is without its `quic_`.
pub(super) fn set_number(settings: &mut QuicSettings, name: &str, value: i64) -> Result<(), ConfigError> {
    let does_not_fit = |problem: &str| wrong(&format!("quic_{name}"), problem);
    let unsigned = || u64::try_from(value).map_err(|_| does_not_fit("is negative"));
    let switch = || match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(does_not_fit("is not 0 or 1")),
    };
    match name {
        "idle_timeout_ms" => settings.idle_timeout = Duration::from_millis(unsigned()?),
        "max_handshakes" => {
            settings.max_handshakes =
                usize::try_from(unsigned()?).map_err(|_| does_not_fit("is too large"))?;
        }
        "stream_window" => settings.stream_window = unsigned()?,
        "connection_window" => settings.connection_window = unsigned()?,
        "max_streams" => settings.max_streams = unsigned()?,
        "datagrams" => settings.datagrams = switch()?,
        "pacing" => settings.pacing = switch()?,
        "path_mtu_discovery" => settings.path_mtu_discovery = switch()?,
        "migration" => settings.migration = switch()?,
        "steering" => settings.steering = switch()?,
        _ => return Err(does_not_fit("there is no such number setting")),
    }
    Ok(())
}

/// Sets a text. `name` is without its `quic_`.
pub(super) fn set_text(settings: &mut QuicSettings, name: &str, value: &str) -> Result<(), ConfigError> {
    let does_not_fit = |problem: String| wrong(&format!("quic_{name}"), problem);
    match name {
        "retry" => {
            settings.retry = match value {
                "never" => Retry::Never,
                "under_load" => Retry::UnderLoad,
                "always" => Retry::Always,
                _ => return Err(does_not_fit(format!("{value:?} is not never, under_load or always"))),
            };
        }
        "congestion" => {
            settings.congestion = match value {
                "cubic" => Congestion::Cubic,
                "bbr2" => Congestion::Bbr2,
                "reno" => Congestion::Reno,
                _ => return Err(does_not_fit(format!("{value:?} is not cubic, bbr2 or reno"))),
            };
        }
        "qlog" => settings.qlog = (!value.is_empty()).then(|| PathBuf::from(value)),
        _ => return Err(does_not_fit("there is no such text setting".to_owned())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_can_be_set_and_is_checked() {
        for name in ["idle_timeout_ms", "max_handshakes", "stream_window", "connection_window", "max_streams"]
        {
            let mut settings = QuicSettings::default();
            set_number(&mut settings, name, 0).unwrap();
            assert_eq!(validate(&settings).unwrap_err().field, format!("quic_{name}"));
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut settings = QuicSettings::default();
        for (name, value) in [("max_streams", -1), ("pacing", 2), ("none", 1)] {
            assert_eq!(set_number(&mut settings, name, value).unwrap_err().field, format!("quic_{name}"));
        }
        for (name, value) in [("retry", "sometimes"), ("congestion", ""), ("none", "x")] {
            assert_eq!(set_text(&mut settings, name, value).unwrap_err().field, format!("quic_{name}"));
        }
        set_text(&mut settings, "retry", "always").unwrap();
        set_text(&mut settings, "congestion", "bbr2").unwrap();
        set_number(&mut settings, "migration", 0).unwrap();
        assert_eq!(settings.retry, Retry::Always);
        assert_eq!((settings.congestion, settings.migration), (Congestion::Bbr2, false));
        set_number(&mut settings, "steering", 0).unwrap();
        assert!(!settings.steering);
    }
}
