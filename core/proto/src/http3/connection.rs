//! One end of a connection: what it knows, and what its owner may ask.

use std::marker::PhantomData;
use std::sync::Arc;

use super::control::Control;
use super::drain::Drain;
use super::error::{ConnectionError, ErrorCode};
use super::event::Event;
use super::flood::{Budgets, Cost};
use super::limits::Limits;
use super::receive::Received;
use super::role::Role;
use super::settings::{self, PeerSettings};
use super::stream::Inbound;
use super::streams::Streams;
use super::unidirectional::{self, PeerStreams};
use crate::qpack::{Decoder, Encoder};
use crate::section::Phase;
use crate::section::priority::Priority;
use crate::varint;

/// One end of an HTTP/3 connection: [`ServerConnection`](super::ServerConnection) or [`ClientConnection`](super::ClientConnection).
///
/// It belongs to one thread at a time, allocates nothing for a plain exchange once it is warm, and is small while it is idle.
#[derive(Debug)]
pub struct Connection<R: Role> {
    pub(super) limits: Arc<Limits>,
    pub(super) streams: Streams,
    pub(super) peer_streams: PeerStreams,
    pub(super) control: Control,
    pub(super) decoder: Decoder,
    pub(super) encoder: Encoder,
    pub(super) peer: PeerSettings,
    /// What waits for this end's control stream.
    pub(super) control_out: Vec<u8>,
    /// The bytes that are kept for all streams.
    pub(super) kept: usize,
    pub(super) budgets: Budgets,
    /// The time, as the owner says.
    pub(super) now: u64,
    pub(super) drain: Drain,
    pub(super) over: Option<ConnectionError>,
    pub(super) role: PhantomData<R>,
}

/// A unidirectional stream of this end. The owner opens all three at the start, and never closes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unidirectional {
    /// SETTINGS, GOAWAY, PRIORITY_UPDATE (RFC 9114 section 6.2.1).
    Control,
    /// Entries of the compression table (RFC 9204 section 4.2).
    Encoder,
    /// Acknowledgements of such entries.
    Decoder,
}

impl<R: Role> Connection<R> {
    /// A connection whose transport was just made. What has to come first waits in [`output`](Self::output).
    pub fn new(limits: Arc<Limits>) -> Self {
        let mut connection = Connection {
            streams: Streams::default(),
            peer_streams: PeerStreams::default(),
            control: Control::default(),
            decoder: Decoder::new(limits.decoder_table_bytes, limits.blocked_streams),
            encoder: Encoder::new(limits.encoder_table_bytes, limits.encoder_blocked_streams),
            peer: PeerSettings::INITIAL,
            control_out: Vec::new(),
            kept: 0,
            budgets: Budgets::default(),
            now: 0,
            drain: Drain::default(),
            over: None,
            role: PhantomData,
            limits,
        };
        varint::write(&mut connection.control_out, unidirectional::CONTROL);
        settings::write(&mut connection.control_out, &connection.limits, R::IS_SERVER);
        varint::write(connection.encoder.output(), unidirectional::ENCODER);
        varint::write(connection.decoder.output(), unidirectional::DECODER);
        connection
    }

    /// The time, in milliseconds from any start. Before each batch of calls.
    #[inline]
    pub fn set_now(&mut self, milliseconds: u64) {
        self.now = milliseconds;
    }

    /// The limits the connection was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What the peer said that it can take.
    pub fn peer_settings(&self) -> &PeerSettings {
        &self.peer
    }

    /// What waits for a unidirectional stream of this end; the first bytes are its kind. The owner looks at all three after each batch of calls, and takes
    /// off the front what the transport took.
    pub fn output(&mut self, stream: Unidirectional) -> &mut Vec<u8> {
        match stream {
            Unidirectional::Control => &mut self.control_out,
            Unidirectional::Encoder => self.encoder.output(),
            Unidirectional::Decoder => self.decoder.output(),
        }
    }

    /// How many requests are open.
    #[inline]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Whether the stream is open in at least one direction.
    #[inline]
    pub fn is_open(&self, stream: u64) -> bool {
        self.streams.get(stream).is_some()
    }

    /// Whether the peer's message on this stream has ended. True also when the stream is over.
    #[inline]
    pub fn has_received_all(&self, stream: u64) -> bool {
        self.streams.get(stream).is_none_or(|stream| stream.receiving == Phase::Ended)
    }

    /// Whether this end's message on this stream has ended: the owner closes that direction of the stream. True also when the stream is over.
    #[inline]
    pub fn has_sent_all(&self, stream: u64) -> bool {
        self.streams.get(stream).is_none_or(|stream| stream.sending == Phase::Ended)
    }

    /// How urgent the stream is.
    pub fn priority(&self, stream: u64) -> Option<Priority> {
        self.streams.get(stream).map(|stream| stream.priority)
    }

    /// Whether the stream waits for the peer's encoder stream.
    pub fn is_blocked(&self, stream: u64) -> bool {
        self.streams.get(stream).is_some_and(|stream| matches!(stream.inbound, Inbound::Blocked(_)))
    }

    /// How many streams wait for the peer's encoder stream. The owner gives them the time that it gives to heads.
    pub fn blocked(&self) -> usize {
        self.decoder.blocked()
    }

    /// Ends a stream at once, in both directions: the owner resets it. Nothing happens if it is over.
    pub fn reset(&mut self, stream: u64) {
        self.remove(stream);
    }

    /// The rest of the peer's message is not wanted: the owner tells the transport to read no more of it, with [`ErrorCode::NoError`] if an answer
    /// was sent (RFC 9114 section 4.1). This end's message may go on.
    pub fn stop_receiving(&mut self, stream: u64) {
        let Some(open) = self.streams.get_mut(stream).filter(|open| open.receiving != Phase::Ended) else {
            return;
        };
        if open.sending == Phase::Ended {
            return self.remove(stream);
        }
        open.receiving = Phase::Ended;
        open.is_unwanted = true;
        if let Inbound::Section { left } = open.inbound {
            open.inbound = Inbound::Skipped { left };
        } else if matches!(open.inbound, Inbound::Blocked(_) | Inbound::Unblocked(_)) {
            open.inbound = Inbound::start();
        }
        self.decoder.cancel(stream);
        drop(self.take_kept(stream));
    }

    /// The peer reset a stream: the transport got RESET_STREAM with this code.
    ///
    /// # Errors
    /// The stream must not be reset. The connection is over.
    pub fn receive_reset<'a>(&mut self, stream: u64, code: u64) -> Received<'a, R::Info> {
        self.guarded(|connection| connection.peer_reset(stream, code))
    }

    /// The peer wants no more of a stream: the transport got STOP_SENDING with this code.
    ///
    /// # Errors
    /// The stream must not be stopped. The connection is over.
    pub fn receive_stop<'a>(&mut self, stream: u64, code: u64) -> Received<'a, R::Info> {
        self.guarded(|connection| connection.peer_stop(stream, code))
    }

    fn peer_reset<'a>(&mut self, stream: u64, code: u64) -> Received<'a, R::Info> {
        if unidirectional::is_unidirectional(stream) {
            return self.peer_stream_closed(stream).map(|()| None);
        }
        let Some(open) = self.streams.get(stream) else {
            if R::IS_SERVER && self.claim(stream)? {
                self.decoder.cancel(stream);
                self.spend(Cost::Reset)?;
            }
            return Ok(None);
        };
        let receiving = open.receiving;
        if receiving == Phase::Ended {
            return Ok(None);
        }
        let code = ErrorCode::from_number(code);
        // An answer that lacks nothing but its end: the code says that it is complete, and its length says so too.
        let is_whole = receiving == Phase::Content && open.receive_left == 0 && open.is_between_frames();
        self.spend(Cost::Reset)?;
        if !R::IS_SERVER && is_whole && code == ErrorCode::NoError {
            if let Some(open) = self.streams.get_mut(stream) {
                open.receiving = Phase::Ended;
            }
            self.remove_if_over(stream);
            return Ok(Some(Event::End { stream, has_trailers: false }));
        }
        self.remove(stream);
        let is_known = !R::IS_SERVER || receiving != Phase::Head;
        Ok(is_known.then_some(Event::Reset { stream, code, by_peer: true }))
    }

    fn peer_stop<'a>(&mut self, stream: u64, code: u64) -> Received<'a, R::Info> {
        if unidirectional::is_unidirectional(stream) {
            return Err(unidirectional::CLOSED);
        }
        let Some(open) = self.streams.get_mut(stream).filter(|open| open.sending != Phase::Ended) else {
            return Ok(None);
        };
        if R::IS_SERVER && open.receiving == Phase::Head {
            let reason = "a request whose answer is not wanted";
            return self.stream_error(stream, ErrorCode::RequestCancelled, reason);
        }
        open.sending = Phase::Ended;
        self.spend(Cost::Reset)?;
        self.remove_if_over(stream);
        Ok(Some(Event::Stopped { stream, code: ErrorCode::from_number(code) }))
    }

    /// Ends the connection, which the owner has closed, or will close, with [`error`](Self::error). Nothing is received or sent from here on.
    pub fn close(&mut self, code: ErrorCode, reason: &'static str) {
        if self.over.is_none() {
            self.fail(ConnectionError { code, reason });
        }
    }

    pub(super) fn fail(&mut self, error: ConnectionError) {
        self.over = Some(error);
        self.streams = Streams::default();
        self.control = Control::default();
        (self.kept, self.control_out) = (0, Vec::new());
    }

    /// Whether the connection is over, and why.
    pub fn error(&self) -> Option<ConnectionError> {
        self.over
    }

    pub(super) fn spend(&mut self, cost: Cost) -> Result<(), ConnectionError> {
        self.budgets.spend(cost, &self.limits, self.now)
    }

    /// Forgets a stream.
    pub(super) fn remove(&mut self, id: u64) {
        if let Some(stream) = self.streams.remove(id) {
            self.kept -= stream.kept.len();
            if stream.receiving != Phase::Ended {
                self.decoder.cancel(id);
            }
        }
    }

    /// Forgets a stream if both messages have ended.
    #[inline]
    pub(super) fn remove_if_over(&mut self, id: u64) {
        if self.streams.get(id).is_some_and(super::stream::Stream::is_over) {
            self.remove(id);
        }
    }

    /// Takes what was kept of a stream's section.
    pub(super) fn take_kept(&mut self, id: u64) -> Vec<u8> {
        let kept = self.streams.get_mut(id).map(|stream| std::mem::take(&mut stream.kept));
        let kept = kept.unwrap_or_default();
        self.kept -= kept.len();
        kept
    }

    /// Keeps more of a stream's section.
    pub(super) fn keep(&mut self, id: u64, bytes: &[u8]) -> Result<(), ConnectionError> {
        if self.kept + bytes.len() > MOST_KEPT * self.limits.section_bytes as usize {
            return Err(ConnectionError::load("too many field sections that are not whole"));
        }
        if let Some(stream) = self.streams.get_mut(id) {
            stream.kept.extend_from_slice(bytes);
            self.kept += bytes.len();
        }
        Ok(())
    }
}

/// So many of the longest sections may wait at a time.
const MOST_KEPT: usize = 8;
