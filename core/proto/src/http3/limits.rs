//! How much a peer may ask of one connection, and of one stream.

use crate::Version;
use crate::rate::Rate;
use crate::section::read::Rules;

/// The limits of one end of a connection. Those that are SETTINGS are told to the peer. How many streams it may open, and how much it may send on
/// them, is a matter of the transport.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The fields of a head: names, values, and 32 bytes for each (RFC 9114 section 4.2.2). What is larger is answered with 431, or resets the
    /// stream. Default 32 KiB. A setting of the protocol.
    pub head_bytes: u32,
    /// The number of fields in a head, and in trailers. Default 128.
    pub header_count: u16,
    /// The path and the query, in bytes. Default 8 KiB. Only for servers.
    pub target_bytes: u32,
    /// The fields of trailers, counted as those of a head. Default 8 KiB.
    pub trailer_bytes: u32,
    /// A field section as it is on the wire, in bytes. A longer head is refused with 431 and not read; other sections reset the stream. Default
    /// 64 KiB.
    pub section_bytes: u32,
    /// How many requests may be open at a time. Those beyond are rejected, not queued. Default 128. The transport's limit is what the peer is told.
    pub streams: u32,
    /// How many unidirectional streams the peer may have open at a time. More end the connection. Default 16.
    pub unidirectional_streams: u16,
    /// A frame of the control stream, in bytes. What is longer ends the connection. Default 4 KiB.
    pub control_bytes: u32,
    /// What may wait for each of this end's unidirectional streams, in bytes. A peer that does not take what it asked for ends the connection.
    /// Default 64 KiB.
    pub output_bytes: u32,
    /// The compression table of what is received, in bytes; 16 MiB at most. Default 4 KiB. A setting of the protocol.
    pub decoder_table_bytes: u32,
    /// How many requests may wait for the peer's encoder stream. Default 16. A setting of the protocol.
    pub blocked_streams: u16,
    /// The most that the compression table of what is sent takes, in bytes, if the peer allows it. Default 4 KiB.
    pub encoder_table_bytes: u32,
    /// How many streams this end's encoder lets wait for its encoder stream, if the peer allows it. Default 16.
    pub encoder_blocked_streams: u16,
    /// Whether Extended CONNECT (RFC 9220) is taken: streams of bytes for WebSocket and others. Default false. A setting of the protocol.
    pub extended_connect: bool,
    /// Whether datagrams (RFC 9297) are taken. Default false. A setting of the protocol.
    pub datagrams: bool,
    /// Streams that the peer resets or stops, and those that this end resets or rejects because of what the peer did. Default 400 at once and 40
    /// a second.
    pub resets: Rate,
    /// PRIORITY_UPDATE. Default 256 at once and 32 a second; requests refill it.
    pub priorities: Rate,
    /// DATA without content, and interim answers. Default 100 at once and 10 a second.
    pub empty_frames: Rate,
    /// Frames and streams of unknown kinds, and frames that change nothing. Default 200 at once and 20 a second.
    pub idle_frames: Rate,
    /// Instructions of the peer's QPACK. Default 2,000 at once and 200 a second; field sections refill it.
    pub instructions: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head_bytes: 32 * 1024,
            header_count: 128,
            target_bytes: 8 * 1024,
            trailer_bytes: 8 * 1024,
            section_bytes: 64 * 1024,
            streams: 128,
            unidirectional_streams: 16,
            control_bytes: 4096,
            output_bytes: 64 * 1024,
            decoder_table_bytes: 4096,
            blocked_streams: 16,
            encoder_table_bytes: 4096,
            encoder_blocked_streams: 16,
            extended_connect: false,
            datagrams: false,
            resets: Rate { burst: 400, per_second: 40 },
            priorities: Rate { burst: 256, per_second: 32 },
            empty_frames: Rate { burst: 100, per_second: 10 },
            idle_frames: Rate { burst: 200, per_second: 20 },
            instructions: Rate { burst: 2000, per_second: 200 },
        }
    }
}

impl Limits {
    /// What is taken of heads and trailers.
    #[inline]
    pub(super) fn section_rules(&self) -> Rules {
        Rules {
            version: Version::Http3,
            head_bytes: self.head_bytes,
            header_count: self.header_count,
            target_bytes: self.target_bytes,
            trailer_bytes: self.trailer_bytes,
            extended_connect: self.extended_connect,
        }
    }
}
