//! A connection that speaks HTTP/3: many exchanges at a time, each on a stream of QUIC.

mod datagrams;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use flare_proto::http1::{ContentLength, is_allowed_in_trailers};
use flare_proto::http3::{self, ClientConnection, ErrorCode, Limits, RequestParts, Unidirectional};
use flare_proto::{ResponseHead, SendError, http2};
use flare_quic::{Connection as Quic, StreamError};

use super::{Event, ExchangeId, Failure, HIGH, LOW, Request, RequestError, Response};
use crate::message::Headers;

/// What is read of a stream at a time.
const READ: usize = 16 * 1024;

/// The streams that a client opens for itself (RFC 9114, 6.2).
const OWN: [Unidirectional; 3] = [Unidirectional::Control, Unidirectional::Encoder, Unidirectional::Decoder];

pub(super) struct Http3 {
    pub(super) quic: Box<Quic>,
    machine: ClientConnection,
    own: [Option<u64>; OWN.len()],
    streams: BTreeMap<u64, Stream>,
    /// A stream that was opened, and whose request was not one.
    spare: Option<u64>,
    head: ResponseHead,
    trailers: Headers,
    events: VecDeque<Event>,
    /// How many of the events are datagrams.
    datagrams: usize,
    buffer: Box<[u8]>,
    over: bool,
}

#[derive(Default)]
struct Stream {
    /// Asked for another protocol.
    is_switch: bool,
    /// One that has datagrams.
    has_datagrams: bool,
    /// The server took it.
    switched: bool,
    /// Frames of the request that the transport has not taken.
    outgoing: BytesMut,
    /// A write was refused.
    refused: bool,
    /// What the announced length leaves. `None`: no length was announced.
    left: Option<u64>,
    /// The request ends behind `outgoing`.
    finished: bool,
    /// The transport has its end.
    sent_all: bool,
    /// Content that was told and not used: the stream is not read above a limit.
    unused: usize,
    /// Input behind a field section that waits for QPACK, and whether the stream ends behind it.
    halted: Option<(Vec<u8>, bool)>,
    /// The transport has more of it.
    unread: bool,
    /// The last event was told.
    ended: bool,
}

impl Http3 {
    /// On a connection whose streams may be used.
    pub(super) fn new(quic: Box<Quic>, limits: Arc<Limits>) -> Self {
        let mut http3 = Self {
            quic,
            machine: ClientConnection::new(limits),
            own: [None; OWN.len()],
            streams: BTreeMap::new(),
            spare: None,
            head: ResponseHead::new(),
            trailers: Headers::new(),
            events: VecDeque::new(),
            datagrams: 0,
            buffer: vec![0; READ].into_boxed_slice(),
            over: false,
        };
        http3.advance();
        http3
    }

    pub(super) fn set_now(&mut self, milliseconds: u64) {
        self.machine.set_now(milliseconds);
    }

    pub(super) fn can_open(&self) -> bool {
        !self.over && self.machine.can_open() && (self.spare.is_some() || self.quic.may_open_bidirectional())
    }

    pub(super) fn open(&mut self, request: &Request) -> Result<ExchangeId, RequestError> {
        if self.over || self.machine.is_draining() {
            return Err(RequestError::ConnectionOver);
        }
        if !self.can_open() {
            return Err(RequestError::Busy);
        }
        let opened = self.spare.map_or_else(|| self.quic.open_bidirectional(), Ok);
        let opened = opened.map_err(|_| RequestError::Busy)?;
        self.spare = Some(opened);
        let is_switch = request.protocol.is_some();
        let parts = RequestParts {
            method: if is_switch { "CONNECT" } else { &request.method },
            scheme: &request.scheme,
            authority: &request.authority,
            target: &request.target,
            protocol: request.protocol.as_deref(),
            headers: &request.headers,
            body: if is_switch { ContentLength::Unknown } else { request.content },
        };
        let mut frames = Vec::new();
        let id = self.machine.send_request(&parts, &mut frames)?;
        debug_assert_eq!(id, opened, "both count the streams of this end");
        self.spare = None;
        let left = match parts.body {
            ContentLength::None => Some(0),
            ContentLength::Known(length) => Some(length),
            ContentLength::Unknown => None,
        };
        let finished = self.machine.has_sent_all(id);
        let outgoing = BytesMut::from(&frames[..]);
        let has_datagrams = is_switch && request.datagrams;
        let stream = Stream { is_switch, has_datagrams, outgoing, left, finished, ..Stream::default() };
        self.streams.insert(id, stream);
        self.flush(id);
        Ok(ExchangeId(id))
    }

    /// An exchange whose request may still grow.
    fn sending(&mut self, id: u64) -> Result<&mut Stream, RequestError> {
        self.streams.get_mut(&id).filter(|stream| !stream.finished).ok_or(RequestError::Over)
    }

    pub(super) fn write(&mut self, exchange: ExchangeId, data: &[u8]) -> Result<(), RequestError> {
        let ExchangeId(id) = exchange;
        let stream = self.sending(id)?;
        if stream.outgoing.len() >= HIGH {
            stream.refused = true;
            return Err(RequestError::WouldBlock);
        }
        let mut frames = Vec::new();
        self.machine.send_data(id, data, false, &mut frames)?;
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.left = stream.left.map(|left| left.saturating_sub(data.len() as u64));
            stream.outgoing.extend_from_slice(&frames);
        }
        self.flush(id);
        Ok(())
    }

    pub(super) fn finish(
        &mut self,
        exchange: ExchangeId,
        trailers: Option<&Headers>,
    ) -> Result<(), RequestError> {
        let ExchangeId(id) = exchange;
        let stream = self.sending(id)?;
        if stream.left.is_some_and(|left| left > 0) {
            self.reset(id, ErrorCode::RequestCancelled);
            return Err(RequestError::Invalid(SendError::TooShort));
        }
        if trailers
            .is_some_and(|trailers| !trailers.iter().all(|(name, _)| is_allowed_in_trailers(name.as_bytes())))
        {
            return Err(RequestError::Invalid(SendError::Trailer));
        }
        let mut frames = Vec::new();
        self.machine.send_end(id, trailers, &mut frames)?;
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.finished = true;
            stream.outgoing.extend_from_slice(&frames);
        }
        self.flush(id);
        Ok(())
    }

    pub(super) fn cancel(&mut self, exchange: ExchangeId) {
        self.events.retain(|event| event.exchange() != exchange);
        self.datagrams = self.events.iter().filter(|event| matches!(event, Event::Datagram(..))).count();
        self.reset(exchange.0, ErrorCode::RequestCancelled);
        self.end_if_drained();
    }

    /// Ends an exchange in both directions. Nothing happens if it is over.
    fn reset(&mut self, id: u64, code: ErrorCode) {
        if self.streams.remove(&id).is_some() {
            self.machine.reset(id);
            self.quic.reset(id, code.number());
            self.quic.stop(id, code.number());
            self.flush_own();
        }
    }

    pub(super) fn consumed(&mut self, exchange: ExchangeId, bytes: usize) {
        let Some(stream) = self.streams.get_mut(&exchange.0) else { return };
        stream.unused = stream.unused.saturating_sub(bytes);
        if stream.unread && stream.unused < LOW {
            self.read(exchange.0);
            self.flush_own();
        }
    }

    /// The transport took datagrams, or its time came: what came of streams is read, and what waits is written.
    pub(super) fn advance(&mut self) {
        // Before the ends of their streams, but not before the begin.
        let early = self.take_datagrams();
        while !self.over
            && let Some(id) = self.quic.next_readable()
        {
            self.read(id);
        }
        for (id, datagram) in early {
            self.datagram(id, datagram);
        }
        self.flush_own();
        while let Some(id) = self.quic.next_writable() {
            self.flush(id);
        }
        if self.quic.is_closing() {
            self.fail_all(Failure::Cut);
        }
        self.end_if_drained();
    }

    /// Reads a stream as far as its content is used.
    fn read(&mut self, id: u64) {
        loop {
            if let Some(stream) = self.streams.get_mut(&id) {
                stream.unread = stream.unused >= HIGH || stream.halted.is_some();
                if stream.unread {
                    return;
                }
            }
            let mut buffer = std::mem::take(&mut self.buffer);
            let read = self.quic.read(id, &mut buffer);
            match read {
                Ok(read) => {
                    self.take(id, buffer.get(..read.length).unwrap_or_default(), read.fin);
                    self.buffer = buffer;
                    if read.fin || self.over {
                        return;
                    }
                }
                Err(error) => {
                    self.buffer = buffer;
                    if let StreamError::Reset(code) = error {
                        let received = self.machine.receive_reset(id, code);
                        self.received(received.map(|event| event.map(|event| (told(&event), None))));
                    }
                    return;
                }
            }
        }
    }

    /// Takes what came of a stream.
    fn take(&mut self, id: u64, mut input: &[u8], fin: bool) {
        loop {
            if self.over {
                return;
            }
            let received = self.machine.receive(id, &mut input, fin, &mut self.head, &mut self.trailers);
            let received = received.map(|event| {
                event.map(|event| {
                    let message = match event {
                        http3::Event::Head { .. } | http3::Event::Interim { .. } => {
                            Some(Message::Head(Response::of(&self.head)))
                        }
                        http3::Event::End { has_trailers: true, .. } => {
                            Some(Message::Trailers(std::mem::take(&mut self.trailers)))
                        }
                        _ => None,
                    };
                    (told(&event), message)
                })
            });
            if !self.received(received) {
                break;
            }
        }
        if self.machine.is_blocked(id)
            && let Some(stream) = self.streams.get_mut(&id)
        {
            stream.halted = Some((input.to_vec(), fin));
        }
    }

    /// Does what the machine's event says. False: there was none.
    fn received(
        &mut self,
        received: Result<Option<(Told, Option<Message>)>, http3::ConnectionError>,
    ) -> bool {
        let (told, message) = match received {
            Ok(None) => return false,
            Ok(Some(event)) => event,
            Err(error) => {
                self.quic.close(error.code.number(), error.reason);
                self.fail_all(Failure::Malformed(error.reason));
                return false;
            }
        };
        match (told, message) {
            (Told::Interim(id), Some(Message::Head(response))) => {
                self.tell(id, Event::Informational(ExchangeId(id), response));
            }
            (Told::Head(id, ended), Some(Message::Head(response))) => {
                let is_switch = self.streams.get(&id).is_some_and(|stream| stream.is_switch);
                let switched = is_switch && (200..300).contains(&response.status);
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.switched = switched;
                }
                let exchange = ExchangeId(id);
                self.tell(
                    id,
                    match switched {
                        true => Event::Switched(exchange, response),
                        false => Event::Head(exchange, response),
                    },
                );
                if ended {
                    self.ended(id, Headers::new());
                }
            }
            (Told::Data(id, data), _) => {
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.unused += data.len();
                }
                self.tell(id, Event::Data(ExchangeId(id), data));
            }
            (Told::End(id), Some(Message::Trailers(trailers))) => self.ended(id, trailers),
            (Told::End(id), _) => self.ended(id, Headers::new()),
            (Told::Failed(id, failure, by_peer), _) => {
                if !by_peer {
                    self.quic.reset(id, ErrorCode::Message.number());
                    self.quic.stop(id, ErrorCode::Message.number());
                }
                self.tell(id, Event::Failed(ExchangeId(id), failure));
                self.streams.remove(&id);
            }
            (Told::Unblocked(id), _) => {
                let halted = self.streams.get_mut(&id).and_then(|stream| stream.halted.take());
                if let Some((rest, fin)) = halted {
                    self.take(id, &rest, fin);
                    self.read(id);
                }
            }
            (Told::Stopped(id), _) => self.stopped(id),
            _ => {}
        }
        true
    }

    /// Nobody wants the rest of a request.
    fn stopped(&mut self, id: u64) {
        if let Some(stream) = self.streams.get_mut(&id) {
            (stream.outgoing, stream.finished, stream.sent_all) = (BytesMut::new(), true, true);
            if std::mem::take(&mut stream.refused) {
                // Who waits learns by his next write that it is over.
                self.events.push_back(Event::Writable(ExchangeId(id)));
            }
        }
        self.remove_if_over(id);
    }

    fn tell(&mut self, id: u64, event: Event) {
        if self.streams.get(&id).is_some_and(|stream| !stream.ended) {
            self.events.push_back(event);
        }
    }

    fn ended(&mut self, id: u64, trailers: Headers) {
        self.tell(id, Event::End(ExchangeId(id), trailers));
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.ended = true;
        }
        self.remove_if_over(id);
    }

    fn remove_if_over(&mut self, id: u64) {
        if self.streams.get(&id).is_some_and(|stream| stream.ended && stream.sent_all) {
            self.streams.remove(&id);
        }
    }

    /// Gives the transport what waits of a request.
    fn flush(&mut self, id: u64) {
        // A request may need what is on the encoder stream.
        self.flush_own();
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if stream.sent_all || stream.outgoing.is_empty() && !stream.finished {
            return;
        }
        match self.quic.write(id, &stream.outgoing, stream.finished) {
            Ok(taken) => {
                stream.outgoing.advance(taken.min(stream.outgoing.len()));
                stream.sent_all = stream.finished && stream.outgoing.is_empty();
                if stream.refused && stream.outgoing.len() < LOW {
                    stream.refused = false;
                    self.events.push_back(Event::Writable(ExchangeId(id)));
                }
                self.remove_if_over(id);
            }
            Err(StreamError::Stopped(code)) => {
                let received = self.machine.receive_stop(id, code);
                self.received(received.map(|event| event.map(|event| (told(&event), None))));
            }
            // It was stopped, and the transport has forgotten it, since the answer was read to its end.
            Err(StreamError::Closed) if stream.ended => {
                self.machine.reset(id);
                self.stopped(id);
            }
            // Named again when there is room; or over, which reading tells.
            Err(_) => {}
        }
    }

    /// Gives the transport what waits for the streams of this end.
    fn flush_own(&mut self) {
        for (kind, place) in OWN.into_iter().zip(&mut self.own) {
            let waiting = self.machine.output(kind);
            if waiting.is_empty() {
                continue;
            }
            let Some(id) = place.or_else(|| self.quic.open_unidirectional().ok()) else { continue };
            *place = Some(id);
            // Err: there is no room for now, or the connection is over.
            if let Ok(taken) = self.quic.write(id, waiting, false) {
                waiting.drain(..taken.min(waiting.len()));
            }
        }
    }

    /// Ends all exchanges that are not over.
    fn fail_all(&mut self, failure: Failure) {
        self.over = true;
        for (id, stream) in std::mem::take(&mut self.streams) {
            if !stream.ended {
                self.events.push_back(Event::Failed(ExchangeId(id), failure));
            }
        }
    }

    pub(super) fn next_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        if let Event::Datagram(..) = event {
            self.datagrams -= 1;
        }
        Some(event)
    }

    /// Ends the connection in peace.
    pub(super) fn close(&mut self) {
        self.machine.drain();
        self.flush_own();
        self.end_if_drained();
    }

    fn end_if_drained(&mut self) {
        if !self.over && self.machine.is_drained() && self.streams.is_empty() {
            self.over = true;
            self.quic.close(ErrorCode::NoError.number(), "");
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }
}

/// What an event of the machine says, without what it borrows.
enum Told {
    Nothing,
    Interim(u64),
    Head(u64, bool),
    Data(u64, Bytes),
    End(u64),
    Failed(u64, Failure, bool),
    Stopped(u64),
    Unblocked(u64),
}

/// What goes with it.
enum Message {
    Head(Response),
    Trailers(Headers),
}

fn told(event: &http3::Event<'_, http3::ResponseInfo>) -> Told {
    match *event {
        http3::Event::Interim { stream } => Told::Interim(stream),
        http3::Event::Head { stream, info } => Told::Head(stream, info.ended),
        http3::Event::Data { stream, bytes } => Told::Data(stream, Bytes::copy_from_slice(bytes)),
        http3::Event::End { stream, .. } => Told::End(stream),
        http3::Event::Reset { stream, code: ErrorCode::RequestRejected, by_peer: true } => {
            Told::Failed(stream, Failure::Refused, true)
        }
        http3::Event::Reset { stream, code, by_peer: true } => {
            Told::Failed(stream, Failure::Reset(nearest(code)), true)
        }
        http3::Event::Reset { stream, .. } | http3::Event::Rejected { stream, .. } => {
            Told::Failed(stream, Failure::Malformed("a message that breaks the rules"), false)
        }
        http3::Event::Stopped { stream, .. } => Told::Stopped(stream),
        http3::Event::Unblocked { stream } => Told::Unblocked(stream),
        // A client is sent no requests, and datagrams come on no stream.
        http3::Event::Refused { .. }
        | http3::Event::Priority { .. }
        | http3::Event::Settings
        | http3::Event::Goaway { .. }
        | http3::Event::UnknownStream { .. }
        | http3::Event::Datagram { .. } => Told::Nothing,
    }
}

/// The code of HTTP/2 that says about the same (RFC 9114, appendix A.4).
fn nearest(code: ErrorCode) -> http2::ErrorCode {
    match code {
        ErrorCode::NoError => http2::ErrorCode::NoError,
        ErrorCode::Internal => http2::ErrorCode::Internal,
        ErrorCode::RequestCancelled => http2::ErrorCode::Cancel,
        ErrorCode::RequestRejected => http2::ErrorCode::RefusedStream,
        ErrorCode::ExcessiveLoad => http2::ErrorCode::EnhanceYourCalm,
        ErrorCode::Connect => http2::ErrorCode::Connect,
        ErrorCode::VersionFallback => http2::ErrorCode::Http11Required,
        _ => http2::ErrorCode::Protocol,
    }
}

impl std::fmt::Debug for Http3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http3")
            .field("streams", &self.streams.len())
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
