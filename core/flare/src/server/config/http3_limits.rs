//! The settings of HTTP/3, by name.

use flare_proto::http2::Rate;
use flare_proto::http3::Limits;

use super::{ConfigError, within, wrong};

/// Checks all of them.
pub(super) fn validate(limits: &Limits) -> Result<(), ConfigError> {
    within("http3_head_bytes", limits.head_bytes.into(), 256, 1 << 20)?;
    within("http3_header_count", limits.header_count.into(), 1, 1024)?;
    within("http3_target_bytes", limits.target_bytes.into(), 64, limits.head_bytes.into())?;
    within("http3_trailer_bytes", limits.trailer_bytes.into(), 2, 1 << 20)?;
    within("http3_section_bytes", limits.section_bytes.into(), 256, 1 << 22)?;
    within("http3_streams", limits.streams.into(), 1, 1 << 16)?;
    within("http3_unidirectional_streams", limits.unidirectional_streams.into(), 3, 1024)?;
    within("http3_control_bytes", limits.control_bytes.into(), 256, 1 << 16)?;
    within("http3_output_bytes", limits.output_bytes.into(), 1024, 1 << 24)?;
    within("http3_decoder_table_bytes", limits.decoder_table_bytes.into(), 0, 1 << 20)?;
    within("http3_encoder_table_bytes", limits.encoder_table_bytes.into(), 0, 1 << 20)?;
    within("http3_blocked_streams", limits.blocked_streams.into(), 0, 1024)?;
    within("http3_encoder_blocked_streams", limits.encoder_blocked_streams.into(), 0, 1024)?;
    for (kind, rate) in rates(limits) {
        within(&format!("http3_{kind}_burst"), rate.burst.into(), 1, 1 << 24)?;
        within(&format!("http3_{kind}_per_second"), rate.per_second.into(), 0, 1 << 24)?;
    }
    Ok(())
}

fn rates(limits: &Limits) -> [(&'static str, Rate); 5] {
    [
        ("resets", limits.resets),
        ("priorities", limits.priorities),
        ("empty_frames", limits.empty_frames),
        ("idle_frames", limits.idle_frames),
        ("instructions", limits.instructions),
    ]
}

/// Sets a number. `name` is without its `http3_`.
pub(super) fn set_number(limits: &mut Limits, name: &str, value: i64) -> Result<(), ConfigError> {
    let does_not_fit = |problem: &str| wrong(&format!("http3_{name}"), problem);
    if let Some(field) = small(limits, name) {
        *field = u16::try_from(value).map_err(|_| does_not_fit("is negative or too large"))?;
    } else if let Some(field) = switch(limits, name) {
        *field = match value {
            0 => false,
            1 => true,
            _ => return Err(does_not_fit("is not 0 or 1")),
        };
    } else {
        let field = number(limits, name).ok_or_else(|| does_not_fit("there is no such number setting"))?;
        *field = u32::try_from(value).map_err(|_| does_not_fit("is negative or too large"))?;
    }
    Ok(())
}

fn switch<'a>(limits: &'a mut Limits, name: &str) -> Option<&'a mut bool> {
    Some(match name {
        "extended_connect" => &mut limits.extended_connect,
        "datagrams" => &mut limits.datagrams,
        _ => return None,
    })
}

fn small<'a>(limits: &'a mut Limits, name: &str) -> Option<&'a mut u16> {
    Some(match name {
        "header_count" => &mut limits.header_count,
        "unidirectional_streams" => &mut limits.unidirectional_streams,
        "blocked_streams" => &mut limits.blocked_streams,
        "encoder_blocked_streams" => &mut limits.encoder_blocked_streams,
        _ => return None,
    })
}

fn number<'a>(limits: &'a mut Limits, name: &str) -> Option<&'a mut u32> {
    Some(match name {
        "head_bytes" => &mut limits.head_bytes,
        "target_bytes" => &mut limits.target_bytes,
        "trailer_bytes" => &mut limits.trailer_bytes,
        "section_bytes" => &mut limits.section_bytes,
        "streams" => &mut limits.streams,
        "control_bytes" => &mut limits.control_bytes,
        "output_bytes" => &mut limits.output_bytes,
        "decoder_table_bytes" => &mut limits.decoder_table_bytes,
        "encoder_table_bytes" => &mut limits.encoder_table_bytes,
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
        "priorities" => &mut limits.priorities,
        "empty_frames" => &mut limits.empty_frames,
        "idle_frames" => &mut limits.idle_frames,
        "instructions" => &mut limits.instructions,
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
            "unidirectional_streams",
            "control_bytes",
            "output_bytes",
        ]
        .map(str::to_owned)
        .into();
        names.extend(rates(&Limits::default()).map(|(kind, _)| format!("{kind}_burst")));
        for name in names {
            let mut limits = Limits::default();
            set_number(&mut limits, &name, 0).unwrap();
            assert_eq!(validate(&limits).unwrap_err().field, format!("http3_{name}"));
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut limits = Limits::default();
        for (name, value) in
            [("streams", -1), ("streams", 1 << 32), ("header_count", 1 << 16), ("datagrams", 2), ("none", 1)]
        {
            assert_eq!(set_number(&mut limits, name, value).unwrap_err().field, format!("http3_{name}"));
        }
        set_number(&mut limits, "instructions_per_second", 7).unwrap();
        set_number(&mut limits, "datagrams", 1).unwrap();
        assert_eq!((limits.instructions.per_second, limits.datagrams), (7, true));
    }
}
