//! What exchanges run on: a stream of bytes, or QUIC.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

#[cfg(feature = "http3")]
use super::on_quic::OnQuic;
use super::on_stream::OnStream;
use super::{Event, ExchangeId, Request, RequestError};
use crate::connect::Connection;
use crate::message::{Headers, TlsSession};

#[derive(Debug)]
pub(super) enum Carrier {
    Stream(Box<OnStream>),
    #[cfg(feature = "http3")]
    Quic(Box<OnQuic>),
}

impl Carrier {
    pub(super) fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Stream(stream) => Some(&stream.connection),
            #[cfg(feature = "http3")]
            Self::Quic(_) => None,
        }
    }

    pub(super) fn tls(&self) -> Option<&TlsSession> {
        match self {
            Self::Stream(stream) => stream.connection.tls(),
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.tls(),
        }
    }

    pub(super) fn can_open(&self) -> bool {
        match self {
            Self::Stream(stream) => stream.session.can_open(),
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.http3.can_open(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Stream(stream) => stream.session.is_over(),
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.http3.is_over(),
        }
    }

    pub(super) fn is_multiplexed(&self) -> bool {
        match self {
            Self::Stream(stream) => stream.session.is_multiplexed(),
            #[cfg(feature = "http3")]
            Self::Quic(_) => true,
        }
    }

    pub(super) fn open(&mut self, request: &Request) -> Result<ExchangeId, RequestError> {
        match self {
            Self::Stream(stream) => stream.session.open(request),
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.http3.open(request),
        }
    }

    pub(super) fn write(&mut self, exchange: ExchangeId, data: &[u8]) -> Result<(), RequestError> {
        match self {
            Self::Stream(stream) => stream.session.write(exchange, data),
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.http3.write(exchange, data),
        }
    }

    pub(super) fn finish(
        &mut self,
        exchange: ExchangeId,
        trailers: Option<&Headers>,
    ) -> Result<(), RequestError> {
        match self {
            Self::Stream(stream) => stream.session.finish(exchange, trailers),
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.http3.finish(exchange, trailers),
        }
    }

    pub(super) fn cancel(&mut self, exchange: ExchangeId) {
        match self {
            Self::Stream(stream) => stream.session.cancel(exchange),
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.http3.cancel(exchange),
        }
    }

    pub(super) fn consumed(&mut self, exchange: ExchangeId, bytes: usize) {
        match self {
            Self::Stream(stream) => stream.session.consumed(exchange, bytes),
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.http3.consumed(exchange, bytes),
        }
    }

    /// How many bytes a datagram may have that the transport carries. `None`: it carries none.
    #[cfg_attr(not(feature = "http3"), allow(unused_variables, reason = "only QUIC carries them"))]
    pub(super) fn datagram_room(&self, exchange: ExchangeId) -> Option<usize> {
        match self {
            Self::Stream(_) => None,
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.http3.datagram_room(exchange),
        }
    }

    /// Gives the transport a datagram that it has room for.
    #[cfg_attr(not(feature = "http3"), allow(unused_variables, reason = "only QUIC carries them"))]
    pub(super) fn send_datagram(
        &mut self,
        exchange: ExchangeId,
        datagram: &[u8],
    ) -> Result<(), RequestError> {
        match self {
            Self::Stream(_) => Err(RequestError::Over),
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.http3.send_datagram(exchange, datagram),
        }
    }

    pub(super) fn close(&mut self) {
        match self {
            Self::Stream(stream) => stream.session.close(),
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.http3.close(),
        }
    }

    /// Ends the connection at once.
    pub(super) fn abort(&mut self) {
        match self {
            // Err: it has ended already.
            Self::Stream(stream) => drop(stream.connection.close()),
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.abort(),
        }
    }

    /// Sends what can be sent without waiting.
    pub(super) fn send(&mut self) {
        match self {
            Self::Stream(stream) => stream.send(),
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.send(),
        }
    }

    /// Sends and reads until something happens. `None`: the connection is over.
    pub(super) fn step(&mut self, timeout: Option<Duration>) -> io::Result<Option<Event>> {
        match self {
            Self::Stream(stream) => stream.step(timeout),
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.step(timeout),
        }
    }

    pub(super) fn wants_read(&self) -> bool {
        match self {
            Self::Stream(stream) => stream.session.wants_input(),
            // Its descriptor shows everything: datagrams in both directions, and deadlines.
            #[cfg(feature = "http3")]
            Self::Quic(_) => true,
        }
    }

    /// Makes the descriptor readable at once, if it is not a socket's.
    pub(super) fn wake(&self) -> bool {
        match self {
            Self::Stream(_) => false,
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.wake(),
        }
    }

    pub(super) fn wants_write(&mut self) -> bool {
        match self {
            Self::Stream(stream) => stream.wants_write(),
            #[cfg(feature = "http3")]
            Self::Quic(_) => false,
        }
    }
}

impl AsFd for Carrier {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Stream(stream) => stream.as_fd(),
            #[cfg(feature = "http3")]
            Self::Quic(quic) => quic.as_fd(),
        }
    }
}
