//! Input of requests: which frame comes, and whether it may.

use super::connection::Connection;
use super::error::{ConnectionError, ErrorCode};
use super::event::Event;
use super::flood::Cost;
use super::frame::{FrameHeader, FrameKind};
use super::role::Role;
use super::stream::{Inbound, Stream, take};
use super::unidirectional::is_unidirectional;
use crate::Headers;
use crate::section::{Phase, UNKNOWN_LENGTH};

/// What a frame or a part of one came to.
pub(super) type Received<'a, I> = Result<Option<Event<'a, I>>, ConnectionError>;

const CUT: ConnectionError = ConnectionError::frame("the stream ends within a frame");

impl<R: Role> Connection<R> {
    /// Takes bytes that came on a stream off the front of `input`, up to the first event; `fin`: the stream ends behind them. `None`: all of them were
    /// taken, and nothing is left to tell; call until then, also when `input` is empty. [`Event::Head`] and its like fill `head`, and
    /// [`Event::End`] with trailers fills `trailers`; in between they hold nothing of use.
    ///
    /// A request that waits for the peer's QPACK takes nothing more: what is left of `input` then (and `fin`) is given again when
    /// [`Event::Unblocked`] tells the stream. Events may be about other streams than this one.
    ///
    /// # Errors
    /// The peer broke the protocol, or costs too much. The connection is over: its owner closes the transport's with the code, and every later call
    /// says the same. All streams are over without an event.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        stream: u64,
        input: &mut &'a [u8],
        fin: bool,
        head: &mut R::Head,
        trailers: &mut Headers,
    ) -> Received<'a, R::Info> {
        self.guarded(|connection| {
            if let Some(event) = connection.waiting_event() {
                return Ok(Some(event));
            }
            let event = if is_unidirectional(stream) {
                connection.receive_unidirectional(stream, input, fin)?
            } else {
                connection.receive_request_stream(stream, input, fin, head, trailers)?
            };
            Ok(event.or_else(|| connection.waiting_event()))
        })
    }

    /// Does something of the peer's, unless the connection is over; and ends it, if that was an error.
    #[inline]
    pub(super) fn guarded<'a>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Received<'a, R::Info>,
    ) -> Received<'a, R::Info> {
        if let Some(error) = self.over {
            return Err(error);
        }
        let mut received = act(self);
        if received.is_ok() && self.decoder.waiting() > self.limits.output_bytes as usize {
            received = Err(ConnectionError::load("the peer does not read its decoder stream"));
        }
        if let Err(error) = received {
            self.fail(error);
        }
        received
    }

    /// What is to be told without more input.
    #[inline]
    fn waiting_event<'a>(&mut self) -> Option<Event<'a, R::Info>> {
        if self.drain.peer.is_some()
            && let Some(event) = self.stream_behind_goaway()
        {
            return Some(event);
        }
        while self.decoder.blocked() > 0 {
            let id = self.decoder.next_unblocked()?;
            if let Some(stream) = self.streams.get_mut(id)
                && let Inbound::Blocked(prefix) = stream.inbound
            {
                stream.inbound = Inbound::Unblocked(prefix);
                return Some(Event::Unblocked { stream: id });
            }
        }
        None
    }

    /// Whether the owner was told of this stream, and it is open.
    pub(super) fn is_told(&self, id: u64) -> bool {
        self.streams.get(id).is_some_and(|stream| !R::IS_SERVER || stream.receiving != Phase::Head)
    }

    fn receive_request_stream<'a>(
        &mut self,
        id: u64,
        input: &mut &'a [u8],
        fin: bool,
        head: &mut R::Head,
        trailers: &mut Headers,
    ) -> Received<'a, R::Info> {
        if id & 0x1 != 0 {
            return Err(ConnectionError::new(ErrorCode::StreamCreation, "a request of a server"));
        }
        if R::IS_SERVER && self.streams.get(id).is_none() && self.claim(id)? {
            if self.is_behind_drain(id) || self.streams.len() >= self.limits.streams as usize {
                *input = &[];
                self.decoder.cancel(id);
                self.spend(Cost::Reset)?;
                let (code, reason) = (ErrorCode::RequestRejected, "a request too many, or too late");
                return Ok(Some(Event::Rejected { stream: id, code, reason }));
            }
            self.streams.insert(id, Stream::new());
        }
        loop {
            let Some(stream) = self.streams.get_mut(id) else {
                // It is over.
                *input = &[];
                return Ok(None);
            };
            let event = match &mut stream.inbound {
                Inbound::Header(partial) => {
                    if input.is_empty() {
                        return match fin {
                            true if !partial.is_empty() => Err(CUT),
                            true => self.peer_ended(id, trailers),
                            false => Ok(None),
                        };
                    }
                    match partial.take(input) {
                        Some(header) => self.begin_frame(id, header, head)?,
                        None => None,
                    }
                }
                Inbound::Section { left } => {
                    let whole = usize::try_from(*left).ok().filter(|_| stream.kept.is_empty());
                    let whole = whole.and_then(|left| input.split_at_checked(left));
                    if let Some((section, rest)) = whole {
                        *input = rest;
                        stream.inbound = Inbound::start();
                        let ended = fin && input.is_empty();
                        self.section(id, section, ended, head, trailers)?
                    } else {
                        if input.is_empty() && *left > 0 {
                            return if fin { Err(CUT) } else { Ok(None) };
                        }
                        let part = take(input, left);
                        let is_whole = *left == 0;
                        self.keep(id, part)?;
                        if is_whole {
                            self.kept_section(id, fin && input.is_empty(), head, trailers)?
                        } else {
                            None
                        }
                    }
                }
                Inbound::Blocked(_) => return Ok(None),
                Inbound::Unblocked(prefix) => {
                    let prefix = *prefix;
                    stream.inbound = Inbound::start();
                    let lines = self.take_kept(id);
                    let ended = fin && input.is_empty();
                    self.read_section(id, prefix, &lines, ended, head, trailers)?
                }
                Inbound::Data { left } | Inbound::Skipped { left } if *left == 0 => {
                    stream.inbound = Inbound::start();
                    None
                }
                Inbound::Data { .. } | Inbound::Skipped { .. } if input.is_empty() => {
                    return if fin { Err(CUT) } else { Ok(None) };
                }
                Inbound::Data { left } => {
                    let bytes = take(input, left);
                    // After an error of the stream, or when nobody wants it, it is dropped.
                    (stream.receiving == Phase::Content).then_some(Event::Data { stream: id, bytes })
                }
                Inbound::Skipped { left } => {
                    take(input, left);
                    None
                }
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// The head of a frame.
    fn begin_frame<'a>(&mut self, id: u64, header: FrameHeader, head: &mut R::Head) -> Received<'a, R::Info> {
        match header.kind {
            FrameKind::Data => self.data_frame(id, header.length),
            FrameKind::Headers => self.headers_frame(id, header.length, head),
            FrameKind::Unknown => {
                self.spend(Cost::IdleFrame)?;
                if let Some(stream) = self.streams.get_mut(id) {
                    stream.inbound = Inbound::Skipped { left: header.length };
                }
                Ok(None)
            }
            FrameKind::PushPromise if !R::IS_SERVER => {
                Err(ConnectionError::id("PUSH_PROMISE that was not allowed"))
            }
            FrameKind::OfHttp2 => Err(ConnectionError::unexpected("a frame of HTTP/2")),
            _ => Err(ConnectionError::unexpected("a frame that is not of requests")),
        }
    }

    /// The stream has ended between two frames.
    fn peer_ended<'a>(&mut self, id: u64, trailers: &mut Headers) -> Received<'a, R::Info> {
        let Some(stream) = self.streams.get_mut(id) else { return Ok(None) };
        match stream.receiving {
            Phase::Ended => Ok(None),
            Phase::Head if R::IS_SERVER => {
                self.stream_error(id, ErrorCode::RequestIncomplete, "a request without a head")
            }
            Phase::Head => self.stream_error(id, ErrorCode::Message, "an answer without a head"),
            Phase::Content if !matches!(stream.receive_left, 0 | UNKNOWN_LENGTH) => {
                self.stream_error(id, ErrorCode::Message, "less content than was announced")
            }
            Phase::Content => {
                stream.receiving = Phase::Ended;
                let kept = stream.trailers.take();
                let has_trailers = kept.is_some();
                if let Some(kept) = kept {
                    *trailers = *kept;
                }
                self.remove_if_over(id);
                Ok(Some(Event::End { stream: id, has_trailers }))
            }
        }
    }

    /// The peer broke a rule on a stream, which is over.
    #[cold]
    pub(super) fn stream_error<'a>(
        &mut self,
        stream: u64,
        code: ErrorCode,
        reason: &'static str,
    ) -> Received<'a, R::Info> {
        let is_told = self.is_told(stream);
        self.spend(Cost::Reset)?;
        self.remove(stream);
        Ok(Some(match is_told {
            true => Event::Reset { stream, code, by_peer: false },
            false => Event::Rejected { stream, code, reason },
        }))
    }
}
