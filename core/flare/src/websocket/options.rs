//! Settings of a WebSocket route.

use std::sync::Arc;
use std::time::Duration;

use crate::handler::Handler;
use crate::message::Request;
use crate::middleware::Middleware;
use crate::server::ConfigError;

/// Settings of a WebSocket route, with safe defaults.
#[derive(Clone)]
pub struct WsOptions {
    /// Subprotocols (RFC 6455, 1.9). Of those that the client offers the first that is here is agreed; [`WebSocket::protocol`](super::WebSocket::protocol)
    /// tells it. A client that offers none of them gets a socket without one. Each must be a token; others are never agreed.
    pub protocols: Vec<String>,
    /// Which web pages may open a socket here: only browsers send an `Origin`.
    pub origins: Origins,
    /// The most bytes of a message, after decompression; more ends the socket with 1009.
    pub message_limit: usize,
    /// A client that sent nothing for so long is sent a Ping. At least 1 ms.
    pub ping_interval: Duration,
    /// And one that sent nothing for so long after it is gone. At least 1 ms.
    pub ping_timeout: Duration,
    /// How long the client may take for its Close frame after ours. Then the connection is cut. At least 1 ms.
    pub close_timeout: Duration,
    /// Whether messages may be compressed (permessage-deflate, RFC 7692), if the client wants it.
    pub deflate: bool,
    /// Whether a compressed message may refer to those before it: better compression of small messages, for about 300 KiB that each socket holds.
    pub deflate_takeover: bool,
    /// Who answers a request that does not ask for a WebSocket. Without one it is 426 (Upgrade Required).
    pub otherwise: Option<Arc<dyn Handler>>,
    /// Middleware around this route alone, outermost first.
    pub middleware: Vec<Arc<dyn Middleware>>,
}

/// Which web pages may open a socket: other sites can, with the cookies of their visitors, unless the server looks at the `Origin`
/// (RFC 6455, 10.2). Clients that send none are no browsers, and always may.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origins {
    /// Pages of the host that the request names: the authority of the origin is that of the request.
    #[default]
    Same,
    /// Pages of these origins, such as `https://example.com`, compared without regard to case.
    Only(Vec<String>),
    /// All pages.
    Any,
}

impl Origins {
    /// Whether this request may open a socket.
    pub(crate) fn allow(&self, request: &Request) -> bool {
        let mut sent = request.headers().get_all("origin");
        let Some(origin) = sent.next() else { return true };
        let Ok(origin) = std::str::from_utf8(origin) else { return *self == Self::Any };
        match self {
            Self::Any => true,
            // Two of them are no browser's.
            _ if sent.next().is_some() => false,
            Self::Only(allowed) => allowed.iter().any(|one| one.eq_ignore_ascii_case(origin)),
            Self::Same => origin
                .split_once("://")
                .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(request.authority())),
        }
    }
}

impl Default for WsOptions {
    fn default() -> Self {
        Self {
            protocols: Vec::new(),
            origins: Origins::Same,
            message_limit: 1 << 20,
            ping_interval: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(20),
            close_timeout: Duration::from_secs(10),
            deflate: false,
            deflate_takeover: false,
            otherwise: None,
            middleware: Vec::new(),
        }
    }
}

impl WsOptions {
    /// Adds a subprotocol.
    #[must_use]
    pub fn protocol(mut self, name: &str) -> Self {
        self.protocols.push(name.to_owned());
        self
    }

    /// Sets which web pages may open a socket.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Sets the most bytes of a message.
    #[must_use]
    pub fn message_limit(mut self, bytes: usize) -> Self {
        self.message_limit = bytes;
        self
    }

    /// Sets how long a client may be silent before it is sent a Ping, and how long after it.
    #[must_use]
    pub fn ping(mut self, interval: Duration, timeout: Duration) -> Self {
        (self.ping_interval, self.ping_timeout) = (interval, timeout);
        self
    }

    /// Sets how long the client may take for its Close frame.
    #[must_use]
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// Allows compressed messages. `takeover`: they may refer to those before, see [`WsOptions::deflate_takeover`].
    #[must_use]
    pub fn deflate(mut self, takeover: bool) -> Self {
        (self.deflate, self.deflate_takeover) = (true, takeover);
        self
    }

    /// Sets who answers requests that do not ask for a WebSocket.
    #[must_use]
    pub fn otherwise(mut self, handler: impl Handler) -> Self {
        self.otherwise = Some(Arc::new(handler));
        self
    }

    /// Adds middleware around this route alone. The first is outermost.
    #[must_use]
    pub fn layer(mut self, middleware: impl Middleware) -> Self {
        self.middleware.push(Arc::new(middleware));
        self
    }
}

impl WsOptions {
    /// Sets a number by name, for languages that have no access to the fields: `message_limit`, durations in milliseconds,
    /// `ping_interval_ms`, `ping_timeout_ms` and `close_timeout_ms`, and switches, `deflate` and `deflate_takeover`.
    ///
    /// # Errors
    /// When there is no such option or the value does not fit it.
    pub fn set_number(&mut self, name: &str, value: i64) -> Result<(), ConfigError> {
        let within = |high: u64| {
            let fits = u64::try_from(value).ok().filter(|value| (1..=high).contains(value));
            fits.ok_or_else(|| wrong(name, &format!("{value} is not within 1 to {high}")))
        };
        let duration = || within(86_400_000).map(Duration::from_millis);
        let switch = || match value {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(wrong(name, "is not 0 or 1")),
        };
        match name {
            "message_limit" => {
                let limit = usize::try_from(within(1 << 30)?);
                self.message_limit = limit.map_err(|_| wrong(name, "is too large"))?;
            }
            "ping_interval_ms" => self.ping_interval = duration()?,
            "ping_timeout_ms" => self.ping_timeout = duration()?,
            "deflate" => self.deflate = switch()?,
            "deflate_takeover" => self.deflate_takeover = switch()?,
            "close_timeout_ms" => self.close_timeout = duration()?,
            _ => return Err(wrong(name, "there is no such number option")),
        }
        Ok(())
    }

    /// Sets a text by name: the lists `protocols` and `origins` with commas between their parts. An `origins` of `same` stands for
    /// [`Origins::Same`], and `*` for [`Origins::Any`].
    ///
    /// # Errors
    /// When there is no such option.
    pub fn set_text(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        let list = || value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned);
        match (name, value) {
            ("protocols", _) => self.protocols = list().collect(),
            ("origins", "*") => self.origins = Origins::Any,
            ("origins", "same") => self.origins = Origins::Same,
            ("origins", _) => self.origins = Origins::Only(list().collect()),
            _ => return Err(wrong(name, "there is no such text option")),
        }
        Ok(())
    }
}

fn wrong(field: &str, problem: &str) -> ConfigError {
    ConfigError { field: field.to_owned(), problem: problem.to_owned() }
}

impl std::fmt::Debug for WsOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WsOptions")
            .field("protocols", &self.protocols)
            .field("origins", &self.origins)
            .field("message_limit", &self.message_limit)
            .field("ping_interval", &self.ping_interval)
            .field("ping_timeout", &self.ping_timeout)
            .field("close_timeout", &self.close_timeout)
            .field("deflate", &self.deflate)
            .field("deflate_takeover", &self.deflate_takeover)
            .field("otherwise", &self.otherwise.is_some())
            .field("middleware", &self.middleware.len())
            .finish()
    }
}
