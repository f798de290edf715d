//! The settings of HTTP/2, by name.

use flare_proto::http2::{Limits, Rate};

use super::{ConfigError, within, wrong};

/// A window has at most so many bytes (RFC 9113, 6.9.1).
const MOST_WINDOW: u64 = (1 << 31) - 1;
/// A frame has fewer than so many (RFC 9113, 4.2).
const MOST_FRAME: u64 = (1 << 24) - 1;

/// Checks all of them.
pub(super) fn validate(limits: &Limits) -> Result<(), ConfigError> {
    within("http2_head_bytes", limits.head_bytes.into(), 256, 1 << 20)?;
    within("http2_header_count", limits.header_count.into(), 1, 1024)?;
    within("http2_target_bytes", limits.target_bytes.into(), 64, limits.head_bytes.into())?;
    within("http2_trailer_bytes", limits.trailer_bytes.into(), 2, 1 << 20)?;
    within("http2_section_bytes", limits.section_bytes.into(), 256, 1 << 22)?;
    within("http2_continuations", limits.continuations.into(), 0, 1024)?;
    within("http2_streams", limits.streams.into(), 1, 1 << 16)?;
    within("http2_stream_window", limits.stream_window.into(), 1024, MOST_WINDOW)?;
    within("http2_connection_window", limits.connection_window.into(), 65_535, MOST_WINDOW)?;
    within("http2_frame_bytes", limits.frame_bytes.into(), 16_384, MOST_FRAME)?;
    within("http2_data_bytes", limits.data_bytes.into(), 1024, MOST_FRAME)?;
    within("http2_decoder_table_bytes", limits.decoder_table_bytes.into(), 0, 1 << 20)?;
    within("http2_encoder_table_bytes", limits.encoder_table_bytes.into(), 0, 1 << 20)?;
    within("http2_stall_bytes", limits.stall_bytes.into(), 1, 1 << 24)?;
    for (kind, rate) in rates(limits) {
        within(&format!("http2_{kind}_burst"), rate.burst.into(), 1, 1 << 24)?;
        within(&format!("http2_{kind}_per_second"), rate.per_second.into(), 0, 1 << 24)?;
    }
    Ok(())
}

fn rates(limits: &Limits) -> [(&'static str, Rate); 7] {
    [
        ("resets", limits.resets),
        ("settings", limits.settings),
        ("pings", limits.pings),
        ("priorities", limits.priorities),
        ("window_updates", limits.window_updates),
        ("empty_frames", limits.empty_frames),
        ("idle_frames", limits.idle_frames),
    ]
}

/// Sets a number. `name` is without its `http2_`.
pub(super) fn set_number(limits: &mut Limits, name: &str, value: i64) -> Result<(), ConfigError> {
    let full_name = || format!("http2_{name}");
    let does_not_fit = |problem: &str| wrong(&full_name(), problem);
    match name {
        "header_count" | "continuations" => {
            let value = u16::try_from(value).map_err(|_| does_not_fit("is not within 0 to 1024"))?;
            *(if name == "header_count" { &mut limits.header_count } else { &mut limits.continuations }) =
                value;
        }
        "extended_connect" => {
            limits.extended_connect = match value {
                0 => false,
                1 => true,
                _ => return Err(does_not_fit("is not 0 or 1")),
            };
        }
        _ => {
            let field =
                number(limits, name).ok_or_else(|| does_not_fit("there is no such number setting"))?;
            *field = u32::try_from(value).map_err(|_| does_not_fit("is negative or too large"))?;
        }
    }
    Ok(())
}

fn number<'a>(limits: &'a mut Limits, name: &str) -> Option<&'a mut u32> {
    Some(match name {
        "head_bytes" => &mut limits.head_bytes,
        "target_bytes" => &mut limits.target_bytes,
        "trailer_bytes" => &mut limits.trailer_bytes,
        "section_bytes" => &mut limits.section_bytes,
        "streams" => &mut limits.streams,
        "stream_window" => &mut limits.stream_window,
        "connection_window" => &mut limits.connection_window,
        "frame_bytes" => &mut limits.frame_bytes,
        "data_bytes" => &mut limits.data_bytes,
        "decoder_table_bytes" => &mut limits.decoder_table_bytes,
        "encoder_table_bytes" => &mut limits.encoder_table_bytes,
        "stall_bytes" => &mut limits.stall_bytes,
        _ => return rate_number(limits, name),
    })
}

fn rate_number<'a>(limits: &'a mut Limits, name: &str) -> Option<&'a mut u32> {
    let (kind, is_burst) = match name.strip_suffix("_burst") {
        Some(kind) => (kind, true),
        None => (name.strip_suffix("_per_second")?, false),
    };
    let rate = match kind {
        "resets" => &mut limits.resets,
        "settings" => &mut limits.settings,
        "pings" => &mut limits.pings,
        "priorities" => &mut limits.priorities,
        "window_updates" => &mut limits.window_updates,
        "empty_frames" => &mut limits.empty_frames,
        "idle_frames" => &mut limits.idle_frames,
        _ => return None,
    };
    Some(if is_burst { &mut rate.burst } else { &mut rate.per_second })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_can_be_set_and_is_checked() {
        let mut names: Vec<String> = [
            "head_bytes",
            "header_count",
            "target_bytes",
            "trailer_bytes",
            "section_bytes",
            "streams",
            "stream_window",
            "connection_window",
            "frame_bytes",
            "data_bytes",
            "stall_bytes",
        ]
        .map(str::to_owned)
        .into();
        names.extend(rates(&Limits::default()).map(|(kind, _)| format!("{kind}_burst")));
        for name in names {
            let mut limits = Limits::default();
            set_number(&mut limits, &name, 0).unwrap();
            assert_eq!(validate(&limits).unwrap_err().field, format!("http2_{name}"));
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut limits = Limits::default();
        for (name, value) in [
            ("streams", -1),
            ("streams", 1 << 32),
            ("continuations", 1 << 16),
            ("extended_connect", 2),
            ("none", 1),
            ("none_burst", 1),
        ] {
            assert_eq!(set_number(&mut limits, name, value).unwrap_err().field, format!("http2_{name}"));
        }
        set_number(&mut limits, "resets_per_second", 7).unwrap();
        assert_eq!(limits.resets.per_second, 7);
    }
}
