//! Settings of sockets to others.

use std::time::Duration;

use flare_proto::websocket::handshake::offered_subprotocols;
use flare_proto::websocket::{DeflateConfig, Limits};

use crate::connect::ConnectConfig;
use crate::message::Headers;
use crate::server::ConfigError;

/// Which HTTP a socket is opened by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Wire {
    /// HTTP/2 where TLS agreed on it and the server's SETTINGS allow it (RFC 8441), HTTP/1.1 otherwise.
    #[default]
    Any,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 alone; for `ws:` the server is known to speak it (RFC 9113, 3.3).
    Http2,
}

/// Settings of an [`Opener`](super::Opener), with safe defaults.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Fields of the request, such as Authorization, Cookie and Origin. Those of the handshake itself are refused.
    pub headers: Headers,
    /// Subprotocols to offer (RFC 6455, 1.9), the best first. A server may choose none of them: [`Socket::protocol`](super::Socket::protocol)
    /// tells.
    pub protocols: Vec<String>,
    /// How connections are made. Its TLS settings are those of `wss:`, whose ALPN is set here; `ws:` is never encrypted.
    pub connect: ConnectConfig,
    /// Connect to this instead of the host of the URI, as `127.0.0.1:80`, `name:port` or `unix:/path`.
    pub target: Option<String>,
    /// Which HTTP to use.
    pub wire: Wire,
    /// How long opening may take: name, addresses, TLS handshake and the server's answer together, also when it takes a second connection. At least
    /// 1 ms. Default 10 s. The time limit of `connect` counts as well.
    pub open_timeout: Duration,
    /// The most bytes of a message, after decompression; more ends the socket with 1009. Default 1 MiB.
    pub message_limit: usize,
    /// A server that sent nothing for so long is sent a Ping. At least 1 ms. Default 30 s.
    pub ping_interval: Duration,
    /// And one that sent nothing for so long after it is gone. At least 1 ms. Default 20 s.
    pub ping_timeout: Duration,
    /// How long the server may take for its Close frame after ours, and for the end of the connection after both. At least 1 ms. Default 10 s.
    pub close_timeout: Duration,
    /// How long [`Socket::send`](super::Socket::send) waits for the server to take something. Default 30 s.
    pub send_timeout: Duration,
    /// Offer to compress messages (permessage-deflate, RFC 7692). Default no.
    pub deflate: bool,
    /// Compressed messages may refer to those before: better compression of small messages, for about 300 KiB that each socket holds.
    /// Default no.
    pub deflate_takeover: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            headers: Headers::new(),
            protocols: Vec::new(),
            connect: ConnectConfig::default(),
            target: None,
            wire: Wire::Any,
            open_timeout: Duration::from_secs(10),
            message_limit: 1 << 20,
            ping_interval: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(20),
            close_timeout: Duration::from_secs(10),
            send_timeout: Duration::from_secs(30),
            deflate: false,
            deflate_takeover: false,
        }
    }
}

impl Options {
    /// The limits of the protocol.
    pub(super) fn limits(&self) -> Limits {
        Limits { message_bytes: self.message_limit, frame_bytes: self.message_limit, ..Limits::default() }
    }

    /// What is offered of compression.
    pub(super) fn deflate_config(&self) -> Option<DeflateConfig> {
        self.deflate.then(|| DeflateConfig {
            send_takeover: self.deflate_takeover,
            receive_takeover: self.deflate_takeover,
            ..DeflateConfig::default()
        })
    }

    /// Adds a field to the request.
    ///
    /// # Errors
    /// It can't be one.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, crate::InvalidField> {
        self.headers.append(name, value)?;
        Ok(self)
    }

    /// Offers a subprotocol, behind those that are better.
    #[must_use]
    pub fn protocol(mut self, name: &str) -> Self {
        self.protocols.push(name.to_owned());
        self
    }

    /// Sets how connections are made.
    #[must_use]
    pub fn connect(mut self, config: ConnectConfig) -> Self {
        self.connect = config;
        self
    }

    /// Sets the TLS of `wss:`.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: flare_tls::ClientTls) -> Self {
        self.connect.tls = Some(tls);
        self
    }

    /// Sets whom to connect to, instead of the host of the URI.
    #[must_use]
    pub fn target(mut self, target: &str) -> Self {
        self.target = Some(target.to_owned());
        self
    }

    /// Sets which HTTP to use.
    #[must_use]
    pub fn wire(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// Sets how long opening may take.
    #[must_use]
    pub fn open_timeout(mut self, timeout: Duration) -> Self {
        self.open_timeout = timeout;
        self
    }

    /// Sets the most bytes of a message.
    #[must_use]
    pub fn message_limit(mut self, bytes: usize) -> Self {
        self.message_limit = bytes;
        self
    }

    /// Sets how long a server may be silent before it is sent a Ping, and how long after it.
    #[must_use]
    pub fn ping(mut self, interval: Duration, timeout: Duration) -> Self {
        (self.ping_interval, self.ping_timeout) = (interval, timeout);
        self
    }

    /// Sets how long the server may take to close.
    #[must_use]
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// Sets how long a send may wait.
    #[must_use]
    pub fn send_timeout(mut self, timeout: Duration) -> Self {
        self.send_timeout = timeout;
        self
    }

    /// Offers to compress messages. `takeover`: they may refer to those before, see [`Options::deflate_takeover`].
    #[must_use]
    pub fn deflate(mut self, takeover: bool) -> Self {
        (self.deflate, self.deflate_takeover) = (true, takeover);
        self
    }

    /// Checks what can be checked before anything is opened.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let own = ["host", "connection", "upgrade", "content-length", "transfer-encoding"];
        for (name, _) in self.headers.iter() {
            let lower = name.to_ascii_lowercase();
            if own.contains(&lower.as_str()) || lower.starts_with("sec-websocket-") {
                return Err(wrong("headers", &format!("{name} belongs to the handshake")));
            }
        }
        let protocols = self.protocols.iter().map(String::as_bytes);
        if !self.protocols.is_empty()
            && !offered_subprotocols(protocols).is_ok_and(|found| found.len() == self.protocols.len())
        {
            return Err(wrong("protocols", "has one that is no token, or one twice"));
        }
        let times = [
            ("open_timeout", self.open_timeout),
            ("ping_interval", self.ping_interval),
            ("ping_timeout", self.ping_timeout),
            ("close_timeout", self.close_timeout),
        ];
        let range = Duration::from_millis(1)..=Duration::from_millis(DAY_MS);
        match times.into_iter().find(|(_, time)| !range.contains(time)) {
            Some((name, time)) => Err(wrong(name, &format!("{time:?} is not within 1 ms to {DAY_MS} ms"))),
            None => Ok(()),
        }
    }
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

impl Options {
    /// Sets a number by name, for languages that have no access to the fields: `message_limit`, durations in milliseconds (`open_timeout_ms`,
    /// `ping_interval_ms`, `ping_timeout_ms`, `close_timeout_ms`, `send_timeout_ms`), switches (`deflate`, `deflate_takeover`), `http` (0: any, 1, 2),
    /// and with `connect_` before it what [`ConnectConfig::set_number`] knows; `tls_...` needs no `connect_`.
    ///
    /// # Errors
    /// There is no such option, or the value does not fit it.
    pub fn set_number(&mut self, name: &str, value: i64) -> Result<(), crate::Error> {
        let within = |high: u64| {
            let fits = u64::try_from(value).ok().filter(|value| (1..=high).contains(value));
            fits.ok_or_else(|| wrong(name, &format!("{value} is not within 1 to {high}")))
        };
        let duration = || within(DAY_MS).map(Duration::from_millis);
        let switch = || match value {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(wrong(name, &format!("{value} is not 0 or 1"))),
        };
        match name {
            "message_limit" => {
                let limit = usize::try_from(within(1 << 30)?);
                self.message_limit = limit.map_err(|_| wrong(name, "is too large"))?;
            }
            "open_timeout_ms" => self.open_timeout = duration()?,
            "ping_interval_ms" => self.ping_interval = duration()?,
            "ping_timeout_ms" => self.ping_timeout = duration()?,
            "close_timeout_ms" => self.close_timeout = duration()?,
            "send_timeout_ms" => self.send_timeout = duration()?,
            "deflate" => self.deflate = switch()?,
            "deflate_takeover" => self.deflate_takeover = switch()?,
            "http" => {
                self.wire = match value {
                    0 => Wire::Any,
                    1 => Wire::Http1,
                    2 => Wire::Http2,
                    _ => return Err(wrong(name, &format!("{value} is not 0, 1 or 2")).into()),
                }
            }
            _ if name.starts_with("tls_") => self.connect.set_number(name, value)?,
            _ => match name.strip_prefix("connect_") {
                Some(name) => self.connect.set_number(name, value)?,
                None => return Err(wrong(name, "there is no such number option").into()),
            },
        }
        Ok(())
    }

    /// Sets a text by name: the list `protocols` with commas between its parts, `target`, where an empty one stands for the host of the URI, and with
    /// `tls_` before it what [`ConnectConfig::set_text`] knows.
    ///
    /// # Errors
    /// There is no such option.
    pub fn set_text(&mut self, name: &str, value: &str) -> Result<(), crate::Error> {
        match name {
            "protocols" => {
                let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
                self.protocols = parts.map(str::to_owned).collect();
            }
            "target" => self.target = (!value.is_empty()).then(|| value.to_owned()),
            _ if name.starts_with("tls_") => self.connect.set_text(name, value)?,
            _ => return Err(wrong(name, "there is no such text option").into()),
        }
        Ok(())
    }
}

fn wrong(field: &str, problem: &str) -> ConfigError {
    ConfigError { field: field.to_owned(), problem: problem.to_owned() }
}
