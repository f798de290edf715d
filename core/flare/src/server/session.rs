//! A connection without its socket, in the protocol that it speaks: bytes, time and commands in; bytes, exchanges and a deadline out.

use flare_net::{Key, Millis, Output};
use flare_proto::http2::PREFACE;

use crate::exchange::{CancelReason, Early, Ends, ExchangeKey};
use crate::server::environment::Environment;
use crate::server::http1::{Becomes, Http1};
use crate::server::http2::Http2;
use crate::server::tunnel::Tunnel;

/// What the session wants of its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// More input.
    Read,
    /// No input for now.
    Pause,
    /// The end, once the output is gone. `linger`: the peer may still be sending, and must get the answer first.
    Close {
        /// Whether input is read and dropped for a while before the socket is closed.
        linger: bool,
    },
    /// The end, at once: what was sent is not whole, and the peer must see that.
    Abort,
}

/// The server's side of a connection.
pub(crate) struct Session {
    protocol: Protocol,
    /// How much of the preface of HTTP/2 (RFC 9113, 3.4), and nothing else, the client has sent. `None`: the protocol is known.
    seen: Option<u8>,
}

/// In boxes of their own size: each connection of a worker has a place that is as large as the largest.
enum Protocol {
    /// HTTP/1.0 or HTTP/1.1.
    Http1(Box<Http1>),
    Http2(Box<Http2>),
    /// A byte stream of another protocol, which was HTTP/1.1 before.
    Tunnel(Box<Tunnel>),
}

impl Session {
    /// Of a client that has sent nothing yet. Its first bytes tell whether it speaks HTTP/2 (RFC 9113, 3.3).
    pub(crate) fn new(key: Key, ends: Ends, env: &Environment) -> Self {
        let seen = env.service.config.http2_enabled.then_some(0);
        Self { protocol: Protocol::Http1(Box::new(Http1::new(key, ends, env))), seen }
    }

    /// Of a connection that is encrypted: in the protocol that was agreed (ALPN, RFC 7301).
    #[cfg(feature = "tls")]
    pub(crate) fn secure(key: Key, ends: Ends, env: &Environment, out: &mut Output) -> Self {
        let protocol = if ends.tls.as_ref().is_some_and(|tls| tls.alpn() == Some(b"h2")) {
            Protocol::Http2(Box::new(Http2::new(key, ends, env, out)))
        } else {
            Protocol::Http1(Box::new(Http1::new(key, ends, env)))
        };
        Self { protocol, seen: None }
    }

    /// Says whether what is received from now on comes before the end of the TLS handshake.
    pub(crate) fn set_early(&mut self, early: Early) {
        match &mut self.protocol {
            Protocol::Http1(http1) => http1.set_early(early),
            Protocol::Http2(http2) => http2.set_early(early),
            // The request that could have been early is over.
            Protocol::Tunnel(_) => {}
        }
    }

    /// Takes input.
    #[inline(always)]
    pub(crate) fn receive(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) {
        match &mut self.protocol {
            Protocol::Http1(_) if self.seen.is_some() => self.decide(input, env, out),
            Protocol::Http1(http1) => {
                http1.receive(input, env, out);
                self.become_other(env, out);
            }
            Protocol::Http2(http2) => http2.receive(input, env, out),
            Protocol::Tunnel(tunnel) => tunnel.receive(input, env, out),
        }
    }

    /// Takes input that nobody else needs, and which may be changed where it lies.
    #[inline(always)]
    pub(crate) fn receive_own(&mut self, input: &mut [u8], env: &mut Environment, out: &mut Output) {
        match &mut self.protocol {
            Protocol::Tunnel(tunnel) => tunnel.receive_own(input, env, out),
            _ => self.receive(input, env, out),
        }
    }

    /// A connection of HTTP/1.1 may go on as something else.
    #[inline(always)]
    fn become_other(&mut self, env: &mut Environment, out: &mut Output) {
        if let Protocol::Http1(http1) = &self.protocol
            && http1.becomes_other()
        {
            self.take_over(env, out);
        }
    }

    #[inline(never)]
    fn take_over(&mut self, env: &mut Environment, out: &mut Output) {
        let Protocol::Http1(http1) = &mut self.protocol else { return };
        let Some((becomes, legacy)) = http1.take_over() else { return };
        self.protocol = match becomes {
            Becomes::Http2(next) => {
                let (key, ends) = (http1.key(), http1.ends());
                let mut http2 = Http2::upgraded(key, ends, *next, &legacy.pending, env, out);
                if legacy.read_closed {
                    http2.read_closed(env);
                }
                Protocol::Http2(Box::new(http2))
            }
            Becomes::Tunnel(mut tunnel) => {
                tunnel.begin(legacy, env, out);
                Protocol::Tunnel(tunnel)
            }
        };
    }

    /// Takes the first input.
    #[inline(never)]
    fn decide(&mut self, input: &[u8], env: &mut Environment, out: &mut Output) {
        let Protocol::Http1(http1) = &mut self.protocol else { return };
        let seen = usize::from(self.seen.unwrap_or_default());
        let expected = PREFACE.get(seen..).unwrap_or_default();
        let common = expected.iter().zip(input).take_while(|(one, other)| one == other).count();
        if common == expected.len() {
            let mut http2 = Box::new(Http2::new(http1.key(), http1.ends(), env, out));
            http2.receive(PREFACE, env, out);
            if env.draining {
                http2.drain(env, out);
            }
            http2.receive(input.get(common..).unwrap_or_default(), env, out);
            self.protocol = Protocol::Http2(http2);
            self.seen = None;
        } else if common == input.len() {
            // The preface has 24 bytes.
            self.seen = Some((seen + common) as u8);
        } else {
            self.decide_for_http1(env, out);
            self.receive(input, env, out);
        }
    }

    /// What came until now may be the begin of the preface, but it is taken for HTTP/1.
    fn decide_for_http1(&mut self, env: &mut Environment, out: &mut Output) {
        if let (Protocol::Http1(http1), Some(seen)) = (&mut self.protocol, self.seen.take()) {
            http1.receive(PREFACE.get(..usize::from(seen)).unwrap_or_default(), env, out);
        }
    }

    /// The peer will send nothing more. What it sent before is still answered.
    pub(crate) fn read_closed(&mut self, env: &mut Environment, out: &mut Output) {
        self.decide_for_http1(env, out);
        match &mut self.protocol {
            Protocol::Http1(http1) => http1.read_closed(env),
            Protocol::Http2(http2) => http2.read_closed(env),
            Protocol::Tunnel(tunnel) => tunnel.read_closed(env),
        }
    }

    /// So much output waits, which is `limit` or more: no content is added to it.
    pub(crate) fn block(&mut self, waiting: usize, limit: usize) {
        match &mut self.protocol {
            Protocol::Http1(http1) => http1.block(),
            Protocol::Http2(http2) => http2.block(waiting, limit),
            Protocol::Tunnel(tunnel) => tunnel.block(),
        }
    }

    /// The peer took all output.
    #[inline(always)]
    pub(crate) fn flushed(&mut self, env: &mut Environment, out: &mut Output) {
        match &mut self.protocol {
            Protocol::Http1(http1) => {
                http1.flushed(env, out);
                self.become_other(env, out);
            }
            Protocol::Http2(http2) => http2.flushed(env, out),
            Protocol::Tunnel(tunnel) => tunnel.flushed(env, out),
        }
    }

    /// Something happened to an exchange, which may be over already.
    pub(crate) fn wake(&mut self, key: ExchangeKey, env: &mut Environment, out: &mut Output) {
        match &mut self.protocol {
            Protocol::Http1(http1) => {
                http1.wake(key, env, out);
                self.become_other(env, out);
            }
            Protocol::Http2(http2) => http2.wake(key, env, out),
            Protocol::Tunnel(tunnel) => tunnel.wake(key, env, out),
        }
    }

    /// When [`Session::timeout`] has to be called, unless something happens before. `flushing`: the peer has not taken all output.
    #[inline]
    pub(crate) fn deadline(&self, flushing: bool) -> Millis {
        match &self.protocol {
            Protocol::Http1(http1) => http1.deadline(flushing),
            Protocol::Http2(http2) => http2.deadline(flushing),
            Protocol::Tunnel(tunnel) => tunnel.deadline(flushing),
        }
    }

    /// A deadline passed.
    pub(crate) fn timeout(&mut self, env: &mut Environment, out: &mut Output) {
        self.decide_for_http1(env, out);
        match &mut self.protocol {
            Protocol::Http1(http1) => http1.timeout(env, out),
            Protocol::Http2(http2) => http2.timeout(env, out),
            Protocol::Tunnel(tunnel) => tunnel.timeout(env),
        }
    }

    /// The server ends: what is idle closes, running exchanges get their answer first.
    pub(crate) fn drain(&mut self, env: &mut Environment, out: &mut Output) {
        if self.seen.is_some_and(|seen| seen > 0) {
            // The rest of the preface, or of a request of HTTP/1, comes yet, and is told then. To answer a client of HTTP/2 in HTTP/1 would break its
            // connection.
            return;
        }
        match &mut self.protocol {
            Protocol::Http1(http1) => http1.drain(),
            Protocol::Http2(http2) => http2.drain(env, out),
            Protocol::Tunnel(tunnel) => tunnel.drain(env),
        }
    }

    /// What it wants of its socket now.
    #[inline]
    pub(crate) fn next(&self) -> Next {
        match &self.protocol {
            Protocol::Http1(http1) => http1.next(),
            Protocol::Http2(http2) => http2.next(),
            Protocol::Tunnel(tunnel) => tunnel.next(),
        }
    }

    /// Whether an exchange runs, or has begun to come.
    pub(crate) fn is_active(&self) -> bool {
        match &self.protocol {
            Protocol::Http1(http1) => http1.is_active(),
            Protocol::Http2(http2) => http2.is_active(),
            Protocol::Tunnel(tunnel) => tunnel.is_active(),
        }
    }

    /// Whether an exchange waits for its answer, or for the rest of it.
    pub(crate) fn is_answering(&self) -> bool {
        match &self.protocol {
            Protocol::Http1(http1) => http1.is_answering(),
            Protocol::Http2(http2) => http2.is_answering(),
            Protocol::Tunnel(tunnel) => tunnel.is_active(),
        }
    }

    /// Whether the peer takes the end of the connection for the end of the answer.
    pub(crate) fn is_until_close(&self) -> bool {
        match &self.protocol {
            Protocol::Http1(http1) => http1.is_until_close(),
            Protocol::Http2(_) => false,
            // A stream that is cut would look like one that has ended.
            Protocol::Tunnel(_) => true,
        }
    }

    /// The connection is gone: whoever holds its exchanges learns it.
    pub(crate) fn abort(&mut self, reason: CancelReason, env: &mut Environment) {
        match &mut self.protocol {
            Protocol::Http1(http1) => http1.abort(reason, env),
            Protocol::Http2(http2) => http2.abort(reason, env),
            Protocol::Tunnel(tunnel) => tunnel.abort(reason, env),
        }
    }
}
