//! Settings of the transport: plain data, checked by name.

use std::path::PathBuf;
use std::time::Duration;

use flare_tls::ConfigError;

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
    /// BBR version 2, for paths that lose packets without being full. That of quiche may stay in its drain phase, at a third of the rate that
    /// it found, where that rate and the shortest round trip make less than a packet ([a known weakness of
    /// BBR](https://github.com/ietf-wg-ccwg/draft-ietf-ccwg-bbr/issues/90)): prefer CUBIC within one machine or one local network.
    Bbr2,
    /// New Reno (RFC 9002, 7).
    Reno,
}

/// Settings of the transport.
#[derive(Debug, Clone, PartialEq)]
pub struct QuicSettings {
    /// A connection on which nothing came for so long ends silently (RFC 9000, 10.1). Default 30 s; 100 ms to a day.
    pub idle_timeout: Duration,
    /// Connections at once on one worker whose handshake has not ended; more are refused. Default 1,000; at least 1.
    pub max_handshakes: usize,
    /// Content that a client may send ahead of the handler on one stream, in bytes. Default 256 KiB; 1 KiB to 1 GiB.
    pub stream_window: u64,
    /// The same of all streams of a connection. Default 1 MiB; 1 KiB to 1 GiB.
    pub connection_window: u64,
    /// Requests that a client may have running at once on one connection. Default 128; 1 to 2^20.
    pub max_streams: u64,
    /// Whether datagrams (RFC 9221) are taken. Default on.
    pub datagrams: bool,
    /// Default [`Retry::UnderLoad`].
    pub retry: Retry,
    /// Default [`Congestion::Cubic`].
    pub congestion: Congestion,
    /// Whether packets are spread over time (RFC 9002, 7.7). Default on. quiche does it with [`Congestion::Bbr2`] only.
    pub pacing: bool,
    /// Whether larger packets are tried than the 1,200 bytes that must work (RFC 9000, 14.3). Default on.
    pub path_mtu_discovery: bool,
    /// Whether a client may change its address (RFC 9000, 9). Default on.
    pub migration: bool,
    /// Whether the system is told which of several workers a datagram is for, where it can be (Linux). Without, a worker hands on what came
    /// to it and is another's. It is seen only in what that costs. Default on.
    pub steering: bool,
    /// Each connection writes its events here, in a file of its own (qlog). Default none. Needs the feature `qlog`.
    pub qlog: Option<PathBuf>,
}

impl Default for QuicSettings {
    fn default() -> Self {
        Self {
            idle_timeout: Duration::from_secs(30),
            max_handshakes: 1000,
            stream_window: 256 << 10,
            connection_window: 1 << 20,
            max_streams: 128,
            datagrams: true,
            retry: Retry::default(),
            congestion: Congestion::default(),
            pacing: true,
            path_mtu_discovery: true,
            migration: true,
            steering: true,
            qlog: None,
        }
    }
}

impl QuicSettings {
    /// Checks all of them.
    ///
    /// # Errors
    /// The first that is out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let wrong =
            |setting: &str, problem: String| Err(ConfigError::new(format!("quic.{setting}"), problem));
        if !(Duration::from_millis(100)..=Duration::from_secs(24 * 60 * 60)).contains(&self.idle_timeout) {
            return wrong("idle_timeout", format!("{:?} is not within 100 ms to a day", self.idle_timeout));
        }
        if self.max_handshakes == 0 {
            return wrong("max_handshakes", "0 is not at least 1".to_owned());
        }
        for (setting, bytes) in
            [("stream_window", self.stream_window), ("connection_window", self.connection_window)]
        {
            if !(1 << 10..=1 << 30).contains(&bytes) {
                return wrong(setting, format!("{bytes} is not within 1 KiB to 1 GiB"));
            }
        }
        if !(1..=1 << 20).contains(&self.max_streams) {
            return wrong("max_streams", format!("{} is not within 1 to 1048576", self.max_streams));
        }
        if let Some(folder) = &self.qlog {
            if !cfg!(feature = "qlog") {
                return wrong("qlog", "needs a build with the feature qlog".to_owned());
            }
            if !folder.is_dir() {
                return wrong("qlog", format!("{}: is no folder", folder.display()));
            }
        }
        Ok(())
    }
}
