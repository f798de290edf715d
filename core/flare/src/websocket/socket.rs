//! The handle to a socket: what is sent, from any thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use flare_proto::websocket::{self as proto, CloseCode, Opcode, Sender};

use super::topics::TopicCommand;
use super::{Message, WsOptions};
use crate::exchange::{AnswerError, ByteStream};
use crate::message::Request;

/// What is sent while the client's input is worked off leaves together, in pieces of about this size.
const BATCH: usize = 64 * 1024;

/// A place where no subprotocol is.
const NO_PROTOCOL: u32 = u32::MAX;

/// A message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// So much waits for the client that no more is taken, or a message in fragments has to end first;
    /// [`SocketHandler::writable`](super::SocketHandler::writable) says when to go on. Of a publication: so many wait for the workers.
    WouldBlock,
    /// The socket is closing, or gone.
    Closed,
    /// It can't be sent: what is wrong with it.
    Misuse(&'static str),
}

impl std::fmt::Display for SendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::WouldBlock => "the client has to take some of what was sent first",
            Self::Closed => "the socket is closing or gone",
            Self::Misuse(problem) => problem,
        })
    }
}

impl std::error::Error for SendError {}

impl From<proto::SendError> for SendError {
    fn from(error: proto::SendError) -> Self {
        match error {
            proto::SendError::Closed => Self::Closed,
            proto::SendError::Unfinished => Self::Misuse("a fragment of another kind than those before it"),
            proto::SendError::TooLong => Self::Misuse("longer than a control frame may be"),
            _ => Self::Misuse("it can't be sent"),
        }
    }
}

/// A socket that was accepted. May be cloned, sent to other threads, and kept, also after its end: then it only refuses.
#[derive(Clone)]
pub struct WebSocket {
    inner: Arc<Inner>,
}

struct Inner {
    stream: ByteStream,
    /// The place of the agreed subprotocol in the options, or [`NO_PROTOCOL`].
    protocol: u32,
    options: Arc<WsOptions>,
    sending: Mutex<Sending>,
    missed: AtomicU64,
    /// It is on no list of topics any more.
    ended: AtomicBool,
}

/// What is sent at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Message,
    Fragment,
    Control,
}

/// What is sent, in its order.
struct Sending {
    /// Frames that are not given to the byte stream yet.
    pending: Vec<u8>,
    /// The worker works off input, and gives the byte stream what is pending when it is done.
    batching: bool,
    /// The byte stream took no more, and has not said since that it would.
    refused: bool,
    /// A send was refused since the handler was told last that it would be taken.
    owes_writable: bool,
    /// And one of those only because a message in fragments has not ended.
    waits_for_last: bool,
    /// The program takes no more messages for now.
    paused: bool,
    /// The request, until the handler's `open` has returned.
    request: Option<Request>,
    /// Our Close frame is out, or the socket is gone: nothing may follow.
    closed: bool,
    /// The half of the wire that sends; the other one receives, on the worker alone. So neither waits for the other.
    wire: Sender,
}

impl Sending {
    /// Gives the byte stream what is pending. It may refuse; then it stays.
    fn flush(&mut self, stream: &ByteStream) {
        if self.pending.is_empty() {
            self.refused = false;
            return;
        }
        if !stream.has_room() {
            self.refused = true;
            return;
        }
        self.refused = false;
        if stream.write(std::mem::take(&mut self.pending)).is_err() {
            // There was room, and nobody else writes: it is over.
            self.closed = true;
        }
    }
}

impl WebSocket {
    pub(super) fn new(
        stream: ByteStream,
        request: Request,
        protocol: Option<usize>,
        options: Arc<WsOptions>,
        wire: Sender,
    ) -> Self {
        let sending = Sending {
            pending: Vec::new(),
            batching: true,
            refused: false,
            owes_writable: false,
            waits_for_last: false,
            paused: false,
            request: Some(request),
            closed: false,
            wire,
        };
        let inner = Inner {
            stream,
            protocol: protocol.and_then(|place| u32::try_from(place).ok()).unwrap_or(NO_PROTOCOL),
            options,
            sending: Mutex::new(sending),
            missed: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The request that opened it, until [`SocketHandler::open`](super::SocketHandler::open) has returned; then `None`. A socket may live for long, and
    /// few need its request later: whoever does keeps it, here or in `accept`.
    #[must_use]
    pub fn request(&self) -> Option<Request> {
        self.sending().request.clone()
    }

    /// Tells the server's log, at the level error, that code around this socket failed, and lets the socket go on.
    pub fn log_error(&self, message: &str) {
        self.inner.stream.home().failed(message);
    }

    /// The subprotocol that was agreed.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.inner.options.protocols.get(self.inner.protocol as usize).map(String::as_str)
    }

    /// Whether messages are still taken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.sending().closed && !self.inner.stream.is_over()
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub fn send_text(&self, text: impl AsRef<str>) -> Result<(), SendError> {
        self.send(Message::Text(text.as_ref()))
    }

    /// Sends a binary message.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub fn send_binary(&self, data: impl AsRef<[u8]>) -> Result<(), SendError> {
        self.send(Message::Binary(data.as_ref()))
    }

    /// Sends a message, whole. It is copied.
    ///
    /// # Errors
    /// [`SendError::WouldBlock`] when so much waits for the client that nothing was taken; [`SendError::Closed`] when the socket is closing
    /// or gone.
    pub fn send(&self, message: Message<'_>) -> Result<(), SendError> {
        self.send_frame(Part::Message, |wire, out| match message {
            Message::Text(text) => wire.send_text(text, out),
            Message::Binary(data) => wire.send(Opcode::Binary, data, out),
        })
    }

    /// Sends a piece of a message whose end is not at hand yet, in a frame of its own (RFC 6455, 5.4), without compression. All pieces are of one
    /// kind, and the last one says that it is; each piece of a text is whole characters. Until the last, other messages are refused with
    /// [`SendError::WouldBlock`], and publications are missed ([`WebSocket::missed`]); Pings and a close are not held up. So one thread sends all
    /// pieces, and soon.
    ///
    /// # Errors
    /// As [`WebSocket::send`]; then the message goes on with the same piece. [`SendError::Misuse`] for a piece of another kind.
    pub fn send_fragment(&self, piece: Message<'_>, last: bool) -> Result<(), SendError> {
        self.send_frame(Part::Fragment, |wire, out| {
            wire.send_fragment(piece.opcode(), piece.as_bytes(), last, out)
        })
    }

    /// Sends a Ping with at most 125 bytes (RFC 6455, 5.5.2). Those that find out whether the client lives are sent without it.
    ///
    /// # Errors
    /// As [`WebSocket::send`]; [`SendError::Misuse`] when it is longer.
    pub fn ping(&self, data: &[u8]) -> Result<(), SendError> {
        self.send_frame(Part::Control, |wire, out| wire.ping(data, out))
    }

    fn send_frame(
        &self,
        part: Part,
        encode: impl FnOnce(&mut Sender, &mut Vec<u8>) -> Result<(), proto::SendError>,
    ) -> Result<(), SendError> {
        let stream = &self.inner.stream;
        let mut sending = self.sending();
        if sending.closed || self.inner.stream.is_over() {
            return Err(SendError::Closed);
        }
        if !sending.batching || sending.refused || sending.pending.len() >= BATCH {
            sending.flush(stream);
            if sending.refused || (!sending.batching && !stream.has_room()) {
                sending.owes_writable = true;
                return Err(SendError::WouldBlock);
            }
        }
        if part == Part::Message && sending.wire.is_mid_message() {
            (sending.owes_writable, sending.waits_for_last) = (true, true);
            return Err(SendError::WouldBlock);
        }
        let Sending { wire, pending, .. } = &mut *sending;
        encode(wire, pending)?;
        if !sending.wire.is_mid_message() && std::mem::take(&mut sending.waits_for_last) {
            stream.ask_for_room();
        }
        if !sending.batching {
            sending.flush(stream);
        }
        if sending.closed { Err(SendError::Closed) } else { Ok(()) }
    }

    /// Begins to close: sends a Close frame behind what was sent, and waits for the client's for at most
    /// [`WsOptions::close_timeout`](super::WsOptions::close_timeout). Messages that come meanwhile are dropped.
    ///
    /// # Errors
    /// [`SendError::Closed`] when it was closing before; [`SendError::Misuse`] for a code that may not be sent (1000 to 1003, 1007 to 1014, and 3000 to
    /// 4999 may; RFC 6455, 7.4) or a reason of more than 123 bytes.
    pub fn close(&self, code: u16, reason: &str) -> Result<(), SendError> {
        let code = CloseCode::new(code).ok_or(SendError::Misuse("this close code may not be sent"))?;
        let mut sending = self.sending();
        let Sending { wire, pending, closed, batching, .. } = &mut *sending;
        if *closed {
            return Err(SendError::Closed);
        }
        wire.close(Some(code), reason, pending)?;
        *closed = true;
        if !*batching {
            sending.flush(&self.inner.stream);
        }
        if std::mem::take(&mut sending.paused) {
            // The client's Close frame stands behind what waits.
            self.inner.stream.ask_for_room();
        }
        // Under the lock, so that the worker never finds a socket that is closing without its time limit.
        self.inner.stream.set_alarm(self.inner.options.close_timeout);
        Ok(())
    }

    /// No more messages are delivered until [`WebSocket::resume`]: for a program that takes them elsewhere than in its handler, and can't keep
    /// more of them. Those of a read that is worked off just now stop too; they wait, and then the client is not read any more.
    pub fn pause(&self) {
        let mut sending = self.sending();
        sending.paused = !sending.closed;
    }

    /// Messages are delivered again after [`WebSocket::pause`], behind what the client has to take first.
    pub fn resume(&self) {
        if std::mem::replace(&mut self.sending().paused, false) {
            self.inner.stream.ask_for_room();
        }
    }

    /// Puts the socket on the list of a topic: it gets what is published there, in any worker of its server. It leaves when it ends. Whoever
    /// lets clients name topics must bound their number.
    pub fn subscribe(&self, topic: &str) {
        self.tell_topics(TopicCommand::Subscribe { topic: topic.into(), socket: self.downgrade() });
    }

    /// Takes the socket off the list of a topic.
    pub fn unsubscribe(&self, topic: &str) {
        self.tell_topics(TopicCommand::Unsubscribe { topic: topic.into(), socket: self.downgrade() });
    }

    /// Sends a message to all sockets on the list of a topic, this one too if it is there. It is encoded once. A socket that has not taken
    /// what was sent to it before misses it, and counts that ([`WebSocket::missed`]).
    ///
    /// # Errors
    /// [`SendError::WouldBlock`] when publications of 64 MiB wait for the workers; [`SendError::Closed`] when the server has ended.
    pub fn publish(&self, topic: &str, message: Message<'_>) -> Result<(), SendError> {
        self.inner.stream.home().publish(topic, message)
    }

    /// How many publications this socket has missed, because it had not taken what was sent before.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.inner.missed.load(Ordering::Relaxed)
    }

    /// Bytes of frames that were taken and wait for the client: those that the connection has not got yet, which may be few though it has not sent
    /// them all.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.sending().pending.len() + self.inner.stream.outbound()
    }

    fn tell_topics(&self, command: TopicCommand) {
        self.inner.stream.home().topic(command);
    }

    pub(super) fn options(&self) -> &WsOptions {
        &self.inner.options
    }

    pub(super) fn stream(&self) -> &ByteStream {
        &self.inner.stream
    }

    /// The handler has opened it: the request goes, unless somebody keeps it.
    pub(super) fn let_request_go(&self) {
        let request = self.sending().request.take();
        // Without the lock: what was attached to it is the application's, and may hold the socket.
        drop(request);
    }

    fn sending(&self) -> MutexGuard<'_, Sending> {
        self.inner.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn downgrade(&self) -> WeakSocket {
        WeakSocket(Arc::downgrade(&self.inner))
    }

    // The worker's side.

    /// What is sent from now on is gathered, until [`WebSocket::end_batch`]. False: so much waits for the client, or the program takes no more, so
    /// that no input should be worked off.
    pub(super) fn begin_batch(&self) -> bool {
        let mut sending = self.sending();
        sending.batching = true;
        sending.flush(&self.inner.stream);
        sending.refused |= !self.inner.stream.has_room();
        !sending.refused && !sending.paused
    }

    /// Adds frames of the protocol itself. False: no more input should be worked off, as for [`WebSocket::begin_batch`].
    pub(super) fn add(&self, replies: &mut Vec<u8>) -> bool {
        let mut sending = self.sending();
        if !sending.closed {
            sending.pending.append(replies);
        }
        replies.clear();
        if sending.pending.len() >= BATCH {
            sending.flush(&self.inner.stream);
        }
        !sending.refused && !sending.paused
    }

    /// Whether the handler has to hear now that sends are taken again.
    pub(super) fn owes_writable(&self) -> bool {
        let mut sending = self.sending();
        let now = sending.owes_writable && !sending.refused && !sending.closed;
        sending.owes_writable &= !now;
        now
    }

    /// Gives the byte stream what was gathered. False: it took nothing.
    pub(super) fn end_batch(&self) -> bool {
        let mut sending = self.sending();
        sending.batching = false;
        sending.flush(&self.inner.stream);
        !sending.refused
    }

    /// Whether our Close frame is out, or was never needed.
    pub(super) fn is_closing(&self) -> bool {
        self.sending().closed
    }

    /// Ends the byte stream behind what is pending and these last frames, which are dropped when a Close frame is out.
    pub(super) fn finish(&self, last: &[u8]) {
        let mut sending = self.sending();
        if !std::mem::replace(&mut sending.closed, true) {
            sending.pending.extend_from_slice(last);
        }
        let pending = Bytes::from(std::mem::take(&mut sending.pending));
        // Err: it is over already.
        let _ = self.inner.stream.finish_with_last(pending);
    }

    /// It is gone: nothing is taken any more, and it leaves its topics.
    pub(super) fn end(&self) {
        {
            let mut sending = self.sending();
            sending.closed = true;
            if self.inner.stream.is_over() {
                sending.pending = Vec::new();
            }
        }
        self.inner.ended.store(true, Ordering::Release);
        self.tell_topics(TopicCommand::Leave { socket: self.downgrade() });
    }

    /// Sends a frame that was encoded for many.
    pub(super) fn deliver(&self, frame: &Bytes) {
        let stream = &self.inner.stream;
        let mut sending = self.sending();
        sending.flush(stream);
        if sending.closed {
            return;
        }
        if sending.wire.is_mid_message() {
            self.inner.missed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let taken = match stream.write(frame.clone()) {
            Ok(()) => !sending.refused,
            Err(AnswerError::WouldBlock) => false,
            // It is over, and leaves the topic by itself.
            Err(_) => return,
        };
        if !taken {
            self.inner.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl std::fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebSocket").field("stream", &self.inner.stream).finish_non_exhaustive()
    }
}

/// A socket on a list, which does not keep it.
#[derive(Clone)]
pub(crate) struct WeakSocket(Weak<Inner>);

impl WeakSocket {
    /// Tells sockets apart, as long as one of them is held.
    pub(super) fn id(&self) -> usize {
        self.0.as_ptr().addr()
    }

    /// The socket, unless it has ended.
    pub(super) fn get(&self) -> Option<WebSocket> {
        let inner = self.0.upgrade()?;
        (!inner.ended.load(Ordering::Acquire)).then_some(WebSocket { inner })
    }
}
