//! One connection to a server, in the protocol that was agreed.

use std::sync::Arc;

use flare_proto::{http1, http2};

use super::http1::Http1;
use super::http2::Http2;
use super::{Event, ExchangeId, Request, RequestError};
use crate::message::Headers;

/// What a server may ask of a client.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Of HTTP/1.1.
    pub http1: http1::Limits,
    /// Of HTTP/2.
    pub http2: Arc<http2::Limits>,
}

/// A connection to a server as a value.
///
/// The owner sends what is in [`output`](Self::output), gives what it receives to [`receive`](Self::receive), and takes events until there are
/// none. After each of these steps, and after each command, the others may have something new.
///
/// Content that comes is bounded: with HTTP/2 by windows, which [`consumed`](Self::consumed) opens again; with HTTP/1.1 because
/// [`wants_input`](Self::wants_input) is false until events were taken and used. Content that goes out is refused above 256 KiB.
#[derive(Debug)]
pub struct Session {
    wire: Wire,
}

#[derive(Debug)]
enum Wire {
    Http1(Box<Http1>),
    Http2(Box<Http2>),
}

impl Session {
    /// To a server that speaks HTTP/1.1.
    #[must_use]
    pub fn http1(limits: Limits) -> Self {
        Self { wire: Wire::Http1(Box::new(Http1::new(limits.http1))) }
    }

    /// To a server that is known to speak HTTP/2: by ALPN, or by prior knowledge (RFC 9113, 3.3).
    #[must_use]
    pub fn http2(limits: Limits) -> Self {
        Self { wire: Wire::Http2(Box::new(Http2::new(limits.http2))) }
    }

    /// Says what time it is: milliseconds since any moment, never less than before.
    pub fn set_now(&mut self, milliseconds: u64) {
        if let Wire::Http2(http2) = &mut self.wire {
            http2.set_now(milliseconds);
        }
    }

    /// Whether [`open`](Self::open) would take a request now.
    #[must_use]
    pub fn can_open(&self) -> bool {
        match &self.wire {
            Wire::Http1(http1) => http1.can_open(),
            Wire::Http2(http2) => http2.can_open(),
        }
    }

    /// Begins an exchange: sends the head of a request. If it has content, [`write`](Self::write) and [`finish`](Self::finish) follow; otherwise
    /// the request is whole.
    ///
    /// # Errors
    /// [`RequestError::Busy`], [`RequestError::ConnectionOver`], or [`RequestError::Invalid`]. Nothing was sent then.
    pub fn open(&mut self, request: &Request) -> Result<ExchangeId, RequestError> {
        match &mut self.wire {
            Wire::Http1(http1) => http1.open(request),
            Wire::Http2(http2) => http2.open(request),
        }
    }

    /// Gives some content of the request, which is taken whole or refused.
    ///
    /// # Errors
    /// [`RequestError::WouldBlock`], [`RequestError::Over`], or [`RequestError::Invalid`]: more than was announced.
    pub fn write(&mut self, exchange: ExchangeId, data: &[u8]) -> Result<(), RequestError> {
        match &mut self.wire {
            Wire::Http1(http1) => http1.write(exchange, data),
            Wire::Http2(http2) => http2.write(exchange, data),
        }
    }

    /// Ends the request, with trailers if there are any; HTTP/1.1 sends them only behind content whose length was not known.
    ///
    /// # Errors
    /// [`RequestError::Over`] or [`RequestError::Invalid`]: less content than was announced, which ends the exchange too, or a trailer that can't be
    /// one.
    pub fn finish(&mut self, exchange: ExchangeId, trailers: Option<&Headers>) -> Result<(), RequestError> {
        match &mut self.wire {
            Wire::Http1(http1) => http1.finish(exchange, trailers),
            Wire::Http2(http2) => http2.finish(exchange, trailers),
        }
    }

    /// Lets go of an exchange: no event of it comes any more. HTTP/2 resets the stream; HTTP/1.1 has to end the connection, unless the
    /// exchange was over.
    pub fn cancel(&mut self, exchange: ExchangeId) {
        match &mut self.wire {
            Wire::Http1(http1) => http1.cancel(exchange),
            Wire::Http2(http2) => http2.cancel(exchange),
        }
    }

    /// So many bytes of content that [`Event::Data`] brought were used: the server may send more.
    pub fn consumed(&mut self, exchange: ExchangeId, bytes: usize) {
        match &mut self.wire {
            Wire::Http1(http1) => http1.consumed(bytes),
            Wire::Http2(http2) => http2.consumed(exchange, bytes),
        }
    }

    /// Takes what was received.
    pub fn receive(&mut self, input: &[u8]) {
        match &mut self.wire {
            Wire::Http1(http1) => http1.receive(input),
            Wire::Http2(http2) => http2.receive(input),
        }
    }

    /// The connection is lost: what is not whole has failed, also an answer whose end is that of the connection.
    pub fn lose(&mut self) {
        match &mut self.wire {
            Wire::Http1(http1) => http1.lose(),
            Wire::Http2(http2) => http2.receive_end(),
        }
    }

    /// The server will send nothing more.
    pub fn receive_end(&mut self) {
        match &mut self.wire {
            Wire::Http1(http1) => http1.receive_end(),
            Wire::Http2(http2) => http2.receive_end(),
        }
    }

    /// Whether the owner should read now.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        match &self.wire {
            Wire::Http1(http1) => http1.wants_input(),
            Wire::Http2(http2) => !http2.is_over(),
        }
    }

    /// The next thing that happened.
    pub fn next_event(&mut self) -> Option<Event> {
        match &mut self.wire {
            Wire::Http1(http1) => http1.next_event(),
            Wire::Http2(http2) => http2.next_event(),
        }
    }

    /// How many bytes of content were given and not sent yet, with what frames them.
    #[must_use]
    pub fn waiting(&self, exchange: ExchangeId) -> usize {
        match &self.wire {
            Wire::Http1(http1) => http1.waiting(),
            Wire::Http2(http2) => http2.waiting(exchange),
        }
    }

    /// What is to be sent. The owner removes what was sent from the begin, and asks again.
    pub fn output(&mut self) -> &mut Vec<u8> {
        match &mut self.wire {
            Wire::Http1(http1) => http1.output(),
            Wire::Http2(http2) => http2.output(),
        }
    }

    /// Whether the owner should end its side of the transport once the output was sent: a stream of bytes behind a switch of HTTP/1.1 is ended so.
    #[must_use]
    pub fn ends_output(&self) -> bool {
        match &self.wire {
            Wire::Http1(http1) => http1.ends_output(),
            Wire::Http2(_) => false,
        }
    }

    /// Ends the connection in peace: no new exchange is taken, those that run go on. It is over when they are.
    pub fn close(&mut self) {
        match &mut self.wire {
            Wire::Http1(http1) => http1.close(),
            Wire::Http2(http2) => http2.close(),
        }
    }

    /// Whether nothing more will happen: what is in the output is to be sent, and then the connection closed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match &self.wire {
            Wire::Http1(http1) => http1.is_over(),
            Wire::Http2(http2) => http2.is_over(),
        }
    }

    /// Whether the protocol is one in which several exchanges run at a time.
    #[must_use]
    pub fn is_multiplexed(&self) -> bool {
        matches!(self.wire, Wire::Http2(_))
    }

    /// Whether the server takes [`Request::protocol`]: HTTP/1.1 can only be asked, HTTP/2 says so (RFC 8441).
    #[must_use]
    pub fn takes_protocols(&self) -> bool {
        match &self.wire {
            Wire::Http1(_) => true,
            Wire::Http2(http2) => http2.takes_protocols(),
        }
    }

    /// Whether [`takes_protocols`](Self::takes_protocols) can be believed: HTTP/2 knows when the server's settings came.
    #[must_use]
    pub fn knows_server(&self) -> bool {
        match &self.wire {
            Wire::Http1(_) => true,
            Wire::Http2(http2) => http2.knows_server(),
        }
    }
}
