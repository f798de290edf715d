//! One end of a connection: what it knows, and what its owner may ask.

use std::marker::PhantomData;
use std::sync::Arc;

use super::drain::Drain;
use super::error::{ConnectionError, ErrorCode};
use super::flood::{Budgets, Cost};
use super::frame::{FrameKind, write, write_header};
use super::inbound::Inbound;
use super::limits::{INITIAL_WINDOW, Limits};
use super::role::Role;
use super::scheduler::Scheduler;
use super::settings::{self, PeerSettings};
use super::stream::{Phase, Stream, StreamKey};
use super::streams::{Closed, ClosedStreams, Streams};
use super::window::{ReceiveWindow, SendWindow};
use crate::hpack::{Decoder, Encoder};
use crate::section::priority::Priority;

/// One end of an HTTP/2 connection: [`ServerConnection`](super::ServerConnection) or [`ClientConnection`](super::ClientConnection).
///
/// Commands and input append frames to `out`, which the owner sends in this order. Answers to input (PING, RST_STREAM, WINDOW_UPDATE) are no longer
/// than what they answer, and have budgets. An owner whose peer reads nothing stops its input when `out` is long.
///
/// It belongs to one thread at a time, allocates nothing for a plain exchange once it is warm, and is small while it is idle.
#[derive(Debug)]
pub struct Connection<R: Role> {
    pub(super) limits: Arc<Limits>,
    pub(super) streams: Streams,
    pub(super) closed: ClosedStreams,
    pub(super) scheduler: Scheduler,
    pub(super) decoder: Decoder,
    pub(super) encoder: Encoder,
    pub(super) peer: PeerSettings,
    pub(super) inbound: Inbound,
    /// What came of a frame that is not whole.
    pub(super) partial: Vec<u8>,
    /// The field section that CONTINUATIONs belong to.
    pub(super) open_section: Option<OpenSection>,
    /// What came of that section.
    pub(super) section: Vec<u8>,
    pub(super) send_window: SendWindow,
    pub(super) receive_window: ReceiveWindow,
    /// Bytes of content that may still come on streams that this end has reset.
    pub(super) late: u32,
    /// At a server the highest id that the client has used; at a client the highest that it has used itself.
    pub(super) last_id: u32,
    pub(super) budgets: Budgets,
    /// The time, as the owner says.
    pub(super) now: u64,
    /// SETTINGS of this end that wait for an acknowledgement.
    pub(super) settings_unanswered: u8,
    /// The peer's first frame, which has to be SETTINGS, came.
    pub(super) settings_came: bool,
    /// A message that has ended, which is told next.
    pub(super) ended: Option<StreamKey>,
    pub(super) drain: Drain,
    /// A PRIORITY_UPDATE that came before its stream.
    pub(super) early_priority: Option<(u32, Priority)>,
    pub(super) over: Option<ConnectionError>,
    pub(super) role: PhantomData<R>,
}

/// A field section that has not ended with its HEADERS.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenSection {
    pub(super) stream: u32,
    pub(super) ends_stream: bool,
    pub(super) frames: u16,
    /// When it began.
    pub(super) since: u64,
}

impl<R: Role> Connection<R> {
    pub(super) fn with_limits(limits: Arc<Limits>) -> Self {
        Connection {
            streams: Streams::default(),
            closed: ClosedStreams::new(),
            scheduler: Scheduler::new(),
            decoder: Decoder::new(),
            encoder: Encoder::new(limits.encoder_table_bytes),
            peer: PeerSettings::INITIAL,
            inbound: if R::IS_SERVER { Inbound::Preface { have: 0 } } else { Inbound::START },
            partial: Vec::new(),
            open_section: None,
            section: Vec::new(),
            send_window: SendWindow::new(INITIAL_WINDOW),
            receive_window: ReceiveWindow::new(limits.connection_window()),
            late: 0,
            last_id: 0,
            budgets: Budgets::default(),
            now: 0,
            settings_unanswered: 0,
            settings_came: false,
            ended: None,
            drain: Drain::default(),
            early_priority: None,
            over: None,
            role: PhantomData,
            limits,
        }
    }

    /// Writes what has to come first: the preface of a client, SETTINGS, and the size of the connection's window. Once, before anything else.
    pub fn start(&mut self, out: &mut Vec<u8>) {
        if !R::IS_SERVER {
            out.extend_from_slice(super::PREFACE);
        }
        settings::write(out, &self.limits, R::IS_SERVER);
        self.settings_unanswered += 1;
        // The window was never smaller on this side: the peer can't send more than it knows of.
        let more = self.limits.connection_window() - INITIAL_WINDOW;
        if more > 0 {
            write(out, FrameKind::WindowUpdate, 0, 0, &more.to_be_bytes());
        }
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

    /// Whether the peer has said so: before that its settings are those that hold without a word (RFC 9113, 6.5.2).
    pub fn has_peer_settings(&self) -> bool {
        self.settings_came
    }

    /// How many streams are open.
    #[inline]
    pub fn streams(&self) -> usize {
        self.streams.len() as usize
    }

    /// Whether the stream is open in at least one direction.
    #[inline]
    pub fn is_open(&self, stream: StreamKey) -> bool {
        self.streams.get(stream).is_some()
    }

    /// Whether the peer's message on this stream has ended. True also when the stream is over.
    #[inline]
    pub fn has_received_all(&self, stream: StreamKey) -> bool {
        self.streams.get(stream).is_none_or(|stream| stream.receiving == Phase::Ended)
    }

    /// Whether this end's message on this stream has ended. True also when the stream is over.
    #[inline]
    pub fn has_sent_all(&self, stream: StreamKey) -> bool {
        self.streams.get(stream).is_none_or(|stream| stream.sending == Phase::Ended)
    }

    /// How urgent the stream is.
    pub fn priority(&self, stream: StreamKey) -> Option<Priority> {
        self.streams.get(stream).map(|stream| stream.priority)
    }

    /// Whether SETTINGS of this end were not acknowledged yet. The owner gives the peer some time for that, and then [`close`](Self::close)s with
    /// [`ErrorCode::SettingsTimeout`].
    pub fn awaits_settings(&self) -> bool {
        self.settings_unanswered > 0
    }

    /// When the frame or field section began that has not come whole; frames of content do not count. The owner gives the peer some time for it, and then
    /// [`close`](Self::close)s.
    #[inline]
    pub fn unfinished_since(&self) -> Option<u64> {
        match (self.open_section, &self.inbound) {
            (Some(section), _) => Some(section.since),
            (None, Inbound::Payload { since, .. }) => Some(*since),
            _ => None,
        }
    }

    /// Sends a PING; [`Event::Pong`](super::Event::Pong) tells that it came back.
    pub fn ping(&mut self, payload: [u8; 8], out: &mut Vec<u8>) {
        write(out, FrameKind::Ping, 0, 0, &payload);
    }

    /// Gives the peer room for so many bytes of content that [`Event::Data`](super::Event::Data) brought and that were used. It is told when half
    /// of a window was used.
    #[inline]
    pub fn consumed(&mut self, stream: StreamKey, bytes: usize, out: &mut Vec<u8>) {
        let Some(open) = self.streams.get_mut(stream) else { return };
        // Whatever the owner says, never more than it was given.
        let bytes = open.held.min(u32::try_from(bytes).unwrap_or(u32::MAX));
        open.held -= bytes;
        self.give_back(Some(stream), bytes, out);
    }

    /// Room for content that is not held any more, or never was.
    pub(super) fn give_back(&mut self, stream: Option<StreamKey>, bytes: u32, out: &mut Vec<u8>) {
        if let Some(told) = self.receive_window.give_back(bytes, self.limits.connection_window()) {
            write(out, FrameKind::WindowUpdate, 0, 0, &told.to_be_bytes());
        }
        let Some(key) = stream else { return };
        if let Some(open) = self.streams.get_mut(key).filter(|open| open.receiving != Phase::Ended)
            && let Some(told) = open.receive_window.give_back(bytes, self.limits.stream_window())
        {
            write(out, FrameKind::WindowUpdate, 0, key.id, &told.to_be_bytes());
        }
    }

    /// Ends a stream at once, in both directions. Nothing happens if it is over.
    pub fn reset(&mut self, stream: StreamKey, code: ErrorCode, out: &mut Vec<u8>) {
        if self.streams.get(stream).is_some() {
            write(out, FrameKind::RstStream, 0, stream.id, &code.number().to_be_bytes());
            self.remove(stream, Closed::Reset, out);
        }
    }

    /// Ends the connection: writes a GOAWAY with this code and these words. Nothing is received or sent from here on.
    pub fn close(&mut self, code: ErrorCode, reason: &'static str, out: &mut Vec<u8>) {
        if self.over.is_none() {
            self.fail(ConnectionError { code, reason }, out);
        }
    }

    pub(super) fn fail(&mut self, error: ConnectionError, out: &mut Vec<u8>) {
        self.write_goaway(self.last_processed(), error.code, error.reason.as_bytes(), out);
        self.over = Some(error);
        self.streams = Streams::default();
        self.scheduler = Scheduler::new();
        self.ended = None;
        (self.partial, self.section) = (Vec::new(), Vec::new());
    }

    pub(super) fn write_goaway(&mut self, last: u32, code: ErrorCode, debug: &[u8], out: &mut Vec<u8>) {
        write_header(out, FrameKind::Goaway, 0, 0, 8 + debug.len());
        out.extend_from_slice(&last.to_be_bytes());
        out.extend_from_slice(&code.number().to_be_bytes());
        out.extend_from_slice(debug);
    }

    /// Whether the connection is over, and why.
    pub fn error(&self) -> Option<ConnectionError> {
        self.over
    }

    pub(super) fn spend(&mut self, cost: Cost) -> Result<(), ConnectionError> {
        self.budgets.spend(cost, &self.limits, self.now)
    }

    /// A stream that is new.
    #[inline]
    pub(super) fn new_stream(&self, id: u32) -> Stream {
        // A peer that does not know of smaller windows yet may fill larger ones.
        let mut window = self.limits.stream_window();
        if self.settings_unanswered > 0 {
            window = window.max(INITIAL_WINDOW);
        }
        Stream::new(id, self.peer.stream_window, window)
    }

    /// Forgets a stream.
    #[inline]
    pub(super) fn remove(&mut self, key: StreamKey, closed: Closed, out: &mut Vec<u8>) {
        self.scheduler.remove(&mut self.streams, key.slot);
        if let Some(stream) = self.streams.remove(key) {
            self.closed.add(key.id, closed);
            if closed == Closed::Reset && stream.receiving != Phase::Ended {
                let late = self.late.saturating_add(stream.receive_window.open());
                self.late = late.min(self.limits.connection_window());
            }
            // Nobody will say that it used this.
            if stream.held > 0 {
                self.give_back(None, stream.held, out);
            }
        }
    }

    /// Forgets a stream if both messages have ended.
    #[inline]
    pub(super) fn remove_if_over(&mut self, key: StreamKey, out: &mut Vec<u8>) {
        if self.streams.get(key).is_some_and(Stream::is_over) {
            self.remove(key, Closed::Known, out);
        }
    }
}
