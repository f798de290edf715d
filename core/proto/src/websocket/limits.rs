//! How much a peer may ask of one connection.

use crate::rate::Rate;

/// The limits of one end of a connection.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest message that is taken, in bytes, after it was decompressed. A longer one ends the connection with 1009 as soon as that is
    /// certain: at the head of a frame that makes it too long, or while it is decompressed. Default 1 MiB.
    pub message_bytes: usize,
    /// The longest payload of a frame that is taken, in bytes on the wire. A longer one ends the connection with 1009. Default 1 MiB.
    pub frame_bytes: usize,
    /// Pings, Pongs, and fragments without a byte. Those beyond end the connection with 1008; messages refill it. Default 100 at once and 10 a
    /// second.
    pub control_frames: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            message_bytes: 1024 * 1024,
            frame_bytes: 1024 * 1024,
            control_frames: Rate { burst: 100, per_second: 10 },
        }
    }
}
