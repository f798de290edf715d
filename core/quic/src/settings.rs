//! Settings of the transport: plain data, checked by name.

use std::path::PathBuf;
use std::time::Duration;

/// When a client has to prove its address before a connection is begun for it (RFC 9000, 8.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retry {
    /// Never.
    Never,
    /// While many handshakes run: half of [`QuicSettings::max_handshakes`].
    #[default]
    UnderLoad,
    /// Always.
    Always,
}

/// How fast is sent (RFC 9002).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Congestion {
    /// CUBIC (RFC 9438).
    #[default]
    Cubic,
    /// BBR version 2.
    Bbr2,
    /// New Reno (RFC 9002, 7).
    Reno,
}

/// Settings of the transport.
#[derive(Debug, Clone, PartialEq)]
pub struct QuicSettings {
    /// A connection on which nothing came for so long ends silently (RFC 9000, 10.1). Default 30 s.
    pub idle_timeout: Duration,
    /// Connections at once on one worker whose handshake has not ended; more are refused. Default 1,000.
    pub max_handshakes: usize,
    /// Content that a client may send ahead of the handler on one stream, in bytes. Default 256 KiB.
    pub stream_window: u64,
    /// The same of all streams of a connection. Default 1 MiB.
    pub connection_window: u64,
    /// Requests that a client may have running at once on one connection. Default 128.
    pub max_streams: u64,
    /// Whether datagrams (RFC 9221) are taken. Default on.
    pub datagrams: bool,
    /// Default [`Retry::UnderLoad`].
    pub retry: Retry,
    /// Default [`Congestion::Cubic`].
    pub congestion: Congestion,
    /// Whether packets are spread over time (RFC 9002, 7.7). Default on.
    pub pacing: bool,
    /// Whether larger packets are tried than the 1,200 bytes that must work (RFC 9000, 14.3). Default on.
    pub path_mtu_discovery: bool,
    /// Whether a client may change its address (RFC 9000, 9). Default on.
    pub migration: bool,
    /// Each connection writes its events here, in a file of its own (qlog). Default none.
    pub qlog: Option<PathBuf>,
}
