//! Settings of a server, with safe defaults.

mod http2_limits;
mod http3_limits;
#[cfg(feature = "http3")]
mod quic;

use std::time::Duration;

use flare_proto::{http1, http2, http3};

use super::proxy_protocol::ProxyProtocol;
use crate::networks::NoNetwork;

/// Settings of a server. Each has a safe default; [`ServerConfig::validate`] names the field that is wrong.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Workers, each a thread with its own loop. 0: one for each core. At most 1024.
    pub workers: usize,
    /// One listener shared by all workers, instead of one for each worker (`SO_REUSEPORT`). Unix sockets are always shared.
    pub shared_listener: bool,
    /// Other processes may listen on the same addresses in the same way, and the system spreads connections over all of them
    /// (`SO_REUSEPORT`; only of one user). Whether somebody else listens there is not found out then. Not for Unix sockets.
    pub reuse_port: bool,
    /// Workers do their input and output by io_uring, where the system permits it (Linux 6.1 or later); else the log says why not, and they do
    /// without. A server in the loop of a host always does without.
    pub io_uring: bool,
    /// Bind each worker to a core.
    pub pin_workers: bool,
    /// Connections that may wait to be accepted, for each listener. 1 to 65535.
    pub backlog: u32,
    /// Connections open at once, over all workers. At the limit no more are accepted until one closes; they wait in the backlog.
    /// Workers find out at the same time, each with a connection in its hands: there may be one more for each worker but the
    /// first. At least 1.
    pub max_connections: usize,
    /// Limits of what HTTP/1.1 reads.
    pub http1: http1::Limits,
    /// Whether HTTP/2 is spoken with clients that begin with it.
    pub http2_enabled: bool,
    /// Limits of HTTP/2: what a client may ask of a connection, and how often.
    pub http2: http2::Limits,
    /// Whether HTTP/3 is spoken on addresses that are served over TLS: on the UDP port of the same number. Clients learn of it by `Alt-Svc`
    /// (RFC 7838).
    pub http3_enabled: bool,
    /// Limits of HTTP/3: what a client may ask of a connection, and how often.
    pub http3: http3::Limits,
    /// Settings of the transport of HTTP/3.
    #[cfg(feature = "http3")]
    pub quic: crate::tls::QuicSettings,
    /// The most bytes of content that are collected for a handler; more is refused with 413. A route may have its own limit.
    pub body_limit: u64,
    /// Content that nobody asked for is read and dropped up to this many bytes, so that the connection can go on.
    pub discard_limit: u64,
    /// Answers of one connection that wait for the client, in bytes, before no more of its requests are read. On HTTP/2 no content is
    /// added from here on, and nothing is read from twice as much. At least 4096.
    pub output_limit: usize,
    /// From the first byte of a request, or from accept, to the end of its head. Then 408.
    pub head_timeout: Duration,
    /// From one part of the content to the next. Then 408. A route may have its own.
    pub body_timeout: Duration,
    /// Bytes of content that a client sends in a second, at least, over any time of [`ServerConfig::body_timeout`]. Then 408: without
    /// it, a byte now and then would keep a request for ever. Time in which nobody takes the content does not count. A route may have
    /// its own. 0: any rate will do. At most 1 GiB.
    pub body_min_rate: u64,
    /// From an answer to the next request. Then the connection closes.
    pub idle_timeout: Duration,
    /// From the call of a handler to its answer. Then 503.
    pub handler_timeout: Duration,
    /// From one part of a streamed answer to the next. Then the connection is cut.
    pub stream_timeout: Duration,
    /// How long a client may take none of what was written for it. Then the connection closes.
    pub write_timeout: Duration,
    /// After the last answer: how long what the client still sends is read and dropped, so that it gets the answer
    /// (RFC 9112, 9.6).
    pub linger_timeout: Duration,
    /// How long a drain by signal lets running exchanges go on.
    pub drain_timeout: Duration,
    /// Exchanges that may wait for their answer at once, over all workers; more are answered with 503 and `Retry-After`. At least 1.
    pub max_exchanges: usize,
    /// Whether an HTTP/1.1 client that has closed its sending side while its exchange runs is still answered (RFC 9112, 9.6: TCP
    /// can't tell it from one that has left). `false`: it is lost, and its exchange is cancelled with `PeerGone`. So a
    /// client that left is noticed at once, and one that only stopped sending gets no answer that is not out by then. On HTTP/2 an exchange whose request has come whole is always answered.
    pub half_close: bool,
    /// Threads for handlers of blocking routes, made when they are needed. 1 to 4096.
    pub blocking_threads: usize,
    /// Exchanges that may wait for such a thread; more are answered with 503 and `Retry-After`. Those that are cancelled leave their places.
    pub blocking_queue: usize,
    /// The value of `Server`; empty: no such field.
    pub server_name: String,
    /// Which peers tell, in front of everything else, whom they speak for.
    pub proxy_protocol: ProxyProtocol,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            workers: 0,
            shared_listener: false,
            reuse_port: false,
            io_uring: false,
            pin_workers: false,
            backlog: 1024,
            max_connections: 100_000,
            http1: http1::Limits::default(),
            http2_enabled: true,
            http2: http2::Limits { extended_connect: true, ..http2::Limits::default() },
            http3_enabled: false,
            http3: http3::Limits { extended_connect: true, ..http3::Limits::default() },
            #[cfg(feature = "http3")]
            quic: crate::tls::QuicSettings::default(),
            body_limit: 16 << 20,
            discard_limit: 64 << 10,
            output_limit: 256 << 10,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            body_min_rate: 240,
            idle_timeout: Duration::from_secs(75),
            handler_timeout: Duration::from_secs(60),
            stream_timeout: Duration::from_secs(600),
            write_timeout: Duration::from_secs(30),
            linger_timeout: Duration::from_secs(2),
            drain_timeout: Duration::from_secs(30),
            max_exchanges: 100_000,
            half_close: true,
            blocking_threads: 64,
            blocking_queue: 1024,
            server_name: "flare".to_owned(),
            proxy_protocol: ProxyProtocol::default(),
        }
    }
}

/// A setting that can't be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The name of the setting.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "setting {}: {}", self.field, self.problem)
    }
}

impl std::error::Error for ConfigError {}

fn wrong(field: &str, problem: impl Into<String>) -> ConfigError {
    ConfigError { field: field.to_owned(), problem: problem.into() }
}

fn within(field: &str, value: u64, low: u64, high: u64) -> Result<(), ConfigError> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(wrong(field, format!("{value} is not within {low} to {high}")))
    }
}

/// A day: longer waits are a mistake, or mean "never", which no deadline may be.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl ServerConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// The first setting that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        within("workers", self.workers as u64, 0, 1024)?;
        within("backlog", self.backlog.into(), 1, 65535)?;
        within("max_connections", self.max_connections as u64, 1, 1 << 24)?;
        within("head_bytes", self.http1.head_bytes.into(), 256, 1 << 20)?;
        within("target_bytes", self.http1.target_bytes.into(), 64, self.http1.head_bytes.into())?;
        within("header_count", self.http1.header_count.into(), 1, 1024)?;
        within("trailer_bytes", self.http1.trailer_bytes.into(), 2, 1 << 20)?;
        within("chunk_line_bytes", self.http1.chunk_line_bytes.into(), 16, 1 << 16)?;
        http2_limits::validate(&self.http2)?;
        http3_limits::validate(&self.http3)?;
        #[cfg(feature = "http3")]
        quic::validate(&self.quic)?;
        #[cfg(feature = "http3")]
        if self.http3.datagrams && !self.quic.datagrams {
            return Err(wrong("http3_datagrams", "needs quic_datagrams, by which they come (RFC 9297, 2.1)"));
        }
        if self.http3_enabled && cfg!(not(feature = "http3")) {
            return Err(wrong("http3", "this build of flare has no HTTP/3"));
        }
        within("body_limit", self.body_limit, 0, 1 << 40)?;
        within("body_min_rate", self.body_min_rate, 0, 1 << 30)?;
        within("discard_limit", self.discard_limit, 0, 1 << 40)?;
        within("output_limit", self.output_limit as u64, 4096, 1 << 32)?;
        within("max_exchanges", self.max_exchanges as u64, 1, 1 << 32)?;
        within("blocking_threads", self.blocking_threads as u64, 1, 4096)?;
        within("blocking_queue", self.blocking_queue as u64, 0, 1 << 24)?;
        if self.proxy_protocol.only && self.proxy_protocol.from.is_empty() {
            return Err(wrong("proxy_protocol_only", "nobody could connect: proxy_protocol_from is empty"));
        }
        for (field, value) in self.durations() {
            if value.is_zero() || value > LONGEST {
                return Err(wrong(field, format!("{value:?} is not within 1 ms to 24 h")));
            }
        }
        let mut headers = flare_proto::Headers::new();
        headers.append("server", &self.server_name).map_err(|error| wrong("server_name", error.to_string()))
    }

    fn durations(&self) -> [(&'static str, Duration); 9] {
        [
            ("head_timeout_ms", self.head_timeout),
            ("body_timeout_ms", self.body_timeout),
            ("idle_timeout_ms", self.idle_timeout),
            ("handler_timeout_ms", self.handler_timeout),
            ("stream_timeout_ms", self.stream_timeout),
            ("write_timeout_ms", self.write_timeout),
            ("linger_timeout_ms", self.linger_timeout),
            ("drain_timeout_ms", self.drain_timeout),
            ("proxy_protocol_timeout_ms", self.proxy_protocol.timeout),
        ]
    }

    /// Sets a number by name, for languages that have no access to the fields. Durations are named `..._ms`, switches take 0 and 1.
    ///
    /// # Errors
    /// When there is no such setting or the value does not fit it.
    pub fn set_number(&mut self, name: &str, value: i64) -> Result<(), ConfigError> {
        let unsigned = || u64::try_from(value).map_err(|_| wrong(name, format!("{value} is negative")));
        let duration = || unsigned().map(Duration::from_millis);
        let size = || unsigned().and_then(|v| usize::try_from(v).map_err(|_| wrong(name, "is too large")));
        let small = || unsigned().and_then(|v| u32::try_from(v).map_err(|_| wrong(name, "is too large")));
        let switch = || match value {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(wrong(name, format!("{value} is not 0 or 1"))),
        };
        match name {
            "workers" => self.workers = size()?,
            "shared_listener" => self.shared_listener = switch()?,
            "half_close" => self.half_close = switch()?,
            "reuse_port" => self.reuse_port = switch()?,
            "io_uring" => self.io_uring = switch()?,
            "pin_workers" => self.pin_workers = switch()?,
            "backlog" => self.backlog = small()?,
            "max_connections" => self.max_connections = size()?,
            "head_bytes" => self.http1.head_bytes = small()?,
            "target_bytes" => self.http1.target_bytes = small()?,
            "header_count" => {
                self.http1.header_count =
                    u16::try_from(value).map_err(|_| wrong(name, "is not within 1 to 1024"))?;
            }
            "trailer_bytes" => self.http1.trailer_bytes = small()?,
            "chunk_line_bytes" => self.http1.chunk_line_bytes = small()?,
            "http2" => self.http2_enabled = switch()?,
            "http3" => self.http3_enabled = switch()?,
            "body_limit" => self.body_limit = unsigned()?,
            "discard_limit" => self.discard_limit = unsigned()?,
            "output_limit" => self.output_limit = size()?,
            "head_timeout_ms" => self.head_timeout = duration()?,
            "body_timeout_ms" => self.body_timeout = duration()?,
            "body_min_rate" => self.body_min_rate = unsigned()?,
            "idle_timeout_ms" => self.idle_timeout = duration()?,
            "handler_timeout_ms" => self.handler_timeout = duration()?,
            "stream_timeout_ms" => self.stream_timeout = duration()?,
            "max_exchanges" => self.max_exchanges = size()?,
            "blocking_threads" => self.blocking_threads = size()?,
            "blocking_queue" => self.blocking_queue = size()?,
            "write_timeout_ms" => self.write_timeout = duration()?,
            "linger_timeout_ms" => self.linger_timeout = duration()?,
            "drain_timeout_ms" => self.drain_timeout = duration()?,
            "proxy_protocol_only" => self.proxy_protocol.only = switch()?,
            "proxy_protocol_timeout_ms" => self.proxy_protocol.timeout = duration()?,
            _ => match name.split_once('_') {
                Some(("http2", name)) => http2_limits::set_number(&mut self.http2, name, value)?,
                Some(("http3", name)) => http3_limits::set_number(&mut self.http3, name, value)?,
                #[cfg(feature = "http3")]
                Some(("quic", name)) => quic::set_number(&mut self.quic, name, value)?,
                _ => return Err(wrong(name, "there is no such number setting")),
            },
        }
        Ok(())
    }

    /// Sets a text by name: `server_name`, `quic_retry`, `quic_congestion`, `quic_qlog`, and the lists `proxy_protocol_from` (of networks) and `proxy_protocol_on` (of addresses), with commas
    /// between their parts.
    ///
    /// # Errors
    /// When there is no such setting or the value does not fit it.
    pub fn set_text(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        match name {
            "server_name" => value.clone_into(&mut self.server_name),
            "proxy_protocol_from" => {
                let fails = |error: NoNetwork| wrong(name, error.to_string());
                self.proxy_protocol.from = value.parse().map_err(fails)?;
            }
            "proxy_protocol_on" => {
                let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
                self.proxy_protocol.on = parts.map(str::to_owned).collect();
            }
            _ => match name.split_once('_') {
                #[cfg(feature = "http3")]
                Some(("quic", name)) => quic::set_text(&mut self.quic, name, value)?,
                _ => return Err(wrong(name, "there is no such text setting")),
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(ServerConfig::default().validate(), Ok(()));
    }

    #[test]
    fn a_wrong_setting_is_named() {
        for (name, value) in [
            ("backlog", 0),
            ("max_connections", 0),
            ("idle_timeout_ms", 0),
            ("output_limit", 1),
            ("header_count", 0),
        ] {
            let mut config = ServerConfig::default();
            assert_eq!(config.set_number(name, value), Ok(()), "{name}");
            assert_eq!(config.validate().unwrap_err().field, name);
        }
    }

    #[test]
    fn proxies_are_set_by_name() {
        let mut config = ServerConfig::default();
        config.set_number("proxy_protocol_only", 1).unwrap();
        assert_eq!(config.validate().unwrap_err().field, "proxy_protocol_only");
        config.set_text("proxy_protocol_from", "10.0.0.0/8, unix").unwrap();
        config.set_text("proxy_protocol_on", "0.0.0.0:80, [::]:80").unwrap();
        assert_eq!(config.validate(), Ok(()));
        let on = |address| config.proxy_protocol.is_on(address);
        assert!(on("[::]:80") && !on("[::]:81"));
        config.set_text("proxy_protocol_on", "").unwrap();
        assert!(config.proxy_protocol.is_on("[::]:81"));
    }

    #[cfg(feature = "http3")]
    #[test]
    fn datagrams_of_requests_need_those_of_the_transport() {
        let mut config = ServerConfig::default();
        config.set_number("http3_datagrams", 1).unwrap();
        assert_eq!(config.validate(), Ok(()));
        config.set_number("quic_datagrams", 0).unwrap();
        assert_eq!(config.validate().unwrap_err().field, "http3_datagrams");
    }

    #[test]
    fn unknown_names_and_values_that_do_not_fit_are_refused() {
        let mut config = ServerConfig::default();
        assert_eq!(config.set_number("no_such", 1).unwrap_err().field, "no_such");
        assert_eq!(config.set_number("workers", -1).unwrap_err().field, "workers");
        assert_eq!(config.set_number("pin_workers", 2).unwrap_err().field, "pin_workers");
        assert_eq!(config.set_text("workers", "1").unwrap_err().field, "workers");
        assert_eq!(
            config.set_text("proxy_protocol_from", "10.0.0.0/8 x").unwrap_err().field,
            "proxy_protocol_from"
        );
        config.set_text("server_name", "a\r\nb").unwrap();
        assert_eq!(config.validate().unwrap_err().field, "server_name");
    }
}
