//! SETTINGS (RFC 9114 section 7.2.4): what each end can take, told once.

use super::error::{ConnectionError, ErrorCode};
use super::frame::{SETTINGS, write_header};
use super::limits::Limits;
use crate::varint;

const QPACK_MAX_TABLE_CAPACITY: u64 = 0x01;
const MAX_FIELD_SECTION_SIZE: u64 = 0x06;
const QPACK_BLOCKED_STREAMS: u64 = 0x07;
const ENABLE_CONNECT_PROTOCOL: u64 = 0x08;
const H3_DATAGRAM: u64 = 0x33;

/// What the peer said that it can take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerSettings {
    /// The most that the fields of a message may be, in bytes; `None`: it did not say.
    pub field_section_bytes: Option<u64>,
    /// Its compression table, in bytes.
    pub qpack_table_bytes: u64,
    /// How many of its streams may be blocked.
    pub qpack_blocked_streams: u64,
    /// It takes Extended CONNECT (RFC 9220).
    pub extended_connect: bool,
    /// It takes datagrams (RFC 9297).
    pub datagrams: bool,
}

impl PeerSettings {
    /// Before SETTINGS came.
    pub(super) const INITIAL: Self = PeerSettings {
        field_section_bytes: None,
        qpack_table_bytes: 0,
        qpack_blocked_streams: 0,
        extended_connect: false,
        datagrams: false,
    };

    /// What a SETTINGS says.
    pub(super) fn parse(mut payload: &[u8]) -> Result<Self, ConnectionError> {
        const CUT: ConnectionError = ConnectionError::frame("SETTINGS end within a setting");
        let wrong = |reason| ConnectionError::new(ErrorCode::Settings, reason);
        let mut settings = PeerSettings::INITIAL;
        // Those that have come, by their number.
        let mut seen = 0_u64;
        while !payload.is_empty() {
            let id = varint::take(&mut payload).ok_or(CUT)?;
            let value = varint::take(&mut payload).ok_or(CUT)?;
            let flag = || match value {
                0 => Ok(false),
                1 => Ok(true),
                _ => Err(wrong("a setting that is neither 0 nor 1")),
            };
            match id {
                QPACK_MAX_TABLE_CAPACITY => settings.qpack_table_bytes = value,
                MAX_FIELD_SECTION_SIZE => settings.field_section_bytes = Some(value),
                QPACK_BLOCKED_STREAMS => settings.qpack_blocked_streams = value,
                ENABLE_CONNECT_PROTOCOL => settings.extended_connect = flag()?,
                H3_DATAGRAM => settings.datagrams = flag()?,
                0x00 | 0x02..=0x05 => return Err(wrong("a setting of HTTP/2")),
                _ => continue,
            }
            // All that are known are below 64.
            if seen & 1 << id != 0 {
                return Err(wrong("a setting twice"));
            }
            seen |= 1 << id;
        }
        Ok(settings)
    }
}

/// Writes the SETTINGS of this end.
pub(super) fn write(out: &mut Vec<u8>, limits: &Limits, is_server: bool) {
    let mut payload = Vec::with_capacity(32);
    let mut setting = |id, value| {
        varint::write(&mut payload, id);
        varint::write(&mut payload, value);
    };
    setting(MAX_FIELD_SECTION_SIZE, u64::from(limits.head_bytes));
    if limits.decoder_table_bytes > 0 {
        setting(QPACK_MAX_TABLE_CAPACITY, u64::from(limits.decoder_table_bytes));
        setting(QPACK_BLOCKED_STREAMS, u64::from(limits.blocked_streams));
    }
    if limits.extended_connect && is_server {
        setting(ENABLE_CONNECT_PROTOCOL, 1);
    }
    if limits.datagrams {
        setting(H3_DATAGRAM, 1);
    }
    write_header(out, SETTINGS, payload.len());
    out.extend_from_slice(&payload);
}
