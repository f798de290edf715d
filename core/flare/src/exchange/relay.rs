//! Answers whose content comes from another server.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bytes::Bytes;
use flare_net::{Address, Resolver, Stream, Target};

use crate::Error;
use crate::exchange::{AnswerError, Exchange};

/// Where the content of an answer comes from: a server that is connected to for this one answer, or a stream that is connected
/// already. See [`Exchange::relay`].
///
/// ```
/// use std::time::Duration;
/// use flare::Upstream;
///
/// # fn example() -> Result<(), flare::Error> {
/// let upstream = Upstream::to("unix:/run/model.sock")?
///     .prologue("generate 100\n")
///     .connect_timeout(Duration::from_secs(1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Upstream {
    pub(crate) to: To,
    /// `None`: the one of the process.
    pub(crate) resolver: Option<Resolver>,
    pub(crate) prologue: Bytes,
    pub(crate) connect_timeout: Duration,
    pub(crate) silence_timeout: Duration,
    pub(crate) forwards: bool,
}

/// What an upstream is reached by.
#[derive(Debug)]
pub(crate) enum To {
    Target(Target),
    Connected(Stream),
}

impl Upstream {
    fn of(to: To) -> Self {
        Self {
            to,
            resolver: None,
            prologue: Bytes::new(),
            connect_timeout: Duration::from_secs(5),
            silence_timeout: Duration::from_secs(30),
            forwards: false,
        }
    }

    /// A server at this address, TCP or Unix.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self::of(To::Target(address.into()))
    }

    /// A server at an address in text: `127.0.0.1:80`, `[::1]:80`, `unix:/run/app.sock`, `name:80`. Nothing is looked up here, and no
    /// worker ever waits for it: that is done for each exchange, with a cache. Then all addresses of the name are tried (RFC 8305).
    ///
    /// # Errors
    /// [`Error::Address`] when the text is no address.
    pub fn to(text: &str) -> Result<Self, Error> {
        let wrong = |error: flare_net::AddressError| Error::Address {
            address: text.to_owned(),
            problem: error.to_string(),
        };
        Ok(Self::of(To::Target(Target::parse(text).map_err(wrong)?)))
    }

    /// Who looks the name up. Default: the resolver of the process.
    #[must_use]
    pub fn resolver(mut self, resolver: Resolver) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// Bytes that are sent to the upstream first, such as a request. Default: none.
    #[must_use]
    pub fn prologue(mut self, bytes: impl Into<Bytes>) -> Self {
        self.prologue = bytes.into();
        self
    }

    /// How long it may take to connect, with the lookup of the name and all addresses; then 504. Default 5 s, at a resolution of 1 ms.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long the upstream may send nothing while the client would take more; then 504, or a cut when the answer was begun.
    /// Default 30 s, at a resolution of 1 ms.
    #[must_use]
    pub fn silence_timeout(mut self, timeout: Duration) -> Self {
        self.silence_timeout = timeout;
        self
    }

    /// Whether the content of the request is sent to the upstream behind the prologue, without its framing; behind its end the stream
    /// to the upstream is closed in that direction. On a route with [`RouteOptions::streaming`](crate::RouteOptions) it flows while
    /// the client sends it, and the client is not read while the upstream takes nothing. Default: no.
    #[must_use]
    pub fn forward_content(mut self, forward: bool) -> Self {
        self.forwards = forward;
        self
    }
}

impl From<TcpStream> for Upstream {
    fn from(stream: TcpStream) -> Self {
        Self::of(To::Connected(stream.into()))
    }
}

impl From<UnixStream> for Upstream {
    fn from(stream: UnixStream) -> Self {
        Self::of(To::Connected(stream.into()))
    }
}

/// A relay on its way to the worker of its exchange.
#[derive(Debug)]
pub(crate) struct RelayRequest {
    pub(crate) exchange: Exchange,
    pub(crate) upstream: Upstream,
}

impl Exchange {
    /// Answers with what an upstream sends: its bytes are the content, its end is the end.
    ///
    /// The head that was drafted is sent with the first byte. When the upstream can't be reached, or fails before, the answer is
    /// 502; when it takes too long, 504. When it fails later the connection is cut, so that the client sees that the answer is not
    /// whole. A drafted `content-length` must be what comes; without one the content is sent in chunks. The upstream is not read
    /// while the client takes nothing, and is closed when the client is lost or the exchange ends in another way. The deadline of
    /// the handler counts until the first byte.
    ///
    /// Any thread may ask for it. The right to answer goes to the relay: this value can't be used to answer afterwards.
    ///
    /// # Errors
    /// When the exchange was answered before, or is over.
    pub fn relay(&self, upstream: Upstream) -> Result<(), AnswerError> {
        self.channel().state.check_open()?;
        let exchange = self.hand_over().ok_or(AnswerError::Answered)?;
        self.channel().home.relay(RelayRequest { exchange, upstream });
        Ok(())
    }
}
