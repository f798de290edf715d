//! A connection that speaks HTTP/2: many exchanges at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use flare_proto::http1::{ContentLength, is_allowed_in_trailers};
use flare_proto::http2::{self, ClientConnection, ErrorCode, Limits, RequestParts, StreamKey};
use flare_proto::{ResponseHead, SendError};

use super::{Event, ExchangeId, Failure, HIGH, LOW, Request, RequestError, Response};
use crate::message::Headers;

/// Content is put into frames as long as less output than this waits: what is behind it can still be passed by a reset.
const OUTPUT: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Http2 {
    machine: ClientConnection,
    /// By slot.
    streams: Vec<Option<Stream>>,
    head: ResponseHead,
    trailers: Headers,
    output: Vec<u8>,
    events: VecDeque<Event>,
    over: bool,
}

#[derive(Debug)]
struct Stream {
    key: StreamKey,
    /// Asked for another protocol.
    is_switch: bool,
    outgoing: BytesMut,
    /// A write was refused.
    refused: bool,
    /// What the announced length leaves. `None`: no length was announced.
    left: Option<u64>,
    /// The request ends behind `outgoing`.
    finished: bool,
    trailers: Option<Headers>,
    /// The last event was told.
    ended: bool,
}

/// The id of an exchange is that of its stream: it names the slot too.
fn key_of(exchange: ExchangeId) -> StreamKey {
    StreamKey::from_number(exchange.0)
}

fn id_of(key: StreamKey) -> ExchangeId {
    ExchangeId(key.to_number())
}

impl Http2 {
    pub(super) fn new(limits: Arc<Limits>) -> Self {
        let mut machine = ClientConnection::new(limits);
        let mut output = Vec::new();
        machine.start(&mut output);
        Self {
            machine,
            streams: Vec::new(),
            head: ResponseHead::new(),
            trailers: Headers::new(),
            output,
            events: VecDeque::new(),
            over: false,
        }
    }

    pub(super) fn set_now(&mut self, milliseconds: u64) {
        self.machine.set_now(milliseconds);
    }

    pub(super) fn can_open(&self) -> bool {
        !self.over && self.machine.can_open()
    }

    pub(super) fn takes_protocols(&self) -> bool {
        self.machine.peer_settings().extended_connect
    }

    pub(super) fn knows_server(&self) -> bool {
        self.machine.has_peer_settings()
    }

    pub(super) fn open(&mut self, request: &Request) -> Result<ExchangeId, RequestError> {
        if self.over || self.machine.is_draining() {
            return Err(RequestError::ConnectionOver);
        }
        if !self.machine.can_open() {
            return Err(RequestError::Busy);
        }
        let is_switch = request.protocol.is_some();
        let parts = RequestParts {
            // RFC 8441, section 4.
            method: if is_switch { "CONNECT" } else { &request.method },
            scheme: &request.scheme,
            authority: &request.authority,
            target: &request.target,
            protocol: request.protocol.as_deref(),
            headers: &request.headers,
            body: if is_switch { ContentLength::Unknown } else { request.content },
        };
        let key = self.machine.send_request(&parts, &mut self.output)?;
        let left = match parts.body {
            ContentLength::None => Some(0),
            ContentLength::Known(length) => Some(length),
            ContentLength::Unknown => None,
        };
        if self.streams.len() <= key.slot() {
            self.streams.resize_with(key.slot() + 1, || None);
        }
        if let Some(place) = self.streams.get_mut(key.slot()) {
            *place = Some(Stream {
                key,
                is_switch,
                outgoing: BytesMut::new(),
                refused: false,
                left,
                finished: self.machine.has_sent_all(key),
                trailers: None,
                ended: false,
            });
        }
        Ok(id_of(key))
    }

    fn stream(&mut self, key: StreamKey) -> Option<&mut Stream> {
        self.streams.get_mut(key.slot())?.as_mut().filter(|stream| stream.key == key)
    }

    /// An exchange whose request may still grow.
    fn sending(&mut self, key: StreamKey) -> Result<&mut Stream, RequestError> {
        if !self.machine.is_open(key) {
            return Err(RequestError::Over);
        }
        self.stream(key).filter(|stream| !stream.finished).ok_or(RequestError::Over)
    }

    pub(super) fn write(&mut self, exchange: ExchangeId, data: &[u8]) -> Result<(), RequestError> {
        let key = key_of(exchange);
        let stream = self.sending(key)?;
        if stream.outgoing.len() >= HIGH {
            stream.refused = true;
            return Err(RequestError::WouldBlock);
        }
        if let Some(left) = &mut stream.left {
            let less = left.checked_sub(data.len() as u64);
            *left = less.ok_or(RequestError::Invalid(SendError::TooLong))?;
        }
        stream.outgoing.extend_from_slice(data);
        if !data.is_empty() {
            self.machine.want_send(key);
        }
        Ok(())
    }

    pub(super) fn finish(
        &mut self,
        exchange: ExchangeId,
        trailers: Option<&Headers>,
    ) -> Result<(), RequestError> {
        let key = key_of(exchange);
        let stream = self.sending(key)?;
        if stream.left.is_some_and(|left| left > 0) {
            self.machine.reset(key, ErrorCode::Cancel, &mut self.output);
            self.remove(key);
            return Err(RequestError::Invalid(SendError::TooShort));
        }
        if trailers
            .is_some_and(|trailers| !trailers.iter().all(|(name, _)| is_allowed_in_trailers(name.as_bytes())))
        {
            return Err(RequestError::Invalid(SendError::Trailer));
        }
        stream.finished = true;
        if stream.outgoing.is_empty() {
            self.machine.send_end(key, trailers, &mut self.output)?;
            self.remove_if_over(key);
        } else {
            stream.trailers = trailers.cloned();
        }
        Ok(())
    }

    pub(super) fn cancel(&mut self, exchange: ExchangeId) {
        let key = key_of(exchange);
        self.events.retain(|event| event.exchange() != exchange);
        self.machine.reset(key, ErrorCode::Cancel, &mut self.output);
        self.remove(key);
        self.end_if_drained();
    }

    fn remove(&mut self, key: StreamKey) {
        if self.stream(key).is_some()
            && let Some(place) = self.streams.get_mut(key.slot())
        {
            *place = None;
        }
    }

    /// Both messages are whole, or nobody takes the rest.
    fn remove_if_over(&mut self, key: StreamKey) {
        if !self.machine.is_open(key) && self.stream(key).is_some_and(|stream| stream.ended) {
            self.remove(key);
        }
    }

    pub(super) fn consumed(&mut self, exchange: ExchangeId, bytes: usize) {
        self.machine.consumed(key_of(exchange), bytes, &mut self.output);
    }

    pub(super) fn receive(&mut self, mut input: &[u8]) {
        while !self.over {
            let received =
                self.machine.receive(&mut input, &mut self.head, &mut self.trailers, &mut self.output);
            match received {
                Ok(None) => break,
                Ok(Some(event)) => {
                    // What is lent by the event is copied here, before anything else happens.
                    let told = tell(event, &self.head, &mut self.trailers);
                    self.take(told);
                }
                Err(error) => self.fail_all(Failure::Malformed(error.reason)),
            }
        }
        self.end_if_drained();
    }

    fn take(&mut self, told: Told) {
        match told {
            Told::Nothing => {}
            Told::Event(key, event) => {
                if self.stream(key).is_some_and(|stream| !stream.ended) {
                    self.events.push_back(event);
                }
            }
            Told::Head(key, response, ended) => {
                let Some(stream) = self.stream(key).filter(|stream| !stream.ended) else { return };
                let id = id_of(key);
                let switched = stream.is_switch && (200..300).contains(&response.status);
                self.events.push_back(match switched {
                    true => Event::Switched(id, response),
                    false => Event::Head(id, response),
                });
                if ended {
                    self.take(Told::End(key, Headers::new()));
                }
            }
            Told::End(key, trailers) => {
                let Some(stream) = self.stream(key).filter(|stream| !stream.ended) else { return };
                stream.ended = true;
                self.events.push_back(Event::End(id_of(key), trailers));
                self.remove_if_over(key);
            }
            Told::Failed(key, failure) => {
                match self.stream(key) {
                    Some(stream) if !stream.ended => {
                        self.events.push_back(Event::Failed(id_of(key), failure));
                    }
                    // Behind the end of the answer it only says that the rest of the request is not needed (RFC 9113, 8.1). Who waits to send it
                    // learns that by the next write.
                    Some(stream) if stream.refused => self.events.push_back(Event::Writable(id_of(key))),
                    _ => {}
                }
                self.remove(key);
            }
        }
    }

    /// Ends all exchanges that are not over.
    fn fail_all(&mut self, failure: Failure) {
        self.over = true;
        for stream in self.streams.drain(..).flatten().filter(|stream| !stream.ended) {
            self.events.push_back(Event::Failed(id_of(stream.key), failure));
        }
    }

    pub(super) fn receive_end(&mut self) {
        if !self.over {
            self.fail_all(Failure::Cut);
        }
    }

    pub(super) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Bytes of an exchange's content that were given and not sent, and what all exchanges are about to send.
    pub(super) fn waiting(&self, exchange: ExchangeId) -> usize {
        let stream = self.streams.get(key_of(exchange).slot()).and_then(Option::as_ref);
        let own =
            stream.filter(|stream| stream.key == key_of(exchange)).map_or(0, |stream| stream.outgoing.len());
        own + self.output.len()
    }

    /// What is to be sent, with as much content as there is room for.
    pub(super) fn output(&mut self) -> &mut Vec<u8> {
        while !self.over && self.output.len() < OUTPUT {
            let Some(turn) = self.machine.next_turn() else { break };
            if !self.send_some(turn.stream, turn.most) {
                self.machine.stop_send(turn.stream);
            }
        }
        &mut self.output
    }

    /// Sends content of a stream whose turn it is. False: there is none for now.
    fn send_some(&mut self, key: StreamKey, most: usize) -> bool {
        let place = self.streams.get_mut(key.slot()).and_then(Option::as_mut);
        let Some(stream) = place.filter(|stream| stream.key == key && !stream.outgoing.is_empty()) else {
            return false;
        };
        let length = stream.outgoing.len().min(most);
        let is_rest = length == stream.outgoing.len();
        let last = is_rest && stream.finished && stream.trailers.is_none();
        if self.machine.begin_data(key, length, last, &mut self.output).is_err() {
            return self.give_up(key);
        }
        self.output.extend_from_slice(stream.outgoing.get(..length).unwrap_or_default());
        stream.outgoing.advance(length);
        if stream.refused && stream.outgoing.len() < LOW {
            stream.refused = false;
            self.events.push_back(Event::Writable(id_of(key)));
        }
        if is_rest && stream.finished && !last {
            let trailers = stream.trailers.take();
            if self.machine.send_end(key, trailers.as_ref(), &mut self.output).is_err() {
                return self.give_up(key);
            }
        }
        if is_rest {
            self.remove_if_over(key);
        }
        !is_rest
    }

    /// The machine does not take what was checked before: a mistake of ours must not become half a request.
    fn give_up(&mut self, key: StreamKey) -> bool {
        self.machine.reset(key, ErrorCode::Internal, &mut self.output);
        self.take(Told::Failed(key, Failure::Reset(ErrorCode::Internal)));
        false
    }

    pub(super) fn close(&mut self) {
        self.machine.drain(&mut self.output);
        self.end_if_drained();
    }

    fn end_if_drained(&mut self) {
        self.over |= self.machine.is_drained();
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }
}

/// What an event of the machine says, without what it borrows.
enum Told {
    Nothing,
    Event(StreamKey, Event),
    Head(StreamKey, Response, bool),
    End(StreamKey, Headers),
    Failed(StreamKey, Failure),
}

fn tell(event: http2::Event<'_, http2::ResponseInfo>, head: &ResponseHead, trailers: &mut Headers) -> Told {
    match event {
        http2::Event::Interim { stream } => {
            Told::Event(stream, Event::Informational(id_of(stream), Response::of(head)))
        }
        http2::Event::Head { stream, info } => Told::Head(stream, Response::of(head), info.ended),
        http2::Event::Data { stream, bytes } => {
            Told::Event(stream, Event::Data(id_of(stream), Bytes::copy_from_slice(bytes)))
        }
        http2::Event::End { stream, has_trailers: true } => Told::End(stream, std::mem::take(trailers)),
        http2::Event::End { stream, has_trailers: false } => Told::End(stream, Headers::new()),
        http2::Event::Reset { stream, code: ErrorCode::RefusedStream, by_peer: true } => {
            Told::Failed(stream, Failure::Refused)
        }
        http2::Event::Reset { stream, code, by_peer: true } => Told::Failed(stream, Failure::Reset(code)),
        http2::Event::Reset { stream, .. } => {
            Told::Failed(stream, Failure::Malformed("a message that breaks the rules"))
        }
        // A client is sent no requests; and the machine itself opens no stream after a GOAWAY.
        http2::Event::Refused { .. }
        | http2::Event::Malformed { .. }
        | http2::Event::Goaway { .. }
        | http2::Event::Pong { .. } => Told::Nothing,
    }
}
