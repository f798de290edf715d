//! How much a peer may ask of one connection, and of one stream.

use crate::Version;
use crate::section::read::Rules;

use crate::rate::Rate;

/// The limits of one end of a connection. Those that are SETTINGS are told to the peer.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The fields of a head: names, values, and 32 bytes for each (RFC 9113 section 6.5.2). What is larger is answered with 431, or resets the
    /// stream. Default 32 KiB. A setting of the protocol.
    pub head_bytes: u32,
    /// The number of fields in a head, and in trailers. Default 128.
    pub header_count: u16,
    /// The path and the query, in bytes. Default 8 KiB. Only for servers.
    pub target_bytes: u32,
    /// The fields of trailers, counted as those of a head. Default 8 KiB.
    pub trailer_bytes: u32,
    /// A field section as it is on the wire, in bytes. What is longer ends the connection, because it would have to be read to keep the
    /// compression right. Default 64 KiB.
    pub section_bytes: u32,
    /// The number of CONTINUATION frames of a field section. More end the connection. Default 16.
    pub continuations: u16,
    /// How many streams the peer may have open at a time. Those beyond are refused, not queued. Default 128. A setting of the protocol.
    pub streams: u32,
    /// How many bytes of content a peer may send on a stream before this end has used some of them. Default 256 KiB. A setting of the protocol;
    /// at most 2^31 - 1.
    pub stream_window: u32,
    /// The same for all streams of a connection together. Default 1 MiB. At least 65,535, at most 2^31 - 1.
    pub connection_window: u32,
    /// The longest payload of a frame that is taken, in bytes. Default 16 KiB, which is also the least; at most 2^24 - 1. A setting of the protocol.
    pub frame_bytes: u32,
    /// The longest payload of a DATA frame that is sent, in bytes, if the peer takes that. Default 16 KiB. It is also what a stream sends before
    /// it is the next one's turn.
    pub data_bytes: u32,
    /// The compression table of what is received, in bytes. Default 4 KiB. A setting of the protocol.
    pub decoder_table_bytes: u32,
    /// The most that the compression table of what is sent takes, in bytes, if the peer allows it. Default 4 KiB.
    pub encoder_table_bytes: u32,
    /// Whether Extended CONNECT (RFC 8441) is taken: streams of bytes for WebSocket and others. Default false. A setting of the protocol.
    pub extended_connect: bool,
    /// A stream that sends less than so many bytes has not moved: see [`Connection::longest_stall`](super::Connection::longest_stall). Default
    /// 1 KiB.
    pub stall_bytes: u32,
    /// RST_STREAM of the peer, and streams that this end resets or refuses because of what the peer did ("rapid reset", "made you reset").
    /// Default 400 at once and 40 a second.
    pub resets: Rate,
    /// SETTINGS. Default 32 at once and 4 a second.
    pub settings: Rate,
    /// PING. Default 100 at once and 10 a second; DATA refills it.
    pub pings: Rate,
    /// PRIORITY and PRIORITY_UPDATE. Default 256 at once and 32 a second; requests refill it.
    pub priorities: Rate,
    /// WINDOW_UPDATE. Default 1,000 at once and 100 a second; requests, and DATA that is sent, refill it.
    pub window_updates: Rate,
    /// DATA without content that does not end a stream. Default 100 at once and 10 a second.
    pub empty_frames: Rate,
    /// Frames of unknown kinds, of streams that are over, and acknowledgements that nothing waits for. Default 200 at once and 20 a second.
    pub idle_frames: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head_bytes: 32 * 1024,
            header_count: 128,
            target_bytes: 8 * 1024,
            trailer_bytes: 8 * 1024,
            section_bytes: 64 * 1024,
            continuations: 16,
            streams: 128,
            stream_window: 256 * 1024,
            connection_window: 1024 * 1024,
            frame_bytes: 16 * 1024,
            data_bytes: 16 * 1024,
            decoder_table_bytes: 4096,
            encoder_table_bytes: 4096,
            extended_connect: false,
            stall_bytes: 1024,
            resets: Rate { burst: 400, per_second: 40 },
            settings: Rate { burst: 32, per_second: 4 },
            pings: Rate { burst: 100, per_second: 10 },
            priorities: Rate { burst: 256, per_second: 32 },
            window_updates: Rate { burst: 1000, per_second: 100 },
            empty_frames: Rate { burst: 100, per_second: 10 },
            idle_frames: Rate { burst: 200, per_second: 20 },
        }
    }
}

/// The window of each side before SETTINGS change it, and the connection's (RFC 9113 section 6.9.2).
pub(super) const INITIAL_WINDOW: u32 = 65_535;
/// The longest frame before SETTINGS change it, and the least it can be changed to (RFC 9113 section 4.2).
pub(super) const LEAST_FRAME: u32 = 16 * 1024;
/// The most it can be changed to.
pub(super) const MOST_FRAME: u32 = (1 << 24) - 1;

impl Limits {
    /// The limits, with those put right that the protocol does not allow.
    pub(super) fn frame_limit(&self) -> u32 {
        self.frame_bytes.clamp(LEAST_FRAME, MOST_FRAME)
    }

    /// What is taken of heads and trailers.
    #[inline]
    pub(super) fn section_rules(&self) -> Rules {
        Rules {
            version: Version::Http2,
            head_bytes: self.head_bytes,
            header_count: self.header_count,
            target_bytes: self.target_bytes,
            trailer_bytes: self.trailer_bytes,
            extended_connect: self.extended_connect,
        }
    }

    pub(super) fn stream_window(&self) -> u32 {
        self.stream_window.min(super::frame::MAX_31_BITS)
    }

    pub(super) fn connection_window(&self) -> u32 {
        self.connection_window.clamp(INITIAL_WINDOW, super::frame::MAX_31_BITS)
    }
}
