//! Settings of connections.

use std::time::Duration;

use flare_proto::mux::Limits;

/// Settings of one end of a connection, or of all connections of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuxOptions {
    /// How long connecting may take, with the look-up of a name and all its addresses. Default 10 s.
    pub connect_timeout: Duration,
    /// How many streams each end may have open at a time on one connection. Streams of the peer beyond that are answered with an error.
    /// Default 1024.
    pub max_streams: usize,
    /// The longest frame that is taken from the peer, in bytes. At least 1. Default 1 MiB.
    pub max_frame: u32,
    /// How many connections of a listener may be open at a time; more wait to be accepted. At least 1. Default 1024.
    pub max_connections: usize,
    /// How long a connection that nobody holds any more may take to send what is left. Default 5 s.
    pub linger: Duration,
}

impl Default for MuxOptions {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            connect_timeout: Duration::from_secs(10),
            max_streams: limits.max_streams,
            max_frame: limits.max_frame,
            max_connections: 1024,
            linger: Duration::from_secs(5),
        }
    }
}

impl MuxOptions {
    pub(super) fn limits(&self) -> Limits {
        Limits { max_frame: self.max_frame, max_streams: self.max_streams }
    }
}
